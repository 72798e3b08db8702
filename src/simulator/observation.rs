//! What an observer learns from a simulated environment without any network: the planner's facts.
//!
//! For scripts in virtual time. Faults become the failures that the REST client would report.

use std::str::FromStr;

use super::device::{ListedDevice, ReportedVersion};
use super::fault::Fault;
use super::scenario::ClusterType;
use super::world::World;
use crate::catalog::Version;
use crate::fleet::devices::Device;
use crate::fleet::{
    Arrangement, DeviceTraits, Devices, DevicesBuilder, GroupMatcher, GroupRule, Organisation, Rank, Server,
    Streak, Unresolved,
};
use crate::planner::observed::{AccessFailure, AuthorityFacts, Edition, ServersFacts, SettingsFacts, Switch};

/// Whether a resource can be read now.
pub fn access(world: &World, resource: &str) -> Result<(), AccessFailure> {
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

/// The devices, as one complete listing that took no time, arranged by groups for a release; and what is wrong with the groups.
pub fn devices(
    world: &World,
    groups: &[GroupRule],
    release: Option<Version>,
) -> Result<(Devices, Vec<Unresolved>), AccessFailure> {
    access(world, "Computer")?;
    let (matcher, unresolved) = GroupMatcher::new(groups, &organisations(world));
    let mut builder = DevicesBuilder::new(world.now(), Arrangement::new(groups, release), 0);
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
    for listed in listed {
        let version = match listed.version {
            ReportedVersion::Version(version) => Some(version),
            ReportedVersion::Nonsense => None,
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
            group: matcher.group_of(&DeviceTraits {
                organisation: listed.organisation,
                os: listed.os,
                product: listed.product,
                name: &listed.name(),
                guid: listed.guid,
            }),
            rank: Rank::in_rollout(listed.guid, release),
        });
    }
    Ok((builder.finish(world.now()), unresolved))
}

fn organisations(world: &World) -> Vec<Organisation> {
    let known = world.organisations().all().iter();
    known.map(|known| Organisation { id: known.id, name: known.name.clone(), parent: known.parent }).collect()
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::catalog::{Catalog, Os};
    use crate::fleet::{GroupKeys, Verification};
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

    #[test]
    fn answers_in_a_row_are_evidence() {
        let mut world = world();
        let release: Version = "4.2.3.1".parse().unwrap();
        let mut facts = None;
        for _ in 0..3 {
            facts = Some(servers(&world, facts.as_ref()).unwrap());
            world.advance_to(world.now() + SignedDuration::from_mins(1));
        }
        let verified = |server: &Server| server.verification(release) == Verification::Verified;
        assert!(facts.unwrap().list.iter().all(verified));
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
            assert_eq!(servers(&world, None), Err(failure));
            assert!(settings(&world).is_ok());
        }
        world.faults_mut().clear_all();
        let guid = world.authority().guid;
        world.stop_server(&guid).unwrap();
        assert_eq!(authority(&world), Err(AccessFailure::Unreachable));
    }

    #[test]
    fn a_listing_counts_what_is_odd() {
        let mut world = world();
        let release = "4.3.5.3".parse().unwrap();
        let groups = [
            GroupRule::new(GroupKeys { os: Some(vec![Os::Windows]), ..GroupKeys::default() }),
            GroupRule::all(),
        ];
        let (listing, _) = devices(&world, &groups, Some(release)).unwrap();
        assert_eq!((listing.len(), listing.oddities.unreadable), (10, 0));
        assert!(listing.rows().iter().all(|row| row.group == 1 && row.last_connected > 0));
        let first = &listing.rows()[0];
        assert_eq!(first.rank, Rank::of(&first.guid.to_string(), release));
        world.faults_mut().set(Some("Computer"), Fault::ShiftedPages);
        let (shifted, _) = devices(&world, &groups, None).unwrap();
        assert_eq!((shifted.len(), shifted.oddities.duplicates, shifted.oddities.missing), (9, 1, 1));
    }
}
