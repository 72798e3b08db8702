//! For tests: a small HTTP server that gives canned answers in order and keeps the requests, and the reader of the
//! recorded exchanges in `tests/fixtures/code42-rest`.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, Once};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::Response;
use serde::Deserialize;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::call::Call;
use super::record::Record;
use super::{Client, ClientOptions, Credentials, Error, Timeouts};

pub(super) const USERNAME: &str = "admin";
pub(super) const PASSWORD: &str = "correct-horse";
/// `admin:correct-horse` in base 64.
pub(super) const BASIC: &str = "Basic YWRtaW46Y29ycmVjdC1ob3JzZQ==";

/// One recorded request and its answer.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Exchange {
    pub(super) request: RecordedRequest,
    pub(super) response: RecordedResponse,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct RecordedRequest {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) body: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RecordedResponse {
    status: u16,
    content_type: Option<String>,
    server: String,
    body: Value,
}

/// Where the recordings are.
pub(super) fn recordings() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/code42-rest")
}

/// The exchanges of one recording.
pub(super) fn exchanges(file: &str) -> Vec<Exchange> {
    let text = std::fs::read_to_string(recordings().join(file)).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// An answer that the server gives.
#[derive(Clone, Debug, Default)]
pub(super) struct Canned {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: String,
}

impl Canned {
    pub(super) fn new(status: u16, content_type: &str, body: impl Into<String>) -> Self {
        Self { status, headers: vec![("content-type", content_type.to_owned())], body: body.into() }
    }

    pub(super) fn json(body: impl Into<String>) -> Self {
        Self::new(200, "application/json;charset=UTF-8", body)
    }

    pub(super) fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }
}

impl From<&RecordedResponse> for Canned {
    fn from(recorded: &RecordedResponse) -> Self {
        let body = if recorded.body.is_null() { String::new() } else { recorded.body.to_string() };
        let mut headers = vec![("server", recorded.server.clone())];
        headers.extend(recorded.content_type.iter().map(|text| ("content-type", text.clone())));
        Self { status: recorded.status, headers, body }
    }
}

/// A request that the server saw.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) method: String,
    /// With the query.
    pub(super) path: String,
    pub(super) authorization: Option<String>,
    pub(super) body: String,
}

#[derive(Debug, Default)]
struct Script {
    answers: VecDeque<Canned>,
    seen: Vec<Seen>,
}

/// A server that gives its answers one after the other, then status 410.
pub(super) struct FakeAuthority {
    port: u16,
    script: Arc<Mutex<Script>>,
    task: JoinHandle<()>,
}

impl FakeAuthority {
    pub(super) async fn answering(answers: impl IntoIterator<Item = Canned>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let script =
            Arc::new(Mutex::new(Script { answers: answers.into_iter().collect(), seen: Vec::new() }));
        let router = Router::new().fallback(answer).with_state(Arc::clone(&script));
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { port, script, task }
    }

    pub(super) async fn replaying(exchanges: &[Exchange]) -> Self {
        Self::answering(exchanges.iter().map(|exchange| Canned::from(&exchange.response))).await
    }

    pub(super) fn client(&self) -> Client {
        client(&format!("http://127.0.0.1:{}", self.port), basic())
    }

    pub(super) fn seen(&self) -> Vec<Seen> {
        self.script.lock().unwrap().seen.clone()
    }

    /// The paths that were asked for, with their queries.
    pub(super) fn paths(&self) -> Vec<String> {
        self.seen().into_iter().map(|seen| seen.path).collect()
    }
}

impl Drop for FakeAuthority {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn answer(State(script): State<Arc<Mutex<Script>>>, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let header = |name| parts.headers.get(name).map(|value| value.to_str().unwrap().to_owned());
    let mut seen = Seen {
        method: parts.method.to_string(),
        path: parts.uri.to_string(),
        authorization: header("authorization"),
        body: String::new(),
    };
    seen.body = String::from_utf8(to_bytes(body, usize::MAX).await.unwrap().to_vec()).unwrap();
    let mut script = script.lock().unwrap();
    script.seen.push(seen);
    let canned =
        script.answers.pop_front().unwrap_or_else(|| Canned::new(410, "text/plain", "nothing is left"));
    let mut response = Response::builder().status(canned.status);
    for (name, value) in &canned.headers {
        response = response.header(*name, value);
    }
    response.body(Body::from(canned.body)).unwrap()
}

/// The simplest question that can be asked.
pub(super) async fn ping(client: &Client) -> Result<(), Error> {
    let success = |record: &Record| {
        if record.flag("success")? { Ok(()) } else { Err(record.mismatch("success", "true")) }
    };
    client.record(&Call::get("Ping"), success).await.map(|answer| answer.value)
}

pub(super) fn basic() -> Credentials {
    Credentials { username: USERNAME.to_owned(), password: PASSWORD.into() }
}

/// Options for a test: as a user has them, but with a bound that a hanging test soon meets.
pub(super) fn options(url: &str, credentials: Credentials) -> ClientOptions {
    static PROVIDER: Once = Once::new();
    PROVIDER.call_once(|| {
        // Another test may have installed it.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
    ClientOptions {
        timeouts: Timeouts {
            connect: Duration::from_secs(20),
            answer: Duration::from_secs(20),
            device_page: Duration::from_secs(20),
        },
        ..ClientOptions::new(url, credentials)
    }
}

pub(super) fn client(url: &str, credentials: Credentials) -> Client {
    Client::new(&options(url, credentials)).unwrap()
}
