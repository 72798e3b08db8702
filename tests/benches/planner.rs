//! How fast the planner is: `make bench`. Each line says what was found and what is allowed: so many times what one plain walk over a
//! fleet takes, measured in turn with it, so that the bound is about the code and not about the machine.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    reason = "a measurement of numbers that are known to fit, told on the terminal"
)]
#![expect(clippy::disallowed_methods, reason = "a measurement takes the real time")]

use std::collections::{BTreeMap, BTreeSet};
use std::hint::black_box;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use codeupgrade::api::{CodeUpgrade, CodeUpgradeSpec};
use codeupgrade::catalog::path::{DeviceClass, Question, Rollouts, find};
use codeupgrade::catalog::{
    AcceptedVersion, Catalog, CompatibilityRow, Os, Pattern, Product, Release, Support, Version,
};
use codeupgrade::fleet::devices::{Device, DeviceState};
use codeupgrade::fleet::{Arrangement, Devices, DevicesBuilder, Rank, Server, ServerRole, Streak, Watch};
use codeupgrade::planner::observed::{
    Access, AuthorityFacts, Edition, ServersFacts, SettingsFacts, Switch, Witnesses,
};
use codeupgrade::planner::{Desired, Memory, Observed, Step, decide};
use codeupgrade::translate;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

