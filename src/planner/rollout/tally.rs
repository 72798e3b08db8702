//! Verdicts on every device of a rollout, in one pass and without an allocation per device.

use jiff::Timestamp;

use super::evidence::{Evidence, Examiner, Failure, is_of_open_wave, released_at};
use super::silence::{Horizon, Silence};
use crate::fleet::devices::{Device, DeviceState};
use crate::fleet::{Departed, Devices, Watch};
use crate::planner::Desired;
use crate::planner::memory::{Memory, Rollout};

/// The devices of one group, counted by verdict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    /// All that take part, active and not exempt, and those that are missing.
    pub(super) total: u64,
    /// At what the release bundles, or above.
    pub(super) done: u64,
    /// Below it, or released and unreadable.
    pub(super) behind: u64,
    /// Of those, the released ones.
    pub(super) released_behind: u64,
    /// Released, seen since, not done, and neither failed nor lost.
    pub(super) in_flight: u64,
    /// Released and told, connected for longer since than its own retry takes, and still below.
    pub(super) failed: u64,
    /// Released, done once, and below it again.
    pub(super) fell_back: u64,
    /// Released and told, connected for longer since than its own retry takes, and nothing that it reports is a version.
    pub(super) unreadable: u64,
    /// Released, seen since, not done, and silent, beyond what is usual in the group.
    pub(super) lost: u64,
    /// Released, and in the list no more.
    pub(super) missing: u64,
    /// Of those, the ones that are silent beyond what is usual in the group.
    pub(super) missing_lost: u64,
    /// Released devices with a verdict: done, or one that counts as a failure.
    pub(super) verdicts: u64,
    /// Released devices that were seen since.
    pub(super) seen: u64,
    /// Of the devices that the open wave released, those that are not done; the missing ones included.
    pub(super) wave_behind: u64,
    /// Of the devices that the open wave released, those that were seen since; the missing ones included.
    pub(super) wave_seen: u64,
    /// Of those, the ones that are done.
    pub(super) wave_seen_done: u64,
    /// Devices of the list that the open wave has released, done or not; and those of them that came later than the first listing of
    /// this process.
    pub(super) wave_listed: u64,
    pub(super) wave_new: u64,
    /// Devices that the open wave released, and that left the list while this process watched.
    pub(super) wave_gone: u64,
    /// Below it, and not silent for so long that nobody awaits them.
    pub(super) awaited: u64,
    /// Devices that an earlier process may have told, and that may be upgrading now.
    pub(super) perhaps_under_way: u64,
    /// Devices in flight that were last connected before this may be lost.
    pub(super) silent_since: Timestamp,
}

/// Every group counted, and what concerns all of them.
#[derive(Clone, Debug)]
pub(super) struct Count {
    /// One entry for each group.
    pub(super) tallies: Vec<Tally>,
    /// Devices of any group that this process told and that may be upgrading now.
    pub(super) under_way: u64,
}

/// Counts every group; the rollouts of memory must be those of the wanted groups, in order.
pub(super) fn count(
    devices: &Devices,
    examiner: &Examiner<'_>,
    memory: &Memory,
    desired: &Desired,
    watch: &Watch,
    now: Timestamp,
) -> Count {
    let groups = desired.devices.groups.len();
    let mut counters = vec![Counter::default(); groups];
    let horizon = Horizon::at(devices.finished);
    let live_since = devices.finished.saturating_sub(desired.devices.unseen_for).unwrap_or(Timestamp::MIN);
    let mut under_way = 0;
    for (row, device) in devices.rows().iter().enumerate() {
        let sighting = examiner.sighting(row, device);
        under_way += u64::from(examiner.is_under_way(device, &sighting, now));
        let index = usize::from(device.group);
        let (Some(counter), Some(rollout)) = (counters.get_mut(index), memory.rollouts.get(index)) else {
            continue;
        };
        if device.state != DeviceState::Active {
            continue;
        }
        let is_of_wave = released_at(rollout, device).is_some_and(|at| is_of_open_wave(rollout, at));
        counter.tally.wave_listed += u64::from(is_of_wave);
        counter.tally.wave_new += u64::from(is_of_wave && sighting.is_new);
        if desired.devices.exemption(device.guid).is_some() {
            continue;
        }
        let found = examiner.evidence(rollout, device, &sighting);
        counter.tally.count(device, found, is_of_wave);
        let is_behind = !matches!(found, Evidence::Done { .. }) && device.version.is_some();
        counter.tally.awaited += u64::from(is_behind && device.seen_since(live_since));
        let is_perhaps = examiner.is_perhaps_under_way(rollout, device, &sighting, now);
        counter.tally.perhaps_under_way += u64::from(is_perhaps);
        counter.silence.count(device, found, horizon);
    }
    for gone in watch.gone() {
        under_way += u64::from(examiner.is_under_way(gone.device, &gone.sighting, now));
        let index = usize::from(gone.device.group);
        let (Some(counter), Some(rollout)) = (counters.get_mut(index), memory.rollouts.get(index)) else {
            continue;
        };
        if desired.devices.exemption(gone.device.guid).is_none() {
            counter.count_gone(rollout, examiner, &gone, horizon);
        }
    }
    // After all was done, who leaves has left.
    let is_tracked = memory.done.is_none();
    let tallies = counters.into_iter().zip(&memory.rollouts);
    let tallies =
        tallies.map(|(counter, rollout)| counter.finish(rollout, watch, devices, is_tracked, horizon));
    Count { tallies: tallies.collect(), under_way }
}

