//! Leader election: one `Lease` in the operator's namespace says which process acts.
//!
//! Three rules, each against a known way to get two leaders: the lease is only ever replaced together with the
//! resourceVersion that was read; another holder counts as gone when nothing about the lease changed for its whole
//! duration by our own monotonic clock, whatever times are written in it; and a holder that could not renew gives
//! up by itself at two thirds of the duration, before anybody else may take over. Real time throughout.

mod view;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::{Lease as LeaseObject, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use kube::ResourceExt;
use kube::api::{Api, ObjectMeta, PostParams};

use super::clock;
use crate::api::HANDING_BACK_ANNOTATION;
use view::{Tenure, View};

/// How a lease is named and how long it lasts.
#[derive(Clone, Debug)]
pub struct Options {
    /// The namespace of the lease.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Who this process is. Must differ between any two processes, even restarts of one.
    pub identity: String,
    /// How long a holder may be silent; whole seconds, at least three.
    pub duration: Duration,
}

/// Why the lease could not be taken or kept.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The API server did not do what it was asked.
    #[error("lease {namespace}/{name} could not be {verb}: {source}")]
    Api {
        /// What was tried.
        verb: &'static str,
        /// The namespace.
        namespace: String,
        /// The name.
        name: String,
        /// What the API server, or the way to it, answered.
        source: Box<kube::Error>,
    },
    /// It did not answer in time.
    #[error("lease {namespace}/{name} could not be {verb}: no answer in time")]
    TimedOut {
        /// What was tried.
        verb: &'static str,
        /// The namespace.
        namespace: String,
        /// The name.
        name: String,
    },
    /// Another process holds it, or it could not be renewed in time.
    #[error("lease {namespace}/{name} was lost")]
    Lost {
        /// The namespace.
        namespace: String,
        /// The name.
        name: String,
    },
}

/// Whether this process holds the lease. Cheap to clone; to be asked before every effect.
#[derive(Clone, Debug, Default)]
pub struct Held {
    tenure: Arc<Mutex<Option<Tenure>>>,
    handing_back: Arc<AtomicBool>,
}

impl Held {
    /// Whether it holds now. Becomes false by itself where renewals fail.
    pub fn is_held(&self) -> bool {
        let tenure = self.tenure.lock().unwrap_or_else(PoisonError::into_inner);
        tenure.as_ref().is_some_and(|tenure| tenure.lasts(clock::instant(), clock::wall()))
    }

    /// Whether somebody has asked, on the lease, to give back what is held: the operator is to be removed.
    pub fn is_handing_back(&self) -> bool {
        self.handing_back.load(Ordering::Relaxed)
    }

    fn note(&self, object: &LeaseObject) {
        let is_asked = object.annotations().contains_key(HANDING_BACK_ANNOTATION);
        self.handing_back.store(is_asked, Ordering::Relaxed);
    }

    fn set(&self, tenure: Option<Tenure>) {
        *self.tenure.lock().unwrap_or_else(PoisonError::into_inner) = tenure;
    }
}

/// The lease as this process keeps it.
#[derive(Debug)]
pub struct Lease {
    api: Api<LeaseObject>,
    options: Options,
    held: Held,
    /// The object as last read or written; its resourceVersion goes with the next write.
    object: Option<LeaseObject>,
    view: View,
}

impl Lease {
    /// A lease that is not held. The client should not retry by itself: a late success would be taken for a new one.
    pub fn new(client: kube::Client, options: Options) -> Self {
        let api = Api::namespaced(client, &options.namespace);
        Self { api, options, held: Held::default(), object: None, view: View::default() }
    }

    /// Whether it is held, for those who act.
    pub fn held(&self) -> Held {
        self.held.clone()
    }

    /// Tries until the lease is held. Failures of the API server are logged and tried again.
    pub async fn acquire(&mut self) {
        loop {
            match self.try_acquire().await {
                Ok(true) => {
                    tracing::info!(lease = self.options.name, identity = self.options.identity, "leading");
                    return;
                }
                Ok(false) => {}
                Err(error) => tracing::warn!(%error, "could not take the lease"),
            }
            clock::sleep(self.retry_interval()).await;
        }
    }

    /// Renews until that is no longer possible.
    pub async fn keep(&mut self) -> Error {
        loop {
            clock::sleep(self.retry_interval()).await;
            match self.renew().await {
                Ok(()) => {}
                Err(error @ Error::Lost { .. }) => {
                    self.held.set(None);
                    return error;
                }
                Err(error) => tracing::warn!(%error, "could not renew the lease"),
            }
            if !self.held.is_held() {
                self.held.set(None);
                return self.lost();
            }
        }
    }

    /// Gives the lease back, so that another process need not wait for its end. To be called when nothing is being done.
    pub async fn release(&mut self) -> Result<(), Error> {
        if !self.held.is_held() {
            return Ok(());
        }
        self.held.set(None);
        let Some(object) = self.object.take() else { return Ok(()) };
        if self.give_back(object).await? == GivenBack::Overtaken {
            // Perhaps by a renewal of ours whose answer was not waited for.
            let found = self.call("read", self.api.get_opt(&self.options.name)).await?;
            if let Some(object) = found.filter(|object| view::holder(object) == Some(&self.options.identity))
            {
                self.give_back(object).await?;
            }
        }
        Ok(())
    }

