//! Taking a hop further: what is verified, whose turn it is, which effect is still missing.

use jiff::Timestamp;

use super::trouble::Trouble;
use super::{Progress, SLOW_AFTER, ServerProgress};
use crate::fleet::{ServerRole, Verification};
use crate::planner::draft::Draft;
use crate::planner::facts::Facts;
use crate::planner::memory::{Hop, HopServer};
use crate::planner::report::ServerState;

/// Whether storage may be ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::planner) enum Storage {
    /// When its turn comes.
    GoesOn,
    /// A person holds it.
    IsHeld,
}

/// Takes the hop in flight further.
pub(in crate::planner) fn advance(facts: &Facts<'_>, draft: &mut Draft, storage: Storage) {
    let Some(hop) = &mut draft.memory.hop else { return };
    note_verified(facts, hop);
    if storage == Storage::GoesOn {
        order_next(facts, hop);
    }
    let mut progress = Progress::default();
    for entry in &hop.servers {
        progress.servers.push(progress_of(facts, hop, entry));
        progress.steps.extend(entry.means.way().missing_effect(hop, entry, facts.observed));
        progress.wake_at = [progress.wake_at, next_limit(facts, entry)].into_iter().flatten().min();
    }
    draft.steps.extend(progress.steps.iter().cloned());
    draft.findings.hop = Some(progress);
}

/// When a server in flight will next be called slow or stalled.
fn next_limit(facts: &Facts<'_>, entry: &HopServer) -> Option<Timestamp> {
    let (Some(ordered_at), None) = (entry.ordered_at, entry.verified_at) else { return None };
    let deadline = entry.means.way().deadline(ordered_at)?;
    let slow = ordered_at.saturating_add(SLOW_AFTER).ok();
    [slow, Some(deadline)].into_iter().flatten().find(|limit| *limit > facts.now)
}

/// Records servers that are verified at the new release; what runs them must agree as well.
fn note_verified(facts: &Facts<'_>, hop: &mut Hop) {
    if !facts.situation.fresh {
        return;
    }
    let to = hop.to;
    for entry in &mut hop.servers {
        if entry.verified_at.is_some() || entry.ordered_at.is_none() {
            continue;
        }
        let server = facts.observed.server(&entry.guid);
        let verified = server.is_some_and(|server| server.verification(to) == Verification::Verified);
        if verified && entry.means.way().agrees(facts.observed) {
            entry.verified_at = Some(facts.now);
        }
    }
}

/// Orders the storage servers whose turn it is: one proves it, then several at once.
fn order_next(facts: &Facts<'_>, hop: &mut Hop) {
    // An authority that reads another release again is being restored: storage must not go ahead of it.
    let authority_is_there = facts.situation.at() == Some(hop.to);
    if !is_authority_verified(hop) || !authority_is_there || !facts.situation.fresh {
        return;
    }
    let storage = |entry: &&HopServer| entry.role == ServerRole::Storage;
    let proven = hop.servers.iter().filter(storage).filter(|entry| entry.verified_at.is_some()).count();
    let in_flight: Vec<&HopServer> = hop
        .servers
        .iter()
        .filter(storage)
        .filter(|entry| entry.ordered_at.is_some() && entry.verified_at.is_none())
        .collect();
    // An earlier server's failure holds the rest: what broke one would break them all.
    if in_flight.iter().any(|entry| trouble(facts, entry).is_some()) {
        return;
    }
    let first = usize::try_from(hop.at_once.first.max(1)).unwrap_or(1);
    let then = usize::try_from(hop.at_once.then.max(1)).unwrap_or(1);
    let allowed = if proven < first { first - proven } else { then };
    let room = allowed.saturating_sub(in_flight.len());
    let is_known = |entry: &HopServer| {
        facts.observed.server(&entry.guid).is_some() && entry.means.way().is_known(facts.observed)
    };
    let ready: Vec<usize> = hop
        .servers
        .iter()
        .enumerate()
        .filter(|(_, entry)| storage(entry) && entry.ordered_at.is_none() && is_known(entry))
        .map(|(index, _)| index)
        .take(room)
        .collect();
    for index in ready {
        hop.servers[index].ordered_at = Some(facts.now);
    }
}

fn is_authority_verified(hop: &Hop) -> bool {
    let mut authority = hop.servers.iter().filter(|entry| entry.role == ServerRole::Authority);
    authority.all(|entry| entry.verified_at.is_some())
}

/// Why a server whose turn has come cannot be ordered.
fn obstacle(facts: &Facts<'_>, hop: &Hop, entry: &HopServer) -> Option<Trouble> {
    if !is_authority_verified(hop) || entry.ordered_at.is_some() {
        return None;
    }
    if facts.observed.server(&entry.guid).is_none() {
        return Some(Trouble::NotListed);
    }
    entry.means.way().obstacle(facts.observed)
}

/// Why a server in flight does not go on.
fn trouble(facts: &Facts<'_>, entry: &HopServer) -> Option<Trouble> {
    let ordered_at = entry.ordered_at?;
    let way = entry.means.way();
    way.trouble(facts.observed).or_else(|| {
        let is_overdue = way.deadline(ordered_at).is_some_and(|deadline| facts.now > deadline);
        is_overdue.then_some(Trouble::DeadlinePassed)
    })
}

fn progress_of(facts: &Facts<'_>, hop: &Hop, entry: &HopServer) -> ServerProgress {
    let trouble = trouble(facts, entry).or_else(|| obstacle(facts, hop, entry));
    let at_release = facts.observed.server(&entry.guid).map(|server| server.verification(hop.to));
    let (state, since) = match (entry.verified_at, entry.ordered_at) {
        (Some(at), _) => (ServerState::Current, Some(at)),
        (None, None) => (ServerState::Pending, None),
        (None, Some(at)) if trouble.is_some() => (ServerState::Failing, Some(at)),
        (None, Some(at)) => match at_release {
            Some(Verification::Verified | Verification::Verifying) if facts.situation.fresh => {
                (ServerState::Verifying, Some(at))
            }
            Some(_) | None => (entry.means.way().state(), Some(at)),
        },
    };
    ServerProgress {
        guid: entry.guid.clone(),
        name: facts.observed.name_of(&entry.guid),
        role: entry.role,
        state,
        since,
        trouble: trouble.filter(|_| entry.verified_at.is_none()),
    }
}
