//! When devices halt their group, and when a higher bound lets it go on.

use super::pick;
use super::sample::Sample;
use super::tally::Tally;
use super::turn::Turn;
use crate::fleet::Guid;
use crate::planner::desired::Share;
use crate::planner::memory::{HaltCause, HaltedBy, Rollout};

/// Verdicts before a share of failures means anything.
const LEAST_VERDICTS: u64 = 20;

/// Devices that are named when a group halts.
const HALT_SAMPLE: u64 = 2;

/// Whether so many failures are more than a group may have.
fn exceeds(most: Share, failures: u64, verdicts: u64) -> bool {
    match most {
        Share::Count(most) => failures > most,
        share @ Share::BasisPoints(_) => verdicts >= LEAST_VERDICTS && !is_within(share, failures, verdicts),
    }
}

/// Whether a group may have so many failures, where no further verdict can come.
fn is_within(most: Share, failures: u64, verdicts: u64) -> bool {
    failures <= most.at_most(verdicts)
}

impl Turn<'_> {
    /// Whether all that the group has released has a verdict, and its failures are no more than it may have.
    pub(super) fn failures_are_settled(&self) -> bool {
        let failures = self.tally.failures();
        self.is_all_known() && is_within(self.group.max_failures, failures, self.tally.verdicts)
    }

    /// Whether all that is released and not done has failed, so that no further verdict can come.
    fn is_all_known(&self) -> bool {
        let Tally { released_behind, missing, .. } = *self.tally;
        let failures = self.tally.failures();
        failures > 0 && failures == released_behind + missing
    }

    /// Why devices halt the group now. `is_incomplete` says that its open wave is released to its end and incomplete all the same.
    fn halt_cause(&self, rollout: &Rollout, sample: Sample, is_incomplete: bool) -> Option<HaltCause> {
        let most = self.group.max_failures;
        if exceeds(most, self.tally.failures(), self.tally.verdicts) {
            return Some(HaltCause::TooMany);
        }
        if sample.exceeds(most, self.tally.seen) {
            return Some(HaltCause::Sample);
        }
        if self.first_devices_failed(rollout) {
            return Some(HaltCause::FirstDevices);
        }
        // No further verdict can come, and too few of the wave are done: nobody would ever be told without this.
        (is_incomplete && self.is_all_known()).then_some(HaltCause::NoneLeft)
    }

    /// Halts the group where its devices say so; lets it go on where it may have more failures by now than halted it.
    pub(super) fn judge_failures(&self, rollout: &mut Rollout, sample: Sample, is_incomplete: bool) {
        let cause = self.halt_cause(rollout, sample, is_incomplete);
        match (rollout.halted_at, cause) {
            (None, Some(cause)) => {
                rollout.halted_at = Some(self.granted());
                rollout.halted_by = Some(self.halted_by(rollout, sample, cause));
            }
            (Some(_), None) if self.goes_on(rollout) => {
                rollout.halted_at = None;
                rollout.halted_by = None;
            }
            (Some(_), Some(_) | None) | (None, None) => {}
        }
    }

    fn goes_on(&self, rollout: &Rollout) -> bool {
        let Some(by) = rollout.halted_by.as_ref().filter(|_| rollout.halted_by_hook.is_none()) else {
            return false;
        };
        let (most, failures) = (self.group.max_failures, by.failures());
        match by.cause {
            HaltCause::TooMany => !exceeds(most, failures, by.verdicts),
            HaltCause::NoneLeft => self.tally.wave_seen_done > 0 && is_within(most, failures, by.verdicts),
            HaltCause::Sample => {
                let sample = Sample { verdicts: by.verdicts, failed: by.failed };
                !sample.exceeds(most, self.tally.seen)
            }
            HaltCause::FirstDevices => false,
        }
    }

    fn halted_by(&self, rollout: &Rollout, sample: Sample, cause: HaltCause) -> HaltedBy {
        let devices = pick::failed_or_lost(self, rollout, HALT_SAMPLE);
        let devices = devices.iter().map(|guid| Guid(guid.to_string())).collect();
        let Tally { failed, fell_back, unreadable, lost, missing_lost: missing, verdicts, .. } = *self.tally;
        let counted = HaltedBy { cause, failed, fell_back, unreadable, lost, missing, verdicts, devices };
        match cause {
            HaltCause::Sample => HaltedBy {
                failed: sample.failed,
                verdicts: sample.verdicts,
                fell_back: 0,
                unreadable: 0,
                lost: 0,
                missing: 0,
                ..counted
            },
            HaltCause::TooMany | HaltCause::FirstDevices | HaltCause::NoneLeft => counted,
        }
    }
}
