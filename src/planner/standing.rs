//! What verified facts make of the memory: identity, high-water mark, settled release, restores, adoption.
//!
//! Only verified facts change anything here: one bad answer does not (ARCHITECTURE.md, rules 2, 5 and 6).

use super::desired::Desired;
use super::facts::Facts;
use super::memory::{Memory, Restored, Settled, Wait, WaitEvidence, WantedThen};
use super::observed::{Access, AccessFailure, Observed};
use super::order::Action;
use super::orders::open;
use super::situation::Situation;
use crate::catalog::Version;
use crate::fleet::streak::VERIFYING_SPAN;
use crate::fleet::{Server, Verification};

/// How the versions stand to what this operator brought about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Too little is verified to say.
    Unsure,
    /// All own servers are verified at the settled release.
    Settled(Version),
    /// A hop of this operator is in flight.
    InHop,
    /// Storage is behind its authority, not by this operator.
    Mixed {
        /// The authority's release.
        authority: Version,
        /// Storage that is behind: names, by name.
        behind: Vec<String>,
        /// The oldest release among them.
        oldest: Version,
    },
    /// The environment moved to a newer release, not by this operator.
    MovedFromOutside {
        /// Where it was settled.
        from: Version,
        /// Where it is.
        to: Version,
    },
    /// Storage is newer than its authority: names, by name.
    StorageAhead(Vec<String>),
    /// A server was verified below where it had been.
    RestoredByHand {
        /// The server.
        server: String,
        /// The release that was found.
        release: Version,
    },
}

/// Updates the memory by what is verified and says how the versions stand.
pub(super) fn settle(facts: &Facts<'_>, memory: &mut Memory) -> Standing {
    let Facts { observed, situation, .. } = facts;
    if let (None, Some(authority)) = (&memory.authority_guid, &observed.authority) {
        memory.authority_guid = Some(authority.guid.clone());
    }
    if memory.hop.is_none() {
        note_downtime(facts, memory);
    }
    if !situation.fresh {
        return if memory.hop.is_some() { Standing::InHop } else { Standing::Unsure };
    }
    if let Some(fall) = fall(memory, situation) {
        return note_fall(facts, memory, fall);
    }
    // A restored server that restarts settles nothing: only what is verified where it had been does.
    if let Some(restored) = &memory.restored
        && let Some((unclear, _)) = measured(memory, situation).into_iter().find(|(server, was_at)| {
            !matches!(server.verification(*was_at), Verification::Verified | Verification::Above(_))
        })
    {
        return Standing::RestoredByHand { server: unclear.name.0.clone(), release: restored.release };
    }
    if memory.restored.take().is_some() {
        // Brought up again by hand: its migrations have begun anew, and with them the wait.
        reset_wait(facts, memory);
    }
    if let Some(authority) = verified_authority(situation)
        && memory.hop.is_none()
    {
        memory.high_water_mark = memory.high_water_mark.max(Some(authority));
    }
    if memory.hop.is_some() {
        return Standing::InHop;
    }
    compare(facts, memory)
}

/// How the versions stand to the settled release, with no hop in flight.
fn compare(facts: &Facts<'_>, memory: &mut Memory) -> Standing {
    let Facts { observed, desired, situation, .. } = facts;
    let ahead = situation.ahead();
    // One answer of an authority is no evidence: it may be restarting from a backup, or be wrong.
    if !ahead.is_empty() && verified_authority(situation).is_some() {
        return Standing::StorageAhead(ahead.into_iter().map(|server| server.name.0.clone()).collect());
    }
    if let Some(release) = situation.settled_at() {
        let known = memory.settled.as_ref().map(|settled| settled.release);
        return match known {
            Some(known) if known == release => {
                // An order speaks of its moment: where there is nothing to adopt it must not lie in wait.
                consume_adoption(memory, observed);
                hear_last_upgrade(memory, desired);
                Standing::Settled(release)
            }
            Some(known) if !answered(facts, memory, release) => {
                Standing::MovedFromOutside { from: known, to: release }
            }
            Some(_) | None => {
                consume_adoption(memory, observed);
                begin(facts, memory, release);
                Standing::Settled(release)
            }
        };
    }
    // A server that is silent, or was installed anew at the same release, unsettles nothing: a gate names it. Nor does a
    // restart of the operator: what was verified stays while no answer contradicts it.
    if let Some(known) = memory.settled.as_ref().map(|settled| settled.release)
        && situation.at() == Some(known)
        && situation.own().all(|server| server.version == Some(known))
    {
        hear_last_upgrade(memory, desired);
        return Standing::Settled(known);
    }
    match (verified_authority(situation), situation.behind().as_slice()) {
        (Some(authority), [_, ..]) => {
            let behind = situation.behind();
            let oldest = behind.iter().filter_map(|server| server.version).min().unwrap_or(authority);
            let names = behind.into_iter().map(|server| server.name.0.clone()).collect();
            Standing::Mixed { authority, behind: names, oldest }
        }
        _ => Standing::Unsure,
    }
}

