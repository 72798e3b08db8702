//! All own servers are online before a hop begins, and while devices follow.

use jiff::{SignedDuration, Timestamp};

use super::View;
use crate::fleet::instants;
use crate::fleet::{Server, Verification};
use crate::planner::aim::Aim;
use crate::planner::reason::Reason;
use crate::planner::report::Verdict;
use crate::planner::words;

/// A server that restarts is back by then; one that is not stalls what waits for it.
const OFFLINE_STALLS_AFTER: SignedDuration = SignedDuration::from_hours(1);

/// Holds while an own server is not connected.
pub fn check(view: &View<'_>) -> Verdict {
    if view.situation.own().any(|server| !server.online) {
        return offline(view, "all servers must be online before a hop");
    }
    let unsure: Vec<&str> = view
        .situation
        .own()
        .filter(|server| match view.aim {
            Aim::Hop(leg) => server.verification(leg.from) != Verification::Verified,
            Aim::Adopt { .. } | Aim::Nothing | Aim::NoWay(_) | Aim::Undecided => false,
        })
        .map(|server| server.name.0.as_str())
        .collect();
    if unsure.is_empty() {
        return Verdict::Pass;
    }
    let message = format!("{} being verified: 3 answers over 2 minutes", words::list(&unsure, 3));
    Verdict::hold(Reason::NotYetObserved, message, None)
}

/// Holds while an own server is not connected: the devices that back up to it would be upgraded with nobody to see whether they
/// still do.
pub fn check_devices(view: &View<'_>) -> Verdict {
    if view.situation.own().any(|server| !server.online) {
        return offline(view, "devices follow when all servers are online");
    }
    Verdict::Pass
}

/// What servers that are not connected mean for what waits for them: for a while it waits, then somebody has to do something.
pub fn offline(view: &View<'_>, why: &str) -> Verdict {
    let offline = || view.situation.own().filter(|server| !server.online);
    let names: Vec<&str> = offline().map(|server| server.name.0.as_str()).collect();
    let since = offline_since(view);
    let is_long = since.is_some_and(|since| view.monotonic() >= stalls_at(since));
    if !is_long {
        return Verdict::hold(
            Reason::ServerOffline,
            format!("{} offline; {why}", words::list(&names, 3)),
            None,
        );
    }
    let since = since.map_or_else(String::new, |since| format!(" since {}", words::past(since)));
    let is_authority = |server: &Server| view.situation.authority.is_some_and(|own| own.guid == server.guid);
    let mend = if offline().any(is_authority) {
        "start it again"
    } else {
        "start it again, or set retired with the reason in spec.storage if it does not come back"
    };
    Verdict::refuse(Reason::ServerOffline, format!("{} offline{since}; {why}", words::list(&names, 3)), mend)
}

/// Since when a server is known to be offline: by the answers of this process, or by what an earlier one remembered.
fn offline_since(view: &View<'_>) -> Option<Timestamp> {
    let seen = view.situation.down().map(|server| server.streak.first).min()?;
    let remembered = view.memory.wait.as_ref().and_then(|wait| wait.down_since);
    Some(remembered.map_or(seen, |remembered| remembered.min(seen)))
}

/// When servers that are offline now will be called a stall.
pub fn next_limit(view: &View<'_>) -> Option<Timestamp> {
    offline_since(view).map(stalls_at)
}

fn stalls_at(since: Timestamp) -> Timestamp {
    instants::after(since, OFFLINE_STALLS_AFTER)
}
