//! Verdicts on every device of a rollout, in one pass and without an allocation per device.

use jiff::{SignedDuration, Timestamp};

use super::Targets;
use super::evidence::{Evidence, evidence, perhaps_under_way};
use crate::fleet::Devices;
use crate::fleet::devices::{Device, DeviceState};
use crate::planner::Desired;
use crate::planner::memory::Memory;
use crate::planner::observed::Flags;

/// The devices of one group, counted by verdict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    /// All that take part: active and not exempt.
    pub(super) total: u64,
    /// At what the release bundles, or above.
    pub(super) done: u64,
    /// Below it.
    pub(super) behind: u64,
    /// Below it and released.
    pub(super) released_behind: u64,
    /// Released, seen since, below it, and neither failed nor lost.
    pub(super) in_flight: u64,
    /// Released and flagged, connected for longer since than its own retry takes, and still below it.
    pub(super) failed: u64,
    /// Released, seen since, below it, and silent, beyond what is usual in the group.
    pub(super) lost: u64,
    /// Released devices with a verdict: done, failed or lost.
    pub(super) verdicts: u64,
    /// Released devices that were seen since.
    pub(super) seen: u64,
    /// Of the devices that the open wave released, those that are below it.
    pub(super) wave_behind: u64,
    /// Of the devices that the open wave released, those that were seen since.
    pub(super) wave_seen: u64,
    /// Of those, the ones that are done.
    pub(super) wave_seen_done: u64,
    /// Below it, and not silent for so long that nobody awaits them.
    pub(super) awaited: u64,
    /// Devices that an earlier process may have flagged, and that may be upgrading now.
    pub(super) perhaps_under_way: u64,
    /// Devices in flight that were last connected before this may be lost.
    pub(super) silent_since: Timestamp,
}

/// Counts every group; the rollouts of memory must be those of the wanted groups, in order.
pub(super) fn tally(
    devices: &Devices,
    targets: &Targets,
    memory: &Memory,
    desired: &Desired,
    flags: &Flags,
    now: Timestamp,
) -> Vec<Tally> {
    let mut tallies = vec![Tally::default(); desired.devices.groups.len()];
    let mut silences = vec![Silence::default(); desired.devices.groups.len()];
    let horizon = Horizon::at(devices.finished);
    let live_since = devices.finished.saturating_sub(desired.devices.unseen_for).unwrap_or(Timestamp::MIN);
    for device in devices.rows() {
        let index = usize::from(device.group);
        let (Some(tally), Some(silence), Some(rollout)) =
            (tallies.get_mut(index), silences.get_mut(index), memory.rollouts.get(index))
        else {
            continue;
        };
        if device.state != DeviceState::Active || desired.devices.exemption(device.guid).is_some() {
            continue;
        }
        let found = evidence(rollout, device, targets.is_behind(device), flags);
        tally.count(device, found, rollout.wave_opened_at);
        let is_behind = !matches!(found, Evidence::Done { .. });
        tally.awaited += u64::from(is_behind && device.seen_since(live_since));
        let is_perhaps_under_way = is_behind && perhaps_under_way(rollout, device, flags, now);
        tally.perhaps_under_way += u64::from(is_perhaps_under_way);
        silence.count(device, found, horizon);
    }
    for (tally, silence) in tallies.iter_mut().zip(&silences) {
        tally.lost = silence.lost(tally.seen).min(tally.in_flight);
        tally.in_flight -= tally.lost;
        tally.verdicts += tally.lost;
        tally.silent_since = silence.counts_from(horizon);
    }
    tallies
}

impl Tally {
    fn count(&mut self, device: &Device, found: Evidence, wave_opened_at: Option<Timestamp>) {
        self.total += 1;
        match found {
            Evidence::Done { .. } => self.done += 1,
            Evidence::Unreleased
            | Evidence::Pending { .. }
            | Evidence::InFlight { .. }
            | Evidence::Failed { .. } => self.behind += 1,
        }
        let Some(released_at) = found.released_at() else { return };
        let is_done = matches!(found, Evidence::Done { .. });
        let seen = match found {
            Evidence::Unreleased | Evidence::Pending { .. } => false,
            Evidence::Done { .. } => device.seen_since(released_at),
            Evidence::InFlight { .. } | Evidence::Failed { .. } => true,
        };
        self.seen += u64::from(seen);
        match found {
            Evidence::Unreleased => {}
            Evidence::Done { .. } => self.verdicts += 1,
            Evidence::Pending { .. } => self.released_behind += 1,
            Evidence::InFlight { .. } => {
                self.released_behind += 1;
                self.in_flight += 1;
            }
            Evidence::Failed { .. } => {
                self.released_behind += 1;
                self.failed += 1;
                self.verdicts += 1;
            }
        }
        if wave_opened_at.is_none_or(|opened| released_at >= opened) {
            self.wave_behind += u64::from(!is_done);
            self.wave_seen += u64::from(seen);
            self.wave_seen_done += u64::from(seen && is_done);
        }
    }
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
    fn count(&mut self, device: &Device, found: Evidence, horizon: Horizon) {
        let silent = !device.seen_since(horizon.spoke_lately);
        let silent_for_long = !device.seen_since(horizon.spoke);
        match found {
            Evidence::Unreleased | Evidence::Done { released_at: None } if !silent_for_long => {
                self.unreleased += 1;
                self.unreleased_silent += u64::from(silent);
            }
            Evidence::InFlight { .. } => {
                self.silent += u64::from(silent);
                self.silent_for_long += u64::from(silent_for_long);
            }
            Evidence::Unreleased
            | Evidence::Done { .. }
            | Evidence::Pending { .. }
            | Evidence::Failed { .. } => {}
        }
    }

    /// A device in flight that is silent since before this may be lost.
    fn counts_from(&self, horizon: Horizon) -> Timestamp {
        if self.unreleased < LEAST_UNRELEASED { horizon.spoke } else { horizon.spoke_lately }
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
