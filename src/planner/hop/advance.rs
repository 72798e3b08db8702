//! Taking a hop further: what is carried out, what is verified, whose turn it is, which effect is still missing.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::means::{CarriedOut, Haste};
use super::progress::{Progress, ServerProgress};
use super::trouble::Trouble;
use crate::fleet::streak::{VERIFYING_ANSWERS, VERIFYING_SPAN};
use crate::fleet::{Guid, Server, ServerRole, Verification, instants};
use crate::planner::desired::HookMoment;
use crate::planner::draft::Draft;
use crate::planner::durations::{SERVER_DEADLINE, SERVER_SLOW_AFTER};
use crate::planner::facts::{Facts, to_the_millisecond};
use crate::planner::hooks::Answer;
use crate::planner::hooks::of_hops::{Question, refused_by};
use crate::planner::memory::{HookRefusal, Hop, HopServer, Means};
use crate::planner::report::ServerState;
use crate::planner::step::Step;

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
    if note_carried_out(facts, hop) == PointOfNoReturn::Passed {
        draft.memory.cleared = None;
        if let Some(uid) = hop.approved_by.clone() {
            draft.memory.consume(uid);
        }
    }
    let Some(hop) = &mut draft.memory.hop else { return };
    let mut progress = Progress::default();
    note_verified(facts, hop, &mut progress);
    order_next(facts, hop, storage, &mut progress);
    for entry in &hop.servers {
        progress.servers.push(progress_of(facts, hop, entry));
        progress.steps.extend(effect(facts, hop, entry).ok().flatten());
        progress.wake_at = [progress.wake_at, next_limit(facts, entry)].into_iter().flatten().min();
    }
    draft.steps.extend(progress.steps.iter().cloned());
    draft.findings.hop = Some(progress);
}

/// Whether the authority was found to have its order just now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PointOfNoReturn {
    Passed,
    AsBefore,
}

/// Records orders that are carried out.
fn note_carried_out(facts: &Facts<'_>, hop: &mut Hop) -> PointOfNoReturn {
    let mut passed = PointOfNoReturn::AsBefore;
    if hop.adopted && hop.started_at == facts.now {
        passed = PointOfNoReturn::Passed;
    }
    let is_new = |entry: &HopServer| {
        entry.carried_out_at.is_none()
            && entry.ordered_at.is_some()
            && entry.means.way().carried_out(hop, entry, facts.observed) == CarriedOut::Yes
    };
    let carried_out: Vec<bool> = hop.servers.iter().map(is_new).collect();
    for (entry, is_carried_out) in hop.servers.iter_mut().zip(carried_out) {
        if is_carried_out {
            entry.carried_out_at = Some(facts.now);
            if let Means::Workload(means) = &mut entry.means {
                means.ordered_image = Some(means.image.clone());
            }
            if entry.role == ServerRole::Authority {
                passed = PointOfNoReturn::Passed;
            }
        }
    }
    passed
}

/// The first server that does not go on, and why.
pub(in crate::planner) fn first_trouble(facts: &Facts<'_>, hop: &Hop) -> Option<Trouble> {
    let of = |entry| trouble(facts, hop, entry).or_else(|| obstacle(facts, hop, entry));
    hop.servers.iter().find_map(of)
}

/// Since when a server in flight is awaited, and how much of that counts for no deadline.
fn awaited_since(entry: &HopServer) -> Option<(Timestamp, SignedDuration)> {
    match (entry.carried_out_at, entry.verified_at, entry.means.way().haste()) {
        (Some(since), None, Haste::Timed) => {
            Some((since, SignedDuration::from_secs(entry.uncounted_seconds)))
        }
        (Some(_), None, Haste::Untimed) | (None, _, _) | (Some(_), Some(_), _) => None,
    }
}

/// When a server in flight will next be called slow or stalled.
fn next_limit(facts: &Facts<'_>, entry: &HopServer) -> Option<Timestamp> {
    let (since, uncounted) = awaited_since(entry)?;
    [SERVER_SLOW_AFTER, SERVER_DEADLINE]
        .into_iter()
        .filter_map(|limit| since.saturating_add(limit.saturating_add(uncounted)).ok())
        .find(|limit| *limit > facts.now)
}

