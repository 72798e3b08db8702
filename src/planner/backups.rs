//! Whether backups are back after a hop (ARCHITECTURE.md, rule 6).

use super::gates::{Context, backups_running};
use super::memory::Memory;

/// Notes when enough devices and backups are back on every own server.
pub(super) fn note(context: &Context<'_>, memory: &mut Memory) {
    let Some(baseline) = &mut memory.baseline else { return };
    let Some(finished_at) = baseline.finished_at.filter(|_| baseline.back_at.is_none()) else { return };
    let fresh = context.situation.fresh
        && context.observed.servers.as_ref().is_some_and(|servers| servers.read_at >= finished_at);
    if fresh && backups_running::not_back(context).is_empty() {
        baseline.back_at = Some(context.now);
    }
}
