//! Writing the intent, before anything is done (ARCHITECTURE.md, rule 9).
//!
//! Writing consumes a decision. What comes back, [`Committed`], is made here and nowhere else, and it is all that
//! [`Actor::act`](super::act::Actor::act) takes: that an effect follows the status that says it is no matter of the order of lines.
//!
//! What must never happen here: an effect, a choice, a second attempt.

use jiff::Timestamp;
use kube::api::{Patch, PatchParams, PostParams};
use kube::{Api, ResourceExt};
use serde_json::{Map, Value, json};

use super::context::Context;
use crate::api::{CodeUpgrade, CodeUpgradeStatus, FIELD_MANAGER};
use crate::planner::observed::Definition;
use crate::planner::{Decision, Memory, Step, Telling};
use crate::translate;

/// Why an intent does not stand.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The status was not written.
    #[error("the status of CodeUpgrade {namespace}/{name} could not be written: {source}")]
    Status {
        /// The namespace.
        namespace: String,
        /// The name.
        name: String,
        /// What the API server, or the way to it, answered.
        source: Box<kube::Error>,
    },
}

/// A decision whose memory stands in its object, by the revision that was decided on.
#[must_use = "what was written is to be done"]
#[derive(Debug)]
pub struct Committed {
    object: Box<CodeUpgrade>,
    decision: Decision,
    news: News,
}

/// Whether a status was written.
#[derive(Debug)]
pub(super) enum News {
    /// It was worth no write: it stood there already.
    Nothing,
    /// It was, in the place of this one.
    InPlaceOf(Option<Box<CodeUpgradeStatus>>),
}

impl Committed {
    /// The object as it stands now.
    pub fn object(&self) -> &CodeUpgrade {
        &self.object
    }

    /// What was decided.
    pub fn decision(&self) -> &Decision {
        &self.decision
    }

    /// What is to be done now.
    pub(super) fn steps(&self) -> &[Step] {
        &self.decision.steps
    }

    /// Whether a status was written, and in the place of which.
    pub(super) fn news(&self) -> &News {
        &self.news
    }
}

/// What came of writing an intent.
#[derive(Debug)]
pub enum Outcome {
    /// It stands.
    Stands(Box<Committed>),
    /// Somebody wrote the object since it was read: the decision is void.
    Overtaken,
    /// The API server does not keep all of its memory: the decision is void. This is the object now.
    Dropped(Box<CodeUpgrade>),
}

/// Writes the status that a decision makes, if it is worth a write; a memory that changed always is. What the API server stored is
/// held against what it was sent, since a definition that is older than this code loses fields without a word. Where that
/// happened before (`definition`), it is only tried first.
///
/// # Errors
/// The API server refused it or did not answer: nothing may be done then, since the intent may not stand.
pub async fn commit(
    context: &Context,
    mut object: Box<CodeUpgrade>,
    decision: Decision,
    definition: Definition,
    now: Timestamp,
) -> Result<Outcome, Error> {
    let before = object.status.take().map(Box::new);
    let status = translate::status(before.as_deref(), &decision, object.metadata.generation, now);
    let remembers_else =
        before.as_deref().and_then(|before| before.memory.as_ref()) != Some(&decision.memory);
    let is_news =
        decision.telling == Telling::Tell && translate::worth_writing(before.as_deref(), &status, now);
    if !remembers_else && !is_news {
        object.status = before.map(|before| *before);
        return Ok(stands(object, decision, News::Nothing));
    }
    if !decision.memory.is_readable() {
        return say_beside_memory(context, object, before, status, decision).await;
    }
    object.status = Some(status);
    if remembers_else && definition == Definition::Drops {
        match replace(context, &object, Run::Dry).await? {
            Some(tried) if keeps(&tried, &decision.memory) => {}
            Some(_) => {
                object.status = before.map(|before| *before);
                return Ok(Outcome::Dropped(object));
            }
            None => return Ok(Outcome::Overtaken),
        }
    }
    let Some(written) = replace(context, &object, Run::Real).await? else { return Ok(Outcome::Overtaken) };
    Ok(if keeps(&written, &decision.memory) {
        stands(written, decision, News::InPlaceOf(before))
    } else {
        Outcome::Dropped(written)
    })
}

