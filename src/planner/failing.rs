//! Steps that do not come about: what refuses them is told on the object, not in a log alone.
//!
//! Nothing is decided by it: a step stays due as long as it is, and is tried again ever more seldom.

use jiff::{SignedDuration, Timestamp};

use super::draft::Draft;
use super::facts::Facts;
use super::findings::Failing;
use super::observed::FailingStep;
use super::step::Step;

/// A step that fails for longer is told: one attempt may meet a restart or a leader that changes.
const TOLD_AFTER: SignedDuration = SignedDuration::from_mins(2);

/// So many attempts are evidence. Two that are far apart may each have met somebody else's write, or a machine that slept.
const TOLD_FROM: u32 = 5;

/// The first of the steps that are due which has failed for a while.
pub(super) fn first(facts: &Facts<'_>, draft: &Draft) -> Option<Failing> {
    draft.steps.iter().find_map(|step| {
        let failing = facts.observed.failing.get(&step.purpose())?;
        is_told(failing, facts.monotonic()).then(|| Failing {
            purpose: step.purpose(),
            why: failing.why.clone(),
            mend: mend(step),
        })
    })
}

fn is_told(failing: &FailingStep, now: Timestamp) -> bool {
    failing.attempts >= TOLD_FROM && now.duration_since(failing.since) >= TOLD_AFTER
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
        Step::RunUpgradeJob { .. } => {
            "let the acting account create jobs from its PodTemplate (ClusterRole codeupgrade-hooks); it is tried again by itself"
        }
        Step::RunHook { .. } => {
            "let the acting account create jobs (ClusterRole codeupgrade-hooks); it is tried again by itself"
        }
        Step::FlagDevices { .. } => {
            "let the account of the Secret change devices; it is tried again by itself"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fails_is_told_after_some_attempts_and_some_time() {
        let failing = |attempts| FailingStep { why: "denied".into(), since: Timestamp::UNIX_EPOCH, attempts };
        for (attempts, seconds, is_known) in [
            (1, 0, false),
            (5, 60, false),
            // A machine that slept for a day between its second and third attempt.
            (3, 86_400, false),
            (5, 120, true),
            (40, 86_400, true),
        ] {
            let now = Timestamp::from_second(seconds).unwrap();
            assert_eq!(is_told(&failing(attempts), now), is_known, "{attempts} attempts in {seconds} s");
        }
    }
}
