//! Carrying out steps: one attempt at each, in the order in which they were decided, each only while the lease is held. Catches
//! are held several at once, since they concern different servers: a webhook that hangs must not add up over hundreds of them.
//!
//! Input: a decision that was committed, with every operand of its steps filled in. What must never happen here: a choice, a repeated
//! attempt.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use futures::StreamExt;
use futures::stream;
use kube::api::{Patch, PatchParams};
use kube::{Api, ResourceExt};
use serde_json::json;

use super::account::Acting;
use super::clock;
use super::commit::Committed;
use super::context::Context;
use super::environment::Environment;
use super::metrics::Metrics;
use crate::api::problem::said;
use crate::api::{CodeUpgrade, FIELD_MANAGER, FINALIZER};
use crate::code42::{self, ComputerId};
use crate::methods::{self, Outcome, Upgrade, hook, job, server_job, snapshot};
use crate::planner::Step;
use crate::planner::step::FlagDevice;

/// Catches that are held at once.
const CATCHES_AT_ONCE: usize = 16;

/// No device is flagged any more this long after the first of a look, in real time: pause, halt and window are looked at again
/// then.
const FLAGGING_FOR: Duration = Duration::from_secs(20);

/// So many devices refused one after the other are no matter of the device.
const REFUSALS_IN_A_ROW: usize = 3;

/// Why a step did not come about.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another process may act, or this one is to end.
    #[error("{step} was left: this process may not act any more")]
    NotAllowed {
        /// The step.
        step: &'static str,
    },
    /// Nobody can be acted as.
    #[error("{step} was left: {why}")]
    NoAccount {
        /// The step.
        step: &'static str,
        /// Why nobody can be acted as, as a sentence.
        why: String,
    },
    /// The authority cannot be talked to.
    #[error("{step} was left: there is no connection to the authority")]
    NoAuthority {
        /// The step.
        step: &'static str,
    },
    /// A workload was not changed.
    #[error("{step} failed: {source}")]
    Workload {
        /// The step.
        step: &'static str,
        /// What the method met.
        source: methods::Error,
    },
    /// A hook was not asked.
    #[error("{step} failed: {source}")]
    Hook {
        /// The step.
        step: &'static str,
        /// What the method met.
        source: job::Error,
    },
    /// The authority did not do it. The words are ours, not the authority's.
    #[error("{step} failed: {summary}")]
    Authority {
        /// The step.
        step: &'static str,
        /// What went wrong, without a word of the authority\'s.
        summary: String,
    },
    /// The finalizer was not written.
    #[error("{step} failed on CodeUpgrade {namespace}/{name}: {}", said(source))]
    Finalizer {
        /// The step.
        step: &'static str,
        /// The namespace of the object.
        namespace: String,
        /// Its name.
        name: String,
        /// What the API server, or the way to it, answered.
        source: Box<kube::Error>,
    },
}

impl Error {
    /// Whether somebody else wrote the object after it was read: no failure, and the next look reads it anew.
    pub fn is_overtaken(&self) -> bool {
        match self {
            Self::Workload { source: methods::Error::Api { source, .. }, .. }
            | Self::Finalizer { source, .. } => {
                matches!(&**source, kube::Error::Api(status) if status.is_conflict())
            }
            Self::Workload {
                source: methods::Error::Missing { .. } | methods::Error::Unfit { .. }, ..
            }
            | Self::NotAllowed { .. }
            | Self::NoAccount { .. }
            | Self::NoAuthority { .. }
            | Self::Hook { .. }
            | Self::Authority { .. } => false,
        }
    }

    /// Why, for people: in the API server's own words where it answered.
    fn why(&self) -> String {
        match self {
            Self::NotAllowed { .. } | Self::NoAuthority { .. } => self.to_string(),
            Self::NoAccount { why, .. } => why.clone(),
            Self::Workload { source, .. } => source.why(),
            Self::Hook { source, .. } => source.why(),
            Self::Authority { summary, .. } => summary.clone(),
            Self::Finalizer { source, .. } => said(source),
        }
    }
}

/// What came of the steps.
#[derive(Debug, Default)]
pub struct Outcomes {
    /// How many steps changed something.
    pub changed: usize,
    /// What failed. Steps that do not need the failed one were tried all the same.
    pub errors: Vec<Error>,
}

