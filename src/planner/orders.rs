//! Which orders count, those that speak of the whole object (pauses), and those that speak of nothing.

mod open;

use jiff::SignedDuration;

pub use self::open::open;
use super::draft::Draft;
use super::facts::Facts;
use super::memory::{GivenUp, Hop, Means, PausedByOrder};
use super::order::{Action, Order, PauseReach, Subject};
use super::words;
use crate::catalog::Version;

/// Pauses and resumes; the latest order counts.
pub(super) fn take(facts: &Facts<'_>, draft: &mut Draft) {
    let open: Vec<&Order> = open(facts.observed, &draft.memory).collect();
    let memory = &mut draft.memory;
    for order in open {
        match &order.action {
            Action::Pause(reach) => {
                let since = order.given_at;
                memory.paused =
                    Some(PausedByOrder { order: order.name.clone(), since, now: *reach == PauseReach::Now });
            }
            Action::Resume => memory.paused = None,
            Action::Retry(Subject::Anything)
                if memory.given_up.as_ref().is_some_and(|known| is_after(order, known)) =>
            {
                memory.given_up = None;
            }
            Action::Approve(_) | Action::Retry(_) | Action::Adopt | Action::Abandon => continue,
        }
        memory.consume(order.uid.clone());
    }
}

/// Whether an order was given after a hop was given up: what somebody asked before that is no answer to it.
fn is_after(order: &Order, given_up: &GivenUp) -> bool {
    given_up.at.is_none_or(|at| order.given_at >= at)
}

/// An order may come before what it is about: the same commit brings both. One that speaks of nothing for longer is answered.
const STRAYS_FOR: SignedDuration = SignedDuration::from_mins(10);

/// Refuses the orders that speak of nothing that is there, with what is there: a typing error is told, not waited for.
pub(super) fn refuse_strays(facts: &Facts<'_>, draft: &mut Draft) {
    let is_old = |order: &&Order| facts.now.duration_since(order.given_at) >= STRAYS_FOR;
    let open: Vec<&Order> = open(facts.observed, &draft.memory).filter(is_old).collect();
    for order in open {
        if let Some(why) = stray(facts, draft, order) {
            draft.memory.refuse(order.uid.clone(), why);
        }
    }
}

/// Why an order speaks of nothing, if it does.
fn stray(facts: &Facts<'_>, draft: &Draft, order: &Order) -> Option<String> {
    match &order.action {
        Action::Approve(Subject::Hop { from, to }) => stray_hop(draft, (*from, *to)),
        Action::Approve(Subject::Devices { release }) => stray_devices(draft, *release),
        Action::Approve(Subject::Group(name)) | Action::Retry(Subject::Group(name)) => {
            let groups: Vec<&str> =
                facts.desired.devices.groups.iter().map(|group| group.name.as_str()).collect();
            (!groups.contains(&name.as_str()))
                .then(|| format!("there is no group {name}: there is {}", words::list(&groups, 4)))
        }
        Action::Retry(Subject::Server(name)) => Some(stray_server(draft, name)),
        Action::Approve(Subject::Server(name)) => {
            Some(format!("nothing is waiting for an approval of {name} alone: approve the hop"))
        }
        Action::Approve(Subject::Anything)
        | Action::Retry(Subject::Anything | Subject::Hop { .. } | Subject::Devices { .. })
        | Action::Pause(_)
        | Action::Resume
        | Action::Adopt
        | Action::Abandon => None,
    }
}

/// Why there is nothing to try once more at a server.
fn stray_server(draft: &Draft, name: &str) -> String {
    let Some(hop) = &draft.memory.hop else {
        return format!("no hop is in flight: there is nothing to try once more at {name}");
    };
    let entry = hop.servers.iter().find(|entry| entry.name.0 == name);
    match entry.map(|entry| (&entry.means, entry.verified_at)) {
        None => format!("no server {name} is in the hop"),
        Some((_, Some(_))) => format!("{name} is verified at {}: there is nothing to try", hop.to),
        Some((Means::Workload(_) | Means::Manual(_), None)) => {
            format!("{name} is not upgraded by a job: it is tried as long as its hop lasts")
        }
        Some((Means::Job(_), None)) => {
            format!("the job of {name} has not ended: no other is made while it may run")
        }
    }
}

/// Why no such hop is due. Unless the way is known, nobody can say.
fn stray_hop(draft: &Draft, (from, to): (Version, Version)) -> Option<String> {
    let is_this = |hop: &&Hop| (hop.from, hop.to) == (from, to);
    let is_in_flight = draft.memory.hop.iter().chain(&draft.set_aside).any(|hop| is_this(&hop));
    let path = draft.findings.path.as_ref().filter(|_| !is_in_flight)?;
    if path.legs.iter().any(|leg| (leg.from, leg.to) == (from, to)) {
        return None;
    }
    Some(match path.legs.first() {
        Some(leg) => {
            format!("no hop {from}->{to} is due: the next is for: \"{}->{} servers\"", leg.from, leg.to)
        }
        None => format!("no hop {from}->{to} is due: the servers are where spec.version wants them"),
    })
}

/// Why no devices wait at that release, nor will on the way that is known.
fn stray_devices(draft: &Draft, release: Version) -> Option<String> {
    let path = draft.findings.path.as_ref()?;
    let at = draft.memory.settled.as_ref()?.release;
    let is_on_the_way = at == release || path.legs.iter().any(|leg| leg.to == release);
    (!is_on_the_way).then(|| {
        format!("no devices wait at {release}: the servers are at {at}, so it would be for: \"{at} devices\"")
    })
}
