//! Health, metrics and devices over HTTP: `/livez`, `/readyz`, `/metrics`, `/devices/NAMESPACE/NAME`.
//!
//! Alive means that the runtime answers: a restart mends nothing else. Ready means that this process acts, or stands by for
//! the one that does.

mod devices;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use tokio::net::TcpListener;

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
    ) -> std::io::Result<()> {
        let router = Router::new()
            .route("/livez", get(|| async { "ok" }))
            .route("/readyz", get(readyz))
            .route("/metrics", get(show_metrics))
            .route("/devices/{namespace}/{name}", get(devices::show))
            .with_state(Shown { readiness, metrics, context });
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

async fn show_metrics(State(shown): State<Shown>) -> (StatusCode, [(&'static str, &'static str); 1], String) {
    const CONTENT_TYPE: [(&str, &str); 1] =
        [("content-type", "application/openmetrics-text; version=1.0.0; charset=utf-8")];
    match shown.metrics.text() {
        Ok(text) => (StatusCode::OK, CONTENT_TYPE, text),
        Err(_) => (StatusCode::INTERNAL_SERVER_ERROR, CONTENT_TYPE, String::new()),
    }
}
