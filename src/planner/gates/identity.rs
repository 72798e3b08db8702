//! The authority at the url is the one that was pinned.

use super::Context;
use crate::planner::reason::Reason;
use crate::planner::report::Verdict;

/// Refuses another authority at the url.
pub fn check(context: &Context<'_>) -> Verdict {
    let pinned = context.desired.authority.guid.as_ref().or(context.memory.authority_guid.as_ref());
    match (pinned, &context.observed.authority) {
        (Some(pinned), Some(found)) if *pinned != found.guid => Verdict::refuse(
            Reason::OtherAuthority,
            format!("authority {} answers at the url; this object is about {pinned}", found.guid),
            "correct spec.authority.url, or delete this object and create a new one for the other environment",
        ),
        _ => Verdict::Pass,
    }
}