impl Outcomes {
    /// Notes what came of a step; says whether those after it are left.
    fn note(
        &mut self,
        object: &CodeUpgrade,
        step: &Step,
        outcome: Result<Outcome, Error>,
        metrics: &Metrics,
    ) -> bool {
        let (label, ends) = match &outcome {
            Ok(Outcome::Changed) => ("changed", false),
            Ok(Outcome::AlreadySo) => ("already_so", false),
            Err(Error::NotAllowed { .. }) => ("not_allowed", true),
            // No order without the finalizer: the object could vanish with it.
            Err(Error::Finalizer { .. }) => ("failed", *step == Step::HoldFinalizer),
            Err(
                Error::NoAccount { .. }
                | Error::NoAuthority { .. }
                | Error::Workload { .. }
                | Error::Hook { .. }
                | Error::Authority { .. },
            ) => ("failed", false),
        };
        metrics.count_effect(step.name(), label);
        match outcome {
            Ok(Outcome::Changed) => {
                tracing::info!(namespace = object.namespace(), name = object.name_any(), ?step, "done");
                self.changed += 1;
            }
            Ok(Outcome::AlreadySo) => {}
            Err(error) => {
                tracing::warn!(namespace = object.namespace(), name = object.name_any(), %error, "a step failed");
                self.errors.push(error);
            }
        }
        ends
    }
}

fn is_catch(step: &Step) -> bool {
    matches!(step, Step::HoldCatch { .. } | Step::OpenCatch { .. })
}

/// For whom steps are carried out.
pub struct Actor<'a> {
    /// What every reconcile shares.
    context: &'a Context,
    /// The environment.
    environment: &'a Environment,
    /// Who to act as, or why nobody.
    acting: Result<&'a Acting, &'a String>,
    flagging_ends: OnceLock<Instant>,
}

impl<'a> Actor<'a> {
    /// Whoever carries out the steps of one look.
    pub fn new(
        context: &'a Context,
        environment: &'a Environment,
        acting: Result<&'a Acting, &'a String>,
    ) -> Self {
        Self { context, environment, acting, flagging_ends: OnceLock::new() }
    }

    /// Carries out the steps of a decision whose intent stands.
    pub async fn act(&self, committed: &Committed) -> Outcomes {
        let (object, steps) = (committed.object(), committed.steps());
        let mut outcomes = Outcomes::default();
        let due = self.environment.attempts().begin(steps, self.context.clock().both().monotonic);
        for together in due.chunk_by(|one, next| is_catch(one) && is_catch(next)) {
            let attempts: Vec<_> = together.iter().map(|step| self.attempt(object, step)).collect();
            let attempted: Vec<_> = stream::iter(attempts).buffered(CATCHES_AT_ONCE).collect().await;
            let mut ends = false;
            for (step, outcome) in together.iter().zip(attempted) {
                self.note(step, &outcome);
                ends |= outcomes.note(object, step, outcome, &self.context.shared.metrics);
            }
            if ends {
                break;
            }
        }
        outcomes
    }

    /// What fails is an observation of the next look. A step that this process may not do says nothing about the step.
    fn note(&self, step: &Step, outcome: &Result<Outcome, Error>) {
        let outcome = match outcome {
            Ok(_) => Ok(()),
            Err(Error::NotAllowed { .. }) => return,
            Err(error) => Err(error.why()),
        };
        self.environment.attempts().note(step, outcome, self.context.clock().both().monotonic);
    }

