//! ARCHITECTURE.md, rule 13: at rest no one can roll a server by accident.

use super::desired::Appliance;
use super::draft::Draft;
use super::facts::Facts;
use super::observed::{Catch, Revisions, Rights, WorkloadReading};
use super::step::Step;

/// Closes the catch of every workload that the spec names and no hop owns, whatever else is refused. One that rolls is left to
/// settle first: below the partition its pod would come back from the revision before.
pub(super) fn hold(facts: &Facts<'_>, draft: &mut Draft) {
    // A managed appliance is the vendor's, and what nobody has stated may be one: nothing of it is touched.
    if facts.desired.appliance() != Appliance::SelfManaged {
        return;
    }
    for (server, method) in facts.with_methods() {
        let Some(workload) = method.workload() else { continue };
        let is_held_already = draft
            .steps
            .iter()
            .any(|step| matches!(step, Step::HoldCatch { workload: held, .. } if *held == workload));
        if let Some(WorkloadReading::Read(workload_facts)) = facts.observed.workloads.get(&workload)
            && workload_facts.catch == Catch::Open
            && workload_facts.revisions == Revisions::One
            && workload_facts.misfits.is_empty()
            // What may not be done is not tried again and again: a gate says so, and the right is asked for anew at every look.
            && !matches!(workload_facts.rights, Rights::Denied(_))
            && !is_held_already
        {
            draft.steps.push(Step::HoldCatch { server: server.name.clone(), workload });
        }
    }
}
