//! Writing the intent, before anything is done (ARCHITECTURE.md, rule 9).
//!
//! Writing consumes a decision. What comes back, [`Committed`], is made here and nowhere else, and it is all that
//! [`Actor::act`](super::act::Actor::act) takes: that an effect follows the status that says it is no matter of the order of lines.
//!
//! What must never happen here: an effect, a choice, a second attempt.

use jiff::Timestamp;
use kube::api::PostParams;
use kube::{Api, ResourceExt};

use super::context::Context;
use crate::api::{CodeUpgrade, CodeUpgradeStatus, FIELD_MANAGER};
use crate::planner::{Decision, Step, Telling};
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

/// Writes the status that a decision makes, if it is worth a write; a memory that changed always is. `None` where somebody wrote the
/// object since it was read: the decision is void then.
///
/// # Errors
/// The API server refused it or did not answer: nothing may be done then, since the intent may not stand.
pub async fn commit(
    context: &Context,
    mut object: Box<CodeUpgrade>,
    decision: Decision,
    now: Timestamp,
) -> Result<Option<Committed>, Error> {
    let before = object.status.take().map(Box::new);
    let status = translate::status(before.as_deref(), &decision, object.metadata.generation, now);
    let remembers_else =
        before.as_deref().and_then(|before| before.memory.as_ref()) != Some(&decision.memory);
    let is_news =
        decision.telling == Telling::Tell && translate::worth_writing(before.as_deref(), &status, now);
    if !remembers_else && !is_news {
        object.status = before.map(|before| *before);
        return Ok(Some(Committed { object, decision, news: News::Nothing }));
    }
    let (namespace, name) = (object.namespace().unwrap_or_default(), object.name_any());
    object.status = Some(status);
    let api: Api<CodeUpgrade> = Api::namespaced(context.client.clone(), &namespace);
    let parameters = PostParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PostParams::default() };
    match api.replace_status(&name, &parameters, &object).await {
        Ok(written) => {
            let object = Box::new(written);
            Ok(Some(Committed { object, decision, news: News::InPlaceOf(before) }))
        }
        Err(kube::Error::Api(status)) if status.is_conflict() || status.is_not_found() => Ok(None),
        Err(source) => Err(Error::Status { namespace, name, source: Box::new(source) }),
    }
}
