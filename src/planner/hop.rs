//! A hop: the authority and all own storage from one release to the next, as one unit
//! (ARCHITECTURE.md, rule 1).

use jiff::{SignedDuration, Timestamp};

use super::desired::{ImageFrom, StorageRole, WorkloadRef};
use super::gates::{Context, Touched, risks};
use super::intent::Intent;
use super::memory::{Baseline, Hop, HopServer, Means, Memory, ServerBaseline, Settled, Wait, WaitEvidence};
use super::observed::{Catch, Observed, WorkloadFacts, WorkloadReading, WorkloadRollout};
use super::report::ServerState;
use super::situation::Situation;
use super::step::Step;
use super::{Desired, words};
use crate::fleet::{Guid, ServerName, ServerRole, Verification};

/// A server that takes longer is said to be slow.
pub const SLOW_AFTER: SignedDuration = SignedDuration::from_mins(30);

/// A server that takes longer stalls: a report, never a kill.
pub const DEADLINE: SignedDuration = SignedDuration::from_hours(2);

/// How far one server of a hop is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerProgress {
    /// Its identity.
    pub guid: Guid,
    /// Its name.
    pub name: ServerName,
    /// What it is.
    pub role: ServerRole,
    /// How far it is.
    pub state: ServerState,
    /// Since when.
    pub since: Option<Timestamp>,
    /// Why it does not go on, where that is known.
    pub trouble: Option<String>,
}

/// How far a hop is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Operations for the executor.
    pub steps: Vec<Step>,
    /// The servers, the authority first.
    pub servers: Vec<ServerProgress>,
    /// When a server in flight will next be called slow or stalled.
    pub wake_at: Option<Timestamp>,
}

/// Begins the next hop: its copy of everything it needs goes to memory. `None` where an operand is missing, which
/// a gate has said before.
pub fn begin(context: &Context<'_>) -> Option<(Hop, Baseline)> {
    let (from, to) = context.intent.between()?;
    let authority = context.situation.authority?;
    let adopted = matches!(context.intent, Intent::Adopt { .. });
    let mut servers = Vec::new();
    if adopted {
        servers.push(HopServer {
            guid: authority.guid.clone(),
            name: authority.name.clone(),
            role: authority.role,
            means: Means::Manual {},
            ordered_at: Some(context.now),
            verified_at: Some(context.now),
        });
    }
    for touched in context.touched() {
        servers.push(HopServer {
            guid: touched.server.guid.clone(),
            name: touched.server.name.clone(),
            role: touched.server.role,
            means: means(context, &touched)?,
            ordered_at: None,
            verified_at: None,
        });
    }
    if let Some(first) = servers.first_mut().filter(|_| !adopted) {
        first.ordered_at = Some(context.now);
    }
    let hop = Hop {
        from,
        to,
        started_at: context.now,
        adopted,
        at_once: context.desired.storage_at_once,
        accepted_risks: risks::of(context).into_iter().collect(),
        servers,
    };
    let baseline = Baseline {
        release: to,
        finished_at: None,
        servers: context
            .situation
            .own()
            .map(|server| ServerBaseline {
                guid: server.guid.clone(),
                online_devices: server.online_devices,
                backup_sessions: server.backup_sessions,
            })
            .collect(),
        back_at: None,
    };
    Some((hop, baseline))
}

/// How a server is upgraded, with every operand.
fn means(context: &Context<'_>, touched: &Touched<'_>) -> Option<Means> {
    let Some((reference, workload)) = touched.workload() else { return Some(Means::Manual {}) };
    let facts = context.observed.workload(&reference)?;
    let image = context.desired.source(context.to()?)?.image.clone()?;
    Some(Means::Workload {
        image_from: workload.image_from.unwrap_or(facts.image_from),
        container: facts.container.clone(),
        workload: reference,
        image,
    })
}

