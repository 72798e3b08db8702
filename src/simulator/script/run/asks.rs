//! Whether what people are told that they may order would be followed: each such order is given to a copy of the object.

use crate::planner::check::Grounds;
use crate::planner::order::{Action, Order, Subject};
use crate::planner::report::{Ask, GateName};
use crate::planner::{Decision, Observed, Reason, Telling, decide};
use crate::translate;

const UID: &str = "an-order-that-is-tried";

/// What is asked and would come to nothing.
pub(super) fn unfollowed(grounds: &Grounds<'_>, decision: &Decision) -> Vec<String> {
    if decision.telling == Telling::NothingRead {
        return Vec::new();
    }
    let asks = decision.report.asks.iter();
    asks.filter(|ask| !is_followed(grounds, decision, ask)).map(|ask| sentence(ask, decision)).collect()
}

fn sentence(ask: &Ask, decision: &Decision) -> String {
    let (action, subject) = translate::order::written(&ask.action);
    format!(
        "asked and not followed: {} {} ({}), in {} {}: {}",
        action.name(),
        subject.unwrap_or_default(),
        ask.text,
        decision.report.phase.name(),
        decision.report.reason.name(),
        decision.report.message
    )
}

/// Whether the next look, with that order and nothing else changed, does what it says.
fn is_followed(grounds: &Grounds<'_>, decision: &Decision, ask: &Ask) -> bool {
    let order = Order {
        name: "tried".to_owned(),
        uid: UID.to_owned(),
        given_at: grounds.observed.witnesses.latest(),
        expires_at: None,
        action: ask.action.clone(),
        by: "a person".to_owned(),
        reason: String::new(),
    };
    let mut observed: Observed = grounds.observed.clone();
    observed.orders.push(order);
    let after = decide(&observed, grounds.desired, grounds.catalog, &decision.memory, grounds.now);
    let is_refused = after.memory.refused_orders.iter().any(|refused| refused.uid == UID);
    let is_consumed = after.memory.consumed_orders.iter().any(|uid| uid == UID);
    let passes = |name| after.report.gates.iter().all(|gate| gate.name != name || gate.verdict.passes());
    let asks_still = |reason| after.report.gates.iter().any(|gate| gate.verdict.reason() == Some(reason));
    // These two are used up by what they let begin, which may come later.
    let lets = match &ask.action {
        Action::Approve(Subject::Hop { .. } | Subject::Devices { .. }) => passes(GateName::Approval),
        Action::Adopt => !asks_still(Reason::AdoptionNeeded) && !asks_still(Reason::RestoredByHand),
        Action::Approve(_) | Action::Retry(_) | Action::Pause(_) | Action::Resume | Action::Abandon => false,
    };
    !is_refused && (is_consumed || lets)
}
