//! The backup before a hop: made when every other gate has passed.

use super::desired::{Backup, Method};
use super::draft::Draft;
use super::facts::Facts;
use super::report::GateName;
use super::step::Step;

/// Takes the backup that is still awaited, unless one is being made.
pub(super) fn take(facts: &Facts<'_>, draft: &mut Draft) {
    let (Backup::VolumeSnapshot { class, .. }, Some(cleared)) =
        (&facts.desired.backup, &draft.memory.cleared)
    else {
        return;
    };
    let gates = &draft.findings.gates;
    let awaited = gates.iter().any(|gate| gate.name == GateName::Backup && !gate.verdict.passes());
    let workload = facts.desired.authority.method.as_ref().and_then(Method::workload);
    let (Some(workload), true) = (workload, awaited) else { return };
    if facts.observed.backup.in_progress.is_none() {
        let name = format!("before-{}-{}", cleared.to, cleared.at.as_second()).replace('.', "-");
        draft.steps.push(Step::TakeBackup { name, workload, class: class.clone() });
    }
}
