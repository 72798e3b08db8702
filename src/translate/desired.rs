//! A `CodeUpgrade` becomes what the planner is to reach.

mod devices;
mod schedule;
mod servers;
mod sources;

use std::collections::BTreeMap;

use self::devices::policy;
use self::schedule::schedule;
use self::servers::{authority, storage};
use self::sources::{backup, sources};
use super::reading::Reading;
use crate::api::code_upgrade::{AcceptedRiskSpec, HookSpec, LastUpgradeSpec, ProvenInSpec};
use crate::api::code_upgrade::{CodeUpgrade, CodeUpgradeSpec};
use crate::catalog::Version;
use crate::planner::desired::{AtOnce, Desired, Hook, LastUpgrade, ProvenIn};

/// What an object asks for. Total: what cannot be read is listed in [`Desired::problems`].
pub fn desired(upgrade: &CodeUpgrade) -> Desired {
    // Without `..`, so that a new field cannot be forgotten here.
    let CodeUpgradeSpec {
        version,
        via,
        authority: authority_spec,
        storage: storage_spec,
        storage_at_once,
        sources: source_specs,
        backup: backup_spec,
        approvals,
        proven_in: proven_in_specs,
        accepted_risks: risk_specs,
        windows,
        last_upgrade: last_upgrade_spec,
        hooks,
        devices,
        paused,
        service_account_name: _,
    } = &upgrade.spec;
    let mut reading = Reading::default();
    let target = version.as_deref().and_then(|text| reading.version("spec.version", text));
    let via = path(&mut reading, via);
    let approvals = approvals.unwrap_or_default();
    let schedule = schedule(&mut reading, windows.as_ref());
    reading.unique("spec.hooks", ".name", hooks.iter().map(|hook| &hook.name));
    let mut desired = Desired {
        generation: upgrade.metadata.generation.unwrap_or_default(),
        problems: Vec::new(),
        deleted: upgrade.metadata.deletion_timestamp.is_some(),
        target,
        via,
        authority: authority(&mut reading, authority_spec),
        storage: storage(&mut reading, storage_spec),
        storage_at_once: storage_at_once.map_or_else(AtOnce::default, |given| AtOnce {
            first: given.first.max(1),
            then: given.then.max(1),
        }),
        sources: sources(&mut reading, source_specs),
        backup: backup(&mut reading, backup_spec.as_ref()),
        approve_servers: approvals.servers,
        approve_devices: approvals.devices,
        proven_in: proven_in(&mut reading, proven_in_specs),
        accepted_risks: accepted_risks(&mut reading, risk_specs),
        server_windows: schedule.servers,
        device_windows: schedule.devices,
        freezes: schedule.freezes,
        last_upgrade: last_upgrade_spec.as_ref().and_then(|given| last_upgrade(&mut reading, given)),
        hooks: hooks.iter().map(hook).collect(),
        devices: policy(&mut reading, devices.as_ref()),
        paused: paused.then(|| "spec.paused".to_owned()),
    };
    desired.problems = reading.into_problems();
    desired
}

fn path(reading: &mut Reading, via: &[String]) -> Vec<Version> {
    let read = |(index, text): (usize, &String)| reading.version(&format!("spec.via[{index}]"), text);
    let path: Vec<Version> = via.iter().enumerate().filter_map(read).collect();
    reading.unique("spec.via", "", &path);
    path
}

fn proven_in(reading: &mut Reading, specs: &[ProvenInSpec]) -> Vec<ProvenIn> {
    let names = specs.iter().map(|given| format!("{}/{}", given.namespace, given.name));
    reading.unique("spec.provenIn", "", names);
    let specs = specs.iter().enumerate();
    specs
        .filter_map(|(index, given)| {
            Some(ProvenIn {
                namespace: given.namespace.clone(),
                name: given.name.clone(),
                for_: reading.duration(&format!("spec.provenIn[{index}].for"), &given.r#for)?,
                min_devices: u64::from(given.min_devices),
            })
        })
        .collect()
}

fn accepted_risks(reading: &mut Reading, specs: &[AcceptedRiskSpec]) -> BTreeMap<(Version, String), String> {
    let mut accepted = BTreeMap::new();
    for (index, risk) in specs.iter().enumerate() {
        let field = format!("spec.acceptedRisks[{index}]");
        if risk.reason.trim().is_empty() {
            reading.note(
                format!("{field}.reason"),
                "a risk is accepted without a reason",
                "say why, or who decided it",
            );
        }
        let Some(release) = reading.version(&format!("{field}.release"), &risk.release) else { continue };
        if accepted.insert((release, risk.name.clone()), risk.reason.clone()).is_some() {
            let message = format!("{} of {release} is accepted more than once", risk.name);
            reading.note(field, message, "keep one of them");
        }
    }
    accepted
}

fn last_upgrade(reading: &mut Reading, given: &LastUpgradeSpec) -> Option<LastUpgrade> {
    let release = reading.version("spec.lastUpgrade.release", &given.release);
    let finished_at = reading.instant("spec.lastUpgrade.finishedAt", &given.finished_at);
    Some(LastUpgrade { release: release?, finished_at: finished_at? })
}

fn hook(spec: &HookSpec) -> Hook {
    let HookSpec { name, when, job } = spec;
    Hook { name: name.clone(), when: *when, job: job.clone() }
}

#[cfg(test)]
mod tests;
