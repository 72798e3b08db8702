//! The orders that people gave about an environment, and what became of each.

use jiff::Timestamp;
use kube::ResourceExt as _;

use super::environment::when;
use super::paper::{Paper, Tone};
use super::sheet::Sheet;
use crate::api::CodeUpgradeOrder;
use crate::api::code_upgrade_order::OrderState;

/// Most orders that are shown, the newest.
const MOST: usize = 20;

/// The orders, newest first; nothing where there are none.
pub fn render(orders: &[CodeUpgradeOrder], paper: &Paper, now: Timestamp) -> String {
    let mut sheet = Sheet::new(paper);
    if orders.is_empty() {
        return String::new();
    }
    let mut sorted: Vec<&CodeUpgradeOrder> = orders.iter().collect();
    sorted.sort_by_key(|order| std::cmp::Reverse((given_at(order), order.name_any())));
    sheet.heading("ORDERS");
    for order in sorted.into_iter().take(MOST) {
        one(&mut sheet, order, now);
    }
    sheet.into_text()
}

fn given_at(order: &CodeUpgradeOrder) -> Option<Timestamp> {
    order.metadata.creation_timestamp.as_ref().map(|time| time.0)
}

fn one(sheet: &mut Sheet<'_>, order: &CodeUpgradeOrder, now: Timestamp) {
    let state = order.status.as_ref().map(|status| status.state);
    let (tone, word) = match state {
        Some(OrderState::Consumed) => (Tone::Good, "followed"),
        Some(OrderState::Pending) | None => (Tone::Busy, "waits"),
        Some(OrderState::Refused) => (Tone::Bad, "refused"),
        Some(OrderState::Expired) => (Tone::Faint, "expired"),
    };
    let spec = &order.spec;
    let subject = spec.r#for.as_ref().map_or_else(String::new, |text| format!(" \"{text}\""));
    let given = given_at(order).map_or_else(String::new, |at| format!(", {}", when(at, now)));
    let mut text = format!("{}{subject} by {}{given}", spec.action.name(), spec.by);
    let answer = order.status.as_ref().and_then(|status| status.message.as_deref());
    for more in [spec.reason.as_deref(), answer].into_iter().flatten() {
        text = format!("{text}: {more}");
    }
    sheet.hanging("  ", word, tone, 10, &text);
}
