//! A Code42 managed appliance is upgraded by the vendor alone (FACTS.md, managed-appliance).

use super::View;
use crate::planner::desired::Appliance;
use crate::planner::reason::Reason;
use crate::planner::report::Verdict;

/// Refuses every tier of a managed appliance.
pub fn check(view: &View<'_>) -> Verdict {
    if view.desired.target.is_none() {
        return Verdict::Pass;
    }
    match view.desired.appliance() {
        Appliance::SelfManaged => Verdict::Pass,
        Appliance::Managed => Verdict::refuse(
            Reason::ManagedAppliance,
            "the authority is a Code42 managed appliance",
            "ask Code42's Customer Champions for the upgrade, and leave spec.version out to only observe",
        ),
        Appliance::Unstated => Verdict::refuse(
            Reason::ApplianceUnstated,
            "the spec does not say whether the authority is a Code42 managed appliance",
            "set spec.authority.managedAppliance",
        ),
    }
}