    async fn attempt(&self, object: &CodeUpgrade, step: &Step) -> Result<Outcome, Error> {
        let name = step.name();
        self.check_allowed(name)?;
        let workload = |source| Error::Workload { step: name, source };
        match step {
            Step::HoldFinalizer => self.set_finalizer(object, Wanted::Present, name).await,
            Step::ReleaseFinalizer => self.set_finalizer(object, Wanted::Absent, name).await,
            Step::HoldCatch { server: _, workload: reference } => {
                let acting = self.acting(name)?;
                methods::hold_catch(&acting.client, &acting.account.namespace, reference)
                    .await
                    .map_err(workload)
            }
            Step::OpenCatch { workload: reference } => {
                let acting = self.acting(name)?;
                methods::open_catch(&acting.client, &acting.account.namespace, reference)
                    .await
                    .map_err(workload)
            }
            Step::UpgradeServer {
                server: _,
                guid: _,
                workload: reference,
                container,
                image,
                image_from,
                from: _,
                to: _,
            } => {
                let acting = self.acting(name)?;
                let upgrade = Upgrade { workload: reference, container, image, image_from: *image_from };
                methods::upgrade(&acting.client, &acting.account.namespace, upgrade).await.map_err(workload)
            }
            Step::RunUpgradeJob { server, guid, role, template, run, attempt, file, from, to } => {
                let acting = self.acting(name)?;
                let told = [
                    ("CODEUPGRADE_NAME", object.name_any()),
                    ("CODEUPGRADE_NAMESPACE", acting.account.namespace.clone()),
                    ("CODEUPGRADE_SERVER", server.0.clone()),
                    ("CODEUPGRADE_SERVER_GUID", guid.0.clone()),
                    ("CODEUPGRADE_ROLE", format!("{role:?}")),
                    ("CODEUPGRADE_FROM", from.to_string()),
                    ("CODEUPGRADE_TO", to.to_string()),
                    ("CODEUPGRADE_ATTEMPT", attempt.to_string()),
                    ("CODEUPGRADE_RUN", run.clone()),
                    ("CODEUPGRADE_OS", file.os.to_string()),
                    ("CODEUPGRADE_FILE", file.name().to_owned()),
                    ("CODEUPGRADE_FILE_URL", file.mirror.clone()),
                    ("CODEUPGRADE_FILE_MD5", file.md5.clone()),
                    ("CODEUPGRADE_FILE_SHA256", file.sha256.clone()),
                    ("CODEUPGRADE_FILE_SIZE", file.size.to_string()),
                ];
                let upgrade = &object.name_any();
                let wanted = server_job::Wanted {
                    upgrade,
                    server: &server.0,
                    guid: &guid.0,
                    template,
                    run,
                    told: &told,
                };
                let made = server_job::make(&acting.client, &acting.account.namespace, wanted).await;
                made.map_err(|source| Error::Hook { step: name, source })
            }
            Step::TakeBackup { name: backup, workload: reference, class } => {
                let acting = self.acting(name)?;
                let wanted = snapshot::Wanted {
                    upgrade: &object.name_any(),
                    name: backup,
                    workload: reference,
                    class,
                };
                snapshot::take(&acting.client, &acting.account.namespace, wanted).await.map_err(workload)
            }
            Step::TurnOffDeviceAutoUpgrade => self.turn_off_switch(name).await,
            Step::RunHook { hook, template, run, occasion } => {
                let acting = self.acting(name)?;
                let mut told = occasion.told();
                told.push(("CODEUPGRADE_NAME", object.name_any()));
                told.push(("CODEUPGRADE_NAMESPACE", acting.account.namespace.clone()));
                let question = hook::Question {
                    upgrade: &object.name_any(),
                    hook,
                    template,
                    run,
                    takes_at_most: occasion.takes_at_most(),
                    told: &told,
                };
                let asked = hook::ask(&acting.client, &acting.account.namespace, question).await;
                asked.map_err(|source| Error::Hook { step: name, source })
            }
            Step::FlagDevices { group: _, release: _, devices } => self.flag(name, devices).await,
        }
    }

    fn check_allowed(&self, step: &'static str) -> Result<(), Error> {
        if self.context.held.is_held() && !self.context.stop.is_asked() {
            Ok(())
        } else {
            Err(Error::NotAllowed { step })
        }
    }

    fn acting(&self, step: &'static str) -> Result<&Acting, Error> {
        self.acting.map_err(|why| Error::NoAccount { step, why: why.clone() })
    }

    fn authority(&self, step: &'static str) -> Result<code42::Client, Error> {
        self.environment.authority().ok_or(Error::NoAuthority { step })
    }

