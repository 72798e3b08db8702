//! Counts the groups of a rollout: what their parts add up to, who left the list, and what is usual in each.

use jiff::Timestamp;

use super::evidence::{Examiner, is_of_open_wave};
use super::missing;
use super::silence::{Horizon, Silence};
use super::survey::Survey;
use super::tally::Tally;
use super::verdict::Judge;
use crate::fleet::{Departed, Devices, Watch};
use crate::planner::memory::Rollout;

/// Every group counted, and what concerns all of them.
#[derive(Clone, Debug)]
pub(super) struct Count {
    /// One entry for each group.
    pub(super) tallies: Vec<Tally>,
    /// Devices of any group that this process told and that may be upgrading now.
    pub(super) under_way: u64,
}

/// Counts every group that a judge judges.
pub(super) fn count(survey: &Survey, devices: &Devices, judge: &Judge<'_>, now: Timestamp) -> Count {
    let Some(examiner) = judge.examiner() else { return Count { tallies: Vec::new(), under_way: 0 } };
    let (watch, rollouts) = (judge.watch(), judge.rollouts());
    let horizon = Horizon::at(devices.finished);
    let perhaps_since = examiner.perhaps_under_way_since(now);
    let mut under_way = survey.parts().map(|part| part.under_way(now)).sum();
    let mut counters: Vec<Counter> = (0..rollouts.len())
        .map(|group| {
            let mut counter = Counter::default();
            for block in survey.blocks(group) {
                counter.tally += block.part.tally;
                counter.silence += block.part.silence;
                let perhaps = perhaps_since.map_or(0, |since| block.part.perhaps_under_way(since));
                counter.tally.perhaps_under_way += perhaps;
            }
            counter
        })
        .collect();
    for gone in watch.gone() {
        under_way +=
            u64::from(examiner.under_way_until(gone.device, &gone.sighting).is_some_and(|until| until > now));
        let index = usize::from(gone.device.group);
        let (Some(counter), Some(rollout)) = (counters.get_mut(index), rollouts.get(index)) else {
            continue;
        };
        if !judge.is_exempt(gone.device) {
            counter.count_gone(rollout, examiner, &gone, horizon);
        }
    }
    // After all was done, who leaves has left.
    let is_tracked = judge.misses();
    let tallies = counters.into_iter().zip(rollouts);
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
