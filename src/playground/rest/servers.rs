//! `Server`: all of them, this one, or one by its number, with the recorded fields.
//!
//! Beyond the record: what a provider's server looks like (here: storage with a `providerDestinationName`), and every
//! counter of bytes.

use serde_json::{Value, json};

use super::answer::{Answer, Page};
use super::call::Call;
use crate::fleet::ServerRole;
use crate::simulator::server::{ListedServer, ServerId};
use crate::simulator::world::World;

/// The destination of own servers, as in the recorded answers.
pub(super) const OWN_DESTINATION: u32 = 2;

/// Reads servers.
pub(super) fn servers(world: &World, call: &Call) -> Answer {
    if !call.is_get() {
        return Answer::wrong_method();
    }
    match call.rest.as_slice() {
        [] => {
            let list =
                Page::of(call).list("servers", world.servers().into_iter(), |server| written(world, &server));
            Answer::data(call, list)
        }
        [this] if this.eq_ignore_ascii_case("this") => Answer::data(call, written(world, &world.authority())),
        [id] => match id.parse().ok().and_then(|id| world.server(ServerId(id))) {
            Some(server) => Answer::data(call, written(world, &server)),
            None => Answer::not_found(),
        },
        _ => Answer::not_found(),
    }
}

/// The destination that a server belongs to: one for all own servers, one for each provider.
pub(super) fn destination_of(server: &ListedServer) -> u32 {
    match server.role {
        ServerRole::Authority | ServerRole::Storage => OWN_DESTINATION,
        ServerRole::Provider => 500 + server.id.0,
    }
}

/// The name of that destination.
pub(super) fn destination_name(world: &World, server: &ListedServer) -> String {
    match server.role {
        ServerRole::Authority | ServerRole::Storage => world.settings().name.clone(),
        ServerRole::Provider => server.name.0.clone(),
    }
}

fn written(world: &World, server: &ListedServer) -> Value {
    let kind = match server.role {
        ServerRole::Authority => "SERVER",
        ServerRole::Storage | ServerRole::Provider => "STORAGE",
    };
    let provider = match server.role {
        ServerRole::Provider => Some(&server.name.0),
        ServerRole::Authority | ServerRole::Storage => None,
    };
    let host = format!("192.0.2.{}", server.id.0 % 250);
    json!({
        "serverId": server.id.0,
        "guid": server.guid,
        "serverName": server.name,
        "type": kind,
        "version": server.version,
        "online": server.online,
        "outOfDate": server.out_of_date,
        "acceptingInboundBackup": "ALL",
        "balancingData": "NONE",
        "acceptingNewComputers": "ALL",
        "dbEmpty": false,
        "clusterServerId": 1,
        "destinationId": destination_of(server),
        "destinationName": destination_name(world, server),
        "providerDestinationName": provider,
        "primaryAddress": format!("{host}:4282"),
        "secondaryAddress": null,
        "websiteHost": format!("http://{host}:4280"),
        "storePointCount": 1,
        "totalBytes": 19_674_116_096_u64,
        "usedBytes": 3_905_138_688_u64,
        "usedPercentage": 20.0,
        "freeBytes": 15_768_977_408_u64,
        "freePercentage": 80.0,
        "coldBytes": 0,
        "coldPercentageOfUsed": 0.0,
        "coldPercentageOfTotal": 0.0,
        "archiveBytes": 0,
        "selectedBytes": 0,
        "remainingBytes": 0,
        "inboundBandwidth": 0,
        "outboundBandwidth": 0,
        "orgCount": world.organisations().all().len(),
        "userCount": server.devices,
        "licensedUserCount": server.devices,
        "computerCount": server.devices,
        "backupComputerCount": server.devices,
        "onlineComputerCount": server.online_devices,
        "backupSessionCount": server.backup_sessions,
    })
}
