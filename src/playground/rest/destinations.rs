//! `Destination`, `StorePoint` and `diagnostic`.
//!
//! Destinations have the recorded fields. Of store points and of the diagnostic only field names are on record.

use serde_json::{Value, json};

use super::answer::{Answer, Page, local};
use super::call::Call;
use super::servers::{OWN_DESTINATION, destination_name, destination_of};
use crate::simulator::server::ListedServer;
use crate::simulator::world::World;

/// Lists destinations.
pub(super) fn destinations(world: &World, call: &Call) -> Answer {
    if !call.is_get() {
        return Answer::wrong_method();
    }
    let mut ids: Vec<u32> = world.servers().iter().map(destination_of).collect();
    ids.sort_unstable();
    ids.dedup();
    let list = Page::of(call).list("destinations", ids.into_iter(), |id| destination(world, id));
    Answer::data(call, list)
}

fn destination(world: &World, id: u32) -> Value {
    let servers: Vec<ListedServer> =
        world.servers().into_iter().filter(|server| destination_of(server) == id).collect();
    let name = servers.first().map(|server| destination_name(world, server)).unwrap_or_default();
    let offline = servers.iter().filter(|server| !server.online).count();
    let sum = |count: fn(&ListedServer) -> u32| servers.iter().map(count).sum::<u32>();
    let status = match offline {
        0 => "ALL",
        some if some < servers.len() => "SOME",
        _ => "NONE",
    };
    json!({
        "destinationId": id,
        "computerId": id,
        "guid": (600_782_252_019_810_561_u64 - u64::from(OWN_DESTINATION) + u64::from(id)).to_string(),
        "destinationName": name,
        "type": "CLUSTER",
        "acceptingInboundBackup": "ALL",
        "acceptingNewComputers": "ALL",
        "serverOnlineStatus": status,
        "clusterServerId": 1,
        "orgCount": world.organisations().all().len(),
        "userCount": sum(|server| server.devices),
        "computerCount": sum(|server| server.devices),
        "onlineComputerCount": sum(|server| server.online_devices),
        "usedBytes": 3_746_668_544_u64,
        "archiveBytes": 0,
        "backupSessionCount": sum(|server| server.backup_sessions),
        "inboundBandwidth": 0,
        "outboundBandwidth": 0,
        "selectedBytes": 0,
        "remainingBytes": 0,
        "balancingData": "NONE",
        "serverCount": servers.len(),
        "offlineServerCount": offline,
        "storePointCount": servers.len(),
        "totalBytes": 19_674_116_096_u64,
        "usedPercentage": 19.0,
        "freeBytes": 15_927_447_552_u64,
        "freePercentage": 81.0,
        "coldBytes": 0,
        "coldPercentageOfUsed": 0.0,
        "coldPercentageOfTotal": 0.0,
        "settings": {
            "balancerEnabled": true,
            "allowedDiskVariance": 20,
            "localPriority": 100,
            "remotePriority": 100,
        },
    })
}

/// Lists store points: one a server. The list's key is in lower case (FACTS.md, api-store-points).
pub(super) fn store_points(world: &World, call: &Call) -> Answer {
    if !call.is_get() {
        return Answer::wrong_method();
    }
    let list = Page::of(call).list("storepoints", world.servers().into_iter(), |server| {
        json!({
            "storePointId": server.id.0,
            "storePointName": format!("{}-archives", server.name),
            "path": "/var/opt/proserver",
            "directory": "backupArchives",
            "absolutePath": "/var/opt/proserver/backupArchives",
            "serverId": server.id.0,
            "serverName": server.name,
            "online": server.online,
            "serverOnline": server.online,
            "freePercentage": 80.0,
            "backupSessionCount": server.backup_sessions,
            "acceptingInboundBackup": true,
            "acceptingNewComputers": true,
            "balancingData": false,
        })
    });
    Answer::data(call, list)
}

/// Whether the authority is well.
pub(super) fn diagnostic(world: &World, call: &Call) -> Answer {
    if !call.is_get() {
        return Answer::wrong_method();
    }
    let diagnostic = json!({
        "diagnosticTimestamp": local(world, world.now()),
        "dbOk": true,
        "volumes": [],
        "systemAlerts": [],
    });
    Answer::data(call, diagnostic)
}
