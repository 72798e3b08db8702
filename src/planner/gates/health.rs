//! All own servers are online before a hop begins.

use super::View;
use crate::fleet::Verification;
use crate::planner::intent::Intent;
use crate::planner::reason::Reason;
use crate::planner::report::Verdict;
use crate::planner::words;

/// Holds while an own server is not connected.
pub fn check(view: &View<'_>) -> Verdict {
    let offline: Vec<&str> =
        view.situation.own().filter(|server| !server.online).map(|server| server.name.0.as_str()).collect();
    if offline.is_empty() {
        let unsure: Vec<&str> = view
            .situation
            .own()
            .filter(|server| match view.intent {
                Intent::Hop(leg) => server.verification(leg.from) != Verification::Verified,
                Intent::Adopt { .. } | Intent::Nothing | Intent::NoWay(_) | Intent::Undecided => false,
            })
            .map(|server| server.name.0.as_str())
            .collect();
        if unsure.is_empty() {
            return Verdict::Pass;
        }
        let message = format!("{} being verified: 3 answers over 2 minutes", words::list(&unsure, 3));
        return Verdict::hold(Reason::NotYetObserved, message, None);
    }
    Verdict::hold(
        Reason::ServerOffline,
        format!("{} offline; all servers must be online before a hop", words::list(&offline, 3)),
        None,
    )
}
