//! Somebody approved it, where the spec asks for that.

use super::View;
use crate::planner::desired::Approval;
use crate::planner::order::{Action, Order, Subject};
use crate::planner::orders;
use crate::planner::reason::Reason;
use crate::planner::report::Verdict;

/// The order that approves the servers' part of the next hop.
pub fn of_servers<'a>(view: &View<'a>) -> Option<&'a Order> {
    let (from, to) = view.aim.between()?;
    let wanted = Action::Approve(Subject::Hop { from, to });
    find(view, &wanted)
}

/// The order that approves the devices' part at a release. It stays good for the whole rollout.
fn of_devices<'a>(view: &View<'a>) -> Option<&'a Order> {
    let release = view.memory.settled.as_ref()?.release;
    let wanted = Action::Approve(Subject::Devices { release });
    view.observed.orders.iter().find(|order| order.action == wanted && order.is_alive(view.now))
}

fn find<'a>(view: &View<'a>, wanted: &Action) -> Option<&'a Order> {
    orders::open(view.facts.observed, view.memory).find(|order| order.action == *wanted)
}

/// Holds until an order approves this hop.
pub fn check_servers(view: &View<'_>) -> Verdict {
    let Some((from, to)) = view.aim.between() else { return Verdict::Pass };
    match view.desired.approve_servers {
        Approval::Automatic => Verdict::Pass,
        Approval::Manual if of_servers(view).is_some() => Verdict::Pass,
        Approval::Manual => Verdict::ask(
            Reason::ApprovalNeeded,
            format!("approve \"{from}->{to} servers\" with a CodeUpgradeOrder"),
            format!("create a CodeUpgradeOrder with action Approve, for: \"{from}->{to} servers\""),
        ),
    }
}

/// Holds until an order approves the devices of this release.
pub fn check_devices(view: &View<'_>) -> Verdict {
    let Some(settled) = &view.memory.settled else { return Verdict::Pass };
    let begun = view.memory.rollouts.iter().any(|rollout| rollout.threshold.is_some());
    match view.desired.approve_devices {
        Approval::Automatic => Verdict::Pass,
        Approval::Manual if begun || of_devices(view).is_some() => Verdict::Pass,
        Approval::Manual => Verdict::ask(
            Reason::ApprovalNeeded,
            format!("approve \"{} devices\" with a CodeUpgradeOrder", settled.release),
            format!("create a CodeUpgradeOrder with action Approve, for: \"{} devices\"", settled.release),
        ),
    }
}
