//! ARCHITECTURE.md, rule 6, after a hop: whether backups are back where they were before it.

use super::draft::Draft;
use super::facts::Facts;
use super::gates::backups_running;

/// Notes when enough devices and backups are back on every own server.
pub(super) fn note(facts: &Facts<'_>, draft: &mut Draft) {
    let Some(baseline) = &draft.memory.baseline else { return };
    let Some(finished_at) = baseline.finished_at.filter(|_| baseline.back_at.is_none()) else { return };
    let fresh = facts.situation.fresh
        && facts.observed.servers.as_ref().is_some_and(|servers| servers.read_at >= finished_at);
    let is_back = fresh && backups_running::not_back(&draft.view(facts)).is_empty();
    if let (true, Some(baseline)) = (is_back, &mut draft.memory.baseline) {
        baseline.back_at = Some(facts.now);
    }
}
