//! Which orders count, said once: those that are alive and not answered.

use crate::planner::memory::{Memory, RefusedOrder};
use crate::planner::observed::Observed;
use crate::planner::order::Order;

/// Orders that are alive and not used up, oldest first.
pub fn open<'a>(observed: &'a Observed, memory: &Memory) -> impl Iterator<Item = &'a Order> {
    let now = observed.witnesses.operator;
    observed.orders.iter().filter(move |order| order.is_alive(now) && !memory.is_answered(&order.uid))
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
