//! Every own server has a method, and every server that the spec names is there.

use std::collections::BTreeMap;

use super::View;
use crate::fleet::ServerName;
use crate::planner::desired::WorkloadRef;
use crate::planner::reason::Reason;
use crate::planner::report::Verdict;
use crate::planner::words;

/// Refuses a storage server without a method: a hop that left it behind would cut it off.
pub fn check(view: &View<'_>) -> Verdict {
    if view.desired.target.is_none() {
        return Verdict::Pass;
    }
    if view.desired.authority.method.is_none() {
        return Verdict::refuse(
            Reason::AuthorityWithoutMethod,
            "the spec does not say how the authority is upgraded",
            "give spec.authority one of statefulSet, deployment, job, manual",
        );
    }
    let without: Vec<&str> = view
        .situation
        .storage
        .iter()
        .filter(|storage| storage.method.is_none())
        .map(|storage| storage.server.name.0.as_str())
        .collect();
    if !without.is_empty() {
        return Verdict::refuse(
            Reason::StorageWithoutMethod,
            format!("storage {} has no entry in spec.storage", words::list(&without, 3)),
            "add it to spec.storage with a method, or with retired and the reason",
        );
    }
    if let Some((workload, one, other)) = shared_workload(view) {
        return Verdict::refuse(
            Reason::InvalidSpec,
            format!("{one} and {other} are both run by {workload}: one workload is one server"),
            "give each entry of spec.storage, and spec.authority, a workload of its own",
        );
    }
    if view.situation.fresh && !view.situation.missing.is_empty() {
        return Verdict::refuse(
            Reason::StorageMissing,
            format!("the authority lists no storage server {}", words::list(&view.situation.missing, 3)),
            "correct the name in spec.storage, or set retired with the reason",
        );
    }
    Verdict::Pass
}

/// Two servers that the spec says are run by one workload: two orders would undo each other.
fn shared_workload<'a>(view: &View<'a>) -> Option<(WorkloadRef, &'a ServerName, &'a ServerName)> {
    let mut known: BTreeMap<WorkloadRef, &ServerName> = BTreeMap::new();
    for (server, method) in view.facts.with_methods() {
        let Some(workload) = method.workload() else { continue };
        match known.get(&workload) {
            Some(other) => return Some((workload, *other, &server.name)),
            None => drop(known.insert(workload, &server.name)),
        }
    }
    None
}
