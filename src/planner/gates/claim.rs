//! One environment, one object: the older claim wins.

use super::View;
use crate::planner::claim::{Owner, owner};
use crate::planner::reason::Reason;
use crate::planner::report::Verdict;

/// Refuses where another object claimed the environment before.
pub fn check(view: &View<'_>) -> Verdict {
    match owner(view.observed, view.desired, view.remembered) {
        Owner::This | Owner::AnotherAuthority { .. } | Owner::Contradicted { .. } => Verdict::Pass,
        Owner::AnotherObject(other) => Verdict::refuse(
            Reason::ClaimedByAnother,
            format!("CodeUpgrade {other} claimed this authority before"),
            format!("delete this object or {other}; this one touches nothing"),
        ),
    }
}
