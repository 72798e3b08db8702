//! All devices of an environment, counted for people.

use jiff::Timestamp;

use super::targets::AppLevel;
use super::verdict::{Judge, Judged, Losses, Verdict};
use crate::catalog::{Os, Product, Release, Version};
use crate::fleet::groups::UNMATCHED;
use crate::fleet::{Devices, PerApp, Watch};
use crate::planner::{Desired, Memory};

/// Most apps that are counted one by one.
const MOST_APPS: usize = 16;

/// How many devices there are of each verdict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Verdicts {
    counts: [u64; Verdict::ALL.len()],
}

impl Verdicts {
    /// How many devices have a verdict.
    pub fn of(&self, verdict: Verdict) -> u64 {
        self.counts[verdict as usize]
    }

    fn add(&mut self, verdict: Verdict) {
        self.add_many(verdict, 1);
    }

    fn add_many(&mut self, verdict: Verdict, devices: u64) {
        self.counts[verdict as usize] += devices;
    }
}

/// Devices that run one app.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AppCount {
    /// The app.
    pub product: Product,
    /// The operating system.
    pub os: Os,
    /// The version.
    pub version: Version,
    /// How many devices run it.
    pub devices: u64,
}

/// All devices of an environment, counted for people.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overview {
    /// Whether anything says what devices are to run: otherwise none of them is behind, and "all are done" says nothing.
    pub judged: bool,
    /// All that take part: neither blocked nor deactivated nor exempt; and those that are missing.
    pub total: u64,
    /// By verdict.
    pub verdicts: Verdicts,
    /// Below what they are to run, or unreadable.
    pub behind: u64,
    /// To be brought up, and silent for so long that no gate counts them.
    pub stale_behind: u64,
    /// Silent for so long that no gate counts them.
    pub stale: u64,
    /// Behind, and matched by no group.
    pub unmatched: u64,
    /// Behind, and in a group that the spec holds.
    pub in_held_group: u64,
    /// The apps that are most widely used, in order.
    pub apps: Vec<AppCount>,
    /// Devices with other apps.
    pub other_apps: u64,
}

impl Overview {
    /// Devices that run what they are to run, or something newer.
    pub fn done(&self) -> u64 {
        self.verdicts.of(Verdict::Done) + self.verdicts.of(Verdict::Newer)
    }
}

/// The release that devices are judged by: what they follow; before they follow any, what is wanted, or else where the environment is.
/// One answer for every list and count of devices.
pub fn judged_by(desired: &Desired, memory: &Memory, at: Option<Version>) -> Option<Version> {
    let settled = memory.settled.as_ref().map(|settled| settled.release);
    match settled.filter(|_| !memory.rollouts.is_empty()) {
        Some(followed) => Some(followed),
        None => desired.target.or(settled).or(at),
    }
}

/// Counts all devices against a release; `losses` are those of the rollout that goes on, if one does.
pub fn overview(
    devices: &Devices,
    release: Option<&Release>,
    desired: &Desired,
    memory: &Memory,
    watch: &Watch,
    losses: Option<&[Losses]>,
) -> Overview {
    let judged = Judged::by(release, desired);
    let judge = Judge::new(devices, &judged, desired, memory, watch, losses);
    let live_since = devices.finished.saturating_sub(desired.devices.unseen_for).unwrap_or(Timestamp::MIN);
    let judged = judge.targets().is_some_and(super::Targets::say_anything);
    let mut overview = Overview { judged, ..Overview::default() };
    let mut apps: PerApp<u64> = PerApp::default();
    for (row, device) in devices.rows().iter().enumerate() {
        let verdict = judge.verdict(row, device);
        if verdict == Verdict::Missing {
            // Blocked or deactivated: counted below, with those that are not in the list.
            continue;
        }
        overview.verdicts.add(verdict);
        if matches!(verdict, Verdict::Blocked | Verdict::Deactivated | Verdict::Exempt) {
            continue;
        }
        overview.total += 1;
        if let Some(app) = device.app() {
            *apps.of(app, || 0) += 1;
        }
        let is_live = device.seen_since(live_since);
        overview.stale += u64::from(!is_live);
        if judge.targets().is_some_and(|targets| targets.level(device) != AppLevel::Current) {
            overview.behind += 1;
            overview.stale_behind += u64::from(!is_live);
        }
        if verdict == Verdict::Held {
            match device.group {
                UNMATCHED => overview.unmatched += 1,
                _ => overview.in_held_group += 1,
            }
        }
    }
    overview.verdicts.add_many(Verdict::Missing, judge.missing());
    overview.total += judge.missing();
    overview.behind += judge.missing();
    (overview.apps, overview.other_apps) = most_used(&apps);
    overview
}

/// The apps that most devices run, in order, and how many devices run others.
fn most_used(apps: &PerApp<u64>) -> (Vec<AppCount>, u64) {
    let mut apps: Vec<AppCount> = apps
        .iter()
        .map(|((product, os, version), devices)| AppCount { product, os, version, devices: *devices })
        .collect();
    apps.sort_by_key(|app| (std::cmp::Reverse(app.devices), *app));
    let others = apps.split_off(apps.len().min(MOST_APPS)).iter().map(|app| app.devices).sum();
    apps.sort();
    (apps, others)
}
