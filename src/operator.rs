//! The operator: everything that talks to the API server and to authorities at run time.
//!
//! ```text
//!   collect ──snapshots──▶ observe ──▶ planner::decide ──▶ report (status first) ──▶ act
//!      ▲                                     │
//!      └───────────── wants ─────────────────┘        one reconcile: `reconcile.rs`
//! ```
//!
//! Input: objects, answers, clocks. What must never happen here: a decision. Whatever is chosen is chosen by the planner,
//! and every effect follows a status write of its intent, made with the revision that it was decided on.

pub mod account;
pub mod act;
pub mod clock;
pub mod collect;
pub mod commit;
pub mod context;
pub mod controller;
pub mod environment;
pub mod files;
pub mod hosts;
pub mod http;
pub mod kubernetes;
pub mod lease;
pub mod logs;
pub mod metrics;
pub mod observe;
pub mod places;
pub mod reconcile;
pub mod report;
pub mod rights;
pub mod shipped;
pub mod shutdown;
pub mod turns;
pub mod wake;
pub mod witness;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use kube::runtime::events::{Recorder, Reporter};
use kube::runtime::reflector;
use kube::{Client, Config};
use tokio::sync::watch;

use account::Accounts;
use clock::Clock;
use collect::{Limits, Shared};
use context::{Context, Failures};
use environment::Environments;
use hosts::HostRules;
use http::{Readers, Readiness, Server};
use kubernetes::KubernetesVersion;
use lease::Lease;
use metrics::Metrics;
use shutdown::Stop;
use turns::Turns;
use witness::ApiServerClock;

use crate::api::FIELD_MANAGER;

/// How the operator runs.
#[derive(Clone, Debug)]
pub struct Options {
    /// The namespace of its lease.
    pub namespace: String,
    /// The name of its lease.
    pub lease: String,
    /// Who this process is, such as the pod's name; a number that no other process has is added.
    pub identity: String,
    /// How long a leader may be silent; whole seconds, at least three.
    pub lease_duration: Duration,
    /// Where health and metrics are served; `None` serves none.
    pub http: Option<SocketAddr>,
    /// Globs over `host:port` of authorities that it may talk to. Empty: all but loopback, link-local and the API server. Not
    /// empty: these, whatever they are, and no other.
    pub allow_hosts: Vec<String>,
    /// Looks under way at once; the next in turn waits.
    pub looks_at_once: u16,
    /// Rows of devices that all environments may hold together, beyond a few that each may hold anyway.
    pub device_rows: usize,
    /// Whether it keeps the shipped releases in the cluster.
    pub apply_releases: bool,
    /// Whether metrics are shown to whoever reaches the port, and not only to those who may `get` `/metrics`.
    pub open_metrics: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            namespace: "codeupgrade".to_owned(),
            lease: "codeupgrade".to_owned(),
            identity: "codeupgrade".to_owned(),
            lease_duration: Duration::from_secs(15),
            http: None,
            allow_hosts: Vec::new(),
            looks_at_once: 32,
            device_rows: collect::room::SHARED,
            apply_releases: false,
            open_metrics: false,
        }
    }
}

