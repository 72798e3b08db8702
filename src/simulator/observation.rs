//! What an authority of a simulated environment answers, without any network: what a collector makes its facts of.
//!
//! For stories in virtual time. Faults become the failures that the REST client would report.

use std::str::FromStr;

use jiff::Timestamp;

use super::device::{ListedDevice, ReportedVersion};
use super::fault::Fault;
use super::scenario::ClusterType;
use super::world::World;
use crate::fleet::devices::Device;
use crate::fleet::{
    Arrangement, DeviceTraits, DevicesBuilder, GroupMatcher, GroupRule, Organisation, Rank, Server, Streak,
};
use crate::observing::{Answer, Failure, Known, Listing};
use crate::planner::observed::{AccessFailure, Edition, SettingsFacts, Switch};

/// Servers and settings cannot be read.
pub fn unread(kind: AccessFailure) -> Failure {
    Failure::new(kind, format!("the authority cannot be read ({kind:?})"))
}

/// Devices cannot be listed.
pub fn unlisted(kind: AccessFailure) -> Failure {
    Failure::new(kind, format!("{kind:?}"))
}

fn access(world: &World, resource: &str) -> Result<(), AccessFailure> {
    if !world.authority_answers() {
        return Err(AccessFailure::Unreachable);
    }
    match world.faults().of(resource) {
        Some(Fault::RefuseConnection | Fault::TimeOut) => Err(AccessFailure::Unreachable),
        Some(Fault::Html | Fault::Body(_) | Fault::HalfAnswer | Fault::WrongTypes | Fault::ServerError) => {
            Err(AccessFailure::Unexpected)
        }
        Some(Fault::Unauthorised) => Err(AccessFailure::Refused),
        Some(Fault::Version(_) | Fault::OtherAuthority(_) | Fault::ShiftedPages | Fault::NoDevices)
        | None => Ok(()),
    }
}

/// What it says of itself, its servers and its settings, to somebody who knows something already and whose clock shows `at`.
///
/// # Errors
/// It says nothing, or nothing that can be used.
pub fn answer(world: &World, known: &Known, at: Timestamp) -> Result<Answer, Failure> {
    access(world, "Server").map_err(unread)?;
    let authority = world.authority().guid;
    let servers = world.servers().into_iter().map(|listed| Server {
        guid: listed.guid,
        name: listed.name,
        role: listed.role,
        version: listed.version,
        online: listed.online,
        online_devices: listed.online_devices,
        backup_sessions: listed.backup_sessions,
        streak: Streak::begin(at),
    });
    Ok(Answer {
        at,
        edition: known.edition_of(&authority).unwrap_or_else(|| edition(world)),
        authority,
        servers: servers.collect(),
        settings: settings(world, at),
    })
}

fn edition(world: &World) -> Edition {
    match (access(world, "ServerEnv"), world.cluster()) {
        (Err(_), _) => Edition::Unstated,
        (Ok(()), ClusterType::Enterprise) => Edition::Enterprise,
        (Ok(()), ClusterType::Business | ClusterType::Consumer) => Edition::Other,
    }
}

/// The settings, where they can be read.
fn settings(world: &World, at: Timestamp) -> Option<SettingsFacts> {
    access(world, "serverSettings").ok()?;
    let settings = world.settings();
    let switch = |on: bool| if on { Switch::On } else { Switch::Off };
    Some(SettingsFacts {
        read_at: at,
        device_auto_upgrade: switch(settings.device_auto_upgrade),
        server_auto_upgrade: switch(settings.auto_upgrade),
        daily_services: jiff::civil::Time::from_str(&settings.daily_accounting_time).ok(),
        utc_offset_seconds: i32::try_from(world.utc_offset_seconds()).ok(),
    })
}

/// The devices, as one complete listing that took no time, matched by groups.
///
/// # Errors
/// It cannot be had.
pub fn devices(
    world: &World,
    groups: &[GroupRule],
    arrangement: Arrangement,
    at: Timestamp,
) -> Result<Listing, Failure> {
    if GroupMatcher::needs_organisations(groups) {
        access(world, "Org").map_err(unlisted)?;
    }
    access(world, "Computer").map_err(unlisted)?;
    let (matcher, unresolved) = GroupMatcher::new(groups, &organisations(world));
    let mut builder = DevicesBuilder::new(at, arrangement, world.device_count());
    let fault = world.faults().of("Computer");
    let mut listed: Vec<ListedDevice> = world.devices().collect();
    if fault == Some(&Fault::NoDevices) {
        listed.clear();
    }
    builder.note_total(listed.len() as u64);
    if fault == Some(&Fault::ShiftedPages) {
        // As if one page ended after the first row: the next repeats it, and the last row of all is missing.
        listed.pop();
        listed.extend(listed.first().cloned());
    }
    for listed in &listed {
        builder.push(row(listed, &matcher, arrangement));
    }
    Ok(Listing { devices: builder.finish(at), unresolved })
}

