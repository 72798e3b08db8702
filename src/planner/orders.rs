//! Which orders count, and those that speak of the whole object: pauses.

use super::draft::Draft;
use super::facts::Facts;
use super::memory::{Memory, PausedByOrder, RefusedOrder};
use super::observed::Observed;
use super::order::{Action, Order, PauseReach, Subject};

/// Orders that are alive and not used up, oldest first.
pub fn open<'a>(observed: &'a Observed, memory: &Memory) -> impl Iterator<Item = &'a Order> {
    let now = observed.witnesses.operator;
    observed.orders.iter().filter(move |order| order.is_alive(now) && !memory.is_answered(&order.uid))
}

/// Pauses and resumes; the latest order counts.
pub(super) fn take(facts: &Facts<'_>, draft: &mut Draft) {
    let open: Vec<&Order> = open(facts.observed, &draft.memory).collect();
    let memory = &mut draft.memory;
    for order in open {
        match &order.action {
            Action::Pause(reach) => {
                let since = order.given_at;
                memory.paused =
                    Some(PausedByOrder { order: order.name.clone(), since, now: *reach == PauseReach::Now });
            }
            Action::Resume => memory.paused = None,
            Action::Retry(Subject::Anything) if memory.given_up.is_some() => memory.given_up = None,
            Action::Approve(_) | Action::Retry(_) | Action::Adopt | Action::Abandon => continue,
        }
        memory.consume(order.uid.clone());
    }
}

impl Memory {
    /// Most uids of consumed orders that are remembered: orders expire long before.
    const MOST_CONSUMED: usize = 32;

    /// Most refused orders that are remembered, with their sentences.
    const MOST_REFUSED: usize = 8;

    /// Whether it is said already what became of an order.
    pub fn is_answered(&self, uid: &str) -> bool {
        self.consumed_orders.iter().any(|known| known == uid)
            || self.refused_orders.iter().any(|refused| refused.uid == uid)
    }

    /// Remembers that an order was consumed.
    pub fn consume(&mut self, uid: String) {
        if !self.consumed_orders.contains(&uid) {
            self.consumed_orders.push(uid);
            let surplus = self.consumed_orders.len().saturating_sub(Self::MOST_CONSUMED);
            self.consumed_orders.drain(..surplus);
        }
    }

    /// Remembers that an order was refused, and why.
    pub fn refuse(&mut self, uid: String, why: impl Into<String>) {
        self.refused_orders.push(RefusedOrder { uid, why: why.into() });
        let surplus = self.refused_orders.len().saturating_sub(Self::MOST_REFUSED);
        self.refused_orders.drain(..surplus);
    }
}
