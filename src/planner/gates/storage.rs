//! Every own server has a method, and every server that the spec names is there.

use super::View;
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
    if view.situation.fresh && !view.situation.missing.is_empty() {
        return Verdict::refuse(
            Reason::StorageMissing,
            format!("the authority lists no storage server {}", words::list(&view.situation.missing, 3)),
            "correct the name in spec.storage, or set retired with the reason",
        );
    }
    Verdict::Pass
}
