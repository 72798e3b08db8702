//! The checks before a step: one file a gate.
//!
//! Every gate is asked every time, and all of them are in the report whether they hold or not. A gate reads the
//! context and changes nothing. Unknown never passes.

pub mod access;
pub mod adoption;
pub mod appliance;
pub mod approval;
pub mod auto_upgrade_switch;
pub mod backup;
pub mod backups_running;
pub mod claim;
pub mod clock;
pub mod compatibility;
pub mod edition;
pub mod facts;
pub mod files;
pub mod groups;
pub mod health;
pub mod hooks;
pub mod identity;
pub mod nightly_dump;
pub mod offer;
pub mod path;
pub mod paused;
pub mod proven_in;
pub mod restore;
pub mod rights;
pub mod risks;
pub mod spec;
pub mod storage;
pub mod support;
pub mod wait;
pub mod window;
pub mod workloads;

use jiff::Timestamp;

use super::desired::{Method, Workload, WorkloadRef};
use super::intent::{Intent, Travellers};
use super::report::{Gate, GateName, Needs, Verdict};
use super::settle::Standing;
use super::situation::Situation;
use super::{Desired, Memory, Observed};
use crate::catalog::{Acceptance, Catalog, Version};
use crate::fleet::Server;

/// Everything a gate may read.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// What was observed.
    pub observed: &'a Observed,
    /// What is wanted.
    pub desired: &'a Desired,
    /// What is documented.
    pub catalog: &'a Catalog,
    /// What is remembered, with what was verified just now.
    pub memory: &'a Memory,
    /// The environment sorted out.
    pub situation: &'a Situation<'a>,
    /// How the versions stand.
    pub standing: &'a Standing,
    /// What the servers are to do next.
    pub intent: &'a Intent,
    /// The devices, counted.
    pub travellers: &'a Travellers,
    /// The operator's clock.
    pub now: Timestamp,
}

/// A server that the next step touches, with the workload that runs it, if one does.
#[derive(Clone, Copy, Debug)]
pub struct Touched<'a> {
    /// The server.
    pub server: &'a Server,
    /// How it is upgraded.
    pub method: &'a Method,
}

impl<'a> Touched<'a> {
    /// The workload's reference and what the spec says of it.
    pub fn workload(&self) -> Option<(WorkloadRef, &'a Workload)> {
        match self.method {
            Method::StatefulSet(workload) => Some((WorkloadRef::stateful_set(&workload.name), workload)),
            Method::Deployment(workload) => Some((WorkloadRef::deployment(&workload.name), workload)),
            Method::Job(_) | Method::Manual => None,
        }
    }
}

impl<'a> Context<'a> {
    /// The release the next step of the servers leads to.
    pub fn to(&self) -> Option<Version> {
        self.intent.to()
    }

    /// How many live devices a release refuses as they are.
    pub fn refused_by(&self, release: Version) -> u64 {
        let Some(release) = self.catalog.release(release) else { return 0 };
        let classes = self.travellers.classes.iter().filter(|class| {
            release.acceptance(class.product, class.os, class.version) == Acceptance::Refused
        });
        classes.map(|class| class.live).sum()
    }

    /// The own servers that the next step touches: the authority first, then storage by name. Those of the spec
    /// without a method are left to the gate that refuses them.
    pub fn touched(&self) -> Vec<Touched<'a>> {
        let authority = match (self.intent, self.situation.authority, &self.desired.authority.method) {
            (Intent::Hop(_), Some(server), Some(method)) => Some(Touched { server, method }),
            _ => None,
        };
        let storage = self.situation.storage.iter().filter_map(|storage| {
            let behind = match self.intent {
                Intent::Hop(_) => true,
                Intent::Adopt { to, .. } => storage.server.version != Some(*to),
                Intent::Nothing | Intent::NoWay(_) | Intent::Undecided => false,
            };
            behind.then_some(Touched { server: storage.server, method: storage.method? })
        });
        authority.into_iter().chain(storage).collect()
    }
}

/// A gate's name and its check.
type Check = (GateName, fn(&Context<'_>) -> Verdict);

/// The gates that everything must pass, whatever the step.
pub fn of_everything(context: &Context<'_>) -> Vec<Gate> {
    let checks: [Check; 11] = [
        (GateName::Spec, spec::check),
        (GateName::Claim, claim::check),
        (GateName::Access, access::check),
        (GateName::Identity, identity::check),
        (GateName::Edition, edition::check),
        (GateName::Appliance, appliance::check),
        (GateName::Support, support::check),
        (GateName::Facts, facts::check),
        (GateName::Restore, restore::check),
        (GateName::Storage, storage::check),
        (GateName::Adoption, adoption::check),
    ];
    run(context, &checks)
}

/// The gates of a hop, in the order in which a careful admin would ask.
pub fn of_a_hop(context: &Context<'_>) -> Vec<Gate> {
    let checks: [Check; 15] = [
        (GateName::Path, path::check),
        (GateName::Wait, wait::check),
        (GateName::Clock, clock::check),
        (GateName::Health, health::check),
        (GateName::BackupsRunning, backups_running::check),
        (GateName::Risks, risks::check),
        (GateName::Files, files::check),
        (GateName::Workloads, workloads::check),
        (GateName::Rights, rights::check),
        (GateName::AutoUpgradeSwitch, auto_upgrade_switch::check),
        (GateName::ProvenIn, proven_in::check),
        (GateName::Approval, approval::check_servers),
        (GateName::Paused, paused::check),
        (GateName::Window, window::check_servers),
        (GateName::NightlyDump, nightly_dump::check),
    ];
    run(context, &checks)
}

/// The gates that are asked last, on facts gathered after all others passed.
pub fn of_the_last_moment(context: &Context<'_>) -> Vec<Gate> {
    let checks: [Check; 2] =
        [(GateName::Backup, backup::check), (GateName::Compatibility, compatibility::check)];
    run(context, &checks)
}

/// The gates of releasing more devices.
pub fn of_a_rollout(context: &Context<'_>) -> Vec<Gate> {
    let checks: [Check; 9] = [
        (GateName::Facts, facts::check_devices),
        (GateName::Path, path::check_devices),
        (GateName::Groups, groups::check),
        (GateName::Offer, offer::check),
        (GateName::Hooks, hooks::check),
        (GateName::BackupsRunning, backups_running::check),
        (GateName::Approval, approval::check_devices),
        (GateName::Paused, paused::check),
        (GateName::Window, window::check_devices),
    ];
    run(context, &checks)
}

fn run(context: &Context<'_>, checks: &[Check]) -> Vec<Gate> {
    checks.iter().map(|(name, check)| Gate { name: *name, verdict: check(context) }).collect()
}

/// Whether all of them pass.
pub fn all_pass(gates: &[Gate]) -> bool {
    gates.iter().all(|gate| gate.verdict.passes())
}

/// The gate that people should hear of first: a refusal, then a missing fact, then what a person must do, then
/// what time will end, the longest first.
pub fn leading(gates: &[Gate]) -> Option<&Gate> {
    let urgency = |gate: &Gate| match &gate.verdict {
        Verdict::Pass => (0, None),
        Verdict::Hold { needs: Needs::Time, until, .. } => (1, *until),
        Verdict::Hold { needs: Needs::Person, until, .. } => (2, *until),
        Verdict::Unknown { .. } => (3, None),
        Verdict::Refuse { .. } => (4, None),
    };
    // Of equals the first, so that the order above is the order of telling.
    gates.iter().filter(|gate| !gate.verdict.passes()).rev().max_by_key(|gate| urgency(gate))
}
