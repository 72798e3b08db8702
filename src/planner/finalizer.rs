//! ARCHITECTURE.md, rule 12: the object outlives the server steps in flight, and nothing else keeps it.

use super::draft::Draft;
use super::facts::Facts;
use super::observed::Finalizer;
use super::step::Step;

/// Holds the finalizer while a hop is in flight, and lets it go after.
pub(super) fn hold(facts: &Facts<'_>, draft: &mut Draft) {
    match (&draft.memory.hop, facts.observed.finalizer) {
        // Before the order itself: the finalizer is the first effect.
        (Some(_), Finalizer::Absent) => draft.steps.insert(0, Step::HoldFinalizer),
        // After everything else: the catch is closed before the object may go.
        (None, Finalizer::Present) => draft.steps.push(Step::ReleaseFinalizer),
        (Some(_), Finalizer::Present) | (None, Finalizer::Absent) => {}
    }
}
