//! Saying what was decided: the status, events, and what became of orders. Written with the revision that was decided
//! on, and only when there is something to say.

use kube::api::{Patch, PatchParams, PostParams};
use kube::runtime::events::{Event as Published, EventType};
use kube::{Api, Resource, ResourceExt};
use serde_json::json;

use jiff::Timestamp;

use super::context::Context;
use super::observe::{in_clock_time, order_objects};
use crate::api::{CodeUpgrade, CodeUpgradeOrder, CodeUpgradeStatus, FIELD_MANAGER};
use crate::planner::events::standstill;
use crate::planner::{Decision, Memory, Severity, Telling};
use crate::translate;

/// The API server takes an `action` of at most this many characters.
const MAX_ACTION: usize = 128;

/// The API server takes a note of at most this many bytes.
const MAX_NOTE: usize = 1024;

/// Why something could not be said.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The status was not written.
    #[error("the status of CodeUpgrade {namespace}/{name} could not be written: {source}")]
    Status {
        /// The namespace.
        namespace: String,
        /// The name.
        name: String,
        /// Why.
        source: Box<kube::Error>,
    },
}

/// What came of a status.
#[derive(Debug)]
pub enum Written {
    /// Nothing was worth a write; the memory is what it was.
    Unchanged(Box<CodeUpgrade>),
    /// It was written, and this is the object now.
    Written(Box<CodeUpgrade>),
    /// Somebody wrote the object since it was read: the decision is void.
    Overtaken,
}

/// Writes the status that a decision makes, if it is worth a write. A memory that changed always is.
///
/// # Errors
/// The API server refused it or did not answer: nothing may be done then, since the intent may not stand.
pub async fn write(
    context: &Context,
    mut object: Box<CodeUpgrade>,
    decision: &Decision,
    now: Timestamp,
) -> Result<Written, Error> {
    let previous = object.status.as_ref();
    let status = translate::status(previous, decision, object.metadata.generation, now);
    let remembers_else = previous.and_then(|previous| previous.memory.as_ref()) != Some(&decision.memory);
    let is_news = decision.telling == Telling::Tell && translate::worth_writing(previous, &status, now);
    if !remembers_else && !is_news {
        return Ok(Written::Unchanged(object));
    }
    let (namespace, name) = (object.namespace().unwrap_or_default(), object.name_any());
    object.status = Some(status);
    let api: Api<CodeUpgrade> = Api::namespaced(context.client.clone(), &namespace);
    let parameters = PostParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PostParams::default() };
    match api.replace_status(&name, &parameters, &object).await {
        Ok(written) => Ok(Written::Written(Box::new(written))),
        Err(kube::Error::Api(status)) if status.is_conflict() || status.is_not_found() => {
            Ok(Written::Overtaken)
        }
        Err(source) => Err(Error::Status { namespace, name, source: Box::new(source) }),
    }
}

/// Publishes what became so. An event that cannot be published is logged and forgotten: the status says it all.
pub async fn publish(
    context: &Context,
    object: &CodeUpgrade,
    previous: Option<&CodeUpgradeStatus>,
    decision: &Decision,
) {
    let before = previous.map(|previous| (previous.phase.as_str(), previous.reason.as_str()));
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
pub async fn answer_orders(context: &Context, object: &CodeUpgrade, memory: &Memory, now: Timestamp) {
    for order in order_objects(context, object) {
        let status = translate::order_status(&in_clock_time(context.clock(), &order), memory, now);
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
            Ok(_) => tracing::info!(namespace, name, state = ?status.state, "order answered"),
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
