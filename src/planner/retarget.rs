//! ARCHITECTURE.md, rule 11: what is wanted may change at any time. Before the point of no return that ends the hop, after it the hop is
//! finished first; a rollout ends at once.

use super::Desired;
use super::draft::Draft;
use super::facts::Facts;
use super::hop;
use super::memory::Hop;
use super::orders::Given;

/// Whether nobody wants the hop any more.
fn is_unwanted(hop: &Hop, desired: &Desired) -> bool {
    desired.deleted || desired.target.is_none_or(|target| target < hop.to)
}

/// Ends a hop whose authority was never touched, where nobody wants it any more.
pub(super) fn end_hop(facts: &Facts<'_>, draft: &mut Draft, given: Given) {
    let Some(hop) = &draft.memory.hop else { return };
    let is_unwanted = given == Given::Abandon || is_unwanted(hop, facts.desired);
    if is_unwanted && hop::is_asked_in_vain(hop, facts.observed) {
        draft.memory.hop = None;
        draft.memory.baseline = None;
    }
}

/// Ends a rollout of a release that is not wanted any more; what was released stays done.
pub(super) fn end_rollout(facts: &Facts<'_>, draft: &mut Draft) {
    let settled = draft.memory.settled.as_ref().map(|settled| settled.release);
    if settled.is_some() && facts.desired.target != settled {
        draft.memory.rollouts.clear();
    }
}