/// Why the operator ended, other than by being asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No client could be made.
    #[error("no client for the API server could be made: {0}")]
    Client(#[source] Box<kube::Error>),
    /// Health and metrics cannot be served.
    #[error("health and metrics cannot be served on {address}: {source}")]
    Http {
        /// The address that was asked for.
        address: SocketAddr,
        /// What the operating system answered.
        source: std::io::Error,
    },
    /// Another process may act now. A new process starts as a bystander.
    #[error(transparent)]
    Lease(#[from] lease::Error),
    /// The controller ended without being asked.
    #[error("the controller ended by itself")]
    ControllerEnded,
}

/// A call to the API server that has not been answered by then is given up, in real time. What a write did is looked at, not
/// repeated. The API server itself gives a write up after 34 s, the webhooks that it asks included: with less patience an effect that
/// a slow webhook lets through in the end would never come about.
const CALL_TIMEOUT: Duration = Duration::from_secs(40);

/// Looks under way are waited for this long when the operator ends, in real time.
const ENDING: Duration = Duration::from_secs(25);

/// Runs the operator until it is asked to stop or loses its lease.
///
/// A rustls crypto provider must have been installed for the process. Several may run in one process.
///
/// # Errors
/// It could not start, or another process took over.
pub async fn run(options: Options, clock: Clock, config: Config, stop: Stop) -> Result<(), Error> {
    let metrics = Metrics::default();
    let readiness = Readiness::default();
    let (acts, acting) = watch::channel(None);
    let client = |config: Config| Client::try_from(config).map_err(|source| Error::Client(Box::new(source)));
    let calls = client(for_calls(&config))?;
    let _http = serve(&options, &readiness, &metrics, acting, calls.clone()).await?;
    let watches = client(config.clone())?;

    let mut lease = Lease::new(calls.clone(), lease_options(&options));
    readiness.set(true);
    tokio::select! {
        () = lease.acquire() => {}
        () = stop.clone().asked() => return Ok(()),
    }
    metrics.set_leading(true);
    let shared = Arc::new(Shared {
        clock,
        accounts: Arc::new(Accounts::new(for_calls(&config), calls.clone())),
        hosts: HostRules::new(options.allow_hosts.clone(), &config.cluster_url.to_string()),
        limits: Limits::new(options.device_rows),
        metrics: metrics.clone(),
    });
    let outcome = lead(&options, shared, calls, watches, &mut lease, &acts, stop).await;
    acts.send_replace(None);
    metrics.set_leading(false);
    readiness.set(false);
    outcome
}

/// Acts while the lease is held.
async fn lead(
    options: &Options,
    shared: Arc<Shared>,
    calls: Client,
    watches: Client,
    lease: &mut Lease,
    acts: &watch::Sender<Option<Arc<Context>>>,
    stop: Stop,
) -> Result<(), Error> {
    let (wakes, woken) = wake::channel();
    let (order_store, order_writer) = reflector::store();
    let (publish_catalog, catalog) = watch::channel(None);
    let orders = controller::orders(watches.clone(), order_writer);
    let catalog_changes = controller::catalog(watches.clone(), publish_catalog);
    let controller = controller::new(watches);
    let api_server = ApiServerClock::default();
    let witness = Aborted(tokio::spawn(api_server.clone().follow(calls.clone(), shared.clock.clone())));
    let kubernetes = KubernetesVersion::default();
    let version = Aborted(tokio::spawn(kubernetes.clone().follow(calls.clone())));
    let releases = options
        .apply_releases
        .then(|| Aborted(tokio::spawn(shipped::keep(calls.clone(), catalog.clone(), lease.held()))));
    let reporter =
        Reporter { controller: FIELD_MANAGER.to_owned(), instance: Some(options.identity.clone()) };
    let context = Arc::new(Context {
        recorder: Recorder::new(calls.clone(), reporter),
        client: calls,
        shared,
        environments: Environments::default(),
        upgrades: controller.store(),
        orders: order_store,
        catalog,
        api_server,
        kubernetes,
        held: lease.held(),
        turns: Turns::new(options.looks_at_once, places::KEPT_FOR, stop.clone()),
        stop: stop.clone(),
        wakes,
        failures: Failures::default(),
    });
    acts.send_replace(Some(Arc::clone(&context)));
    let looks = controller::run(controller, context, woken, orders, catalog_changes, stop.clone());
    let ending = async {
        stop.clone().asked().await;
        clock::sleep(ENDING).await;
    };
    // The lease is kept until the last look is over.
    let outcome = tokio::select! {
        () = looks => if stop.is_asked() { Ok(()) } else { Err(Error::ControllerEnded) },
        () = ending => Ok(()),
        lost = lease.keep() => Err(Error::Lease(lost)),
    };
    drop((witness, version, releases));
    if let Err(error) = lease.release().await {
        tracing::warn!(%error, "the lease was not given back; another process must wait for its end");
    }
    outcome
}

/// A task that ends with its owner.
struct Aborted(tokio::task::JoinHandle<()>);

impl Drop for Aborted {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn serve(
    options: &Options,
    readiness: &Readiness,
    metrics: &Metrics,
    acting: watch::Receiver<Option<Arc<Context>>>,
    client: Client,
) -> Result<Option<Aborted>, Error> {
    let Some(address) = options.http else { return Ok(None) };
    let server = Server::bind(address).await.map_err(|source| Error::Http { address, source })?;
    let (readiness, metrics) = (readiness.clone(), metrics.clone());
    let readers = if options.open_metrics { Readers::Everybody } else { Readers::Allowed(Box::new(client)) };
    Ok(Some(Aborted(tokio::spawn(async move {
        if let Err(error) = server.run(readiness, metrics, acting, readers).await {
            tracing::error!(%error, "health and metrics are not served any more");
        }
    }))))
}

/// The configuration of a client for single calls: none is repeated by itself, none waits for ever.
fn for_calls(config: &Config) -> Config {
    let mut config = config.clone();
    config.default_retry = false;
    config.read_timeout = Some(CALL_TIMEOUT);
    config.write_timeout = Some(CALL_TIMEOUT);
    config
}

fn lease_options(options: &Options) -> lease::Options {
    // Distinct between restarts of one pod, too: a lease of a former life is another's.
    let unique = std::process::id();
    let started = clock::wall().as_nanosecond();
    lease::Options {
        namespace: options.namespace.clone(),
        name: options.lease.clone(),
        identity: format!("{}-{unique}-{started:x}", options.identity),
        duration: options.lease_duration,
    }
}
