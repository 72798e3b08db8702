//! The groups of devices can be told apart: while one cannot, its devices would fall through to a later group.

use super::View;
use crate::planner::reason::Reason;
use crate::planner::report::Verdict;

/// Refuses to release devices while a group speaks of an organisation that is not there, or of several.
pub fn check(view: &View<'_>) -> Verdict {
    match view.observed.group_problems.first() {
        None => Verdict::Pass,
        Some(problem) => Verdict::refuse(
            Reason::GroupUnresolved,
            format!("{}: {}", problem.field, problem.message),
            problem.mend.clone(),
        ),
    }
}
