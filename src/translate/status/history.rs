//! What lasts beyond the memory: finished hops, and releases that were completed.

use jiff::Timestamp;

use crate::api::CodeUpgradeStatus;
use crate::api::status::{HistoryEntry, ProvenEntry, SlowestServer};
use crate::planner::Decision;
use crate::planner::memory::{Hop, HopServer, Memory};

/// Most entries that are kept.
const MAX_ENTRIES: usize = 20;

/// The finished hops, newest first. A hop that was remembered is finished once all servers are settled at its release.
pub(super) fn hops(previous: Option<&CodeUpgradeStatus>, decision: &Decision) -> Vec<HistoryEntry> {
    let Some(previous) = previous else { return Vec::new() };
    let mut history = previous.history.clone();
    let hop = previous.memory.as_ref().and_then(|memory| memory.hop.as_ref());
    if let Some(entry) = hop.and_then(|hop| finished(hop, &decision.memory)) {
        history.insert(0, entry);
    }
    history.truncate(MAX_ENTRIES);
    history
}

fn finished(hop: &Hop, memory: &Memory) -> Option<HistoryEntry> {
    let settled = memory.settled.as_ref()?;
    let reached = memory.hop.is_none() && settled.release == hop.to && settled.since >= hop.started_at;
    let Hop {
        from,
        to,
        started_at,
        adopted,
        at_once: _,
        accepted_risks,
        grounds,
        servers,
        approved_by: _,
        unseen_since: _,
    } = hop;
    reached.then(|| HistoryEntry {
        from: *from,
        to: *to,
        started_at: *started_at,
        finished_at: settled.since,
        servers: u32::try_from(servers.len()).unwrap_or(u32::MAX),
        accepted_risks: accepted_risks.iter().take(32).cloned().collect(),
        adopted: *adopted,
        grounds: grounds.clone(),
        slowest: slowest(servers, settled.since),
    })
}

/// Who took longest. The last server is verified by the decision that ends the hop, so that the memory before it does not say so.
fn slowest(servers: &[HopServer], finished_at: Timestamp) -> Option<SlowestServer> {
    let steps = servers.iter().filter_map(|server| {
        let begun_at = server.carried_out_at?;
        let verified_at = server.verified_at.unwrap_or(finished_at);
        Some(SlowestServer {
            name: server.name.0.clone(),
            begun_at,
            settled_at: server.settled_at,
            verified_at,
        })
    });
    steps.max_by_key(|steps| steps.verified_at.duration_since(steps.begun_at))
}

/// The completed releases, newest first. An entry is open while its release stays completed. It is closed and kept when the environment
/// goes on to a newer one; when it is not completed any more, or somebody brought back an older one, it proves nothing and goes.
pub(super) fn proven(
    previous: Option<&CodeUpgradeStatus>,
    decision: &Decision,
    now: Timestamp,
) -> Vec<ProvenEntry> {
    let mut proven = previous.map(|previous| previous.proven.clone()).unwrap_or_default();
    let memory = &decision.memory;
    let done = memory.done.as_ref().filter(|_| memory.is_done());
    let devices = &decision.report.devices;
    let restored = memory.restored.as_ref().map(|restored| restored.release);
    let at = restored.or(memory.settled.as_ref().map(|settled| settled.release));
    let is_withdrawn = |entry: &ProvenEntry| {
        let is_known = memory.done.as_ref().is_some_and(|known| known.release == entry.release);
        let has_lapsed = is_known && done.is_none();
        entry.until.is_none() && (has_lapsed || at.is_some_and(|at| at < entry.release))
    };
    proven.retain(|entry| !is_withdrawn(entry));
    let mut is_listed = false;
    for entry in proven.iter_mut().filter(|entry| entry.until.is_none()) {
        if done.is_some_and(|done| done.release == entry.release && done.at == entry.since) {
            is_listed = true;
            if devices.known {
                entry.devices = devices.done;
            }
        } else {
            entry.until = Some(now);
        }
    }
    if let Some(done) = done.filter(|_| !is_listed) {
        let devices = if devices.known { devices.done } else { 0 };
        proven.insert(0, ProvenEntry { release: done.release, since: done.at, until: None, devices });
    }
    proven.truncate(MAX_ENTRIES);
    proven
}
