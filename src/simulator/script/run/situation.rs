//! What the object came to say in a story, as its status: for whoever shows it to people.

use jiff::Timestamp;

use super::state::Run;
use crate::api::CodeUpgradeStatus;
use crate::planner::Decision;
use crate::translate;

/// What the object said at a moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Situation {
    /// When, by the operator's clock.
    pub at: Timestamp,
    /// What.
    pub status: CodeUpgradeStatus,
}

impl Run {
    /// Notes what the object says now: of each phase and reason the last that was said.
    pub(super) fn note_situation(&mut self, decision: &Decision, now: Timestamp) {
        let previous = self.situations.last().map(|situation| &situation.status);
        let status = translate::status(previous, decision, Some(self.object.generation()), now);
        let is_alike =
            |known: &Situation| known.status.phase == status.phase && known.status.reason == status.reason;
        self.situations.retain(|known| !is_alike(known));
        self.situations.push(Situation { at: now, status });
    }
}
