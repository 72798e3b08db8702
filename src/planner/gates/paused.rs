//! Nothing pauses it: neither the spec, nor what stands above it, nor an order.

use super::View;
use crate::planner::reason::Reason;
use crate::planner::report::Verdict;
use crate::planner::words;

/// Holds while something pauses it. A hop under way is finished first, unless the pause says `now`.
pub fn check(view: &View<'_>) -> Verdict {
    if let Some(what) = &view.desired.paused {
        let mend = format!("remove {what} to go on; nothing is lost meanwhile");
        return Verdict::ask(Reason::Paused, format!("paused by {what}"), mend);
    }
    if let (Some(given_up), Some(to)) = (&view.memory.given_up, view.to())
        && given_up.to == to
    {
        let message = format!(
            "the hop to {to} was given up by order {}; order Retry, or change spec.version, to go on",
            given_up.order
        );
        let mend = "order Retry to try the hop again, or set another spec.version";
        return Verdict::ask(Reason::Paused, message, mend);
    }
    match &view.memory.paused {
        Some(paused) => Verdict::ask(
            Reason::Paused,
            format!(
                "paused by order {} since {}; an order Resume ends it",
                paused.order,
                words::past(paused.since)
            ),
            "create a CodeUpgradeOrder with action Resume to go on",
        ),
        None => Verdict::Pass,
    }
}