/// One group while it is counted.
#[derive(Clone, Copy, Default)]
struct Counter {
    tally: Tally,
    silence: Silence,
    /// Devices that were released and left before they had moved, of whatever wave.
    gone: u64,
}

impl Counter {
    /// A device that left is as silent as one that is switched off, and nobody knows what became of it.
    fn count_gone(
        &mut self,
        rollout: &Rollout,
        examiner: &Examiner<'_>,
        gone: &Departed<'_>,
        horizon: Horizon,
    ) {
        let found = examiner.evidence(rollout, gone.device, &gone.sighting);
        match found.released_at() {
            None => self.silence.count(gone.device, found, horizon),
            Some(released_at) if examiner.is_missing(rollout, gone) => {
                self.silence.count_gone(gone.device, found, horizon);
                self.gone += 1;
                self.tally.wave_gone += u64::from(is_of_open_wave(rollout, released_at));
            }
            Some(_) => {}
        }
    }

    fn finish(
        self,
        rollout: &Rollout,
        watch: &Watch,
        devices: &Devices,
        is_tracked: bool,
        horizon: Horizon,
    ) -> Tally {
        let Self { mut tally, silence, gone } = self;
        if is_tracked {
            let unseen = super::missing::unseen(rollout, &tally, watch, devices);
            tally.missing = gone + unseen;
            tally.total += tally.missing;
            tally.seen += tally.missing;
            tally.wave_behind += tally.wave_gone + unseen;
            tally.wave_seen += tally.wave_gone + unseen;
        }
        let (lost, missing_lost) = silence.lost(tally.seen);
        tally.lost = lost.min(tally.in_flight);
        tally.missing_lost = missing_lost.min(tally.missing);
        tally.in_flight -= tally.lost;
        tally.verdicts += tally.lost + tally.missing_lost;
        tally.silent_since = silence.counts_from(horizon);
        tally
    }
}

impl Tally {
    /// Devices that count against what a group may lose.
    pub(super) fn failures(&self) -> u64 {
        self.failed + self.fell_back + self.unreadable + self.lost + self.missing_lost
    }

    fn count(&mut self, device: &Device, found: Evidence, is_of_wave: bool) {
        self.total += 1;
        let is_readable = device.version.is_some();
        let is_done = matches!(found, Evidence::Done { .. });
        let released_at = found.released_at();
        self.done += u64::from(is_done);
        // What nobody has told to upgrade, and nobody can read, is no reason to open a wave.
        self.behind += u64::from(!is_done && (is_readable || released_at.is_some()));
        let Some(released_at) = released_at else { return };
        let seen = match found {
            Evidence::Unreleased | Evidence::Pending { .. } => false,
            Evidence::Done { .. } => device.seen_since(released_at),
            Evidence::InFlight { .. } | Evidence::Failed { .. } => true,
        };
        self.seen += u64::from(seen);
        self.released_behind += u64::from(!is_done);
        match found {
            Evidence::Unreleased | Evidence::Pending { .. } => {}
            Evidence::Done { .. } => self.verdicts += 1,
            Evidence::InFlight { .. } => self.in_flight += 1,
            Evidence::Failed { released_at: _, how } => {
                self.verdicts += 1;
                match (how, is_readable) {
                    (Failure::FellBack, _) => self.fell_back += 1,
                    (Failure::NotMoved, true) => self.failed += 1,
                    (Failure::NotMoved, false) => self.unreadable += 1,
                }
            }
        }
        if is_of_wave {
            self.wave_behind += u64::from(!is_done);
            self.wave_seen += u64::from(seen);
            self.wave_seen_done += u64::from(seen && is_done);
        }
    }
}