/// A device as a row.
fn row(listed: &ListedDevice, matcher: &GroupMatcher, arrangement: Arrangement) -> Device {
    let traits = DeviceTraits {
        organisation: listed.organisation,
        os: listed.os,
        product: listed.product,
        name: &listed.name(),
        guid: listed.guid,
    };
    Device {
        guid: listed.guid,
        computer_id: listed.id.0,
        product: listed.product,
        os: listed.os,
        version: match listed.version {
            ReportedVersion::Version(version) => Some(version),
            ReportedVersion::Nonsense => None,
        },
        state: listed.state,
        last_connected: listed.last_connected.map_or(i64::MIN, Timestamp::as_second),
        organisation: listed.organisation,
        group: matcher.group_of(&traits),
        rank: Rank::in_rollout(listed.guid, arrangement.release),
    }
}

fn organisations(world: &World) -> Vec<Organisation> {
    let known = world.organisations().all().iter();
    known.map(|known| Organisation { id: known.id, name: known.name.clone(), parent: known.parent }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::{Catalog, Os, Version};
    use crate::fleet::GroupKeys;
    use crate::simulator::scenario::Scenario;

    fn world() -> World {
        let scenario = "
start: 2016-03-01T10:00:00Z
authority: {name: authority, version: 4.2.3.1}
storage: [{name: storage-01, version: 4.2.3.1}]
devices: [{count: 9, os: Linux, version: 4.2.0}, {count: 1, os: Mac, version: 4.2.0, behaviour: Lies}]
";
        World::new(&Scenario::from_yaml(scenario).unwrap(), Catalog::default()).unwrap()
    }

    fn answered(world: &World) -> Result<Answer, AccessFailure> {
        answer(world, &Known::nothing(), world.now()).map_err(|failure| failure.kind)
    }

    #[test]
    fn faults_are_failures_of_access() {
        let mut world = world();
        for (fault, failure) in [
            (Fault::TimeOut, AccessFailure::Unreachable),
            (Fault::HalfAnswer, AccessFailure::Unexpected),
            (Fault::Unauthorised, AccessFailure::Refused),
        ] {
            world.faults_mut().set(Some("Server"), fault);
            assert_eq!(answered(&world).unwrap_err(), failure);
        }
        world.faults_mut().clear_all();
        assert!(answered(&world).unwrap().settings.is_some());
        world.faults_mut().set(Some("serverSettings"), Fault::Html);
        world.faults_mut().set(Some("ServerEnv"), Fault::Html);
        let bare = answered(&world).unwrap();
        assert_eq!((bare.settings, bare.edition), (None, Edition::Unstated));
        world.faults_mut().clear_all();
        let guid = world.authority().guid;
        world.stop_server(&guid).unwrap();
        assert_eq!(answered(&world).unwrap_err(), AccessFailure::Unreachable);
    }

    #[test]
    fn a_listing_counts_what_is_odd() {
        let mut world = world();
        let release: Version = "4.3.5.3".parse().unwrap();
        let windows = GroupKeys { os: Some(vec![Os::Windows]), ..GroupKeys::default() };
        let groups = [GroupRule::new(windows), GroupRule::all()];
        let list = |world: &World, release| {
            let arrangement = Arrangement::new(&groups, release);
            devices(world, &groups, arrangement, world.now()).unwrap().devices
        };
        let listing = list(&world, Some(release));
        assert_eq!((listing.len(), listing.oddities.unreadable), (10, 0));
        assert!(listing.rows().iter().all(|row| row.group == 1 && row.last_connected > 0));
        let first = &listing.rows()[0];
        assert_eq!(first.rank, Rank::of(&first.guid.to_string(), release));
        world.faults_mut().set(Some("Computer"), Fault::ShiftedPages);
        let shifted = list(&world, None);
        assert_eq!((shifted.len(), shifted.oddities.duplicates, shifted.oddities.missing), (9, 1, 1));
    }
}