    async fn give_back(&self, mut object: LeaseObject) -> Result<GivenBack, Error> {
        if let Some(spec) = object.spec.as_mut() {
            spec.holder_identity = None;
        }
        let written = self.replace("released", &object).await?;
        Ok(if written.is_some() { GivenBack::Done } else { GivenBack::Overtaken })
    }

    /// A fifth of the duration: three renewals may fail before the tenure ends at two thirds.
    fn retry_interval(&self) -> Duration {
        self.options.duration / 5
    }

    async fn try_acquire(&mut self) -> Result<bool, Error> {
        let started = Tenure::begin(clock::instant(), clock::wall(), self.options.duration);
        let found = self.call("read", self.api.get_opt(&self.options.name)).await?;
        let written = match found {
            None => {
                match self.call("created", self.api.create(&PostParams::default(), &self.claim(None))).await {
                    Err(Error::Api { source, .. }) if is_conflict(&source) => None,
                    written => Some(written?),
                }
            }
            Some(object) => {
                self.view.look(&object, clock::instant());
                if !self.view.may_be_taken(&self.options.identity, clock::instant()) {
                    return Ok(false);
                }
                self.replace("taken", &self.claim(Some(&object))).await?
            }
        };
        // Another process was faster: look again later.
        let Some(written) = written else { return Ok(false) };
        self.held.note(&written);
        self.object = Some(written);
        self.held.set(Some(started));
        Ok(true)
    }

    async fn renew(&mut self) -> Result<(), Error> {
        // From before the request: when it was carried out in between is not known.
        let started = Tenure::begin(clock::instant(), clock::wall(), self.options.duration);
        let Some(object) = &self.object else { return Err(self.lost()) };
        let Some(written) = self.replace("renewed", &self.claim(Some(object))).await? else {
            // Somebody wrote it: a renewal of ours whose answer was lost, or another holder.
            let found = self.call("read", self.api.get_opt(&self.options.name)).await?;
            let ours = found.filter(|object| view::holder(object) == Some(self.options.identity.as_str()));
            let ours = ours.ok_or_else(|| self.lost())?;
            self.held.note(&ours);
            self.object = Some(ours);
            return Ok(());
        };
        self.held.note(&written);
        self.object = Some(written);
        self.held.set(Some(started));
        Ok(())
    }

    /// The lease with this process as its holder, to be written over what was read.
    fn claim(&self, previous: Option<&LeaseObject>) -> LeaseObject {
        let now = MicroTime(microseconds(clock::wall()));
        let spec = previous.and_then(|object| object.spec.as_ref());
        let same = previous.and_then(view::holder) == Some(self.options.identity.as_str());
        let transitions = spec.and_then(|spec| spec.lease_transitions).unwrap_or(0);
        LeaseObject {
            metadata: previous.map_or_else(
                || ObjectMeta {
                    name: Some(self.options.name.clone()),
                    namespace: Some(self.options.namespace.clone()),
                    ..ObjectMeta::default()
                },
                |object| object.metadata.clone(),
            ),
            spec: Some(LeaseSpec {
                holder_identity: Some(self.options.identity.clone()),
                lease_duration_seconds: Some(
                    i32::try_from(self.options.duration.as_secs()).unwrap_or(i32::MAX),
                ),
                acquire_time: if same {
                    spec.and_then(|spec| spec.acquire_time.clone())
                } else {
                    Some(now.clone())
                },
                renew_time: Some(now),
                lease_transitions: Some(if same { transitions } else { transitions.saturating_add(1) }),
                ..LeaseSpec::default()
            }),
        }
    }

    /// Replaces the object as it was read; `None` where somebody wrote it since.
    async fn replace(&self, verb: &'static str, object: &LeaseObject) -> Result<Option<LeaseObject>, Error> {
        match self.call(verb, self.api.replace(&self.options.name, &PostParams::default(), object)).await {
            Ok(written) => Ok(Some(written)),
            Err(Error::Api { source, .. }) if is_conflict(&source) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn call<T>(
        &self,
        verb: &'static str,
        request: impl Future<Output = Result<T, kube::Error>>,
    ) -> Result<T, Error> {
        let (namespace, name) = (&self.options.namespace, &self.options.name);
        match tokio::time::timeout(self.options.duration / 3, request).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(source)) => Err(Error::Api {
                verb,
                namespace: namespace.clone(),
                name: name.clone(),
                source: Box::new(source),
            }),
            Err(_) => Err(Error::TimedOut { verb, namespace: namespace.clone(), name: name.clone() }),
        }
    }

    fn lost(&self) -> Error {
        Error::Lost { namespace: self.options.namespace.clone(), name: self.options.name.clone() }
    }
}

/// What came of giving the lease back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum GivenBack {
    Done,
    Overtaken,
}

fn is_conflict(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.is_conflict() || status.is_already_exists())
}

/// The API writes microseconds; more would read back differently.
fn microseconds(time: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(time.as_microsecond()).unwrap_or(time)
}
