//! A sample of the open wave whose evidence memory carries over restarts: where no process lives long enough to see a device fail, the
//! sample shows it.
//!
//! The sample are the devices of the wave with the lowest ranks: they are released first, and are as good as drawn by lot, since ranks
//! are digests. A whole wave would not fit into an object of constant size.

use jiff::SignedDuration;

use super::RETRY_TIME;
use super::evidence::{Evidence, is_of_open_wave, released_at};
use super::first::guids;
use super::turn::Turn;
use crate::fleet::Rank;
use crate::planner::desired::Share;
use crate::planner::memory::Rollout;

/// Devices of a wave that are in its sample.
const SAMPLE: usize = 40;

/// Devices in all samples together, whatever the number of groups.
pub(super) const MOST_SAMPLED: usize = 96;

/// Verdicts in a sample before it means anything.
const LEAST_SAMPLED: u64 = 20;

/// What a sample shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sample {
    /// Devices that are done or have failed.
    pub(super) verdicts: u64,
    /// Of those, the ones that failed.
    pub(super) failed: u64,
}

impl Sample {
    /// Whether so many failures are far more than chance makes of what is allowed: by three times the deviation of such a sample. `of` is
    /// how many devices there are to be judged in all, of which a number may fail.
    pub(super) fn exceeds(self, most: Share, of: u64) -> bool {
        let Self { verdicts, failed } = self;
        if verdicts < LEAST_SAMPLED {
            return false;
        }
        let points = match most {
            Share::BasisPoints(points) => u64::from(points),
            Share::Count(count) => count.saturating_mul(10_000) / of.max(verdicts).max(1),
        };
        let allowed = points.min(10_000);
        let beyond = (failed * 10_000).saturating_sub(verdicts * allowed);
        let deviation = verdicts * allowed * (10_000 - allowed);
        failed >= 3 && u128::from(beyond) * u128::from(beyond) > 9 * u128::from(deviation)
    }
}

/// Looks at the sample of the open wave, and writes down for the next process how long its devices were connected. `left` is how many
/// more devices memory may hold.
pub(super) fn look(turn: &Turn<'_>, rollout: &mut Rollout, left: &mut usize) -> Sample {
    let mut sample = Sample::default();
    let mut kept = Vec::new();
    if rollout.completed_at.is_none() {
        let of_wave = turn.members(|block| block.part.tally.wave_listed > 0).filter(|(_, device)| {
            turn.examiner.is_movable(rollout, device)
                && released_at(rollout, device).is_some_and(|at| is_of_open_wave(rollout, at))
        });
        let rows: Vec<usize> = of_wave.map(|(row, _)| row).take(SAMPLE).collect();
        let tried = tried_rows(turn, rollout).into_iter().filter(|row| !rows.contains(row));
        for (is_of_sample, row) in tried.map(|row| (false, row)).chain(rows.iter().map(|row| (true, *row))) {
            let device = &turn.devices.rows()[row];
            let sighting = turn.examiner.sighting(row, device);
            let found = turn.examiner.evidence(rollout, device, &sighting);
            if is_of_sample {
                let is_done =
                    matches!(found, Evidence::Done { released_at: Some(at) } if device.seen_since(at));
                let is_failed = matches!(found, Evidence::Failed { .. });
                sample.verdicts += u64::from(is_done || is_failed);
                sample.failed += u64::from(is_failed);
            }
            let connected = turn.examiner.connected_since_told(rollout, &sighting);
            let is_open = !matches!(found, Evidence::Done { .. } | Evidence::Unreleased);
            kept.extend(connected.filter(|_| is_open).map(|connected| (device.rank, minutes(connected))));
        }
    }
    kept.truncate(*left);
    *left -= kept.len();
    rollout.sample = kept.into_iter().collect();
    sample
}

/// The rows of the first devices that were tried.
fn tried_rows(turn: &Turn<'_>, rollout: &Rollout) -> Vec<usize> {
    let tried = rollout.first.iter().flat_map(guids).filter_map(|guid| turn.devices.row_of(guid));
    let mut rows: Vec<usize> = tried.filter(|row| turn.is_member(&turn.devices.rows()[*row])).collect();
    rows.sort_unstable();
    rows.dedup();
    rows
}

/// Whole minutes, as far as they say anything: beyond the time that apps retry there is no more to learn.
fn minutes(connected: SignedDuration) -> u32 {
    u32::try_from(connected.min(RETRY_TIME).as_mins()).unwrap_or(0)
}

/// What memory holds of samples, for the watch of a process that takes over.
pub fn carried<'a>(
    rollouts: impl IntoIterator<Item = &'a Rollout>,
) -> std::collections::BTreeMap<Rank, SignedDuration> {
    let samples = rollouts.into_iter().flat_map(|rollout| &rollout.sample);
    samples.map(|(rank, minutes)| (*rank, SignedDuration::from_mins(i64::from(*minutes)))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_halts_on_what_chance_does_not_make() {
        let percent = |percent: u32| Share::BasisPoints(percent * 100);
        for (verdicts, failed, most, of, exceeds) in [
            (40, 13, percent(2), 1_000, true),
            (40, 4, percent(2), 1_000, true),
            (40, 3, percent(2), 1_000, false),
            (40, 13, percent(10), 1_000, true),
            (40, 9, percent(10), 1_000, false),
            (40, 13, percent(33), 1_000, false),
            (19, 19, percent(2), 1_000, false),
            (20, 3, percent(0), 1_000, true),
            (20, 2, percent(0), 1_000, false),
            (40, 40, percent(100), 1_000, false),
            (40, 13, Share::Count(20), 1_000, true),
            (40, 13, Share::Count(300), 1_000, false),
            (40, 13, Share::Count(0), 0, true),
        ] {
            let sample = Sample { verdicts, failed };
            assert_eq!(sample.exceeds(most, of), exceeds, "{failed} of {verdicts}, {most:?} of {of}");
        }
    }
}