/// Takes the hop in flight further: what is verified, whose turn it is, which effect is still missing.
pub fn advance(
    hop: &mut Hop,
    observed: &Observed,
    situation: &Situation<'_>,
    held_now: bool,
    now: Timestamp,
) -> Progress {
    note_verified(hop, observed, situation, now);
    if !held_now {
        order_next(hop, observed, situation, now);
    }
    let mut progress = Progress::default();
    for index in 0..hop.servers.len() {
        let entry = &hop.servers[index];
        progress.servers.push(progress_of(hop, entry, observed, situation, now));
        progress.steps.extend(missing_effect(hop, entry, observed));
        if let (Some(ordered_at), None, Means::Workload { .. }) =
            (entry.ordered_at, entry.verified_at, &entry.means)
        {
            let next = [SLOW_AFTER, DEADLINE]
                .into_iter()
                .filter_map(|limit| ordered_at.saturating_add(limit).ok())
                .find(|limit| *limit > now);
            progress.wake_at = [progress.wake_at, next].into_iter().flatten().min();
        }
    }
    progress
}

/// Follows what became of storage servers in mid-hop: one that died is let go once the spec retires it, and one that
/// was installed anew under its name takes its place.
pub fn note_lost(hop: &mut Hop, observed: &Observed, desired: &Desired) {
    let Some(listed) = &observed.servers else { return };
    let is_retired = |entry: &HopServer| {
        let name = observed.server(&entry.guid).map_or(&entry.name, |server| &server.name);
        desired
            .storage_entry(&entry.guid, name)
            .is_some_and(|wanted| matches!(wanted.role, StorageRole::Retired(_)))
    };
    hop.servers.retain(|entry| {
        entry.role != ServerRole::Storage || entry.verified_at.is_some() || !is_retired(entry)
    });
    let known: Vec<Guid> = hop.servers.iter().map(|entry| entry.guid.clone()).collect();
    for entry in &mut hop.servers {
        if entry.role != ServerRole::Storage
            || entry.verified_at.is_some()
            || observed.server(&entry.guid).is_some()
        {
            continue;
        }
        let anew = listed.list.iter().find(|server| {
            server.role == ServerRole::Storage
                && server.name == entry.name
                && server.streak.verifies()
                && !known.contains(&server.guid)
        });
        if let Some(server) = anew {
            entry.guid = server.guid.clone();
        }
    }
}

/// Records servers that are verified at the new release; a workload must run the image as well.
fn note_verified(hop: &mut Hop, observed: &Observed, situation: &Situation<'_>, now: Timestamp) {
    if !situation.fresh {
        return;
    }
    let to = hop.to;
    for entry in &mut hop.servers {
        if entry.verified_at.is_some() || entry.ordered_at.is_none() {
            continue;
        }
        let verified = observed
            .server(&entry.guid)
            .is_some_and(|server| server.verification(to) == Verification::Verified);
        let agrees = match &entry.means {
            Means::Manual {} => true,
            Means::Workload { workload, image, .. } => observed.workload(workload).is_some_and(|facts| {
                facts.running_image.as_ref() == Some(image) && facts.rollout == WorkloadRollout::Settled
            }),
        };
        if verified && agrees {
            entry.verified_at = Some(now);
        }
    }
}

