//! ARCHITECTURE.md, rule 11: what is wanted may change at any time. Before the point of no return another target ends the
//! hop, since its gates are asked for what is wanted now; after it the hop is finished first. A rollout ends at once.

use super::draft::Draft;
use super::facts::Facts;
use super::hop;
use super::memory::Hop;

/// Ends a rollout of a release that is not wanted any more; what was released stays done.
pub(super) fn end_rollout(facts: &Facts<'_>, draft: &mut Draft) {
    let settled = draft.memory.settled.as_ref().map(|settled| settled.release);
    if settled.is_some() && facts.desired.target != settled {
        draft.memory.rollouts.clear();
    }
}

/// Takes a hop out of memory whose authority surely does not have its order: its gates are asked anew before anything is
/// done, and what ends a hop that has not begun ends it.
pub(super) fn set_aside(facts: &Facts<'_>, draft: &mut Draft) {
    if draft.memory.hop.as_ref().is_some_and(|hop| !hop::is_begun(facts, hop)) {
        draft.set_aside = draft.memory.hop.take();
    }
}

/// A hop that is begun anew after it was set aside keeps its times, so that nothing is written for it.
/// Whether there was one is answered.
pub(super) fn resume(draft: &mut Draft, hop: &mut Hop) -> bool {
    let is_same = |before: &Hop| (before.from, before.to) == (hop.from, hop.to);
    let Some(before) = draft.set_aside.take().filter(is_same) else { return false };
    hop.started_at = before.started_at;
    for entry in &mut hop.servers {
        let known = before.servers.iter().find(|known| known.guid == entry.guid);
        if let Some(ordered_at) = known.and_then(|known| known.ordered_at) {
            entry.ordered_at = Some(ordered_at);
        }
    }
    true
}
