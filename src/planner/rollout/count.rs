//! Counts every device of a rollout by what is known of it, in one pass and without an allocation per device.

use jiff::Timestamp;

use super::evidence::{Evidence, Examiner, is_of_open_wave, released_at};
use super::missing;
use super::silence::{Horizon, Silence};
use super::tally::Tally;
use crate::fleet::devices::DeviceState;
use crate::fleet::{Departed, Devices, Watch};
use crate::planner::Desired;
use crate::planner::memory::{Memory, Rollout};

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
            let unseen = missing::unseen(rollout, &tally, watch, devices);
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