/// Records servers that are verified at the new release; what runs them must agree as well, and the hooks after each must say yes.
/// Answers that an earlier process got count, as long as none contradicts them.
fn note_verified(facts: &Facts<'_>, hop: &mut Hop, progress: &mut Progress) {
    if !facts.situation.fresh {
        return;
    }
    let (from, to, since) = (hop.from, hop.to, hop.started_at);
    for entry in &mut hop.servers {
        if entry.verified_at.is_some() || entry.ordered_at.is_none() {
            continue;
        }
        let Some(server) = facts.observed.server(&entry.guid) else { continue };
        let agrees = entry.means.way().agrees(facts.observed);
        entry.settled_at = if agrees { entry.settled_at.or(Some(facts.now)) } else { None };
        let is_there = match server.verification(to) {
            Verification::Verified | Verification::Verifying => agrees,
            Verification::Below(_) | Verification::Above(_) | Verification::Unsure => false,
        };
        if !is_there {
            entry.seen_at = None;
            continue;
        }
        let seen_at = *entry.seen_at.get_or_insert(to_the_millisecond(server.streak.first));
        if server.verification(to) != Verification::Verified && !is_confirmed(server, seen_at) {
            continue;
        }
        let when = HookMoment::AfterServer;
        let question = Question { when, from, to, server: Some(&entry.name), since };
        if progress.ask(facts, &question, &mut entry.hooks) == Answer::Pass {
            entry.verified_at = Some(facts.now);
            // What has led to it need not be remembered.
            (entry.settled_at, entry.seen_at, entry.hooks) = (None, None, None);
        }
    }
}

/// Whether the answers of this process and the one that is remembered are enough together.
fn is_confirmed(server: &Server, seen_at: Timestamp) -> bool {
    let is_of_before = seen_at < server.streak.first;
    is_of_before
        && server.streak.answers >= VERIFYING_ANSWERS.saturating_sub(1)
        && server.streak.last.duration_since(seen_at) >= VERIFYING_SPAN
}

/// Orders the storage servers whose turn it is, when the hooks before each say yes: one proves it, then several at once. An order that
/// is not carried out is decided anew at every look.
fn order_next(facts: &Facts<'_>, hop: &mut Hop, storage: Storage, progress: &mut Progress) {
    let pending = take_back(facts, hop);
    let room = match storage {
        Storage::GoesOn => room(facts, hop),
        Storage::IsHeld => 0,
    };
    let (from, to, since) = (hop.from, hop.to, hop.started_at);
    let is_known = |entry: &HopServer| {
        // What somebody installed newer meanwhile is asked for no downgrade; a version that is not told is no older one.
        let is_no_newer = |server: &Server| server.version.is_none_or(|version| version <= to);
        facts.observed.server(&entry.guid).is_some_and(is_no_newer)
            && entry.means.way().is_known(facts.observed)
    };
    // A person does one after the other.
    let mut is_asked = hop.servers.iter().any(|entry| is_by_hand(entry) && is_in_flight(entry));
    let mut taken = 0;
    for entry in &mut hop.servers {
        let is_ready = entry.role == ServerRole::Storage && entry.ordered_at.is_none() && is_known(entry);
        if taken == room || !is_ready || (is_asked && is_by_hand(entry)) {
            continue;
        }
        taken += 1;
        is_asked |= is_by_hand(entry);
        let when = HookMoment::BeforeServer;
        let question = Question { when, from, to, server: Some(&entry.name), since };
        if progress.ask(facts, &question, &mut entry.hooks) == Answer::Pass {
            entry.ordered_at = Some(pending.get(&entry.guid).copied().unwrap_or(facts.now));
        }
    }
}

fn is_by_hand(entry: &HopServer) -> bool {
    matches!(entry.means, Means::Manual(_))
}

fn is_in_flight(entry: &HopServer) -> bool {
    entry.ordered_at.is_some() && entry.verified_at.is_none()
}

/// Takes back the orders to storage that are surely not carried out, and says when they were given.
fn take_back(facts: &Facts<'_>, hop: &mut Hop) -> BTreeMap<Guid, Timestamp> {
    let is_pending = |entry: &HopServer| {
        entry.role == ServerRole::Storage
            && entry.carried_out_at.is_none()
            && entry.verified_at.is_none()
            && entry.means.way().carried_out(hop, entry, facts.observed) == CarriedOut::No
    };
    let pending: Vec<bool> = hop.servers.iter().map(is_pending).collect();
    let mut given = BTreeMap::new();
    for (entry, _) in hop.servers.iter_mut().zip(pending).filter(|(_, pending)| *pending) {
        if let Some(at) = entry.ordered_at.take() {
            given.insert(entry.guid.clone(), at);
        }
    }
    given
}

