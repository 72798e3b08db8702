//! What should be read next, and when to decide again.

use jiff::Timestamp;

use super::cadence::{DEVICES_AT_REST, DEVICES_IN_A_ROLLOUT, SERVERS_AT_REST, SERVERS_IN_A_HOP};
use super::draft::Draft;
use super::facts::Facts;
use super::report::Verdict;
use super::{Desired, Report, Wants, gates, narrate};
use crate::catalog::Version;
use crate::fleet::instants;

impl Wants {
    /// What is read before anything was decided: as in a hop, for nothing is known of it yet.
    pub fn first(desired: &Desired) -> Self {
        Self {
            servers_every: SERVERS_IN_A_HOP,
            devices_every: DEVICES_AT_REST,
            devices_since: None,
            arrangement: desired.devices.arrangement(None),
            trial: desired.target.filter(|_| !desired.deleted),
        }
    }
}

/// What the collector should read.
pub(super) fn wants(facts: &Facts<'_>, draft: &Draft) -> Wants {
    let (memory, devices) = (&draft.memory, facts.observed.devices.as_ref());
    let settled = memory.settled.as_ref().filter(|_| facts.desired.target.is_some());
    let arrangement = facts.desired.devices.arrangement(settled.map(|settled| settled.release));
    let rolling =
        draft.findings.rollout.as_ref().is_some_and(|rollout| {
            !rollout.complete || rollout.groups.iter().any(|group| group.in_flight > 0)
        });
    // One from the future says nothing: the clock was set back since.
    let is_for_these = devices.is_some_and(|devices| {
        devices.arrangement == arrangement && devices.began <= facts.observed.witnesses.latest()
    });
    // What does not add up is read again soon.
    let odd = devices.is_some_and(|devices| devices.oddities.unaccounted() > 0)
        || !gates::facts::check_devices(&draft.view(facts)).passes();
    // The last readings before an order are taken soon.
    let is_known = memory.settled.is_some() || is_verified(facts);
    let is_at_rest = is_known && memory.hop.is_none() && memory.cleared.is_none();
    Wants {
        servers_every: if is_at_rest { SERVERS_AT_REST } else { SERVERS_IN_A_HOP },
        devices_every: if rolling || odd { DEVICES_IN_A_ROLLOUT } else { DEVICES_AT_REST },
        devices_since: match &memory.cleared {
            Some(cleared) => Some(gates::compatibility::listing_since(facts, memory, cleared)),
            None if is_for_these => None,
            None => Some(facts.now),
        },
        arrangement,
        trial: trial(facts, draft),
    }
}

/// Whether there is evidence enough of every server, whatever it says.
fn is_verified(facts: &Facts<'_>) -> bool {
    let servers = facts.observed.servers.as_ref();
    servers.is_some_and(|servers| servers.list.iter().all(|server| server.streak.verifies()))
}

/// The release to which workloads may be brought next: that of a hop in flight or due, and what is wanted while no way is known.
fn trial(facts: &Facts<'_>, draft: &Draft) -> Option<Version> {
    if let Some(hop) = &draft.memory.hop {
        return Some(hop.to);
    }
    let next = draft.aim.between().map(|(_, to)| to).or(facts.desired.target);
    let settled = draft.memory.settled.as_ref().map(|settled| settled.release);
    next.filter(|next| !facts.desired.deleted && facts.desired.target.is_some() && settled != Some(*next))
}

/// When to decide again at the latest, even if nothing happens: when the first of the holds, deadlines and pauses ends.
pub(super) fn wake_at(facts: &Facts<'_>, draft: &Draft, report: &Report) -> Option<Timestamp> {
    let findings = &draft.findings;
    let gates = findings.gates.iter().chain(&findings.rollout_gates);
    let holds = gates.filter_map(|gate| match &gate.verdict {
        Verdict::Hold { until, .. } => *until,
        Verdict::Unknown { since, .. } => {
            since.map(|since| instants::after(since, narrate::headline::UNKNOWN_STALLS_AFTER))
        }
        Verdict::Pass | Verdict::Refuse { .. } => None,
    });
    let parts = [
        findings.hop.as_ref().and_then(|hop| hop.wake_at),
        findings.rollout.as_ref().and_then(|rollout| rollout.wake_at),
        report.until,
        // Only where somebody waits for them.
        facts.desired.target.and_then(|_| gates::health::next_limit(&draft.view(facts))),
    ];
    holds.chain(parts.into_iter().flatten()).filter(|at| *at > facts.now).min()
}
