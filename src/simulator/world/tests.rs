//! Each behaviour of the world, by itself.

use jiff::{SignedDuration, Timestamp};

use super::*;
use crate::catalog::{AcceptedVersion, CompatibilityRow, Os, Product, Release, Support, Version};
use crate::fleet::{DeviceState, ServerName};
use crate::simulator::device::{ListedDevice, ReportedVersion};
use crate::simulator::scenario::{Exception, Hours, Power};
use crate::simulator::server::{ListedServer, ServerState};

fn version(text: &str) -> Version {
    text.parse().unwrap()
}

/// 4.2.3.1, whose matrix nobody published, and 4.3.5.3, which takes 4.2.x and 4.3.x and bundles 4.3.5.
fn catalog() -> Catalog {
    let mut release = Release::bare(version("4.3.5.3"));
    let accepted = |text: &str, bundled| AcceptedVersion {
        pattern: text.parse().unwrap(),
        bundled,
        support: Support::Full,
    };
    release.compatibility = Some(vec![CompatibilityRow {
        product: Product::CrashPlan,
        os: [].into(),
        versions: vec![accepted("4.3.5", true), accepted("4.3.x", false), accepted("4.2.x", false)],
    }]);
    Catalog::new([Release::bare(version("4.2.3.1")), release])
}

fn server(name: &str, at: &str) -> ScenarioServer {
    ScenarioServer { name: name.into(), guid: None, version: Some(version(at)), power: Power::On }
}

fn group(count: u32, at: &str) -> DeviceGroup {
    DeviceGroup {
        count,
        product: Product::CrashPlan,
        os: Os::Windows,
        version: version(at),
        organisation: None,
        online_percent: 100,
        hours: Hours::Always,
        state: DeviceState::Active,
        behaviour: Behaviour::Upgrades,
        exceptions: Vec::new(),
    }
}

fn scenario(storage: u32, devices: Vec<DeviceGroup>) -> Scenario {
    Scenario {
        // A Tuesday morning.
        start: "2016-03-01T10:00:00Z".parse().unwrap(),
        seed: 1,
        utc_offset_hours: 0,
        authority: server("authority", "4.2.3.1"),
        storage: (1..=storage).map(|nth| server(&format!("storage-{nth:02}"), "4.2.3.1")).collect(),
        providers: Vec::new(),
        organisations: Vec::new(),
        devices,
        settings: Settings::default(),
        migration: Minutes::default(),
        cluster: ClusterType::Enterprise,
    }
}

fn world(storage: u32, devices: Vec<DeviceGroup>) -> World {
    World::new(&scenario(storage, devices), catalog()).unwrap()
}

fn behaving(behaviour: Behaviour) -> World {
    world(1, vec![DeviceGroup { behaviour, ..group(10, "4.2.0") }])
}

impl World {
    fn pass(&mut self, minutes: i64) {
        self.advance_to(self.now() + SignedDuration::from_mins(minutes));
    }

    fn listed(&self, name: &str) -> ListedServer {
        self.servers().into_iter().find(|server| server.name == ServerName::from(name)).unwrap()
    }

    fn roll(&mut self, name: &str, to: &str) -> ServerState {
        let guid = self.server_guid(name).unwrap();
        self.start_server(&guid, version(to)).unwrap()
    }

    fn first(&self) -> ListedDevice {
        self.devices().next().unwrap()
    }

    fn flag_first(&mut self) {
        self.flag(self.first().id).unwrap();
    }

    fn connected(&self) -> usize {
        self.devices().filter(|device| device.connected).count()
    }

    fn at(&self, text: &str) -> usize {
        let wanted = ReportedVersion::Version(version(text));
        self.devices().filter(|device| device.version == wanted).count()
    }

    /// The hop: the authority, then its storage, then a quarter of an hour for everybody to come back.
    fn hop(&mut self, storage: u32) {
        self.roll("authority", "4.3.5.3");
        self.pass(10);
        for nth in 1..=storage {
            self.roll(&format!("storage-{nth:02}"), "4.3.5.3");
        }
        self.pass(27);
    }
}