fn main() -> ExitCode {
    let mut met = true;
    met &= measure("path over 200 releases", 4.0, 200, walking(100_000), path_over_many_releases());
    for devices in [1_000, 100_000, 1_000_000] {
        for (what, at) in [("before a hop", "4.2.3.1"), ("in a rollout", "4.3.5.3")] {
            let name = format!("listed {what}, {devices} devices");
            let allowed = if devices > 1_000 { 120.0 } else { 10_000.0 };
            met &= measure(&name, allowed, 10, walking(devices), looking(devices, at, Look::AtAListing));
            let name = format!("look {what}, {devices} devices");
            met &= measure(&name, 10.0, 100, walking(100_000), looking(devices, at, Look::BetweenListings));
        }
        let name = format!("a wave rises, {devices} devices");
        let rising = looking(devices, "4.3.5.3", Look::MinuteByMinute);
        met &= measure(&name, 10.0, 100, walking(100_000), rising);
    }
    if met { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The middle of several runs against so many times the middle of its yardstick.
fn measure(
    name: &str,
    allowed: f64,
    times: usize,
    mut yardstick: impl FnMut(),
    mut run: impl FnMut(),
) -> bool {
    let (mut walks, mut runs) = (Vec::new(), Vec::new());
    for round in 0..=times {
        let (walk, taken) = (timed(&mut yardstick), timed(&mut run));
        // The first of each only warms up.
        if round > 0 {
            walks.push(walk);
            runs.push(taken);
        }
    }
    let (walk, run) = (middle(walks), middle(runs));
    let found = run.as_secs_f64() / walk.as_secs_f64();
    let verdict = if found <= allowed { "ok" } else { "TOO SLOW" };
    println!("{name:<40} {run:>12.3?}  {found:>5.1} walks of {walk:.3?}  allowed {allowed}  {verdict}");
    found <= allowed
}

fn timed(run: &mut impl FnMut()) -> Duration {
    let begun = Instant::now();
    run();
    begun.elapsed()
}

fn middle(mut took: Vec<Duration>) -> Duration {
    took.sort();
    took[took.len() / 2]
}

/// Reads every field of so many devices once.
fn walking(count: u64) -> impl FnMut() {
    let devices = fleet(count, Timestamp::UNIX_EPOCH, wanted("4.2.3.1").devices.arrangement(None));
    move || {
        let sum = devices.rows().iter().fold(0_u64, |sum, device| {
            let app = u64::from(device.product == Product::CrashPlan) + u64::from(device.os == Os::Mac);
            let state = u64::from(device.state == DeviceState::Active) + u64::from(device.group);
            let version = u64::from(device.version.map_or(0, |version| version.parts()[0]));
            sum.wrapping_add(device.guid ^ device.computer_id ^ device.rank.0)
                .wrapping_add(device.last_connected.unsigned_abs())
                .wrapping_add(u64::from(device.organisation) + app + state + version)
        });
        assert_ne!(black_box(sum), 0);
    }
}

fn row(bundled: Version, series: &str) -> CompatibilityRow {
    let entry = |pattern, bundled| AcceptedVersion { pattern, bundled, support: Support::Full };
    CompatibilityRow {
        product: Product::CrashPlan,
        os: BTreeSet::new(),
        versions: vec![entry(bundled.into(), true), entry(series.parse().unwrap(), false)],
    }
}

/// Twelve series in the vendor's shape: each release upgrades from the last of the series before, the last of a series
/// also from all of its own. Devices come along at every one.
fn path_over_many_releases() -> impl FnMut() {
    const LAST: u16 = 16;
    let releases = (0..200_u16).map(|number| {
        let (series, patch) = (number / 17, number % 17);
        let mut release = Release::bare(Version::new([4, series, patch, 0]));
        let before = Version::new([4, series.saturating_sub(1), LAST, 0]);
        release.upgrades_from = vec![before.into()];
        if patch == LAST {
            release
                .upgrades_from
                .extend((0..LAST).map(|patch| Pattern::from(Version::new([4, series, patch, 0]))));
        }
        release.compatibility =
            Some(vec![row(release.version, &format!("4.{}.x", series.saturating_sub(1)))]);
        release.post_upgrade_wait = (number % 3 == 0).then(|| SignedDuration::from_hours(24));
        release
    });
    let catalog = Catalog::new(releases);
    let devices: Vec<DeviceClass> = [Os::Windows, Os::Mac, Os::Linux]
        .map(|os| DeviceClass {
            product: Product::CrashPlan,
            os,
            version: Version::new([4, 0, 0, 0]),
            live: 10,
        })
        .to_vec();
    move || {
        let path = find(&Question {
            catalog: &catalog,
            from: Version::new([4, 0, LAST, 0]),
            to: Version::new([4, 11, 12, 0]),
            via: &[],
            devices: &devices,
            may_leave_behind: 0,
            rollouts: Rollouts::Allowed,
            accepted: &BTreeSet::new(),
        });
        assert!(path.is_ok());
    }
}

fn server(name: &str, role: ServerRole, version: Version, now: Timestamp) -> Server {
    let first = now.saturating_sub(SignedDuration::from_mins(10)).unwrap();
    Server {
        guid: name.into(),
        name: name.into(),
        role,
        version: Some(version),
        online: true,
        online_devices: 100,
        backup_sessions: 10,
        streak: Streak { first, last: now, answers: 11 },
    }
}

fn wanted(version: &str) -> Desired {
    let spec: CodeUpgradeSpec = serde_json::from_value(json!({
        "version": version,
        "authority": {"url": "https://code42.example:4285", "credentials": "code42-api", "statefulSet": "authority"},
        "storage": [{"name": "storage", "statefulSet": "storage"}],
        "backup": {"none": "a measurement"},
        "devices": {"upgrade": "Bundled", "maxInFlight": 100_000, "ratePerMinute": 100},
    }))
    .unwrap();
    translate::desired::desired(&CodeUpgrade::new("bench", spec))
}

/// A fleet of many classes, the half of it behind, a tenth silent.
fn fleet(count: u64, now: Timestamp, arrangement: Arrangement) -> Devices {
    let versions: [Version; 4] = ["4.2.0", "4.2.3", "4.3.1", "4.3.5"].map(|text| text.parse().unwrap());
    let mut builder = DevicesBuilder::new(now, arrangement, count as usize);
    for number in 0..count {
        // A fixed, well-mixed number for each device.
        let mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (number << 7);
        builder.push(Device {
            guid: mixed,
            computer_id: number,
            product: Product::CrashPlan,
            os: [Os::Windows, Os::Mac, Os::Linux][(mixed >> 8) as usize % 3],
            version: Some(versions[(mixed >> 16) as usize % 4]),
            state: DeviceState::Active,
            last_connected: now.as_second()
                - if mixed % 10 == 0 { 60 * 86_400 } else { (mixed % 1_000) as i64 },
            organisation: 1,
            group: 0,
            rank: Rank(mixed.wrapping_mul(0xff51_afd7_ed55_8ccd)),
        });
    }
    builder.finish(now)
}

/// Which looks are measured.
#[derive(Clone, Copy)]
enum Look {
    /// The first after a listing, at which everything is counted.
    AtAListing,
    /// One more, at which nothing has changed.
    BetweenListings,
    /// One after another, a minute apart, at each of which more devices are released and told.
    MinuteByMinute,
}

/// A decision about such a fleet that is to be at 4.3.5.3.
fn looking(count: u64, at: &str, look: Look) -> impl FnMut() {
    let now: Timestamp = "2016-03-01T12:00:00Z".parse().unwrap();
    let at: Version = at.parse().unwrap();
    let (catalog, problems) = translate::catalog::catalog_from(
        translate::catalog::shipped()
            .into_iter()
            .map(|release| (codeupgrade::catalog::merge::Layer::Shipped, release))
            .collect::<Vec<_>>(),
    );
    let desired = wanted("4.3.5.3");
    let mut observed = Observed::nothing(Witnesses::agreeing(now));
    observed.access = Access::Good;
    observed.authority =
        Some(AuthorityFacts { read_at: now, guid: "authority".into(), edition: Edition::Enterprise });
    observed.servers = Some(ServersFacts {
        read_at: now,
        list: vec![
            server("authority", ServerRole::Authority, at, now),
            server("storage", ServerRole::Storage, at, now),
        ],
    });
    observed.settings = Some(SettingsFacts {
        read_at: now,
        device_auto_upgrade: Switch::Off,
        server_auto_upgrade: Switch::Off,
        daily_services: None,
        utc_offset_seconds: Some(0),
    });
    observed.devices = Some(Arc::new(fleet(count, now, desired.devices.arrangement(Some(at)))));
    observed.catalog_problems = problems;
    let mut memory = decide(&observed, &desired, &catalog, &Memory::default(), now).memory;
    // The first device has moved, so that the measured decision releases as many as it may.
    for rollout in &mut memory.rollouts {
        if let Some(first) = &mut rollout.first {
            first.moved_at = Some(now);
        }
    }
    let mut watch = Watch::begin(now, BTreeMap::new());
    observed.devices.iter().for_each(|devices| watch.follow(devices));
    observed.watch = Arc::new(watch.clone());
    let mut now = now;
    move || {
        match look {
            Look::AtAListing => observed.surveys = Arc::default(),
            Look::BetweenListings => {}
            Look::MinuteByMinute => {
                now += SignedDuration::from_secs(61);
                observed.witnesses = Witnesses::agreeing(now);
                observed.servers.iter_mut().for_each(|servers| servers.read_at = now);
                observed.settings.iter_mut().for_each(|settings| settings.read_at = now);
            }
        }
        let decision = decide(&observed, &desired, &catalog, &memory, now);
        assert!(decision.memory.settled.is_some());
        if let Look::MinuteByMinute = look {
            for step in &decision.steps {
                if let Step::FlagDevices { devices, .. } = step {
                    for device in devices {
                        watch.note_told(device.guid, now);
                    }
                }
            }
            observed.watch = Arc::new(watch.clone());
            memory = decision.memory;
        }
    }
}
