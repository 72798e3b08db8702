//! Every live device is accepted by the next release, judged on a listing begun after the other gates passed.

use super::Context;
use crate::planner::intent::Intent;
use crate::planner::reason::Reason;
use crate::planner::report::Verdict;

/// Holds until there is such a listing. Which devices a hop would cut off, the path search has weighed already:
/// it is asked anew with every listing.
pub fn check(context: &Context<'_>) -> Verdict {
    let Intent::Hop(leg) = context.intent else { return Verdict::Pass };
    let cleared =
        context.memory.cleared.as_ref().filter(|cleared| cleared.from == leg.from && cleared.to == leg.to);
    let Some(devices) = &context.observed.devices else {
        return Verdict::hold(Reason::ListingAwaited, "the list of devices has not been read yet", None);
    };
    if leg.rollout_first {
        return Verdict::hold(
            Reason::DevicesRefused,
            format!(
                "{} refuses devices as they are; they are brought to what {} bundles first",
                leg.to, leg.from
            ),
            None,
        );
    }
    // A device that says nothing readable may be one that is cut off.
    let spare = context.travellers.may_leave_behind.saturating_sub(leg.left_behind);
    if u64::from(devices.oddities.unreadable) > spare {
        return Verdict::unknown(
            Reason::AnswerUnexpected,
            format!("{} devices could not be read from the authority's list", devices.oddities.unreadable),
            Some(devices.finished),
        );
    }
    match cleared {
        Some(cleared) if devices.began >= cleared.at => Verdict::Pass,
        Some(_) | None => Verdict::hold(
            Reason::ListingAwaited,
            "a list of devices begun after all other checks is awaited",
            None,
        ),
    }
}
