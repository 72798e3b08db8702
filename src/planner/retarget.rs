//! ARCHITECTURE.md, rule 11: what is wanted may change at any time. Before the point of no return another target ends the
//! hop, since its gates are asked for what is wanted now; after it the hop is finished first. A rollout ends at once.

use super::draft::Draft;
use super::facts::Facts;

/// Ends a rollout of a release that is not wanted any more; what was released stays done.
pub(super) fn end_rollout(facts: &Facts<'_>, draft: &mut Draft) {
    let settled = draft.memory.settled.as_ref().map(|settled| settled.release);
    if settled.is_some() && facts.desired.target != settled {
        draft.memory.rollouts.clear();
    }
}
