//! After a hop, backups must be back before devices or the next hop follow (ARCHITECTURE.md, rule 6).

use jiff::SignedDuration;

use super::View;
use crate::fleet::instants;
use crate::planner::reason::Reason;
use crate::planner::report::Verdict;
use crate::planner::words;

/// How long after a hop backups may take to come back.
pub const BACK_WITHIN: SignedDuration = SignedDuration::from_hours(1);

/// The share of the baseline that counts as back, in percent (rounded down, so that small numbers do not flap).
pub const BACK_AT_PERCENT: u64 = 70;

/// The own servers that have too few devices or backups, by name.
pub fn not_back(view: &View<'_>) -> Vec<String> {
    let Some(baseline) = &view.memory.baseline else { return Vec::new() };
    let enough = |now: u32, before: u32| u64::from(now) >= u64::from(before) * BACK_AT_PERCENT / 100;
    view.situation
        .own()
        .filter(|server| {
            baseline.servers.iter().find(|before| before.guid == server.guid).is_some_and(|before| {
                !enough(server.online_devices, before.online_devices)
                    || !enough(server.backup_sessions, before.backup_sessions)
            })
        })
        .map(|server| server.name.0.clone())
        .collect()
}

/// Holds until backups are back; after an hour somebody should look.
pub fn check(view: &View<'_>) -> Verdict {
    let Some(baseline) = &view.memory.baseline else { return Verdict::Pass };
    let (Some(finished_at), None) = (baseline.finished_at, baseline.back_at) else { return Verdict::Pass };
    let due = instants::after(finished_at, BACK_WITHIN);
    let servers = not_back(view);
    let message = if servers.is_empty() {
        "an answer about the servers since the hop is awaited, to see whether backups are back".to_owned()
    } else {
        format!("backups on {} are not back at 70 % of before the hop", words::list(&servers, 2))
    };
    if view.now < due {
        return Verdict::hold(Reason::BackupsNotBack, message, Some(due));
    }
    Verdict::refuse(
        Reason::BackupsNotBack,
        message,
        "look at those servers and their network; it goes on by itself once devices are back",
    )
}
