//! Facts are there and fresh.

use super::Context;
use crate::planner::reason::Reason;
use crate::planner::report::Verdict;
use crate::planner::situation::FACTS_FRESH_FOR;
use crate::planner::words;

/// Unknown where servers or settings were never read, or too long ago.
pub fn check(context: &Context<'_>) -> Verdict {
    let observed = context.observed;
    let (Some(servers), Some(_)) = (&observed.servers, &observed.authority) else {
        return Verdict::unknown(Reason::NotYetObserved, "the authority has not been read yet", None);
    };
    if context.situation.authority.is_none() {
        let message = "the authority lists no server of type SERVER";
        return Verdict::unknown(Reason::AnswerUnexpected, message, Some(servers.read_at));
    }
    let Some(settings) = &observed.settings else {
        return Verdict::unknown(
            Reason::NotYetObserved,
            "the authority's settings have not been read yet",
            None,
        );
    };
    let oldest = servers.read_at.min(settings.read_at);
    let age = context.now.duration_since(oldest);
    if age > FACTS_FRESH_FOR {
        let message = format!("the last good answer of the authority is {} old", words::duration(age));
        return Verdict::unknown(Reason::FactsStale, message, Some(oldest));
    }
    Verdict::Pass
}