#[test]
fn a_server_shuts_down_migrates_for_minutes_and_comes_back() {
    let mut world = world(1, vec![group(10, "4.2.0")]);
    assert_eq!(world.connected(), 10);
    let began = world.now();
    let ServerState::Starting { ready_at } = world.roll("authority", "4.3.5.3") else { panic!("it starts") };
    let takes = ready_at.duration_since(began);
    assert!(takes >= SignedDuration::from_mins(5) && takes <= SignedDuration::from_mins(10), "{takes:?}");
    world.advance_to(ready_at - SignedDuration::from_secs(1));
    assert!(!world.authority_answers());
    assert_eq!(world.connected(), 0);
    world.advance_to(ready_at);
    assert_eq!(world.listed("authority").version, Some(version("4.3.5.3")));
    assert_eq!(world.connected(), 0);
    world.pass(15);
    assert_eq!(world.connected(), 10);
}

#[test]
fn an_older_image_on_a_migrated_database_does_not_start() {
    let mut world = world(0, Vec::new());
    world.roll("authority", "4.3.5.3");
    world.pass(10);
    assert_eq!(world.roll("authority", "4.2.3.1"), ServerState::Refusing);
    world.pass(60);
    assert!(!world.authority_answers());
    assert!(matches!(world.roll("authority", "4.3.5.3"), ServerState::Starting { .. }));
    world.pass(2);
    assert!(world.authority_answers());
}

#[test]
fn an_interrupted_migration_begins_anew_and_no_older_software_comes_up_on_it() {
    let mut world = world(0, Vec::new());
    world.roll("authority", "4.3.5.3");
    world.pass(3);
    let guid = world.server_guid("authority").unwrap();
    world.stop_server(&guid).unwrap();
    world.pass(60);
    assert!(!world.authority_answers());
    assert_eq!(world.roll("authority", "4.2.3.1"), ServerState::Refusing, "its database is on its way");
    assert!(matches!(world.roll("authority", "4.3.5.3"), ServerState::Starting { .. }));
    world.pass(60);
    assert!(world.authority_answers());
}

#[test]
fn a_restore_brings_an_older_version_back() {
    let mut world = world(0, Vec::new());
    world.hop(0);
    let guid = world.server_guid("authority").unwrap();
    world.restore(&guid, version("4.2.3.1")).unwrap();
    world.pass(3);
    assert_eq!(world.listed("authority").version, Some(version("4.2.3.1")));
}

#[test]
fn storage_behind_its_authority_takes_no_backups_and_its_devices_are_cut_off() {
    let mut world = world(2, vec![group(40, "4.2.0")]);
    let before: Vec<u32> = world.servers().iter().map(|server| server.backup_sessions).collect();
    assert!(before[0] == 0 && before[1] > 0 && before[2] > 0, "{before:?}");
    world.roll("authority", "4.3.5.3");
    world.pass(26);
    let behind = world.listed("storage-01");
    assert_eq!((behind.version, behind.online), (Some(version("4.2.3.1")), true));
    assert_eq!((behind.online_devices, behind.backup_sessions, behind.out_of_date), (0, 0, true));
    assert_eq!(world.connected(), 40, "they reach their authority all the same");
    world.roll("storage-01", "4.3.5.3");
    world.pass(1);
    assert!(!world.listed("storage-01").online);
    world.pass(12);
    let current = world.listed("storage-01");
    assert_eq!((current.backup_sessions, current.out_of_date), (before[1], false));
    assert_eq!(world.listed("storage-02").backup_sessions, 0);
}

#[test]
fn storage_that_never_connected_has_no_version() {
    let mut scenario = scenario(1, Vec::new());
    scenario.storage[0].version = None;
    let mut world = World::new(&scenario, catalog()).unwrap();
    let listed = world.listed("storage-01");
    assert_eq!((listed.version, listed.online, listed.out_of_date), (None, false, false));
    world.roll("storage-01", "4.2.3.1");
    world.pass(5);
    assert_eq!(world.listed("storage-01").version, Some(version("4.2.3.1")));
}

