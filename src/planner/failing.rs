//! Steps that do not come about: what refuses them is told on the object, not in a log alone.
//!
//! Nothing is decided by it: a step stays due as long as it is, and is tried again ever more seldom.

use jiff::SignedDuration;

use super::draft::Draft;
use super::facts::Facts;
use super::findings::Failing;
use super::step::Step;

/// A step that fails for longer is told: one attempt may meet a restart or a leader that changes.
const TOLD_AFTER: SignedDuration = SignedDuration::from_mins(2);

/// The first of the steps that are due which has failed for a while.
pub(super) fn first(facts: &Facts<'_>, draft: &Draft) -> Option<Failing> {
    draft.steps.iter().find_map(|step| {
        let failing = facts.observed.failing.get(&step.purpose())?;
        let is_told = facts.monotonic().duration_since(failing.since) >= TOLD_AFTER;
        is_told.then(|| Failing { purpose: step.purpose(), why: failing.why.clone(), mend: mend(step) })
    })
}

fn mend(step: &Step) -> &'static str {
    match step {
        Step::HoldFinalizer | Step::ReleaseFinalizer => {
            "let the operator's role update codeupgrades; it is tried again by itself"
        }
        Step::HoldCatch { .. } | Step::OpenCatch { .. } | Step::UpgradeServer { .. } => {
            "look at the rights of the acting account and at admission webhooks; it is tried again by itself"
        }
        Step::TakeBackup { .. } => {
            "let the acting account create volumesnapshots of a claim that the authority mounts, or set spec.backup.none"
        }
        Step::TurnOffDeviceAutoUpgrade => {
            "let the account of the Secret change system settings, or turn it off in the console"
        }
        Step::RunHook { .. } => {
            "let the acting account create jobs (ClusterRole codeupgrade-hooks); it is tried again by itself"
        }
        Step::FlagDevices { .. } => {
            "let the account of the Secret change devices; it is tried again by itself"
        }
    }
}