    async fn set_finalizer(
        &self,
        object: &CodeUpgrade,
        wanted: Wanted,
        step: &'static str,
    ) -> Result<Outcome, Error> {
        let mut finalizers = object.finalizers().to_vec();
        let is_present = finalizers.iter().any(|finalizer| finalizer == FINALIZER);
        match (wanted, is_present) {
            (Wanted::Present, true) | (Wanted::Absent, false) => return Ok(Outcome::AlreadySo),
            (Wanted::Present, false) => finalizers.push(FINALIZER.to_owned()),
            (Wanted::Absent, true) => finalizers.retain(|finalizer| finalizer != FINALIZER),
        }
        let (namespace, name) = (object.namespace().unwrap_or_default(), object.name_any());
        // With the revision, since the list is written as a whole.
        let body = json!({
            "metadata": {
                "uid": object.uid(),
                "resourceVersion": object.resource_version(),
                "finalizers": finalizers,
            }
        });
        let parameters =
            PatchParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PatchParams::default() };
        let api: Api<CodeUpgrade> = Api::namespaced(self.context.client.clone(), &namespace);
        match api.patch(&name, &parameters, &Patch::Merge(&body)).await {
            Ok(_) => Ok(Outcome::Changed),
            Err(kube::Error::Api(status)) if status.is_not_found() && wanted == Wanted::Absent => {
                Ok(Outcome::AlreadySo)
            }
            Err(source) => Err(Error::Finalizer { step, namespace, name, source: Box::new(source) }),
        }
    }

    async fn turn_off_switch(&self, step: &'static str) -> Result<Outcome, Error> {
        let authority = self.authority(step)?;
        let id = self.environment.snapshot().settings_id.ok_or(Error::NoAuthority { step })?;
        authority.turn_off_device_auto_upgrade(id).await.map_err(|error| authority_error(step, &error))?;
        Ok(Outcome::Changed)
    }

    /// Flags devices one by one. A flag cannot be taken back, so that each is worth a look at the lease, and a long batch one at
    /// everything else: what is left of it is decided anew.
    async fn flag(&self, step: &'static str, devices: &[FlagDevice]) -> Result<Outcome, Error> {
        let authority = self.authority(step)?;
        let ends = *self.flagging_ends.get_or_init(|| clock::instant() + FLAGGING_FOR);
        let mut outcome = Outcome::AlreadySo;
        let (mut first_refusal, mut in_a_row) = (None, 0);
        for device in self.environment.refused_last(devices) {
            self.check_allowed(step)?;
            if clock::instant() >= ends {
                break;
            }
            let answer = authority.flag_for_upgrade(ComputerId(device.computer_id)).await;
            match answer {
                Ok(_) => {
                    self.environment.note_told(device.guid, self.context.clock().now());
                    outcome = Outcome::Changed;
                    in_a_row = 0;
                }
                // Gone since it was listed: nothing to flag, and no reason to leave the others.
                Err(code42::Error::Missing { .. }) => {
                    tracing::info!(device = device.guid, "the authority knows no such device any more");
                }
                // One device that the authority stumbles over must not keep the others from their turn.
                Err(error) => {
                    self.environment.note_refused(device.guid);
                    in_a_row += 1;
                    let is_of_all = is_of_all(&error) || in_a_row >= REFUSALS_IN_A_ROW;
                    tracing::warn!(device = device.guid, %error, "a device could not be told to upgrade");
                    first_refusal.get_or_insert(authority_error(step, &error));
                    if is_of_all {
                        break;
                    }
                }
            }
        }
        match (outcome, first_refusal) {
            (Outcome::AlreadySo, Some(refusal)) => Err(refusal),
            (outcome, _) => Ok(outcome),
        }
    }
}

/// Whether the finalizer is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    Present,
    Absent,
}

/// Whether what went wrong with one device will go wrong with the next.
fn is_of_all(error: &code42::Error) -> bool {
    match error {
        code42::Error::Misconfigured { .. }
        | code42::Error::Unreachable { .. }
        | code42::Error::Refused { .. }
        | code42::Error::Forbidden { .. }
        | code42::Error::Denied { .. }
        | code42::Error::Redirected { .. } => true,
        code42::Error::Missing { .. }
        | code42::Error::Unexpected { .. }
        | code42::Error::TooLarge { .. }
        | code42::Error::TooMany { .. }
        | code42::Error::ServerError { .. } => false,
    }
}

fn authority_error(step: &'static str, error: &code42::Error) -> Error {
    Error::Authority { step, summary: error.summary() }
}