fn stands(object: Box<CodeUpgrade>, decision: Decision, news: News) -> Outcome {
    Outcome::Stands(Box::new(Committed { object, decision, news }))
}

/// Whether the object holds this memory.
fn keeps(object: &CodeUpgrade, memory: &Memory) -> bool {
    object.status.as_ref().and_then(|status| status.memory.as_ref()) == Some(memory)
}

/// Whether it is written or only tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Run {
    Real,
    Dry,
}

/// Replaces the status by the object's revision; `None` where that is another by now.
async fn replace(
    context: &Context,
    object: &CodeUpgrade,
    run: Run,
) -> Result<Option<Box<CodeUpgrade>>, Error> {
    let parameters = PostParams { dry_run: run == Run::Dry, field_manager: Some(FIELD_MANAGER.to_owned()) };
    let replaced = api(context, object).replace_status(&object.name_any(), &parameters, object).await;
    settled(object, replaced)
}

/// Says what there is to say and leaves the memory as it is, which this code cannot read and so could not write again.
async fn say_beside_memory(
    context: &Context,
    object: Box<CodeUpgrade>,
    before: Option<Box<CodeUpgradeStatus>>,
    status: CodeUpgradeStatus,
    decision: Decision,
) -> Result<Outcome, Error> {
    let body = json!({
        "metadata": { "uid": object.uid(), "resourceVersion": object.resource_version() },
        "status": beside_memory(before.as_deref(), status),
    });
    let parameters = PatchParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PatchParams::default() };
    let patched =
        api(context, &object).patch_status(&object.name_any(), &parameters, &Patch::Merge(&body)).await;
    Ok(match settled(&object, patched)? {
        Some(object) => stands(object, decision, News::InPlaceOf(before)),
        None => Outcome::Overtaken,
    })
}

/// What lasts from one status to the next: it is not said anew by what cannot read all of it.
const LASTING: [&str; 3] = ["memory", "history", "proven"];

/// A status as a merge patch that does not speak of what lasts: what else it no longer says is removed.
fn beside_memory(before: Option<&CodeUpgradeStatus>, mut status: CodeUpgradeStatus) -> Map<String, Value> {
    let fields = |status: &CodeUpgradeStatus| match serde_json::to_value(status) {
        Ok(Value::Object(fields)) => fields,
        Ok(_) | Err(_) => Map::new(),
    };
    status.memory = None;
    let mut patch = fields(&status);
    for (field, _) in before.map(fields).unwrap_or_default() {
        patch.entry(field).or_insert(Value::Null);
    }
    for field in LASTING {
        patch.remove(field);
    }
    patch
}

fn api(context: &Context, object: &CodeUpgrade) -> Api<CodeUpgrade> {
    Api::namespaced(context.client.clone(), &object.namespace().unwrap_or_default())
}

/// What a write gave; `None` where the object is another by now, or gone.
fn settled(
    object: &CodeUpgrade,
    written: kube::Result<CodeUpgrade>,
) -> Result<Option<Box<CodeUpgrade>>, Error> {
    match written {
        Ok(written) => Ok(Some(Box::new(written))),
        Err(kube::Error::Api(status)) if status.is_conflict() || status.is_not_found() => Ok(None),
        Err(source) => {
            let (namespace, name) = (object.namespace().unwrap_or_default(), object.name_any());
            Err(Error::Status { namespace, name, source: Box::new(source) })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_beside_a_memory_does_not_touch_it() {
        let mend = Some("wait".to_owned());
        let before = CodeUpgradeStatus {
            phase: "Waiting".into(),
            mend,
            memory: Some(Memory::of_format(2)),
            ..CodeUpgradeStatus::default()
        };
        let status = CodeUpgradeStatus {
            phase: "Stalled".into(),
            memory: Some(Memory::of_format(2)),
            ..CodeUpgradeStatus::default()
        };
        let patch = beside_memory(Some(&before), status);
        assert_eq!((&patch["phase"], &patch["mend"]), (&json!("Stalled"), &Value::Null));
        assert!(!patch.contains_key("memory"), "{patch:?}");
    }
}
