//! Every clock agrees: a wait is only as good as the clock that measures it.

use jiff::SignedDuration;

use super::View;
use crate::planner::aim::Aim;
use crate::planner::reason::Reason;
use crate::planner::report::Verdict;
use crate::planner::words;

/// A larger spread holds (ARCHITECTURE.md, rule 5).
pub const LARGEST_SPREAD: SignedDuration = SignedDuration::from_secs(60);

/// Holds while the clocks disagree.
pub fn check(view: &View<'_>) -> Verdict {
    // Storage that is brought to its authority is held by no wait, and so by no clock.
    if !matches!(view.aim, Aim::Hop(_)) {
        return Verdict::Pass;
    }
    check_devices(view)
}

/// The same while devices follow: pauses, verdicts and windows are judged by these clocks.
pub fn check_devices(view: &View<'_>) -> Verdict {
    let witnesses = &view.observed.witnesses;
    if !witnesses.is_witnessed() {
        return Verdict::unknown(
            Reason::ClocksDisagree,
            "neither the API server nor the authority has told its time yet",
            None,
        );
    }
    let spread = witnesses.latest().duration_since(witnesses.granted());
    if spread <= LARGEST_SPREAD {
        return Verdict::Pass;
    }
    Verdict::ask(
        Reason::ClocksDisagree,
        format!("the clocks of operator, API server and authority are {} apart", words::duration(spread)),
        "set the clocks of the nodes and of the authority by NTP; it goes on when they agree within a minute",
    )
}
