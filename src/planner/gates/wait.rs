//! The post-upgrade wait is over, by every clock (ARCHITECTURE.md, rule 5).

use jiff::Timestamp;

use super::Context;
use crate::planner::memory::WaitEvidence;
use crate::planner::reason::Reason;
use crate::planner::report::Verdict;
use crate::planner::words;

/// When the wait of the settled release ends, if it has one.
pub fn until(context: &Context<'_>) -> Option<Timestamp> {
    let wait = context.memory.wait.as_ref()?;
    let length = context.catalog.release(wait.release)?.post_upgrade_wait?;
    Some(wait.until(length, context.now))
}

/// When the operator's clock will show that every witness grants the wait.
pub fn over_at(context: &Context<'_>) -> Option<Timestamp> {
    let until = until(context)?;
    let least = context.observed.witnesses.all().min().unwrap_or(context.now);
    let behind = context.now.duration_since(least);
    Some(until.saturating_add(behind).unwrap_or(Timestamp::MAX))
}

/// Holds until the wait is over and every server has given a good answer since. Storage is brought to its
/// authority without it.
pub fn check(context: &Context<'_>) -> Verdict {
    if !matches!(context.intent, crate::planner::intent::Intent::Hop(_)) {
        return Verdict::Pass;
    }
    let (Some(wait), Some(until), Some(over_at)) = (&context.memory.wait, until(context), over_at(context))
    else {
        return Verdict::Pass;
    };
    if context.now < over_at {
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
    let fresh = context.situation.own().all(|server| !server.online || server.streak.last >= until);
    if !fresh {
        return Verdict::hold(
            Reason::PostUpgradeWait,
            format!("the wait after {} is over; a good answer of every server is awaited", wait.release),
            None,
        );
    }
    Verdict::Pass
}
