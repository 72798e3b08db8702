//! Health, metrics and devices over HTTP: `/livez`, `/readyz`, `/metrics`, `/devices/NAMESPACE/NAME`.
//!
//! Alive means that the runtime answers: a restart mends nothing else. Ready means that this process acts, or stands by for
//! the one that does.

mod access;
mod devices;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use k8s_openapi::api::authorization::v1::{NonResourceAttributes, SubjectAccessReviewSpec};
use kube::Client;
use tokio::net::TcpListener;

use self::access::Denied;
use super::metrics::Metrics;

/// Whether the process is ready. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Readiness {
    ready: Arc<AtomicBool>,
}

impl Readiness {
    /// Sets it.
    pub fn set(&self, ready: bool) {
        self.ready.store(ready, Ordering::Relaxed);
    }

    fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Relaxed)
    }
}

/// A server that listens and does not answer yet.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
}

#[derive(Clone)]
struct Shown {
    readiness: Readiness,
    metrics: Metrics,
    context: devices::Acting,
    readers: Readers,
}

/// Who may read metrics.
#[derive(Clone)]
pub enum Readers {
    /// Whoever reaches the port.
    Everybody,
    /// Whoever may `get` the path `/metrics`, as the API server says.
    Allowed(Box<Client>),
}

impl Server {
    /// Listens.
    ///
    /// # Errors
    /// The address cannot be listened on.
    pub async fn bind(address: SocketAddr) -> std::io::Result<Self> {
        Ok(Self { listener: TcpListener::bind(address).await? })
    }

    /// Where it listens, with the port that the system chose.
    ///
    /// # Errors
    /// The socket does not say.
    pub fn address(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Answers until it is dropped.
    ///
    /// # Errors
    /// The socket broke.
    pub async fn run(
        self,
        readiness: Readiness,
        metrics: Metrics,
        context: devices::Acting,
        readers: Readers,
    ) -> std::io::Result<()> {
        let router = Router::new()
            .route("/livez", get(|| async { "ok" }))
            .route("/readyz", get(readyz))
            .route("/metrics", get(show_metrics))
            .route("/devices/{namespace}/{name}", get(devices::show))
            .with_state(Shown { readiness, metrics, context, readers });
        axum::serve(self.listener, router).await
    }
}

async fn readyz(State(shown): State<Shown>) -> (StatusCode, &'static str) {
    if shown.readiness.is_ready() {
        (StatusCode::OK, "ok")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "not ready")
    }
}

async fn show_metrics(State(shown): State<Shown>, headers: HeaderMap) -> Result<Response, Denied> {
    const CONTENT_TYPE: [(&str, &str); 1] =
        [("content-type", "application/openmetrics-text; version=1.0.0; charset=utf-8")];
    if let Readers::Allowed(client) = &shown.readers {
        check_reader(client, &headers).await?;
    }
    Ok(match shown.metrics.text() {
        Ok(text) => (StatusCode::OK, CONTENT_TYPE, text).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    })
}

/// Whether whoever asks may read metrics: by their token, and a right to the path.
async fn check_reader(client: &Client, headers: &HeaderMap) -> Result<(), Denied> {
    const PATH: &str = "/metrics";
    let token = headers.get("authorization").and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    let token = token.ok_or_else(|| Denied::unknown("a bearer token is asked for"))?;
    let user = access::who(client, token, None).await?;
    let asking = user.username.clone().unwrap_or_default();
    let path = NonResourceAttributes { path: Some(PATH.to_owned()), verb: Some("get".to_owned()) };
    let attributes =
        SubjectAccessReviewSpec { non_resource_attributes: Some(path), ..SubjectAccessReviewSpec::default() };
    if access::may(client, user, attributes).await? {
        return Ok(());
    }
    Err(Denied::new(StatusCode::FORBIDDEN, "Forbidden", format!("{asking} may not get {PATH}")))
}
