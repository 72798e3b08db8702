//! A window is open, and long enough for the whole step.

use jiff::SignedDuration;

use super::View;
use crate::planner::durations;
use crate::planner::intent::Intent;
use crate::planner::reason::Reason;
use crate::planner::report::Verdict;
use crate::planner::window::{Opening, Window, opening};
use crate::planner::words;

/// Holds servers until a window is open that is long enough for all of the hop.
pub fn check_servers(view: &View<'_>) -> Verdict {
    match view.intent {
        Intent::Hop(_) | Intent::Adopt { .. } => {
            let needs = durations::hop_needs(view.touched().len(), view.desired.storage_at_once);
            verdict(view, &view.desired.server_windows, needs)
        }
        Intent::Nothing | Intent::NoWay(_) | Intent::Undecided => Verdict::Pass,
    }
}

/// Holds devices until a window is open.
pub fn check_devices(view: &View<'_>) -> Verdict {
    verdict(view, &view.desired.device_windows, SignedDuration::ZERO)
}

fn verdict(view: &View<'_>, windows: &[Window], needs: SignedDuration) -> Verdict {
    match opening(windows, &view.desired.freezes, needs, view.now) {
        Opening::Open { .. } => Verdict::Pass,
        Opening::Closed { opens: Some(opens), freeze: Some(reason) } => Verdict::hold(
            Reason::Frozen,
            format!("frozen ({reason}); it may begin {}", words::instant(opens)),
            Some(opens),
        ),
        Opening::Closed { opens: Some(opens), freeze: None } => Verdict::hold(
            Reason::OutsideWindow,
            format!("outside the windows; the next begins {}", words::instant(opens)),
            Some(opens),
        ),
        Opening::Closed { opens: None, .. } => Verdict::refuse(
            Reason::OutsideWindow,
            format!("no window within a year is open for the {} that this takes", words::duration(needs)),
            "make spec.windows longer, or end the freeze",
        ),
    }
}
