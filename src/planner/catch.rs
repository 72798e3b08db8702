//! ARCHITECTURE.md, rule 13: at rest no one can roll a server by accident.

use super::desired::Appliance;
use super::draft::Draft;
use super::facts::Facts;
use super::observed::{Catch, Ending, Revisions, Rights, WorkloadReading};
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
            && workload_facts.has_a_catch()
            // What may not be done is not tried again and again: a gate says so, and the right is asked for anew at every look.
            && !matches!(workload_facts.rights, Rights::Denied(_))
            && !is_held_already
        {
            draft.steps.push(Step::HoldCatch { server: server.name.clone(), workload });
        }
    }
}

/// Opens the catches that the operator holds for an object that goes or wants nothing any more. One whose template waits is left
/// as it is: opening it would roll a server at once, of which nobody asked anything.
pub(super) fn give_back(facts: &Facts<'_>, draft: &mut Draft) {
    // A spec that cannot be read does not say that nothing is wanted.
    let is_said = facts.observed.ending != Ending::No || facts.desired.problems.is_empty();
    if !is_said || facts.observed.ending == Ending::WithItsNamespace {
        return;
    }
    for (workload, reading) in &facts.observed.workloads {
        if let WorkloadReading::Read(facts) = reading
            && facts.can_be_given_back()
        {
            draft.steps.push(Step::OpenCatch { workload: workload.clone() });
        }
    }
}
