//! Parts of a report as the status writes them.

use std::collections::BTreeSet;

use jiff::SignedDuration;

use super::bounded::bounded;
use crate::api::status::{
    AskStatus, AvailableStatus, DevicesStatus, FileStatus, GateStatus, GroupStatus, PlanItemStatus,
    ServerStatus, VerdictStatus,
};
use crate::fleet::{Guid, ServerName};
use crate::planner::report::{
    Ask, Available, DevicesReport, FileReport, Gate, GroupReport, Needs, Now, PlanItem, PlanWhat,
    ServerReport, ServerState, Verdict,
};
use crate::planner::rollout::DeviceVerdict;
use crate::planner::words;
use crate::translate::order;

/// Most items of the plan: 12 hops with a wait and a rollout each, and the last rollout.
pub(super) const MAX_PLAN: usize = 40;

/// Most servers that are listed, and fewer where the object would become too large with them: in steps, so that few bytes more or
/// less change nothing.
pub(super) const MOST_SERVERS: [usize; 6] = [100, 60, 40, 20, 10, 0];

/// At most so many servers, and how many are left out. Those in their final state are left out first.
pub(super) fn servers(reports: &[ServerReport], most: usize) -> (Vec<ServerStatus>, u32) {
    let mut chosen: Vec<usize> = (0..reports.len()).collect();
    chosen.sort_by_key(|index| (is_settled(reports[*index].state), *index));
    chosen.truncate(most);
    chosen.sort_unstable();
    let mut seen = BTreeSet::new();
    let servers: Vec<ServerStatus> = chosen
        .iter()
        .map(|index| &reports[*index])
        .filter(|report| seen.insert(&report.guid))
        .map(server)
        .collect();
    let left_out = u32::try_from(reports.len() - servers.len()).unwrap_or(u32::MAX);
    (servers, left_out)
}

fn is_settled(state: ServerState) -> bool {
    match state {
        ServerState::Current | ServerState::Provider | ServerState::Retired => true,
        ServerState::Pending
        | ServerState::Upgrading
        | ServerState::Verifying
        | ServerState::AwaitingPerson
        | ServerState::Failing
        | ServerState::Ahead
        | ServerState::Offline => false,
    }
}

fn server(report: &ServerReport) -> ServerStatus {
    let ServerReport { guid, name, role, version, online, state, since } = report;
    ServerStatus {
        guid: Guid(bounded(&guid.0)),
        name: ServerName(bounded(&name.0)),
        role: *role,
        version: *version,
        online: *online,
        state: state.name().to_owned(),
        since: *since,
    }
}

pub(super) fn now(now: &Now) -> Now {
    let Now { what, object, since, usually, warns_at, stalls_at, next } = now;
    Now {
        what: bounded(what),
        object: bounded(object),
        since: *since,
        usually: usually.as_deref().map(bounded),
        warns_at: *warns_at,
        stalls_at: *stalls_at,
        next: next.as_deref().map(bounded),
    }
}

/// Most upgrade files that are listed.
pub(super) const MAX_FILES: usize = 8;

pub(super) fn file(report: &FileReport) -> FileStatus {
    let FileReport { release, os, name, state, size, md5, sha256, mirror, at, why } = report;
    FileStatus {
        release: *release,
        os: *os,
        name: bounded(name),
        state: state.name().to_owned(),
        size: size.and_then(|size| i64::try_from(size).ok()),
        md5: md5.clone(),
        sha256: sha256.clone(),
        mirror: mirror.as_deref().map(bounded),
        at: *at,
        why: why.as_deref().map(bounded),
    }
}

pub(super) fn devices(report: &DevicesReport) -> DevicesStatus {
    let DevicesReport {
        known: _,
        judged: _,
        total,
        done,
        verdicts,
        stale,
        apps,
        other_apps,
        estimate,
        refused,
        unmatched,
        unaccounted,
        groups,
    } = report;
    let mut seen = BTreeSet::new();
    DevicesStatus {
        total: *total,
        done: *done,
        newer: verdicts.count_of(DeviceVerdict::Newer),
        in_flight: verdicts.count_of(DeviceVerdict::InFlight),
        pending: verdicts.count_of(DeviceVerdict::Pending),
        failed: verdicts.count_of(DeviceVerdict::Failed),
        fell_back: verdicts.count_of(DeviceVerdict::FellBack),
        unreadable: verdicts.count_of(DeviceVerdict::Unreadable),
        lost: verdicts.count_of(DeviceVerdict::Lost),
        missing: verdicts.count_of(DeviceVerdict::Missing),
        waiting: verdicts.count_of(DeviceVerdict::Waiting),
        held: verdicts.count_of(DeviceVerdict::Held),
        stale: *stale,
        unsupported: verdicts.count_of(DeviceVerdict::Unsupported),
        mobile: verdicts.count_of(DeviceVerdict::Mobile),
        exempt: verdicts.count_of(DeviceVerdict::Exempt),
        blocked: verdicts.count_of(DeviceVerdict::Blocked),
        deactivated: verdicts.count_of(DeviceVerdict::Deactivated),
        estimate: *estimate,
        apps: apps.clone(),
        other_apps: *other_apps,
        refused: *refused,
        unmatched: *unmatched,
        unaccounted: *unaccounted,
        groups: groups.iter().take(64).filter(|report| seen.insert(&report.name)).map(group).collect(),
    }
}

