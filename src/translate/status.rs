//! A decision becomes the status of its object: for people what was decided and why, for the next decision the memory.
//!
//! Nothing here decides: what a report says is written as it stands, bounded.

mod bounded;
mod history;
mod quiet;
mod render;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use self::bounded::bounded;
pub use self::quiet::worth_writing;
use crate::api::CodeUpgradeStatus;
use crate::api::status::{ColumnsStatus, VersionsStatus};
use crate::api::transition::{Saying, next};
use crate::fleet::ServerRole;
use crate::planner::report::{ConditionReport, DevicesReport, Report, ServerReport, Truth};
use crate::planner::{Decision, words};

/// The status after a decision. What lasts is taken over from the previous one: transition times, history, what was proven.
pub fn status(
    previous: Option<&CodeUpgradeStatus>,
    decision: &Decision,
    generation: Option<i64>,
    now: Timestamp,
) -> CodeUpgradeStatus {
    // Without `..`, so that a new field cannot be forgotten here. Gates of the next step stand behind `mend` and `message` too.
    let Report {
        phase,
        reason,
        message,
        mend,
        until,
        at,
        target,
        servers_current,
        servers_total,
        asks,
        gates,
        now: doing,
        servers,
        files,
        backups_interrupted,
        devices,
        plan,
        available,
        held_images,
        conditions,
    } = &decision.report;
    let own_storage = servers.iter().filter(|server| server.role == ServerRole::Storage);
    let mut status = CodeUpgradeStatus {
        observed_generation: generation,
        phase: phase.name().to_owned(),
        reason: reason.name().to_owned(),
        message: bounded(message),
        mend: mend.as_deref().map(bounded),
        until: *until,
        versions: VersionsStatus {
            authority: *at,
            storage: own_storage.filter_map(|server| server.version).min(),
            target: *target,
        },
        now: doing.as_ref().map(render::now),
        servers: Vec::new(),
        servers_left_out: 0,
        files: files.iter().take(render::MAX_FILES).map(render::file).collect(),
        backups_interrupted: backups_interrupted.clone(),
        devices: devices.known.then(|| render::devices(devices)),
        plan: plan.iter().take(render::MAX_PLAN).map(render::plan_item).collect(),
        available: available.iter().map(render::available).collect(),
        held_images: held_images.iter().map(|image| bounded(image)).collect(),
        asks: asks.iter().map(render::ask).collect(),
        gates: render::gates(gates),
        history: history::hops(previous, decision),
        proven: history::proven(previous, decision, now),
        conditions: conditions_after(previous, conditions, generation, now),
        columns: ColumnsStatus {
            servers: (*servers_total > 0).then(|| format!("{servers_current}/{servers_total}")),
            devices: devices_column(devices),
            until: until.map(words::instant),
        },
        counts_at: None,
        memory: Some(decision.memory.clone()),
    };
    list_servers(&mut status, servers);
    status.counts_at = match previous {
        Some(previous) if !quiet::counts_differ(previous, &status) => previous.counts_at,
        Some(_) | None => Some(now),
    };
    status
}

/// An object of more bytes is not to be: it is read whole by whoever lists them, and `etcd` holds it many times over.
const MOST_BYTES: usize = 60 << 10;

/// Lists the servers, as many as there is room for.
fn list_servers(status: &mut CodeUpgradeStatus, reports: &[ServerReport]) {
    for most in render::MOST_SERVERS {
        (status.servers, status.servers_left_out) = render::servers(reports, most);
        // Without many there is room whatever else is said.
        let is_small = reports.len() <= FEW_SERVERS;
        if is_small || serde_json::to_vec(&status).is_ok_and(|bytes| bytes.len() <= MOST_BYTES) {
            return;
        }
    }
}

/// So many servers always have room.
const FEW_SERVERS: usize = 33;

fn devices_column(devices: &DevicesReport) -> Option<String> {
    // Where nothing says what they are to run, a share of it would say nothing either.
    let done = if devices.judged { devices.done.to_string() } else { "-".to_owned() };
    devices.known.then(|| format!("{done}/{}", devices.total))
}

fn conditions_after(
    previous: Option<&CodeUpgradeStatus>,
    reports: &[ConditionReport],
    generation: Option<i64>,
    now: Timestamp,
) -> Vec<Condition> {
    let known = previous.map_or(&[][..], |previous| &previous.conditions);
    let mut conditions: Vec<Condition> = reports
        .iter()
        .map(|ConditionReport { name, truth, reason, message }| {
            let status = match truth {
                Truth::True => "True",
                Truth::False => "False",
                Truth::Unknown => "Unknown",
            };
            let message = bounded(message);
            next(known, Saying { type_: name.name(), status, reason, message: &message }, generation, now)
        })
        .collect();
    conditions.dedup_by(|one, other| one.type_ == other.type_);
    conditions
}

#[cfg(test)]
mod tests;
