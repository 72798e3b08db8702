//! One look at one object: observe, decide, write, act, and say when to look again.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use kube::api::Api;
use kube::core::DeserializeGuard;
use kube::runtime::controller::Action;
use kube::{Resource, ResourceExt};

use super::act::{Actor, Outcomes};
use super::clock;
use super::collect::Ask;
use super::collect::session::Connection;
use super::commit::{self, Committed, News, commit};
use super::context::Context;
use super::environment::Environment;
use super::metrics::Sight;
use super::observe::{Grounds, observe};
use super::report;
use super::wake::Guarded;
use crate::api::CodeUpgrade;
use crate::planner::observed::Definition;
use crate::planner::{self, Decision, Desired, Wants, check, rollout};
use crate::translate;

/// At the latest after this long, in real time: a wall clock that jumped forward is noticed then.
const AT_THE_LATEST: Duration = Duration::from_secs(60);

/// After an effect, its result is looked for this soon, by the operator's clock.
const AFTER_AN_EFFECT: SignedDuration = SignedDuration::from_secs(5);

/// Until every object that a decision looks at has been read once.
const UNTIL_COMPLETE: Duration = Duration::from_millis(200);

/// An object that cannot be read is looked at when it changes, and then and now.
const INVALID_AGAIN: Duration = Duration::from_secs(600);

/// After failures: doubled from the first to the last.
const FIRST_RETRY: Duration = Duration::from_secs(1);
const LAST_RETRY: Duration = Duration::from_secs(60);

/// Why an object could not be looked at.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The object cannot be read as a `CodeUpgrade`.
    #[error("CodeUpgrade {object} cannot be read: {problem}")]
    Invalid {
        /// The object, `namespace/name`.
        object: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The API server did not give it.
    #[error("CodeUpgrade {object} could not be read: {source}")]
    Read {
        /// The object, `namespace/name`.
        object: String,
        /// What the API server, or the way to it, answered.
        source: Box<kube::Error>,
    },
    /// The decision breaks a rule that is checked apart from the planner.
    #[error("the order to the authority of CodeUpgrade {object} was left, since {rule}")]
    Unsafe {
        /// The object, `namespace/name`.
        object: String,
        /// The rule.
        rule: String,
    },
    /// What was decided could not be written.
    #[error(transparent)]
    Commit(#[from] commit::Error),
}

impl Error {
    /// The kind of failure, for metrics.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Invalid { .. } => "invalid",
            Self::Read { .. } => "read_failed",
            Self::Unsafe { .. } => "unsafe",
            Self::Commit(_) => "commit_failed",
        }
    }
}

/// Looks at one object when its turn has come.
///
/// # Errors
/// It could not be read, decided safely or written; nothing was done to its environment then.
pub async fn reconcile(guarded: Arc<Guarded>, context: Arc<Context>) -> Result<Action, Error> {
    let (metrics, queued) = (&context.shared.metrics, clock::instant());
    let look = async {
        let started = clock::instant();
        metrics.observe_wait(started.duration_since(queued));
        let outcome = Box::pin(look(&guarded, &context)).await;
        let label = outcome.as_ref().map_or_else(Error::kind, |_| "done");
        metrics.observe_reconcile(label, clock::instant().duration_since(started));
        outcome
    };
    context.turns.take(Box::pin(look)).await.unwrap_or_else(|| Ok(Action::await_change()))
}

async fn look(guarded: &Guarded, context: &Context) -> Result<Action, Error> {
    let Some(catalog) = context.complete_catalog() else { return Ok(Action::requeue(UNTIL_COMPLETE)) };
    let Some(object) = read_again(guarded, context).await? else { return Ok(Action::await_change()) };
    context.shared.metrics.count_look(&object.namespace().unwrap_or_default(), &object.name_any());
    let Some(environment) = environment_of(context, &object) else { return Ok(Action::await_change()) };

    // 1. Observe.
    let mut grounds = observe(context, &object, &environment, catalog).await;
    let now = grounds.observed.witnesses.operator;

    // 2. Decide.
    let decision = decide(&grounds, now);
    check_safety(&object, &grounds, &decision, now)?;
    environment.ask(ask(&grounds.desired, decision.wants));

    // 3. Write the intent.
    let Some(committed) = intend(context, &environment, object, decision, &mut grounds, now).await? else {
        return Ok(Action::requeue(FIRST_RETRY));
    };

    environment.files.want(&committed.decision().files);

    // 4. Act.
    let outcomes = Actor::new(context, &environment, grounds.acting.as_ref()).act(&committed).await;

    // 5. Tell, and say when to look again.
    report::publish(context, &committed).await;
    report::answer_orders(context, &committed, now).await;
    let (object, decision) = (committed.object(), committed.decision());
    show(context, &committed, &grounds);
    let retry = retry_after(context, object, &outcomes).await;
    Ok(Action::requeue(next_look(context, decision, &outcomes).min(retry)))
}

/// Shows an object in metrics as it stands now.
fn show(context: &Context, committed: &Committed, grounds: &Grounds) {
    let object = committed.object();
    let (namespace, name) = (object.namespace().unwrap_or_default(), object.name_any());
    let (metrics, status) = (&context.shared.metrics, object.status.as_ref());
    let (desired, observed) = (&grounds.desired, &grounds.observed);
    metrics.show(
        &namespace,
        &name,
        Sight { report: &committed.decision().report, status, desired, observed },
    );
    if let News::InPlaceOf(before) = committed.news() {
        metrics.count_hop(&namespace, &name, before.as_deref(), status);
    }
}

fn decide(grounds: &Grounds, now: Timestamp) -> Decision {
    planner::decide(&grounds.observed, &grounds.desired, &grounds.catalog.catalog, &grounds.memory, now)
}

