//! Whether a wave is halted, complete or overdue, by its own devices.

use jiff::Timestamp;

use super::OVERDUE_AFTER;
use super::sample::Sample;
use super::tally::Tally;
use super::turn::Turn;
use crate::fleet::instants;
use crate::planner::memory::Rollout;

/// When the open wave is overdue: a week after it last released a device, if it is neither complete nor halted.
pub(super) fn overdue_since(rollout: &Rollout) -> Option<Timestamp> {
    let done = rollout.wave_completed_at.or(rollout.completed_at).or(rollout.halted_at);
    match (done, rollout.marks.last()) {
        (None, Some(last)) => Some(instants::after(last.at, OVERDUE_AFTER)),
        (Some(_), _) | (None, None) => None,
    }
}

/// Whether the open wave has released all that it is to release.
pub(super) fn is_released(rollout: &Rollout) -> bool {
    rollout.threshold == Some(rollout.limit)
}

/// Judges the open wave by its devices: failures halt it, enough done completes it.
pub(super) fn judge(turn: &Turn<'_>, rollout: &mut Rollout, sample: Sample) {
    // Only a listing that began after the last release says anything about it.
    let informed = rollout.marks.last().is_none_or(|mark| turn.devices.began > mark.at);
    let released_all = informed && is_released(rollout);
    // Complete: 90 % of the devices that this wave released and that were seen since are done, at least one; or all that is left of
    // them are failures that the group may have; or it has none that is behind.
    let Tally { behind, missing, wave_behind, wave_seen, wave_seen_done, .. } = *turn.tally;
    let most_done = wave_seen_done * 10 >= wave_seen * 9 || turn.failures_are_settled();
    let enough = wave_behind == 0 || (wave_seen_done > 0 && most_done);
    turn.judge_failures(rollout, sample, released_all && !enough);
    // An empty group, or one whose devices are all done, completes at once. That releases nobody: a list that was empty by
    // mistake, or a device that comes later, is no reason to leave out waves. Who is missing is not done.
    let is_nobody = turn.tally.total == 0 && turn.group.rule.names_devices();
    match (behind + missing, rollout.completed_at) {
        (0, None) if !is_nobody => rollout.completed_at = Some(turn.noted()),
        (1.., Some(_)) if !turn.went_through(rollout) => rollout.completed_at = None,
        (_, _) => {}
    }
    if released_all && enough && rollout.wave_completed_at.is_none() && rollout.halted_at.is_none() {
        rollout.wave_completed_at = Some(turn.noted());
    }
    if rollout.wave_completed_at.is_some() && turn.is_last_wave(rollout) && rollout.completed_at.is_none() {
        rollout.completed_at = rollout.wave_completed_at;
    }
}
