//! The post-upgrade wait is over, by every clock (ARCHITECTURE.md, rule 5).

use jiff::Timestamp;

use super::View;
use crate::planner::memory::WaitEvidence;
use crate::planner::reason::Reason;
use crate::planner::report::Verdict;
use crate::planner::words;

/// When the wait of the settled release ends, if it has one.
pub fn until(view: &View<'_>) -> Option<Timestamp> {
    let wait = view.memory.wait.as_ref()?;
    let length = view.catalog.release(wait.release)?.post_upgrade_wait?;
    Some(wait.until(length, view.now))
}

/// When the operator's clock will show that every witness grants the wait.
pub fn over_at(view: &View<'_>) -> Option<Timestamp> {
    let until = until(view)?;
    let least = view.observed.witnesses.all().min().unwrap_or(view.now);
    let behind = view.now.duration_since(least);
    Some(until.saturating_add(behind).unwrap_or(Timestamp::MAX))
}

/// Holds until the wait is over and every server has given a good answer since. Storage is brought to its
/// authority without it.
pub fn check(view: &View<'_>) -> Verdict {
    if !matches!(view.intent, crate::planner::intent::Intent::Hop(_)) {
        return Verdict::Pass;
    }
    let (Some(wait), Some(until), Some(over_at)) = (&view.memory.wait, until(view), over_at(view)) else {
        return Verdict::Pass;
    };
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
