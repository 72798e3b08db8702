//! The authority at the url is the one that this object is about.

use super::View;
use crate::planner::claim::{Owner, owner};
use crate::planner::reason::Reason;
use crate::planner::report::Verdict;

/// Refuses another authority at the url.
pub fn check(view: &View<'_>) -> Verdict {
    match owner(view.observed, view.desired, view.remembered) {
        Owner::This | Owner::AnotherObject(_) => Verdict::Pass,
        Owner::AnotherAuthority { found, pinned } => Verdict::refuse(
            Reason::OtherAuthority,
            format!("authority {found} answers at the url; this object is about {pinned}"),
            "correct spec.authority.url, or delete this object and create a new one for the other environment",
        ),
        Owner::Contradicted { wanted, pinned } => Verdict::refuse(
            Reason::OtherAuthority,
            format!("spec.authority.guid is {wanted}; this object has been about {pinned}"),
            "correct spec.authority.guid, or delete this object and create a new one for the other environment",
        ),
    }
}
