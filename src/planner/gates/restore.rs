//! Somebody's restore is never undone (ARCHITECTURE.md, rule 2).

use super::View;
use crate::planner::reason::Reason;
use crate::planner::report::Verdict;
use crate::planner::standing::Standing;

/// Refuses to move anything after a verified fall below where a server had been.
pub fn check(view: &View<'_>) -> Verdict {
    match view.standing {
        Standing::RestoredByHand { server, release } => Verdict::refuse(
            Reason::RestoredByHand,
            format!("{server} was brought back to {release} by hand; nothing moves"),
            "set spec.version to what you want now, or give a CodeUpgradeOrder with action Adopt",
        ),
        Standing::Settled(_)
        | Standing::InHop
        | Standing::Mixed { .. }
        | Standing::MovedFromOutside { .. }
        | Standing::StorageAhead(_)
        | Standing::Unsure => Verdict::Pass,
    }
}
