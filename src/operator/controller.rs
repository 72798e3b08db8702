//! What makes the operator look at an object: its own changes, orders, the catalog, its collector, and time.

use std::future::ready;
use std::sync::Arc;
use std::time::Duration;

use futures::{Stream, StreamExt};
use kube::api::Api;
use kube::core::DeserializeGuard;
use kube::runtime::controller;
use kube::runtime::reflector::{ObjectRef, Store, store::Writer};
use kube::runtime::{Controller, WatchStreamExt, reflector, watcher};
use kube::{Client, ResourceExt};
use tokio::sync::watch;

use super::clock;
use super::context::{Context, KnownCatalog};
use super::reconcile::{after_failure, reconcile};
use super::shutdown::Stop;
use super::wake::Guarded;
use crate::api::{CodeRelease, CodeUpgradeOrder};
use crate::translate;

/// Objects that nobody needs any more are dropped this often, in real time.
const SWEEP_EVERY: Duration = Duration::from_secs(30);

/// An order that may not be readable.
pub type GuardedOrder = DeserializeGuard<CodeUpgradeOrder>;

/// A release that may not be readable.
pub type GuardedRelease = DeserializeGuard<CodeRelease>;

/// Makes the controller of all `CodeUpgrade` objects; it runs when [`run`] is called with the context made from it.
///
/// It looks at any number of them at once: whose turn it is, [`super::turns`] says.
pub fn new(client: Client) -> Controller<Guarded> {
    Controller::new(Api::<Guarded>::all(client), watcher::Config::default().any_semantic())
}

/// Looks at objects until asked to end, and then until the last look is over.
pub async fn run(
    controller: Controller<Guarded>,
    context: Arc<Context>,
    wakes: impl Stream<Item = ObjectRef<Guarded>> + Send + 'static,
    orders: impl Stream<Item = ObjectRef<Guarded>> + Send + 'static,
    catalog_changes: impl Stream<Item = ()> + Send + 'static,
    stop: Stop,
) {
    let looks = controller
        .reconcile_on(wakes)
        .reconcile_on(orders)
        .reconcile_all_on(catalog_changes)
        .graceful_shutdown_on(stop.asked())
        .run(
            reconcile,
            |object, error, context| after_failure(&object, error, &context),
            Arc::clone(&context),
        )
        .for_each(|look| {
            // Failures were told by `after_failure`; an object that vanished between two looks needs none.
            if let Err(controller::Error::QueueError(error)) = look {
                tracing::warn!(%error, "CodeUpgrades cannot be watched");
            }
            ready(())
        });
    let sweep = async {
        loop {
            clock::sleep(SWEEP_EVERY).await;
            context.sweep();
        }
    };
    tokio::select! {
        () = looks => {}
        () = sweep => {}
    }
}

/// Follows the orders into a store; yields the object that each is about when it changes.
pub fn orders(client: Client, writer: Writer<GuardedOrder>) -> impl Stream<Item = ObjectRef<Guarded>> + Send {
    let orders = watcher(Api::<GuardedOrder>::all(client), watcher::Config::default().any_semantic());
    reflector(writer, orders.default_backoff()).touched_objects().filter_map(|order| {
        ready(match order {
            Ok(DeserializeGuard(Ok(order))) => {
                let namespace = order.namespace().unwrap_or_default();
                Some(ObjectRef::new(&order.spec.upgrade).within(&namespace))
            }
            Ok(DeserializeGuard(Err(invalid))) => {
                tracing::warn!(
                    order = invalid.metadata.name,
                    error = invalid.error,
                    "an order cannot be read"
                );
                None
            }
            Err(error) => {
                tracing::warn!(%error, "orders cannot be watched");
                None
            }
        })
    })
}

/// Follows the releases into a catalog; yields whenever that changes. Nothing is published before all are known, so that no
/// decision is made on half a catalog.
pub fn catalog(
    client: Client,
    publish: watch::Sender<Option<Arc<KnownCatalog>>>,
) -> impl Stream<Item = ()> + Send {
    let (store, writer) = reflector::store::<GuardedRelease>();
    let releases = watcher(Api::<GuardedRelease>::all(client), watcher::Config::default().any_semantic());
    let mut is_complete = false;
    reflector(writer, releases.default_backoff()).filter_map(move |event| {
        match &event {
            Ok(watcher::Event::InitDone) => is_complete = true,
            Ok(
                watcher::Event::Init
                | watcher::Event::InitApply(_)
                | watcher::Event::Apply(_)
                | watcher::Event::Delete(_),
            ) => {}
            Err(error) => tracing::warn!(%error, "releases cannot be watched"),
        }
        let is_news = is_complete
            && matches!(
                event,
                Ok(watcher::Event::InitDone | watcher::Event::Apply(_) | watcher::Event::Delete(_))
            );
        ready((is_news && publish_catalog(&store, &publish)).then_some(()))
    })
}

/// Publishes the catalog of the store; says whether it changed.
fn publish_catalog(
    store: &Store<GuardedRelease>,
    publish: &watch::Sender<Option<Arc<KnownCatalog>>>,
) -> bool {
    let mut problems = Vec::new();
    let mut objects = Vec::new();
    for guarded in store.state() {
        match &guarded.0 {
            Ok(object) => objects.push((translate::layer_of(object), object.clone())),
            Err(invalid) => problems.push(format!("CodeRelease {}: {}", guarded.name_any(), invalid.error)),
        }
    }
    let (catalog, found) = translate::catalog_from(objects);
    problems.extend(found);
    problems.sort();
    let known = KnownCatalog { catalog, problems };
    publish.send_if_modified(|before| {
        let changed = before.as_deref() != Some(&known);
        *before = Some(Arc::new(known));
        changed
    })
}
