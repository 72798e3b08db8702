//! What becomes of an open wave when the list of waves is edited: the rollout ends where the new list says, and nobody is released
//! sooner for it than by the wave that was open.

use super::turn::Turn;
use super::waves::{digest, limit_of, size_of};
use crate::fleet::Wave;
use crate::planner::memory::Rollout;

/// Finds the place of what is released in a list that was edited since the open wave began.
///
/// The open wave becomes the first of the new list that holds what is released. It may shrink at once; where the new one is
/// larger, the rest of it is opened as every wave is: when what is released is complete, after the pause and its hooks.
pub(super) fn follow_waves(turn: &Turn<'_>, rollout: &mut Rollout) {
    let now = digest(&turn.group.waves);
    let is_edited = rollout.waves.as_ref().is_some_and(|known| *known != now);
    if !is_edited || rollout.completed_at.is_some() {
        return;
    }
    rollout.waves = Some(now);
    let Some(threshold) = rollout.threshold else { return };
    let (all, released) = (turn.movable(), turn.movable_to(rollout, threshold));
    let last = Wave::at(turn.group.waves.len().saturating_sub(1));
    let mut waves = (0..turn.group.waves.len()).map(Wave::at);
    let wave = waves.find(|wave| size_of(turn, *wave, all) >= released).unwrap_or(last);
    let limit = limit_of(turn, rollout, wave);
    rollout.wave = wave;
    rollout.cut_short = limit > rollout.limit;
    rollout.limit = rollout.limit.min(limit);
}