/// How many storage servers may be ordered now.
fn room(facts: &Facts<'_>, hop: &Hop) -> usize {
    // An authority that reads another release again is being restored: storage must not go ahead of it.
    let authority_is_there = facts.situation.at() == Some(hop.to);
    if !is_authority_verified(hop) || !authority_is_there || !facts.situation.fresh {
        return 0;
    }
    // A server that fails, or that was proven and fell again, holds the rest: what broke one would break them all.
    if hop.servers.iter().any(|entry| refused(facts, entry).or_else(|| trouble(facts, hop, entry)).is_some())
    {
        return 0;
    }
    let storage = || hop.servers.iter().filter(|entry| entry.role == ServerRole::Storage);
    let proven = storage().filter(|entry| entry.verified_at.is_some()).count();
    let in_flight =
        storage().filter(|entry| entry.ordered_at.is_some() && entry.verified_at.is_none()).count();
    let first = usize::try_from(hop.at_once.first.max(1)).unwrap_or(1);
    let then = usize::try_from(hop.at_once.then.max(1)).unwrap_or(1);
    let allowed = if proven < first { first - proven } else { then };
    allowed.saturating_sub(in_flight)
}

fn is_verified(hop: &Hop) -> bool {
    hop.servers.iter().all(|entry| entry.verified_at.is_some())
}

fn is_authority_verified(hop: &Hop) -> bool {
    let mut authority = hop.servers.iter().filter(|entry| entry.role == ServerRole::Authority);
    authority.all(|entry| entry.verified_at.is_some())
}

/// Why a server whose turn has come cannot be ordered.
fn obstacle(facts: &Facts<'_>, hop: &Hop, entry: &HopServer) -> Option<Trouble> {
    if !is_authority_verified(hop) || entry.carried_out_at.is_some() || entry.verified_at.is_some() {
        return None;
    }
    if is_unlisted(facts, entry) {
        return Some(Trouble::NotListed);
    }
    newer_release(hop, facts.observed.server(&entry.guid))
        .or_else(|| refused(facts, entry))
        .or_else(|| entry.means.way().obstacle(facts.observed))
}

/// The effect that is still missing; what may not be done is not tried again and again, but told.
fn effect(facts: &Facts<'_>, hop: &Hop, entry: &HopServer) -> Result<Option<Step>, Trouble> {
    let way = entry.means.way();
    match (way.missing_effect(hop, entry, facts.observed), way.denied(facts.observed)) {
        (Some(_), Some(denied)) => Err(denied),
        (missing, _) => Ok(missing),
    }
}

/// Whether the authority was asked lately, and does not list a server. Not read yet is not unlisted.
fn is_unlisted(facts: &Facts<'_>, entry: &HopServer) -> bool {
    facts.situation.fresh && facts.observed.server(&entry.guid).is_none()
}

/// Why a server that was ordered does not go on, or why one that was proven fell again.
fn trouble(facts: &Facts<'_>, hop: &Hop, entry: &HopServer) -> Option<Trouble> {
    entry.ordered_at?;
    let way = entry.means.way();
    let server = facts.observed.server(&entry.guid).filter(|_| facts.situation.fresh);
    if entry.verified_at.is_some() {
        let silent = || {
            let silent = server.filter(|server| !server.online && server.streak.verifies())?;
            Some(Trouble::FellSilent(silent.streak.first))
        };
        let of_a_pod = way.trouble(facts.observed).filter(Trouble::is_of_a_pod).or_else(silent);
        // When nothing else is left to do, what cannot be seen is what the end waits for.
        return of_a_pod.or_else(|| effect(facts, hop, entry).err()).or_else(|| {
            is_verified(hop).then(|| way.obstacle(facts.observed)).flatten().filter(Trouble::is_of_sight)
        });
    }
    // What a server says of itself comes before what is said of its pods: it is why they fail.
    newer_release(hop, server)
        .or_else(|| way.trouble(facts.observed))
        .or_else(|| older_release(hop, entry, server?))
        .or_else(|| refused(facts, entry))
        .or_else(|| effect(facts, hop, entry).err())
        // One answer of the API server may fail; a server that is late is late for a reason.
        .or_else(|| is_late(facts, entry, SERVER_SLOW_AFTER).then(|| way.obstacle(facts.observed)).flatten())
        .or_else(|| is_overdue(facts, hop, entry, server).then_some(Trouble::DeadlinePassed))
}

/// A hook about the server that said no.
fn refused(facts: &Facts<'_>, entry: &HopServer) -> Option<Trouble> {
    let hold = entry.hooks.as_ref()?;
    let HookRefusal { hook, how, .. } = refused_by(facts, hold)?.clone();
    Some(Trouble::HookRefuses { hook, how })
}

