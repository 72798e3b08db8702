//! The post-upgrade wait is over, by every clock (ARCHITECTURE.md, rule 5).

use jiff::Timestamp;

use super::View;
use crate::catalog::Version;
use crate::fleet::instants;
use crate::planner::aim::Aim;
use crate::planner::memory::WaitEvidence;
use crate::planner::reason::Reason;
use crate::planner::report::Verdict;
use crate::planner::words;

/// What is known of the wait after the release that the environment is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// The release asks for none.
    NoWait,
    /// It ends then, by the clock that it began by.
    Until(Timestamp),
    /// Nothing describes the release, or nobody knows since when it runs.
    Unknown,
}

/// What is known of the wait.
pub fn known(view: &View<'_>) -> Known {
    let Some(wait) = &view.memory.wait else { return Known::Unknown };
    let Some(release) = view.catalog.release(wait.release) else { return Known::Unknown };
    release.post_upgrade_wait.map_or(Known::NoWait, |length| Known::Until(wait.until(length, view.now)))
}

/// When the operator's clock will show that every witness grants the wait, if there is one.
pub fn over_at(view: &View<'_>) -> Option<Timestamp> {
    let Known::Until(until) = known(view) else { return None };
    let behind = view.now.duration_since(view.observed.witnesses.granted());
    Some(instants::after(until, behind))
}

/// Holds until the wait is over and every server has given a good answer since. Storage is brought to its
/// authority without it.
pub fn check(view: &View<'_>) -> Verdict {
    let Aim::Hop(leg) = view.aim else { return Verdict::Pass };
    let (Some(wait), until) = (&view.memory.wait, known(view)) else {
        return unknown(leg.from);
    };
    let until = match until {
        Known::Unknown => return unknown(leg.from),
        _ if wait.release != leg.from => return unknown(leg.from),
        Known::NoWait => return Verdict::Pass,
        Known::Until(until) => until,
    };
    let over_at = over_at(view).unwrap_or(until);
    if view.now < over_at {
        let known = match wait.evidence {
            WaitEvidence::Completed | WaitEvidence::LastUpgrade => "",
            WaitEvidence::FirstObserved | WaitEvidence::SeenToMove => ", counted from when it was first seen",
        };
        return Verdict::hold(
            Reason::PostUpgradeWait,
            format!("the wait after the upgrade to {} ends {}{known}", wait.release, words::instant(over_at)),
            Some(over_at),
        );
    }
    // A server that is offline is another gate's: it names it.
    let fresh = view.situation.own().all(|server| !server.online || server.streak.last >= until);
    if !fresh {
        return Verdict::hold(
            Reason::PostUpgradeWait,
            format!("the wait after {} is over; a good answer of every server is awaited", wait.release),
            None,
        );
    }
    Verdict::Pass
}

/// A release that nobody describes may ask for a wait: silence is no permission.
fn unknown(at: Version) -> Verdict {
    Verdict::refuse(
        Reason::UnknownRelease,
        format!("no CodeRelease describes {at}, where the servers are, so the wait after it is not known"),
        format!("restore the CodeRelease of {at}, or add one with its postUpgradeWait"),
    )
}