fn verified_authority(situation: &Situation<'_>) -> Option<Version> {
    let authority = situation.authority?;
    let version = authority.version?;
    (authority.verification(version) == Verification::Verified).then_some(version)
}

/// The spec asks for the release, or an order adopts what is there.
pub fn answered(facts: &Facts<'_>, memory: &Memory, release: Version) -> bool {
    facts.desired.target == Some(release) || adopting_order(memory, facts.observed).is_some()
}

/// An order to adopt that was not consumed yet.
pub fn adopting_order<'a>(memory: &Memory, observed: &'a Observed) -> Option<&'a str> {
    open(observed, memory).find(|order| order.action == Action::Adopt).map(|order| order.uid.as_str())
}

/// A server was verified below the release of the wait and is there again: the wait begins anew, whatever the spec told of
/// the time before.
fn reset_wait(facts: &Facts<'_>, memory: &mut Memory) {
    let Some(wait) = &mut memory.wait else { return };
    wait.started_at = facts.observed.witnesses.latest();
    wait.evidence = WaitEvidence::SeenToMove;
    (wait.down_seconds, wait.down_since) = (0, None);
    wait.resets = wait.resets.saturating_add(1);
}

/// The environment is settled at a release from now on.
fn begin(facts: &Facts<'_>, memory: &mut Memory, release: Version) {
    let Facts { observed, desired, situation, .. } = facts;
    let resets = memory.wait.as_ref().map_or(0, |wait| wait.resets);
    let is_first_sight = memory.settled.is_none() && memory.wait.is_none();
    let evidence = if is_first_sight { WaitEvidence::FirstObserved } else { WaitEvidence::SeenToMove };
    let (now, started_at) = (observed.witnesses.operator, observed.witnesses.latest());
    memory.settled = Some(Settled::new(release, now, situation.own().map(|server| &server.guid)));
    memory.wait = Some(Wait { release, started_at, evidence, down_seconds: 0, down_since: None, resets });
    memory.rollouts.clear();
    memory.done = None;
    memory.cleared = None;
    memory.hop_hooks = None;
    memory.high_water_mark = memory.high_water_mark.max(Some(release));
    hear_last_upgrade(memory, desired);
}

/// What the spec says of the time before the operator came counts whenever it is said. Of later times its own memory
/// is the better witness.
fn hear_last_upgrade(memory: &mut Memory, desired: &Desired) {
    let (Some(wait), Some(last)) = (&mut memory.wait, desired.last_upgrade) else { return };
    let is_of_before = wait.evidence == WaitEvidence::FirstObserved && last.finished_at < wait.started_at;
    if is_of_before && last.release == wait.release {
        wait.started_at = last.finished_at;
        wait.evidence = WaitEvidence::LastUpgrade;
    }
}

/// Time that servers were down in a wait is added to it. While the authority does not answer nobody can say that any
/// server runs, so that time is added as well.
fn note_downtime(facts: &Facts<'_>, memory: &mut Memory) {
    let Facts { observed, situation, .. } = facts;
    let Some(wait) = &mut memory.wait else { return };
    let silent = match &observed.access {
        Access::Failed { failure: AccessFailure::Unreachable, since, .. } => {
            Some(*since).filter(|since| facts.monotonic().duration_since(*since) >= VERIFYING_SPAN)
        }
        Access::Failed { .. } | Access::Good | Access::NotYet => None,
    };
    let down = situation.down().map(|server| server.streak.first).min().filter(|_| situation.fresh);
    let answers = observed.servers.as_ref().filter(|_| situation.fresh && observed.access == Access::Good);
    match (wait.down_since, silent.or(down), answers) {
        (None, Some(since), _) => wait.down_since = Some(since.max(wait.started_at)),
        (Some(since), None, Some(servers)) if situation.own().all(|server| server.online) => {
            wait.down_seconds += servers.read_at.duration_since(since).as_secs().max(0);
            wait.down_since = None;
        }
        (Some(_), _, _) | (None, None, _) => {}
    }
}

