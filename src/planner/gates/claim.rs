//! One environment, one object: the older claim wins.

use super::Context;
use crate::planner::observed::Claim;
use crate::planner::reason::Reason;
use crate::planner::report::Verdict;

/// Refuses where another object claimed the environment before.
pub fn check(context: &Context<'_>) -> Verdict {
    match &context.observed.claim {
        Claim::Held => Verdict::Pass,
        Claim::HeldBy(other) => Verdict::refuse(
            Reason::ClaimedByAnother,
            format!("CodeUpgrade {other} claimed this authority before"),
            format!("delete this object or {other}; this one touches nothing"),
        ),
    }
}
