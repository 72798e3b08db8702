//! The checks before a step: one file a gate.
//!
//! Every gate is asked every time, and all of them are in the report whether they hold or not. A gate reads the
//! view and changes nothing. Unknown never passes.

pub mod access;
pub mod adoption;
pub mod appliance;
pub mod approval;
pub mod auto_upgrade_switch;
pub mod backup;
pub mod backups_running;
pub mod catch;
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
pub mod wait;
pub mod window;
pub mod workloads;

pub use super::draft::View;
pub use super::facts::Touched;
use super::report::{Gate, GateName, Needs, Verdict};

/// A gate's name and its check.
type Check = (GateName, fn(&View<'_>) -> Verdict);

/// The gates that everything must pass, whatever the step.
pub fn of_everything(view: &View<'_>) -> Vec<Gate> {
    let checks: [Check; 11] = [
        (GateName::Spec, spec::check),
        (GateName::Claim, claim::check),
        (GateName::Access, access::check),
        (GateName::Identity, identity::check),
        (GateName::Edition, edition::check),
        (GateName::Appliance, appliance::check),
        (GateName::Facts, facts::check),
        (GateName::Restore, restore::check),
        (GateName::Storage, storage::check),
        (GateName::Adoption, adoption::check),
        (GateName::Catch, catch::check),
    ];
    run(view, &checks)
}

/// The gates of a hop, in the order in which a careful admin would ask.
pub fn of_a_hop(view: &View<'_>) -> Vec<Gate> {
    let checks: [Check; 16] = [
        (GateName::Path, path::check),
        (GateName::Wait, wait::check),
        (GateName::Clock, clock::check),
        (GateName::Health, health::check),
        (GateName::BackupsRunning, backups_running::check),
        (GateName::Risks, risks::check),
        (GateName::Files, files::check),
        (GateName::Workloads, workloads::check),
        (GateName::Rights, rights::check),
        (GateName::Hooks, hooks::check_servers),
        (GateName::AutoUpgradeSwitch, auto_upgrade_switch::check),
        (GateName::ProvenIn, proven_in::check),
        (GateName::Approval, approval::check_servers),
        (GateName::Paused, paused::check),
        (GateName::Window, window::check_servers),
        (GateName::NightlyDump, nightly_dump::check),
    ];
    run(view, &checks)
}

/// The gates that are asked last, on facts gathered after all others passed.
pub fn of_the_last_moment(view: &View<'_>) -> Vec<Gate> {
    let checks: [Check; 4] = [
        (GateName::Hooks, hooks::check_answers),
        (GateName::Backup, backup::check),
        (GateName::Compatibility, compatibility::check),
        (GateName::AutoUpgradeSwitch, auto_upgrade_switch::check_reading),
    ];
    run(view, &checks)
}

/// The gates of releasing more devices.
pub fn of_a_rollout(view: &View<'_>) -> Vec<Gate> {
    let checks: [Check; 12] = [
        (GateName::Facts, facts::check_devices),
        (GateName::Path, path::check_devices),
        (GateName::Clock, clock::check_devices),
        (GateName::Health, health::check_devices),
        (GateName::AutoUpgradeSwitch, auto_upgrade_switch::check_devices),
        (GateName::Groups, groups::check),
        (GateName::Offer, offer::check),
        (GateName::Hooks, hooks::check_devices),
        (GateName::BackupsRunning, backups_running::check),
        (GateName::Approval, approval::check_devices),
        (GateName::Paused, paused::check),
        (GateName::Window, window::check_devices),
    ];
    run(view, &checks)
}

fn run(view: &View<'_>, checks: &[Check]) -> Vec<Gate> {
    checks.iter().map(|(name, check)| Gate { name: *name, verdict: check(view) }).collect()
}

/// Whether all of them pass.
pub fn all_pass(gates: &[Gate]) -> bool {
    gates.iter().all(|gate| gate.verdict.passes())
}

/// Whether time or a person alone holds these gates, the switch itself aside.
pub fn nothing_refuses<'a>(gates: impl IntoIterator<Item = &'a Gate>) -> bool {
    gates.into_iter().filter(|gate| gate.name != GateName::AutoUpgradeSwitch).all(|gate| match gate.verdict {
        Verdict::Pass | Verdict::Hold { .. } => true,
        Verdict::Unknown { .. } | Verdict::Refuse { .. } => false,
    })
}

/// The gate that people should hear of first: a refusal, then a missing fact, then what a person must do, then
/// what time will end, the longest first.
pub fn leading(gates: &[Gate]) -> Option<&Gate> {
    let urgency = |gate: &Gate| match &gate.verdict {
        Verdict::Pass => (0, None),
        Verdict::Hold { needs: Needs::Time, until, .. } => (1, *until),
        Verdict::Hold { needs: Needs::Person(_), until, .. } => (2, *until),
        Verdict::Unknown { .. } => (3, None),
        Verdict::Refuse { .. } => (4, None),
    };
    // Of equals the first, so that the order above is the order of telling.
    gates.iter().filter(|gate| !gate.verdict.passes()).rev().max_by_key(|gate| urgency(gate))
}
