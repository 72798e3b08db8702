//! All own servers are online before a hop begins.

use super::Context;
use crate::planner::reason::Reason;
use crate::planner::report::Verdict;
use crate::planner::words;

/// Holds while an own server is not connected.
pub fn check(context: &Context<'_>) -> Verdict {
    let offline: Vec<&str> = context
        .situation
        .own()
        .filter(|server| !server.online)
        .map(|server| server.name.0.as_str())
        .collect();
    if offline.is_empty() {
        return Verdict::Pass;
    }
    Verdict::hold(
        Reason::ServerOffline,
        format!("{} offline; all servers must be online before a hop", words::list(&offline, 3)),
        None,
    )
}