#[test]
fn a_flagged_device_downloads_installs_and_comes_back() {
    let mut world = world(0, vec![group(100, "4.2.0")]);
    world.hop(0);
    let ids: Vec<ComputerId> = world.devices().map(|device| device.id).collect();
    for id in ids {
        world.flag(id).unwrap();
    }
    world.pass(2);
    assert_eq!(world.at("4.3.5"), 0);
    world.pass(34);
    assert_eq!(world.at("4.3.5"), 100);
    world.flag_first();
    world.pass(60);
    assert_eq!(world.at("4.3.5"), 100);
    assert_eq!(world.first().flags, 2);
    assert_eq!(world.flag(ComputerId(5)), Err(CommandError::NoSuchDevice(5)));
}

#[test]
fn a_device_is_upgraded_to_nothing_that_is_not_newer() {
    for at in ["4.3.5", "4.3.7"] {
        let mut world = world(0, vec![group(1, at)]);
        world.hop(0);
        world.flag_first();
        world.pass(120);
        assert_eq!((world.at(at), world.first().errand), (1, Errand::None));
    }
}

#[test]
fn devices_that_the_release_refuses_cannot_connect() {
    let mut world = world(0, vec![group(10, "4.1.5"), group(10, "4.2.0")]);
    world.pass(60);
    assert_eq!(world.connected(), 20, "an unpublished matrix refuses nobody");
    let stopped = world.now();
    world.hop(0);
    assert_eq!(world.connected(), 10);
    assert_eq!(world.first().last_connected, Some(stopped));
    world.flag_first();
    world.pass(600);
    assert_eq!(world.at("4.3.5"), 0, "it cannot fetch the app that would let it in");
}

#[test]
fn the_switch_moves_every_device_at_the_next_restart() {
    let mut world =
        world(1, vec![group(30, "4.2.0"), DeviceGroup { state: DeviceState::Blocked, ..group(5, "4.2.0") }]);
    world.hop(1);
    world.set_setting(SettingsChange { device_auto_upgrade: Some(true), ..SettingsChange::default() });
    world.pass(24 * 60);
    assert_eq!(world.at("4.3.5"), 0);
    world.roll("authority", "4.3.5.3");
    world.pass(60);
    assert_eq!(world.at("4.3.5"), 30);
    assert!(world.journal().any(|entry| entry.what == Happening::FleetMoved(30)));
}

#[test]
fn an_added_app_turns_the_switch_off() {
    let mut world = world(0, vec![group(3, "4.2.0")]);
    world.set_setting(SettingsChange { device_auto_upgrade: Some(true), ..SettingsChange::default() });
    world.offer(Product::CrashPlan, Os::Windows, version("4.8.0"));
    assert!(!world.settings().device_auto_upgrade);
    world.flag_first();
    world.pass(60);
    assert_eq!(world.at("4.8.0"), 1);
}

#[test]
fn a_failed_try_is_repeated_after_an_hour() {
    for (behaviour, done) in [(Behaviour::FailsFirst, 1), (Behaviour::Fails, 0)] {
        let mut world = behaving(behaviour);
        world.hop(1);
        world.flag_first();
        world.pass(60);
        assert_eq!(world.at("4.3.5"), 0, "{behaviour:?}");
        assert!(world.first().connected, "a failed try leaves it connected");
        world.pass(60);
        assert_eq!(world.at("4.3.5"), done, "{behaviour:?}");
    }
}

#[test]
fn every_nth_device_bricks() {
    let exceptions = vec![Exception { every: 5, behaviour: Behaviour::Bricks }];
    let mut world = world(0, vec![DeviceGroup { exceptions, ..group(20, "4.2.0") }]);
    world.set_setting(SettingsChange { device_auto_upgrade: Some(true), ..SettingsChange::default() });
    world.hop(0);
    world.pass(120);
    assert_eq!((world.at("4.3.5"), world.connected()), (16, 16));
}

