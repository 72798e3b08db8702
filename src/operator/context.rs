//! What every reconcile shares.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use futures::FutureExt;
use kube::runtime::events::Recorder;
use kube::runtime::reflector::{ObjectRef, Store};
use kube::{Client, ResourceExt};
use tokio::sync::watch;

use super::clock::Clock;
use super::collect::Shared;
use super::environment::Environments;
use super::kubernetes::KubernetesVersion;
use super::lease::Held;
use super::shutdown::Stop;
use super::turns::Turns;
use super::wake::{Guarded, Waker};
use super::witness::ApiServerClock;
use crate::api::CodeUpgradeOrder;
use crate::catalog::Catalog;

/// The catalog that the objects of the cluster describe, and what is wrong with them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct KnownCatalog {
    /// The releases.
    pub catalog: Catalog,
    /// Problems, as sentences.
    pub problems: Vec<String>,
}

/// What every reconcile shares.
pub struct Context {
    /// The operator's own client, which repeats nothing by itself.
    pub client: Client,
    /// Clock, accounts, hosts, limits and metrics, as the collectors have them.
    pub shared: Arc<Shared>,
    /// What is kept of each environment.
    pub environments: Environments,
    /// Every `CodeUpgrade`.
    pub upgrades: Store<Guarded>,
    /// Every order.
    pub orders: Store<kube::core::DeserializeGuard<CodeUpgradeOrder>>,
    /// The catalog as it is now; `None` before every release was read.
    pub catalog: watch::Receiver<Option<Arc<KnownCatalog>>>,
    /// The API server's clock.
    pub api_server: ApiServerClock,
    /// Which Kubernetes this is.
    pub kubernetes: KubernetesVersion,
    /// Whether this process may act.
    pub held: Held,
    /// Whose turn it is to be looked at.
    pub turns: Turns,
    /// Whether it is to end.
    pub stop: Stop,
    /// Publishes events; one for all, since it keeps what it said.
    pub recorder: Recorder,
    /// Makes wakers.
    pub wakes: futures::channel::mpsc::UnboundedSender<ObjectRef<Guarded>>,
    /// Failures in a row, by object.
    pub failures: Failures,
}

impl Context {
    /// The clock.
    pub fn clock(&self) -> &Clock {
        &self.shared.clock
    }

    /// A waker for an object.
    pub fn waker(&self, namespace: &str, name: &str, uid: &str) -> Waker {
        Waker::new(namespace, name, uid, self.wakes.clone())
    }

    /// The catalog, once every object that a decision looks at is known: upgrades, orders and releases.
    pub fn complete_catalog(&self) -> Option<Arc<KnownCatalog>> {
        self.upgrades.wait_until_ready().now_or_never()?.ok()?;
        self.orders.wait_until_ready().now_or_never()?.ok()?;
        self.catalog.borrow().clone()
    }

    /// Drops what is kept of objects that are gone.
    pub fn sweep(&self) {
        let objects = self.upgrades.state();
        let exists = |uid: &str| objects.iter().any(|object| object.uid().as_deref() == Some(uid));
        self.failures.retain(exists);
        for gone in self.environments.retain(exists) {
            if let Some((namespace, name)) = gone.split_once('/') {
                self.shared.metrics.forget(namespace, name);
            }
        }
    }
}

/// How often each object failed in a row: the reconciler's library does not count.
#[derive(Debug, Default)]
pub struct Failures {
    counts: Mutex<BTreeMap<String, u32>>,
}

impl Failures {
    /// One more; says how many there are now.
    pub fn count(&self, uid: &str) -> u32 {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(uid.to_owned()).or_default();
        *count = count.saturating_add(1);
        *count
    }

    /// It went well.
    pub fn clear(&self, uid: &str) {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).remove(uid);
    }

    fn retain(&self, exists: impl Fn(&str) -> bool) {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).retain(|uid, _| exists(uid));
    }
}
