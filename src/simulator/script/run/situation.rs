//! What the object came to say in a story, as its status: for whoever shows it to people.

use jiff::Timestamp;

use crate::api::CodeUpgradeStatus;

/// What the object said at a moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Situation {
    /// When, by the operator's clock.
    pub at: Timestamp,
    /// What.
    pub status: CodeUpgradeStatus,
}

impl Situation {
    /// Whether both say the same phase for the same reason.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        (&self.status.phase, &self.status.reason) == (&other.status.phase, &other.status.reason)
    }
}