/// Writes what is intended; `None` where the decision is void. Where the API server drops some of it, nothing is done but to say so, and
/// what was remembered before is put back.
async fn intend(
    context: &Context,
    environment: &Environment,
    object: Box<CodeUpgrade>,
    decision: Decision,
    grounds: &mut Grounds,
    now: Timestamp,
) -> Result<Option<Box<Committed>>, Error> {
    let object = match commit(context, object, decision, environment.definition(), now).await? {
        commit::Outcome::Overtaken => return Ok(None),
        commit::Outcome::Stands(committed) => {
            if committed.decision().memory != grounds.memory {
                environment.note_definition(Definition::Keeps);
            }
            return Ok(Some(committed));
        }
        commit::Outcome::Dropped(object) => object,
    };
    environment.note_definition(Definition::Drops);
    grounds.observed.definition = Definition::Drops;
    match commit(context, object, decide(grounds, now), Definition::Keeps, now).await? {
        commit::Outcome::Stands(committed) => Ok(Some(committed)),
        commit::Outcome::Overtaken | commit::Outcome::Dropped(_) => Ok(None),
    }
}

/// When to try again what failed; the first failure in a row is told as an event.
async fn retry_after(context: &Context, object: &CodeUpgrade, outcomes: &Outcomes) -> Duration {
    let uid = object.uid().unwrap_or_default();
    let Some(error) = outcomes.errors.iter().find(|error| !error.is_overtaken()) else {
        context.failures.clear(&uid);
        return if outcomes.errors.is_empty() { AT_THE_LATEST } else { FIRST_RETRY };
    };
    let failures = context.failures.count(&uid);
    if failures == 1 {
        report::publish_failure(context, object, &error.to_string()).await;
    }
    back_off(failures)
}

/// The object as it is now: a decision on a copy that is behind would be void anyway. `None` where it is gone.
async fn read_again(guarded: &Guarded, context: &Context) -> Result<Option<Box<CodeUpgrade>>, Error> {
    let (namespace, name) = (guarded.namespace().unwrap_or_default(), guarded.name_any());
    let object = format!("{namespace}/{name}");
    let api: Api<Guarded> = Api::namespaced(context.client.clone(), &namespace);
    match api.get_opt(&name).await {
        Ok(Some(DeserializeGuard(Ok(found)))) => Ok(Some(Box::new(found))),
        Ok(Some(DeserializeGuard(Err(invalid)))) => Err(Error::Invalid { object, problem: invalid.error }),
        Ok(None) => {
            context.shared.metrics.forget(&namespace, &name);
            Ok(None)
        }
        Err(source) => Err(Error::Read { object, source: Box::new(source) }),
    }
}

/// The environment of an object, whose collector runs from the first look on.
fn environment_of(context: &Context, object: &CodeUpgrade) -> Option<Arc<Environment>> {
    let connection = Connection::of(object)?;
    let (namespace, name, uid) = (object.namespace()?, object.name_any(), object.uid()?);
    let ask = || {
        let desired = translate::desired(object);
        ask(&desired, Wants::first(&desired))
    };
    let waker = || context.waker(&namespace, &name, &uid);
    let memory = object.status.as_ref().and_then(|status| status.memory.as_ref());
    let carried = || rollout::carried(memory.iter().flat_map(|memory| &memory.rollouts));
    Some(context.environments.ensure(&context.shared, &uid, connection, ask, waker, carried))
}

fn ask(desired: &Desired, wants: Wants) -> Ask {
    Ask { wants, groups: desired.devices.rules().cloned().collect() }
}

/// A second pair of eyes on every order to an authority.
fn check_safety(
    object: &CodeUpgrade,
    grounds: &Grounds,
    decision: &Decision,
    now: Timestamp,
) -> Result<(), Error> {
    let checked = check::Grounds {
        observed: &grounds.observed,
        desired: &grounds.desired,
        catalog: &grounds.catalog.catalog,
        memory: &grounds.memory,
        now,
    };
    match check::check_authority_order(&checked, decision).into_iter().next() {
        None => Ok(()),
        Some(violation) => Err(Error::Unsafe {
            object: format!("{}/{}", object.namespace().unwrap_or_default(), object.name_any()),
            rule: violation.0,
        }),
    }
}

/// In how much real time to look again.
fn next_look(context: &Context, decision: &Decision, outcomes: &Outcomes) -> Duration {
    let clock = context.clock();
    let woken = decision.wake_at.map_or(AT_THE_LATEST, |at| clock.real_until(at));
    let after_effect = if outcomes.changed > 0 { clock.real(AFTER_AN_EFFECT) } else { AT_THE_LATEST };
    woken.min(after_effect).clamp(clock::SHORTEST_POLL, AT_THE_LATEST)
}

/// When to look again after a failure.
pub fn after_failure(guarded: &Guarded, error: &Error, context: &Context) -> Action {
    tracing::warn!(%error, "reconcile failed");
    match error {
        Error::Invalid { .. } => Action::requeue(INVALID_AGAIN),
        Error::Read { .. } | Error::Unsafe { .. } | Error::Commit(_) => {
            let failures = context.failures.count(&guarded.meta().uid.clone().unwrap_or_default());
            Action::requeue(back_off(failures))
        }
    }
}

fn back_off(failures: u32) -> Duration {
    let doublings = failures.saturating_sub(1).min(16);
    FIRST_RETRY.saturating_mul(2_u32.saturating_pow(doublings)).min(LAST_RETRY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_retried_ever_later() {
        let seconds: Vec<u64> = (1..=8).map(|failures| back_off(failures).as_secs()).collect();
        assert_eq!(seconds, [1, 2, 4, 8, 16, 32, 60, 60]);
    }
}