fn group(report: &GroupReport) -> GroupStatus {
    let GroupReport {
        name,
        total,
        done,
        in_flight,
        pending,
        waiting,
        failed,
        lost,
        missing,
        wave,
        waves,
        state,
        since,
    } = report;
    let released = total.saturating_sub(*waiting).saturating_mul(100).checked_div(*total);
    GroupStatus {
        name: name.clone(),
        state: state.name().to_owned(),
        since: *since,
        wave: wave.map(|wave| format!("{wave}/{waves}")),
        released: released.map(|percent| format!("{percent} %")),
        total: *total,
        done: *done,
        in_flight: *in_flight,
        pending: *pending,
        waiting: *waiting,
        failed: *failed,
        lost: *lost,
        missing: *missing,
    }
}

pub(super) fn plan_item(item: &PlanItem) -> PlanItemStatus {
    let PlanItem { what, why, held_by, earliest, usually } = item;
    PlanItemStatus {
        what: match what {
            PlanWhat::Wait { at } => format!("wait at {at}"),
            PlanWhat::Hop { from, to } => format!("servers {from} -> {to}"),
            PlanWhat::Rollout { at } => format!("devices at {at}"),
        },
        why: bounded(why),
        held_by: held_by.map(|gate| gate.name().to_owned()),
        earliest: *earliest,
        usually: usually.as_deref().map(bounded),
    }
}

pub(super) fn ask(ask: &Ask) -> AskStatus {
    let Ask { action, text } = ask;
    let (action, r#for) = order::written(action);
    AskStatus { action, r#for, text: bounded(text) }
}

/// Most risks that are named of a way.
const MAX_RISKS: usize = 16;

pub(super) fn available(available: &Available) -> AvailableStatus {
    let Available { release, path } = available;
    let risks: BTreeSet<&String> = path.legs.iter().flat_map(|leg| &leg.risks).collect();
    AvailableStatus {
        release: *release,
        path: path.legs.iter().map(|leg| leg.to).collect(),
        rollouts: path.cost.rollouts,
        waiting: words::duration(SignedDuration::from_secs(path.cost.waiting_seconds)),
        risks: risks.into_iter().take(MAX_RISKS).cloned().collect(),
        unaccepted_risks: path.cost.unaccepted_risks,
    }
}

/// The gates, each once: the first verdict of a name stands, as it is the one that was acted on.
pub(super) fn gates(gates: &[Gate]) -> Vec<GateStatus> {
    let mut seen = BTreeSet::new();
    gates.iter().filter(|gate| seen.insert(gate.name)).take(64).map(gate).collect()
}

fn gate(gate: &Gate) -> GateStatus {
    let Gate { name, verdict } = gate;
    let (kind, message, mend, until) = match verdict {
        Verdict::Pass => (VerdictStatus::Pass, None, None, None),
        Verdict::Hold { reason: _, message, until, needs } => {
            let mend = match needs {
                Needs::Person(mend) => Some(mend),
                Needs::Time => None,
            };
            (VerdictStatus::Hold, Some(message), mend, *until)
        }
        Verdict::Unknown { reason: _, message, since: _ } => {
            (VerdictStatus::Unknown, Some(message), None, None)
        }
        Verdict::Refuse { reason: _, message, mend } => {
            (VerdictStatus::Refuse, Some(message), Some(mend), None)
        }
    };
    GateStatus {
        name: name.name().to_owned(),
        verdict: kind,
        reason: verdict.reason().map(|reason| reason.name().to_owned()),
        message: message.map(|text| bounded(text)),
        mend: mend.map(|text| bounded(text)),
        until,
    }
}
