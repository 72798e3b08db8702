//! Facts are there and fresh.

use super::View;
use crate::fleet::Server;
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

/// So many devices may have come since the list was read.
const MAY_HAVE_COME: u64 = 5;

/// Refuses where more devices are connected to one server than the authority lists in all: whoever reads it may not see every
/// organisation, and what is not listed would be cut off, or be left out of a wave. Unknown where it is only a few.
pub fn check_devices(view: &View<'_>) -> Verdict {
    let Some(devices) = &view.observed.devices else { return Verdict::Pass };
    let listed = devices.len() as u64 + devices.oddities.unaccounted();
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
