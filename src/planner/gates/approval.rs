//! Somebody approved it, where the spec asks for that.

use super::Context;
use crate::planner::desired::Approval;
use crate::planner::order::{Action, Order, Subject};
use crate::planner::reason::Reason;
use crate::planner::report::Verdict;

/// The order that approves the servers' part of the next hop.
pub fn of_servers<'a>(context: &Context<'a>) -> Option<&'a Order> {
    let (from, to) = context.intent.between()?;
    let wanted = Action::Approve(Subject::Hop { from, to });
    find(context, &wanted)
}

/// The order that approves the devices' part at a release. It stays good for the whole rollout.
fn of_devices<'a>(context: &Context<'a>) -> Option<&'a Order> {
    let release = context.memory.settled.as_ref()?.release;
    let wanted = Action::Approve(Subject::Devices { release });
    context.observed.orders.iter().find(|order| order.action == wanted && order.is_alive(context.now))
}

fn find<'a>(context: &Context<'a>, wanted: &Action) -> Option<&'a Order> {
    context.observed.orders.iter().find(|order| {
        order.action == *wanted
            && !context.memory.consumed_orders.contains(&order.uid)
            && order.is_alive(context.now)
    })
}

/// Holds until an order approves this hop.
pub fn check_servers(context: &Context<'_>) -> Verdict {
    let Some((from, to)) = context.intent.between() else { return Verdict::Pass };
    match context.desired.approve_servers {
        Approval::Automatic => Verdict::Pass,
        Approval::Manual if of_servers(context).is_some() => Verdict::Pass,
        Approval::Manual => Verdict::ask(
            Reason::ApprovalNeeded,
            format!("approve \"{from}->{to} servers\" with a CodeUpgradeOrder"),
        ),
    }
}

/// Holds until an order approves the devices of this release.
pub fn check_devices(context: &Context<'_>) -> Verdict {
    let Some(settled) = &context.memory.settled else { return Verdict::Pass };
    let begun = context.memory.rollouts.iter().any(|rollout| rollout.threshold.is_some());
    match context.desired.approve_devices {
        Approval::Automatic => Verdict::Pass,
        Approval::Manual if begun || of_devices(context).is_some() => Verdict::Pass,
        Approval::Manual => Verdict::ask(
            Reason::ApprovalNeeded,
            format!("approve \"{} devices\" with a CodeUpgradeOrder", settled.release),
        ),
    }
}