#[test]
fn a_device_lies_falls_back_or_vanishes() {
    for (behaviour, after_an_hour, after_a_day, connected) in [
        (Behaviour::Lies, ReportedVersion::Nonsense, ReportedVersion::Nonsense, true),
        (
            Behaviour::FallsBack,
            ReportedVersion::Version(version("4.3.5")),
            ReportedVersion::Version(version("4.2.0")),
            true,
        ),
        (
            Behaviour::Vanishes,
            ReportedVersion::Version(version("4.2.0")),
            ReportedVersion::Version(version("4.2.0")),
            false,
        ),
    ] {
        let mut world = behaving(behaviour);
        world.hop(1);
        assert!(world.first().connected);
        world.flag_first();
        world.pass(60);
        assert_eq!(world.first().version, after_an_hour, "{behaviour:?}");
        world.pass(24 * 60);
        assert_eq!(
            (world.first().version, world.first().connected),
            (after_a_day, connected),
            "{behaviour:?}"
        );
    }
}

#[test]
fn some_never_return_from_a_restart_and_some_were_never_there() {
    let mut leaving = behaving(Behaviour::NeverReturns);
    assert_eq!(leaving.connected(), 10);
    leaving.hop(1);
    leaving.pass(24 * 60);
    assert_eq!(leaving.connected(), 0);
    let silent = behaving(Behaviour::Silent);
    let seen = silent.first().last_connected.unwrap();
    assert!(silent.now().duration_since(seen) >= SignedDuration::from_hours(60 * 24));
}

#[test]
fn a_laptop_that_sleeps_upgrades_on_the_next_working_day() {
    let laptops = DeviceGroup { hours: Hours::Office, ..group(20, "4.2.0") };
    let mut world = world(0, vec![laptops]);
    world.hop(0);
    // From Tuesday to Friday night.
    world.advance_to("2016-03-04T22:00:00Z".parse().unwrap());
    assert_eq!(world.connected(), 0);
    let seen = world.first().last_connected.unwrap();
    assert!(seen > "2016-03-04T15:00:00Z".parse::<Timestamp>().unwrap(), "{seen}");
    let ids: Vec<ComputerId> = world.devices().map(|device| device.id).collect();
    for id in ids {
        world.flag(id).unwrap();
    }
    world.advance_to("2016-03-06T23:00:00Z".parse().unwrap());
    assert_eq!(world.at("4.3.5"), 0);
    world.advance_to("2016-03-07T14:00:00Z".parse().unwrap());
    assert_eq!((world.at("4.3.5"), world.connected()), (20, 20));
}

#[test]
fn people_unplug_rename_replace_block_add_and_remove() {
    let mut world = world(1, vec![group(4, "4.2.0")]);
    let storage = world.server_guid("storage-01").unwrap();
    world.take_offline(&storage).unwrap();
    assert_eq!((world.listed("storage-01").online, world.listed("storage-01").online_devices), (false, 0));
    world.bring_back(&storage).unwrap();
    world.pass(2);
    assert_eq!(world.listed("storage-01").online_devices, 4);
    world.rename_server(&storage, "vault".into()).unwrap();
    assert_eq!(
        world.rename_server(&storage, "authority".into()),
        Err(CommandError::DuplicateServer("authority".into()))
    );
    let authority = world.server_guid("authority").unwrap();
    world.replace_guid(&authority, "42".into()).unwrap();
    assert_eq!(world.authority().guid, "42".into());
    assert_eq!(world.take_offline(&authority), Err(CommandError::NoSuchServer(authority.0)));
    let guid = world.first().guid;
    world.set_device_state(guid, DeviceState::Blocked).unwrap();
    assert_eq!(world.connected(), 3);
    world.remove_device(guid).unwrap();
    world.add_devices(&group(2, "4.2.3")).unwrap();
    world.pass(15);
    assert_eq!((world.devices().count(), world.connected()), (5, 5));
}

