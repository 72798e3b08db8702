//! The vendor's instructions are for the enterprise edition only (FACTS.md, enterprise-only).

use super::View;
use crate::planner::observed::Edition;
use crate::planner::reason::Reason;
use crate::planner::report::Verdict;

/// Refuses another edition. A server that does not say is taken at its word: later releases do not.
pub fn check(view: &View<'_>) -> Verdict {
    match view.observed.authority.as_ref().map(|authority| authority.edition) {
        Some(Edition::Other) => Verdict::refuse(
            Reason::NotEnterprise,
            "the authority is not Code42 for Enterprise",
            "the documented upgrades apply to Code42 for Enterprise only",
        ),
        Some(Edition::Enterprise | Edition::Unstated) | None => Verdict::Pass,
    }
}
