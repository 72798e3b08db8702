//! Which orders count, and those that speak of the whole object: pauses, and giving a hop up.

use super::draft::Draft;
use super::facts::Facts;
use super::memory::{Memory, PausedByOrder};
use super::observed::Observed;
use super::order::{Action, Order, PauseReach};

/// Orders that are alive and not used up, oldest first.
pub fn open<'a>(observed: &'a Observed, memory: &Memory) -> impl Iterator<Item = &'a Order> {
    let now = observed.witnesses.operator;
    observed
        .orders
        .iter()
        .filter(move |order| order.is_alive(now) && !memory.consumed_orders.contains(&order.uid))
}

/// Whether an order gives up a hop that has not begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Given {
    /// None does.
    Nothing,
    /// One does.
    Abandon,
}

/// Pauses and resumes; the latest order counts.
pub(super) fn take(facts: &Facts<'_>, draft: &mut Draft) -> Given {
    let mut given = Given::Nothing;
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
            Action::Abandon => {
                memory.cleared = None;
                given = Given::Abandon;
            }
            Action::Approve(_) | Action::Retry(_) | Action::Adopt => continue,
        }
        memory.consume(order.uid.clone());
    }
    given
}

impl Memory {
    /// Most uids of consumed orders that are remembered: orders expire long before.
    const MOST_CONSUMED: usize = 32;

    /// Remembers that an order was consumed.
    pub fn consume(&mut self, uid: String) {
        if !self.consumed_orders.contains(&uid) {
            self.consumed_orders.push(uid);
            let surplus = self.consumed_orders.len().saturating_sub(Self::MOST_CONSUMED);
            self.consumed_orders.drain(..surplus);
        }
    }
}
