//! Verdicts on every device of a rollout, in one pass and without an allocation per device.

use std::collections::BTreeMap;
use std::fmt;

use jiff::{SignedDuration, Timestamp};

use super::RETRY_TIME;
use crate::catalog::{Os, Product, Release, Version};
use crate::fleet::Devices;
use crate::fleet::devices::{Device, DeviceState};
use crate::planner::Desired;
use crate::planner::memory::{Memory, Rollout};

/// What a release bundles, for each product and operating system.
#[derive(Clone, Debug)]
pub struct Targets {
    bundled: [[Option<Version>; Os::ALL.len()]; Product::ALL.len()],
}

impl Targets {
    /// The targets of a release.
    pub fn of(release: &Release) -> Self {
        let bundled = Product::ALL.map(|product| Os::ALL.map(|os| release.bundled(product, os)));
        Self { bundled }
    }

    /// Whether anything is bundled at all.
    fn say_anything(&self) -> bool {
        self.bundled.iter().flatten().any(Option::is_some)
    }

    /// What a device is to run; `None` where nothing is bundled for it.
    pub fn target(&self, product: Product, os: Os) -> Option<Version> {
        self.bundled[product as usize][os as usize]
    }

    /// Whether a device is to be brought up by a rollout: its app is pushed by the server, and it is below what
    /// the release bundles. A newer app that is accepted is current; nothing is ever moved down.
    pub fn is_behind(&self, device: &Device) -> bool {
        self.is_app_behind(device.product, device.os, device.version)
    }

    /// The same of an app.
    pub fn is_app_behind(&self, product: Product, os: Os, version: Version) -> bool {
        match product {
            Product::CrashPlan | Product::SharePlan => {
                self.target(product, os).is_some_and(|target| version < target)
            }
            // Mobile apps come from app stores: reported, never pushed.
            Product::SharePlanMobile => false,
        }
    }

    /// Whether a mobile app is behind.
    pub fn is_mobile_behind(&self, device: &Device) -> bool {
        device.product == Product::SharePlanMobile
            && self.target(device.product, device.os).is_some_and(|target| device.version < target)
    }
}

impl fmt::Display for Targets {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for product in Product::ALL {
            for os in Os::ALL {
                if let Some(version) = self.target(product, os) {
                    write!(formatter, "{product}/{os}={version};")?;
                }
            }
        }
        Ok(())
    }
}

/// The devices of one group, counted by verdict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// All that take part: active and not exempt.
    pub total: u64,
    /// At what the release bundles, or above.
    pub done: u64,
    /// Below it.
    pub behind: u64,
    /// Below it and released.
    pub released_behind: u64,
    /// Released, seen since, below it, and neither failed nor lost.
    pub in_flight: u64,
    /// Released and flagged, connected for longer since than its own retry takes, and still below it.
    pub failed: u64,
    /// Released, seen since, below it, and silent, beyond what is usual in the group.
    pub lost: u64,
    /// Released devices with a verdict: done, failed or lost.
    pub verdicts: u64,
    /// Released devices that were seen since.
    pub seen: u64,
    /// Of the devices that the open wave released, those that are below it.
    pub wave_behind: u64,
    /// Of the devices that the open wave released, those that were seen since.
    pub wave_seen: u64,
    /// Of those, the ones that are done.
    pub wave_seen_done: u64,
}

/// Counts every group; the rollouts of memory must be those of the wanted groups, in order.
///
/// `flagged` is what this process flagged, and when: a device that was released but never flagged, since the process that
/// released it ended in between, has not failed at anything.
pub fn tally(
    devices: &Devices,
    targets: &Targets,
    memory: &Memory,
    desired: &Desired,
    flagged: &BTreeMap<u64, Timestamp>,
) -> Vec<Tally> {
    let mut tallies = vec![Tally::default(); desired.devices.groups.len()];
    let mut silences = vec![Silence::default(); desired.devices.groups.len()];
    let horizon = Horizon::at(devices.finished);
    let exempt = &desired.devices.exempt;
    for device in devices.rows() {
        let index = usize::from(device.group);
        let (Some(tally), Some(silence), Some(rollout)) =
            (tallies.get_mut(index), silences.get_mut(index), memory.rollouts.get(index))
        else {
            continue;
        };
        let is_exempt =
            !exempt.is_empty() && exempt.binary_search_by_key(&device.guid, |(guid, _)| *guid).is_ok();
        if device.state != DeviceState::Active || is_exempt {
            continue;
        }
        let flagged_at = || flagged.get(&device.guid).copied().filter(|at| *at >= rollout.started_at);
        let (is_behind, released_at) = (targets.is_behind(device), released_at(rollout, device));
        let verdict = count(tally, device, is_behind, released_at, flagged_at);
        if let Some(released_at) =
            released_at.filter(|at| rollout.wave_opened_at.is_none_or(|opened| *at >= opened))
        {
            let seen = device.seen_since(released_at);
            tally.wave_behind += u64::from(is_behind);
            tally.wave_seen += u64::from(seen);
            tally.wave_seen_done += u64::from(seen && !is_behind);
        }
        silence.count(device, verdict, horizon);
    }
    for (tally, silence) in tallies.iter_mut().zip(&silences) {
        tally.lost = silence.lost(tally.seen).min(tally.in_flight);
        tally.in_flight -= tally.lost;
        tally.verdicts += tally.lost;
    }
    tallies
}