struct Fall {
    server: String,
    release: Version,
}

/// The own servers with the release at which each had been verified: the authority first.
fn measured<'a>(memory: &Memory, situation: &Situation<'a>) -> Vec<(&'a Server, Version)> {
    let hop = memory.hop.as_ref();
    let in_hop = |server: &Server| hop?.servers.iter().find(|entry| entry.guid == server.guid);
    let authority = situation.authority.and_then(|server| {
        let upgraded = in_hop(server).filter(|entry| entry.verified_at.is_some()).and(hop);
        Some((server, upgraded.map(|hop| hop.to).max(memory.high_water_mark)?))
    });
    let storage = situation.storage.iter().map(|storage| storage.server).filter_map(|server| {
        let was_at = if let Some(hop) = hop {
            if in_hop(server)?.verified_at.is_some() { hop.to } else { hop.from }
        } else {
            let settled = memory.settled.as_ref()?;
            settled.servers.binary_search(&server.guid).is_ok().then_some(settled.release)?
        };
        Some((server, was_at))
    });
    authority.into_iter().chain(storage).collect()
}

/// A server that is verified below where it had been.
fn fall(memory: &Memory, situation: &Situation<'_>) -> Option<Fall> {
    measured(memory, situation).into_iter().find_map(|(server, was_at)| match server.verification(was_at) {
        Verification::Below(release) => Some(Fall { server: server.name.0.clone(), release }),
        Verification::Verified | Verification::Verifying | Verification::Above(_) | Verification::Unsure => {
            None
        }
    })
}

/// Whether a restore is seen in the facts, so that an order to adopt it is followed at once.
pub(super) fn is_seen_restored(memory: &Memory, situation: &Situation<'_>) -> bool {
    fall(memory, situation).is_some()
}

/// Nothing moves until the spec changes or an order says so; then what is there is the new beginning.
fn note_fall(facts: &Facts<'_>, memory: &mut Memory, fall: Fall) -> Standing {
    let Facts { observed, desired, situation, now, .. } = facts;
    let now = *now;
    let noticed = memory.restored.get_or_insert(Restored {
        release: fall.release,
        noticed_at: now,
        wanted: Some(desired.target.into()),
    });
    // Only another wish is an answer: an edit of anything else says nothing about the restore.
    let wanted = *noticed.wanted.get_or_insert(desired.target.into());
    let settled_by_somebody = wanted != WantedThen::from(desired.target);
    if !settled_by_somebody && adopting_order(memory, observed).is_none() {
        return Standing::RestoredByHand { server: fall.server, release: fall.release };
    }
    memory.restored = None;
    memory.hop = None;
    memory.high_water_mark = situation.at();
    memory.settled = None;
    memory.cleared = None;
    memory.hop_hooks = None;
    memory.rollouts.clear();
    memory.done = None;
    if let Some(wait) = &mut memory.wait {
        wait.resets += 1;
    }
    match situation.settled_at() {
        Some(release) => {
            // The restored servers begin the wait anew: `lastUpgrade` told of another life.
            consume_adoption(memory, observed);
            memory.settled = Some(Settled::new(release, now, situation.own().map(|server| &server.guid)));
            let resets = memory.wait.as_ref().map_or(1, |wait| wait.resets);
            let (evidence, started_at) = (WaitEvidence::SeenToMove, observed.witnesses.latest());
            memory.wait =
                Some(Wait { release, started_at, evidence, down_seconds: 0, down_since: None, resets });
            Standing::Settled(release)
        }
        None => Standing::Unsure,
    }
}

/// Marks an order to adopt as consumed.
pub fn consume_adoption(memory: &mut Memory, observed: &Observed) {
    if let Some(uid) = adopting_order(memory, observed).map(str::to_owned) {
        memory.consume(uid);
    }
}
