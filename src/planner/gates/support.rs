//! Everything the spec asks for is something that this operator does.
//!
//! What it cannot do yet is refused by name: silence would be taken for consent.

use super::View;
use crate::planner::desired::{Method, StorageRole};
use crate::planner::reason::Reason;
use crate::planner::report::Verdict;

/// Refuses what is not built yet.
pub fn check(view: &View<'_>) -> Verdict {
    let desired = view.desired;
    if desired.target.is_none() {
        return Verdict::Pass;
    }
    let job = |method: &Method| matches!(method, Method::Job(_));
    let job_for_storage = desired
        .storage
        .iter()
        .any(|entry| matches!(&entry.role, StorageRole::Upgraded(method) if job(method)));
    let asked = if desired.authority.method.as_ref().is_some_and(job) || job_for_storage {
        Some(("the method job", "use statefulSet, deployment or manual"))
    } else {
        None
    };
    match asked {
        None => Verdict::Pass,
        Some((what, mend)) => Verdict::refuse(
            Reason::NotSupported,
            format!("this version of the operator does not do {what}"),
            mend,
        ),
    }
}