/// A device that was seen after its release and then fell silent for this long may be lost.
const SILENT_TIME: SignedDuration = SignedDuration::from_hours(24);

/// The same where too few devices are left unreleased to tell what silence is usual: longer than any weekend.
const SILENT_TIME_ALONE: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Unreleased devices that it takes to tell what silence is usual.
const LEAST_UNRELEASED: u64 = 20;

/// Since when devices must have been connected to be live, and not to be silent.
#[derive(Clone, Copy)]
struct Horizon {
    spoke: Timestamp,
    spoke_lately: Timestamp,
}

impl Horizon {
    fn at(now: Timestamp) -> Self {
        let before = |span| now.saturating_sub(span).unwrap_or(Timestamp::MIN);
        Self { spoke: before(SILENT_TIME_ALONE), spoke_lately: before(SILENT_TIME) }
    }
}

/// What became of a device so far.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Unreleased,
    InFlight,
    Other,
}

/// How silent a group is: people switch their computers off, and only what is beyond that is a loss.
#[derive(Clone, Copy, Default)]
struct Silence {
    /// Unreleased devices that were connected within a week, and of those the silent ones.
    unreleased: u64,
    unreleased_silent: u64,
    /// Devices in flight that are silent, and those silent for a week.
    silent: u64,
    silent_for_long: u64,
}

impl Silence {
    fn count(&mut self, device: &Device, verdict: Verdict, horizon: Horizon) {
        let silent = !device.seen_since(horizon.spoke_lately);
        let silent_for_long = !device.seen_since(horizon.spoke);
        match verdict {
            Verdict::Unreleased if !silent_for_long => {
                self.unreleased += 1;
                self.unreleased_silent += u64::from(silent);
            }
            Verdict::InFlight => {
                self.silent += u64::from(silent);
                self.silent_for_long += u64::from(silent_for_long);
            }
            Verdict::Unreleased | Verdict::Other => {}
        }
    }

    /// The silent devices in flight beyond what is usual, of so many that were seen since their release.
    fn lost(&self, seen: u64) -> u64 {
        if self.unreleased < LEAST_UNRELEASED {
            return self.silent_for_long;
        }
        let usual = (seen * self.unreleased_silent).div_ceil(self.unreleased);
        self.silent.saturating_sub(usual)
    }
}

fn count(
    tally: &mut Tally,
    device: &Device,
    is_behind: bool,
    released_at: Option<Timestamp>,
    flagged_at: impl Fn() -> Option<Timestamp>,
) -> Verdict {
    tally.total += 1;
    if is_behind {
        tally.behind += 1;
    } else {
        tally.done += 1;
    }
    let Some(released_at) = released_at else { return Verdict::Unreleased };
    let seen = device.seen_since(released_at);
    tally.seen += u64::from(seen);
    if !is_behind {
        tally.verdicts += 1;
        return Verdict::Other;
    }
    tally.released_behind += 1;
    let asked_at = flagged_at().map(|at| at.max(released_at));
    let retried = asked_at.and_then(|at| at.checked_add(RETRY_TIME).ok());
    if retried.is_some_and(|retried| device.seen_since(retried)) {
        tally.failed += 1;
        tally.verdicts += 1;
        Verdict::Other
    } else if seen {
        tally.in_flight += 1;
        Verdict::InFlight
    } else {
        Verdict::Other
    }
}

/// All devices of an environment, counted for people.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Overview {
    /// Whether anything says what devices are to run: otherwise none of them is behind, and "all are done" says nothing.
    pub judged: bool,
    /// All that take part.
    pub total: u64,
    /// Nothing to do: current, newer, or nothing is bundled for them.
    pub done: u64,
    /// To be brought up, and silent for so long that no gate counts them.
    pub stale_behind: u64,
    /// Silent for so long that no gate counts them.
    pub stale: u64,
    /// Blocked or deactivated.
    pub excluded: u64,
    /// Mobile apps below what the release bundles.
    pub mobile: u64,
    /// Behind, and matched by no group.
    pub unmatched: u64,
    /// Behind, and in a group that the spec holds.
    pub in_held_group: u64,
}

/// Counts all devices for people.
pub fn overview(devices: &Devices, targets: Option<&Targets>, desired: &Desired) -> Overview {
    let live_since = devices.finished.saturating_sub(desired.devices.unseen_for).unwrap_or(Timestamp::MIN);
    let judged = targets.is_some_and(Targets::say_anything);
    let mut overview = Overview { judged, ..Overview::default() };
    for device in devices.rows() {
        if device.state != DeviceState::Active {
            overview.excluded += 1;
            continue;
        }
        overview.total += 1;
        let is_live = device.seen_since(live_since);
        overview.stale += u64::from(!is_live);
        let Some(targets) = targets else { continue };
        overview.mobile += u64::from(targets.is_mobile_behind(device));
        if !targets.is_behind(device) {
            overview.done += 1;
            continue;
        }
        overview.stale_behind += u64::from(!is_live);
        match desired.devices.groups.get(usize::from(device.group)) {
            None => overview.unmatched += 1,
            Some(group) if group.held => overview.in_held_group += 1,
            Some(_) => {}
        }
    }
    overview
}

/// When a device was released: at the first mark whose threshold it is at or below.
fn released_at(rollout: &Rollout, device: &Device) -> Option<Timestamp> {
    rollout.marks.iter().find(|mark| device.rank <= mark.threshold).map(|mark| mark.at)
}
