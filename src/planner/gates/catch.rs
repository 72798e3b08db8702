//! The catches can be held, at rest as before a hop, and nothing walks around them.

use super::View;
use crate::planner::desired::{Appliance, WorkloadRef};
use crate::planner::observed::{Hinders, WorkloadFacts};
use crate::planner::reason::Reason;
use crate::planner::report::Verdict;

/// Refuses a catch that somebody else moves, and a server that would start as another release as soon as it is scaled up.
pub fn check(view: &View<'_>) -> Verdict {
    let is_held = view.desired.target.is_some()
        && !view.desired.deleted
        && view.desired.appliance() == Appliance::SelfManaged;
    if !is_held {
        return Verdict::Pass;
    }
    for (_, method) in view.with_methods() {
        let Some(reference) = method.workload() else { continue };
        let Some(facts) = view.facts.observed.workload(&reference) else { continue };
        if let Some(misfit) = facts.misfits.iter().find(|misfit| misfit.hinders == Hinders::Catch) {
            let message = format!("{reference}: {}", misfit.why);
            return Verdict::refuse(Reason::WorkloadUnfit, message, misfit.mend.clone());
        }
        if let Some(verdict) = walks_around(view, &reference, facts) {
            return verdict;
        }
    }
    Verdict::Pass
}

/// A workload without a pod has no older revision: scaled up again it runs its template, whatever the partition says.
fn walks_around(view: &View<'_>, reference: &WorkloadRef, facts: &WorkloadFacts) -> Option<Verdict> {
    let settled = view.memory.settled.as_ref().filter(|_| view.memory.hop.is_none())?.release;
    if facts.replicas != 0 {
        return None;
    }
    let mut others = view.desired.sources.iter().filter(|source| source.release != settled);
    let next = others.find(|source| source.image.as_ref() == Some(&facts.template_image))?.release;
    Some(Verdict::refuse(
        Reason::WorkloadUnfit,
        format!("{reference} is scaled to 0 with the image of {next}: scaled up it would start as {next}"),
        format!("put the image of {settled} back into its template before it is scaled up"),
    ))
}
