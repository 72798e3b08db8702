//! Facts are there and fresh.

use jiff::SignedDuration;

use super::View;
use crate::fleet::{Devices, Server};
use crate::planner::reason::Reason;
use crate::planner::report::Verdict;
use crate::planner::situation::FACTS_FRESH_FOR;
use crate::planner::words;

/// Unknown where servers or settings were never read, or too long ago.
pub fn check(view: &View<'_>) -> Verdict {
    let observed = view.observed;
    let (Some(servers), Some(_)) = (&observed.servers, &observed.authority) else {
        return Verdict::unknown(Reason::NotYetObserved, "the authority has not been read yet", None);
    };
    if view.situation.authority.is_none() {
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
    let age = view.monotonic().duration_since(oldest);
    if age > FACTS_FRESH_FOR {
        let message = format!("the last good answer of the authority is {} old", words::duration(age));
        return Verdict::unknown(Reason::FactsStale, message, Some(oldest));
    }
    Verdict::Pass
}

/// What an old list is called where devices follow: nobody can say what became of those that were told.
fn old_listing(view: &View<'_>, devices: &Devices) -> Option<Verdict> {
    let mut rollouts = view.memory.rollouts.iter();
    let is_rolling = rollouts.any(|rollout| rollout.threshold.is_some() && rollout.completed_at.is_none());
    let took = devices.finished.duration_since(devices.began);
    let age = view.monotonic().duration_since(devices.finished);
    if !is_rolling || age <= LISTING_OLD_AFTER.max(took.saturating_mul(LISTINGS_APART)) {
        return None;
    }
    let message = format!("devices were last listed {}", words::instant(devices.finished));
    Some(Verdict::unknown(Reason::FactsStale, message, Some(devices.finished)))
}

/// So many devices may have come since the list was read.
const MAY_HAVE_COME: u64 = 5;

/// While devices follow, a list of them is read every few minutes: this long without one is told.
const LISTING_OLD_AFTER: SignedDuration = SignedDuration::from_hours(1);

/// Where listing takes long, it is done so many times more rarely; and one may fail.
const LISTINGS_APART: i32 = 45;

/// Unknown where the list of devices is too old while they follow, or is not the whole one. Refuses where more devices are connected to
/// one server than the authority lists in all: whoever reads it may not see every organisation, and what is not listed would be cut
/// off, or be left out of a wave. Unknown where it is only a few.
pub fn check_devices(view: &View<'_>) -> Verdict {
    let Some(devices) = view.observed.devices.as_deref() else { return Verdict::Pass };
    if let Some(old) = old_listing(view, devices) {
        return old;
    }
    if !devices.is_whole() {
        return Verdict::unknown(
            Reason::AnswerUnexpected,
            format!(
                "the authority's list of devices is not whole: {} of {} missing",
                devices.oddities.missing,
                devices.len() as u64 + u64::from(devices.oddities.missing)
            ),
            view.observed.watch.partial_since().or(Some(devices.finished)),
        );
    }
    let listed = devices.len() as u64 + devices.without_row();
    let online = |server: &Server| u64::from(server.online_devices);
    let Some(server) = view.situation.own().find(|server| online(server) > listed) else {
        return Verdict::Pass;
    };
    let message = format!(
        "{} devices are connected to {}, and the authority lists only {listed}",
        online(server),
        server.name
    );
    if online(server) > listed + MAY_HAVE_COME {
        let mend = "give the account of the Secret a role that sees the devices of every organisation";
        return Verdict::refuse(Reason::DevicesUnlisted, message, mend);
    }
    Verdict::unknown(Reason::DevicesUnlisted, message, Some(devices.finished))
}
