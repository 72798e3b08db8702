//! What an observer learns from a simulated environment without any network: the planner's facts.
//!
//! For scripts in virtual time. Faults become the failures that the REST client would report.

use std::str::FromStr;

use super::device::ReportedVersion;
use super::fault::Fault;
use super::scenario::ClusterType;
use super::world::World;
use crate::catalog::Version;
use crate::fleet::devices::Device;
use crate::fleet::{Devices, DevicesBuilder, Rank, Server, Streak};
use crate::planner::observed::{AccessFailure, AuthorityFacts, Edition, ServersFacts, SettingsFacts, Switch};

use super::device::ListedDevice;

/// Whether a resource can be read now.
pub fn access(world: &World, resource: &str) -> Result<(), AccessFailure> {
    if !world.authority_answers() {
        return Err(AccessFailure::Unreachable);
    }
    match world.faults().of(resource) {
        Some(Fault::RefuseConnection | Fault::TimeOut) => Err(AccessFailure::Unreachable),
        Some(Fault::Html | Fault::HalfAnswer | Fault::WrongTypes | Fault::ServerError) => {
            Err(AccessFailure::Unexpected)
        }
        Some(Fault::Unauthorised) => Err(AccessFailure::Refused),
        Some(Fault::Version(_) | Fault::OtherAuthority(_) | Fault::ShiftedPages) | None => Ok(()),
    }
}

/// Who the authority is.
pub fn authority(world: &World) -> Result<AuthorityFacts, AccessFailure> {
    access(world, "ServerEnv")?;
    Ok(AuthorityFacts {
        read_at: world.now(),
        guid: world.authority().guid,
        edition: match world.cluster() {
            ClusterType::Enterprise => Edition::Enterprise,
            ClusterType::Business | ClusterType::Consumer => Edition::Other,
        },
    })
}

/// The servers, by guid, with their streaks continued from the last good answer.
pub fn servers(world: &World, previous: Option<&ServersFacts>) -> Result<ServersFacts, AccessFailure> {
    access(world, "Server")?;
    let now = world.now();
    let mut list: Vec<Server> = world
        .servers()
        .into_iter()
        .map(|listed| {
            let before =
                previous.and_then(|facts| facts.list.iter().find(|server| server.guid == listed.guid));
            let mut server = Server {
                guid: listed.guid,
                name: listed.name,
                role: listed.role,
                version: listed.version,
                online: listed.online,
                online_devices: listed.online_devices,
                backup_sessions: listed.backup_sessions,
                streak: Streak::begin(now),
            };
            server.continue_streak(before, now);
            server
        })
        .collect();
    list.sort_by(|one, other| one.guid.cmp(&other.guid));
    Ok(ServersFacts { read_at: now, list })
}

/// The authority's settings.
pub fn settings(world: &World) -> Result<SettingsFacts, AccessFailure> {
    access(world, "serverSettings")?;
    let settings = world.settings();
    let switch = |on: bool| if on { Switch::On } else { Switch::Off };
    Ok(SettingsFacts {
        read_at: world.now(),
        device_auto_upgrade: switch(settings.device_auto_upgrade),
        server_auto_upgrade: switch(settings.auto_upgrade),
        daily_services: jiff::civil::Time::from_str(&settings.daily_accounting_time).ok(),
        utc_offset_seconds: i32::try_from(world.utc_offset_seconds()).ok(),
    })
}

/// The devices, as one complete listing that took no time. `group_of` says to which group a device belongs, by the
/// groups with the digest `matched_by`.
pub fn devices(
    world: &World,
    ranked_for: Option<Version>,
    matched_by: u64,
    group_of: impl Fn(&ListedDevice) -> u16,
) -> Result<Devices, AccessFailure> {
    access(world, "Computer")?;
    let mut builder = DevicesBuilder::new(world.now(), ranked_for, matched_by, 0);
    let mut total = 0;
    for listed in world.devices() {
        total += 1;
        let ReportedVersion::Version(version) = listed.version else {
            builder.count_unreadable();
            continue;
        };
        builder.push(Device {
            guid: listed.guid,
            computer_id: listed.id.0,
            product: listed.product,
            os: listed.os,
            version,
            state: listed.state,
            last_connected: listed.last_connected.map_or(i64::MIN, jiff::Timestamp::as_second),
            organisation: listed.organisation,
            group: group_of(&listed),
            rank: ranked_for.map_or(Rank::LAST, |release| Rank::of(&listed.guid.to_string(), release)),
        });
    }
    Ok(builder.finish(world.now(), Some(total)))
}