#[test]
fn a_scenario_that_makes_no_sense_is_refused() {
    let mut nameless = scenario(0, Vec::new());
    nameless.authority.version = None;
    assert!(matches!(World::new(&nameless, catalog()), Err(ScenarioError::AuthorityWithoutVersion(_))));
    let mut twins = scenario(2, Vec::new());
    twins.storage[1].name = "storage-01".into();
    assert!(matches!(World::new(&twins, catalog()), Err(ScenarioError::DuplicateServer(_))));
    let lost = DeviceGroup { organisation: Some("Nowhere".into()), ..group(1, "4.2.0") };
    assert!(matches!(
        World::new(&scenario(0, vec![lost]), catalog()),
        Err(ScenarioError::UnknownOrganisation(_))
    ));
    assert!(matches!(
        World::new(&scenario(0, vec![group(u32::MAX, "4.2.0")]), catalog()),
        Err(ScenarioError::TooManyDevices)
    ));
}

/// The world at an instant does not depend on how often somebody looked on the way.
#[test]
fn the_way_to_an_instant_does_not_matter() {
    let mixed = vec![
        DeviceGroup { hours: Hours::Office, online_percent: 80, ..group(50, "4.2.0") },
        DeviceGroup { online_percent: 60, behaviour: Behaviour::FailsFirst, ..group(50, "4.2.0") },
    ];
    let end = "2016-03-20T12:00:00Z".parse().unwrap();
    let play = |steps: i64| {
        let mut world = world(2, mixed.clone());
        world.hop(2);
        let ids: Vec<ComputerId> = world.devices().map(|device| device.id).collect();
        for id in ids {
            world.flag(id).unwrap();
        }
        while world.now() < end {
            let next = world.now() + SignedDuration::from_mins(steps);
            world.advance_to(next.min(end));
            if steps == 7 {
                let _ = (world.servers(), world.devices().count());
            }
        }
        (world.servers(), world.devices().collect::<Vec<_>>(), world.take_journal())
    };
    let often = play(7);
    assert_eq!(often, play(60 * 24 * 30));
    assert!(
        often.1.iter().filter(|device| device.version == ReportedVersion::Version(version("4.3.5"))).count()
            > 90
    );
}

/// What a device's last connection is must agree with when it was seen to be connected.
#[test]
fn the_last_connection_is_the_last_time_that_it_was_seen_connected() {
    let mixed = vec![DeviceGroup { hours: Hours::Office, online_percent: 70, ..group(20, "4.2.0") }];
    let mut world = world(0, mixed);
    let mut seen: Vec<Option<Timestamp>> = vec![None; 20];
    for minute in 0..14 * 24 * 60 {
        if minute == 3 * 24 * 60 {
            world.roll("authority", "4.3.5.3");
        }
        world.pass(1);
        for (device, seen) in world.devices().zip(&mut seen) {
            if device.connected {
                *seen = Some(world.now());
                assert_eq!(device.last_connected, *seen);
            } else if let Some(seen) = *seen {
                let late = device.last_connected.unwrap().duration_since(seen);
                assert!(!late.is_negative() && late <= SignedDuration::from_mins(1), "{late:?}");
            }
        }
    }
}

#[test]
fn a_thousand_devices_over_a_year_are_cheap() {
    let laptops = DeviceGroup { hours: Hours::Office, online_percent: 90, ..group(500, "4.2.0") };
    let servers = DeviceGroup { online_percent: 95, ..group(500, "4.2.0") };
    let mut world = world(4, vec![laptops, servers]);
    world.set_setting(SettingsChange { device_auto_upgrade: Some(true), ..SettingsChange::default() });
    for month in 0..12 {
        world.roll("authority", if month == 0 { "4.2.3.1" } else { "4.3.5.3" });
        for _ in 0..30 * 24 * 4 {
            world.pass(15);
        }
        let _ = (world.servers(), world.devices().count());
    }
    assert_eq!(world.at("4.3.5"), 1000);
}