/// Orders the storage servers whose turn it is: one proves it, then several at once.
fn order_next(hop: &mut Hop, observed: &Observed, situation: &Situation<'_>, now: Timestamp) {
    // An authority that reads another release again is being restored: storage must not go ahead of it.
    let authority_is_there = situation.at() == Some(hop.to);
    if !is_authority_verified(hop) || !authority_is_there || !situation.fresh {
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
    if in_flight.iter().any(|entry| trouble(entry, observed, now).is_some()) {
        return;
    }
    let first = usize::try_from(hop.at_once.first.max(1)).unwrap_or(1);
    let then = usize::try_from(hop.at_once.then.max(1)).unwrap_or(1);
    let allowed = if proven < first { first - proven } else { then };
    let room = allowed.saturating_sub(in_flight.len());
    let ready: Vec<usize> = hop
        .servers
        .iter()
        .enumerate()
        .filter(|(_, entry)| storage(entry) && entry.ordered_at.is_none() && is_known(entry, observed))
        .map(|(index, _)| index)
        .take(room)
        .collect();
    for index in ready {
        hop.servers[index].ordered_at = Some(now);
    }
}

fn is_authority_verified(hop: &Hop) -> bool {
    let mut authority = hop.servers.iter().filter(|entry| entry.role == ServerRole::Authority);
    authority.all(|entry| entry.verified_at.is_some())
}

/// Why a server whose turn has come cannot be ordered.
fn obstacle(hop: &Hop, entry: &HopServer, observed: &Observed) -> Option<String> {
    if !is_authority_verified(hop) || entry.ordered_at.is_some() {
        return None;
    }
    if observed.server(&entry.guid).is_none() {
        return Some("the authority no longer lists it".into());
    }
    let Means::Workload { workload, .. } = &entry.means else { return None };
    match observed.workloads.get(workload)? {
        WorkloadReading::Read(_) => None,
        WorkloadReading::Missing => Some(format!("{workload} is not there")),
        WorkloadReading::Unreadable(why) => Some(format!("{workload} cannot be read: {why}")),
    }
}

/// Whether enough is known of a server to order it.
fn is_known(entry: &HopServer, observed: &Observed) -> bool {
    let listed = observed.server(&entry.guid).is_some();
    match &entry.means {
        Means::Manual {} => listed,
        Means::Workload { workload, .. } => listed && observed.workload(workload).is_some(),
    }
}

/// Why a server in flight does not go on.
fn trouble(entry: &HopServer, observed: &Observed, now: Timestamp) -> Option<String> {
    let ordered_at = entry.ordered_at?;
    let Means::Workload { workload, image, image_from, .. } = &entry.means else { return None };
    match observed.workloads.get(workload) {
        Some(WorkloadReading::Read(facts)) => {
            if let WorkloadRollout::Failing(why) = &facts.rollout {
                return Some(format!("{workload} fails: {why}"));
            }
            if *image_from == ImageFrom::Git && facts.template_image != *image {
                return Some(format!("Git must set the image of {workload} to {image}"));
            }
        }
        Some(WorkloadReading::Missing) => return Some(format!("{workload} is not there")),
        Some(WorkloadReading::Unreadable(_)) | None => {}
    }
    let overdue = now.duration_since(ordered_at) > DEADLINE;
    overdue.then(|| format!("not back after {}", words::duration(DEADLINE)))
}

fn progress_of(
    hop: &Hop,
    entry: &HopServer,
    observed: &Observed,
    situation: &Situation<'_>,
    now: Timestamp,
) -> ServerProgress {
    let trouble = trouble(entry, observed, now).or_else(|| obstacle(hop, entry, observed));
    let at_release = observed.server(&entry.guid).map(|server| server.verification(hop.to));
    let (state, since) = match (entry.verified_at, entry.ordered_at) {
        (Some(at), _) => (ServerState::Current, Some(at)),
        (None, None) => (ServerState::Pending, None),
        (None, Some(at)) if trouble.is_some() => (ServerState::Failing, Some(at)),
        (None, Some(at)) => match (at_release, &entry.means) {
            (Some(Verification::Verified | Verification::Verifying), _) if situation.fresh => {
                (ServerState::Verifying, Some(at))
            }
            (_, Means::Manual {}) => (ServerState::AwaitingPerson, Some(at)),
            (_, Means::Workload { .. }) => (ServerState::Upgrading, Some(at)),
        },
    };
    let trouble = if entry.verified_at.is_some() { None } else { trouble };
    ServerProgress {
        guid: entry.guid.clone(),
        name: observed.name_of(&entry.guid),
        role: entry.role,
        state,
        since,
        trouble,
    }
}

/// The effect that is still missing for a server: the order itself, or the closing of its catch.
fn missing_effect(hop: &Hop, entry: &HopServer, observed: &Observed) -> Option<Step> {
    let Means::Workload { workload, container, image, image_from } = &entry.means else { return None };
    let facts = observed.workload(workload)?;
    let is_reverted = *image_from == ImageFrom::Git && facts.template_image != *image;
    match (entry.ordered_at, entry.verified_at) {
        // An older image that Git brings back in mid-hop must not roll through the open catch.
        (Some(_), None) if is_reverted && facts.catch == Catch::Open => {
            Some(Step::HoldCatch { server: entry.name.clone(), workload: workload.clone() })
        }
        (Some(_), None) if !is_ordered(facts, image, *image_from) => Some(Step::UpgradeServer {
            server: entry.name.clone(),
            guid: entry.guid.clone(),
            workload: workload.clone(),
            container: container.clone(),
            image: image.clone(),
            image_from: *image_from,
            from: hop.from,
            to: hop.to,
        }),
        (None, _) | (_, Some(_)) if facts.catch == Catch::Open => {
            Some(Step::HoldCatch { server: entry.name.clone(), workload: workload.clone() })
        }
        _ => None,
    }
}

/// Whether the order is already in the workload. Where Git writes the image, another image is never let through.
fn is_ordered(facts: &WorkloadFacts, image: &str, image_from: ImageFrom) -> bool {
    let template_is_wanted = facts.template_image == image;
    match image_from {
        ImageFrom::Operator => template_is_wanted && facts.catch == Catch::Open,
        ImageFrom::Git => !template_is_wanted || facts.catch == Catch::Open,
    }
}

/// Whether every server of the hop is verified, and its catch closed again: nothing else would close it for an object
/// that is deleted, or only observes by then.
pub fn is_complete(hop: &Hop, observed: &Observed) -> bool {
    hop.servers.iter().all(|entry| {
        let is_open = match &entry.means {
            Means::Workload { workload, .. } => {
                observed.workload(workload).is_some_and(|facts| facts.catch == Catch::Open)
            }
            Means::Manual {} => false,
        };
        entry.verified_at.is_some() && !is_open
    })
}

/// Ends a hop whose servers are all verified: the wait of the new release starts now.
pub fn finish(
    memory: &mut Memory,
    hop: &Hop,
    observed: &Observed,
    situation: &Situation<'_>,
    now: Timestamp,
) {
    let verified_at = hop.servers.iter().filter_map(|entry| entry.verified_at).max().unwrap_or(now);
    // Whichever clock is wrong: the wait must not seem to have begun before it did.
    let ahead = observed.witnesses.latest().duration_since(now);
    let started_at = verified_at.saturating_add(ahead).unwrap_or(verified_at);
    // A server that joined meanwhile was never at this release: it is not measured by it.
    let verified = situation.own().filter(|server| {
        hop.servers.iter().any(|entry| entry.guid == server.guid)
            || server.verification(hop.to) == Verification::Verified
    });
    let resets = memory.wait.as_ref().map_or(0, |wait| wait.resets);
    let evidence = WaitEvidence::Completed;
    memory.settled = Some(Settled::new(hop.to, verified_at, verified.map(|server| &server.guid)));
    memory.wait =
        Some(Wait { release: hop.to, started_at, evidence, down_seconds: 0, down_since: None, resets });
    memory.high_water_mark = memory.high_water_mark.max(Some(hop.to));
    if let Some(baseline) = &mut memory.baseline {
        baseline.finished_at = Some(now);
    }
    memory.rollouts.clear();
    memory.cleared = None;
    memory.done = None;
    memory.hop = None;
}

/// Whether the hop can still be given up: a person was asked to upgrade the authority and has not.
pub fn is_asked_in_vain(hop: &Hop, observed: &Observed) -> bool {
    let Some(authority) = hop.servers.first() else { return true };
    !hop.adopted
        && authority.role == ServerRole::Authority
        && authority.means == Means::Manual {}
        && authority.verified_at.is_none()
        && observed
            .server(&authority.guid)
            .is_some_and(|server| server.verification(hop.to) == Verification::Below(hop.from))
}

/// Whether nobody wants the hop any more.
pub fn is_unwanted(hop: &Hop, desired: &Desired) -> bool {
    desired.deleted || desired.target.is_none_or(|target| target < hop.to)
}

/// The workloads that a hop owns while it is in flight.
pub fn owns(hop: &Hop, reference: &WorkloadRef) -> bool {
    hop.servers.iter().any(|entry| match &entry.means {
        Means::Workload { workload, .. } => workload == reference,
        Means::Manual {} => false,
    })
}
