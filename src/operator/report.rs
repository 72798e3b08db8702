//! Saying what became so beside the status: events, and what became of orders.

use kube::api::{Patch, PatchParams};
use kube::runtime::events::{Event as Published, EventType};
use kube::{Api, Resource, ResourceExt};
use serde_json::json;

use jiff::Timestamp;

use super::commit::{Committed, News};
use super::context::Context;
use super::observe::{in_clock_time, order_objects};
use crate::api::code_upgrade_order::OrderState;
use crate::api::{CodeUpgrade, CodeUpgradeOrder, FIELD_MANAGER};
use crate::planner::Severity;
use crate::planner::events::standstill;
use crate::translate;

/// The API server takes an `action` of at most this many characters.
const MAX_ACTION: usize = 128;

/// The API server takes a note of at most this many bytes.
const MAX_NOTE: usize = 1024;

/// Publishes what became so, where a status was written that says it. An event that cannot be published is logged and forgotten.
pub async fn publish(context: &Context, committed: &Committed) {
    let before = match committed.news() {
        News::Nothing => return,
        News::InPlaceOf(before) => before.as_deref(),
    };
    let (object, decision) = (committed.object(), committed.decision());
    let before = before.map(|previous| (previous.phase.as_str(), previous.reason.as_str()));
    for event in decision.events.iter().chain(&standstill(before, &decision.report)) {
        publish_one(context, object, type_of(event.severity), event.reason, &event.note).await;
    }
}

fn type_of(severity: Severity) -> EventType {
    match severity {
        Severity::Normal => EventType::Normal,
        Severity::Warning => EventType::Warning,
    }
}

/// Tells that a step failed.
pub async fn publish_failure(context: &Context, object: &CodeUpgrade, note: &str) {
    publish_one(context, object, EventType::Warning, "StepFailed", note).await;
}

async fn publish_one(context: &Context, object: &CodeUpgrade, type_: EventType, reason: &str, note: &str) {
    let published = Published {
        type_,
        reason: reason.to_owned(),
        // The recorder takes events that differ in their note alone for one; with the note here as well, those about two
        // servers stay two.
        action: note.chars().take(MAX_ACTION).collect(),
        note: Some(bounded(note, MAX_NOTE)),
        secondary: None,
    };
    if let Err(error) = context.recorder.publish(&published, &object.object_ref(&())).await {
        tracing::warn!(reason, %error, "an event could not be published");
    }
}

fn bounded(text: &str, most: usize) -> String {
    let mut end = most.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].to_owned()
}

/// Writes what became of the orders that speak of an object. Failures are logged: the next reconcile tells them again.
pub async fn answer_orders(context: &Context, committed: &Committed, now: Timestamp) {
    let memory = &committed.decision().memory;
    let desired = translate::desired(committed.object());
    for order in order_objects(context, committed.object()) {
        let order_in_time = in_clock_time(context.clock(), &order);
        let status = translate::order_status(&order_in_time, &desired, memory, now);
        if order.status.as_ref() == Some(&status) {
            continue;
        }
        let (namespace, name) = (order.namespace().unwrap_or_default(), order.name_any());
        let body = json!({
            "metadata": { "uid": order.uid(), "resourceVersion": order.resource_version() },
            "status": status,
        });
        let parameters =
            PatchParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PatchParams::default() };
        let api: Api<CodeUpgradeOrder> = Api::namespaced(context.client.clone(), &namespace);
        match api.patch_status(&name, &parameters, &Patch::Merge(&body)).await {
            Ok(_) => {
                tracing::info!(namespace, name, state = ?status.state, "order answered");
                if status.state != OrderState::Pending {
                    let upgrade = &committed.object().name_any();
                    let (action, outcome) = (order.spec.action.name(), status.state.name());
                    context.shared.metrics.count_order(&namespace, upgrade, action, outcome);
                }
            }
            // Written or deleted by somebody else since: the store will tell.
            Err(kube::Error::Api(status)) if status.is_conflict() || status.is_not_found() => {}
            Err(error) => tracing::warn!(namespace, name, %error, "an order could not be answered"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_cut_at_a_character() {
        assert_eq!(bounded("abc", 5), "abc");
        assert_eq!(bounded("aéb", 2), "a");
        assert_eq!(bounded("aéb", 3), "aé");
    }
}