/// A newer release than the hop's, reported for long enough to be sure.
fn newer_release(hop: &Hop, server: Option<&Server>) -> Option<Trouble> {
    let wanted = hop.to;
    match server?.verification(wanted) {
        Verification::Above(reported) => Some(Trouble::ReportsNewer { reported, wanted }),
        Verification::Below(_) | Verification::Verified | Verification::Verifying | Verification::Unsure => {
            None
        }
    }
}

/// An older release than the hop's, reported for long enough to be sure, by a server that has what it was to get.
fn older_release(hop: &Hop, entry: &HopServer, server: &Server) -> Option<Trouble> {
    let wanted = hop.to;
    match server.verification(wanted) {
        // Answers from before it was settled on the image say nothing of it.
        Verification::Below(reported) if entry.means.way().haste() == Haste::Timed => {
            let settled_at = entry.settled_at.filter(|_| entry.carried_out_at.is_some())?;
            let answered_for = server.streak.last.duration_since(settled_at);
            let is_sure = server.streak.first >= settled_at || answered_for >= patience_of(entry);
            (is_sure && answered_for >= VERIFYING_SPAN).then_some(match entry.means {
                Means::Job(_) => Trouble::JobWithoutEffect { reported, wanted },
                Means::Workload(_) | Means::Manual(_) => Trouble::ReportsOlder { reported, wanted },
            })
        }
        Verification::Below(_)
        | Verification::Above(_)
        | Verification::Verified
        | Verification::Verifying
        | Verification::Unsure => None,
    }
}

/// For how long a server may go on answering as before: a job may end before the service that it starts anew goes down.
fn patience_of(entry: &HopServer) -> SignedDuration {
    match entry.means {
        Means::Job(_) => SERVER_SLOW_AFTER,
        Means::Workload(_) | Means::Manual(_) => VERIFYING_SPAN,
    }
}

/// Whether a server was not back in time, by what this process has seen itself: a deadline that passed while nobody looked is
/// no news of the server.
fn is_overdue(facts: &Facts<'_>, hop: &Hop, entry: &HopServer, server: Option<&Server>) -> bool {
    // It is back, and a hook looks at it.
    let is_there = |server: &Server| server.verification(hop.to) == Verification::Verified;
    if entry.settled_at.is_some() && server.is_some_and(is_there) {
        return false;
    }
    let is_seen = match (entry.role, server) {
        (_, Some(server)) => server.streak.verifies(),
        (ServerRole::Authority, None) => is_silent(facts),
        (ServerRole::Storage | ServerRole::Provider, None) => false,
    };
    is_seen && is_late(facts, entry, SERVER_DEADLINE)
}

/// Whether a server in flight is awaited for longer than this.
fn is_late(facts: &Facts<'_>, entry: &HopServer, limit: SignedDuration) -> bool {
    let awaited = awaited_since(entry);
    awaited
        .is_some_and(|(since, uncounted)| facts.now.duration_since(since) >= limit.saturating_add(uncounted))
}

/// Whether the authority has not answered for long enough to be sure.
fn is_silent(facts: &Facts<'_>) -> bool {
    let since = facts.observed.access.silent_since();
    since.is_some_and(|since| facts.monotonic().duration_since(since) >= VERIFYING_SPAN)
}

fn progress_of(facts: &Facts<'_>, hop: &Hop, entry: &HopServer) -> ServerProgress {
    let trouble = trouble(facts, hop, entry).or_else(|| obstacle(facts, hop, entry));
    let at_release = facts.observed.server(&entry.guid).map(|server| server.verification(hop.to));
    let (state, since) = match (entry.verified_at, entry.ordered_at) {
        (Some(at), _) => (ServerState::Current, Some(at)),
        (None, None) => (ServerState::Pending, None),
        (None, Some(at)) if trouble.is_some() => (ServerState::Failing, Some(at)),
        (None, Some(at)) => match at_release {
            Some(Verification::Verified | Verification::Verifying) if facts.situation.fresh => {
                (ServerState::Verifying, Some(at))
            }
            Some(_) | None => {
                let uncounted = SignedDuration::from_secs(entry.uncounted_seconds);
                (entry.means.way().state(), Some(instants::after(at, uncounted)))
            }
        },
    };
    let name = facts.observed.server(&entry.guid).map_or(&entry.name, |server| &server.name);
    ServerProgress { guid: entry.guid.clone(), name: name.clone(), role: entry.role, state, since, trouble }
}
