//! Whether a wave is halted, complete or overdue, by its own devices.

use jiff::Timestamp;

use super::tally::Tally;
use super::{MOST_FIRST_DEVICES, OVERDUE_AFTER, Turn};
use crate::planner::desired::Share;
use crate::planner::memory::Rollout;

/// Verdicts before a share of failures means anything.
const LEAST_VERDICTS: u64 = 20;

/// When the open wave is overdue: a week after it released the last of its devices, if it is neither complete nor halted.
pub(super) fn overdue_since(rollout: &Rollout) -> Option<Timestamp> {
    let done = rollout.wave_completed_at.or(rollout.completed_at).or(rollout.halted_at);
    match (done, rollout.marks.last()) {
        (None, Some(last)) if rollout.threshold == Some(rollout.limit) => {
            last.at.saturating_add(OVERDUE_AFTER).ok()
        }
        (Some(_), _) | (None, Some(_) | None) => None,
    }
}

/// Judges the open wave by its devices: failures halt it, enough done completes it.
pub(super) fn judge(turn: &Turn<'_>, rollout: &mut Rollout) {
    let Tally { verdicts, behind, .. } = *turn.tally;
    let failed = turn.tally.failed + turn.tally.lost;
    let halts = match turn.group.max_failures {
        Share::Count(most) => failed > most,
        share @ Share::BasisPoints(_) => verdicts >= LEAST_VERDICTS && failed > share.at_most(verdicts),
    };
    let stuck = rollout.first.as_ref().is_some_and(|first| first.failed_before >= MOST_FIRST_DEVICES);
    // Only a listing that began after the last release says anything about it.
    let informed = rollout.marks.last().is_none_or(|mark| turn.devices.began > mark.at);
    let released_all = informed && rollout.threshold == Some(rollout.limit);
    // Complete: 90 % of the devices that this wave released and that were seen since are done, at least one; or it has none
    // that is behind.
    let Tally { wave_behind, wave_seen, wave_seen_done, .. } = *turn.tally;
    let enough = wave_behind == 0 || (wave_seen_done > 0 && wave_seen_done * 10 >= wave_seen * 9);
    // No further verdict can come, and too few of the wave are done: nobody would ever be told without this.
    let exhausted = released_all && !enough && failed > 0 && failed == turn.tally.released_behind;
    if (halts || stuck || exhausted) && rollout.halted_at.is_none() {
        rollout.halted_at = Some(turn.facts.now);
    }
    // An empty group, or one whose devices are all done, completes at once. That releases nobody: a list that was empty by
    // mistake, or a device that comes later, is no reason to leave out waves.
    match (behind, rollout.completed_at) {
        (0, None) => rollout.completed_at = Some(turn.facts.now),
        (1.., Some(_)) if !turn.went_through(rollout) => rollout.completed_at = None,
        (_, _) => {}
    }
    if released_all && enough && rollout.wave_completed_at.is_none() && rollout.halted_at.is_none() {
        rollout.wave_completed_at = Some(turn.facts.now);
    }
    if rollout.wave_completed_at.is_some() && turn.is_last_wave(rollout) && rollout.completed_at.is_none() {
        rollout.completed_at = rollout.wave_completed_at;
    }
}
