//! Everything that can go wrong between a client and an authority: each has its own typed error, and none shows a
//! credential.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket};

use super::recorded::{BASIC, Canned, FakeAuthority, PASSWORD, basic, client, options, ping};
use super::{
    Client, ClientOptions, ClusterServerId, ComputerId, Credentials, Error, ErrorKind, NoAddress, Resolver,
    Timeouts, UnreachableReason, VendorError,
};

async fn ping_error(canned: Canned) -> Error {
    ping(&FakeAuthority::answering([canned]).await.client()).await.unwrap_err()
}

fn vendor(status: u16) -> Canned {
    Canned::new(
        status,
        "text/html;charset=ISO-8859-1",
        r#"[{"name":"SYSTEM","description":"it did not work"}]"#,
    )
}

#[tokio::test]
async fn every_bad_status_is_its_own_error() {
    let said = || Some(VendorError { name: "SYSTEM".into(), description: "it did not work".into() });
    let call = || "GET /api/Ping".to_owned();
    for (canned, expected) in [
        (vendor(401), Error::Refused { call: call(), vendor: said() }),
        (vendor(403), Error::Forbidden { call: call(), vendor: said() }),
        (vendor(404), Error::Missing { call: call(), vendor: said() }),
        (vendor(500), Error::ServerError { call: call(), status: 500, vendor: said() }),
        (vendor(400), Error::ServerError { call: call(), status: 400, vendor: said() }),
        (
            Canned::new(503, "text/html", "<html>starting</html>"),
            Error::ServerError { call: call(), status: 503, vendor: None },
        ),
        (Canned::new(401, "text/html", ""), Error::Refused { call: call(), vendor: None }),
        (
            Canned::new(403, "text/plain", "x".repeat(10 << 20)),
            Error::Forbidden { call: call(), vendor: None },
        ),
        (
            Canned::new(302, "text/html", "").header("location", "https://u:p@other.example:4285/login?t=1"),
            Error::Redirected { call: call(), status: 302, to: "https://other.example:4285".into() },
        ),
    ] {
        assert_eq!(ping_error(canned).await, expected);
    }
}

#[tokio::test]
async fn every_answer_that_is_not_what_was_expected_says_where() {
    let html = format!("<!DOCTYPE html>\n<title>Login</title>{}", "x".repeat(1000));
    for (name, body, place, expected, excerpt_start) in [
        ("HTML", html.as_str(), "body", "JSON", "<!DOCTYPE html>\\n<title>Login</title>xxx"),
        ("half a JSON", r#"{"metadata":{},"data":{"succ"#, "body", "JSON", r#"{"metadata":{},"data":{"succ"#),
        ("nothing", "", "body", "JSON", ""),
        ("a wrong type", r#"{"data":{"success":"maybe"}}"#, "data.success", "true or false", "\"maybe\""),
        ("no success", r#"{"data":{"success":false}}"#, "data.success", "true", "false"),
        ("no data", r#"{"data":null}"#, "data", "an object", "null"),
        ("a list", r#"{"data":[1]}"#, "data", "an object", "[1]"),
        ("an error array", r#"[{"name":"SYSTEM","description":"x"}]"#, "body", "an object", "[{"),
        ("control characters", "\u{1b}[2J", "body", "JSON", "\\u{1b}[2J"),
    ] {
        match ping_error(Canned::new(200, "text/html", body)).await {
            Error::Unexpected { call, mismatch } => {
                assert_eq!(call, "GET /api/Ping");
                assert_eq!((mismatch.place.as_str(), mismatch.expected), (place, expected), "{name}");
                assert!(mismatch.excerpt.starts_with(excerpt_start), "{name}: {}", mismatch.excerpt);
                assert!(mismatch.excerpt.chars().count() <= 80, "{name}");
            }
            other => panic!("{name}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn an_answer_that_is_too_large_is_not_read() {
    let error = ping_error(Canned::json("x".repeat(10 << 20))).await;
    assert_eq!(error, Error::TooLarge { call: "GET /api/Ping".into(), limit: 1 << 20 });
}

/// A resolver that says the same of every host.
#[derive(Debug)]
struct Says(Result<Vec<SocketAddr>, NoAddress>);

impl Resolver for Says {
    fn resolve(&self, _: &str) -> BoxFuture<'static, Result<Vec<SocketAddr>, NoAddress>> {
        Box::pin(std::future::ready(self.0.clone()))
    }
}

#[tokio::test]
async fn only_the_addresses_that_it_is_told_are_connected_to() {
    let authority = FakeAuthority::answering([Canned::json(r#"{"data":{"servers":[]}}"#)]).await;
    let port = authority.client().url().rsplit(':').next().unwrap().to_owned();
    let ask = async |said| {
        let resolver: Option<Arc<dyn Resolver>> = Some(Arc::new(Says(said)));
        let url = format!("http://backup.invalid:{port}");
        let options = ClientOptions { resolver, ..options(&url, basic()) };
        Client::new(&options).unwrap().servers().await
    };
    let denied = ask(Err(NoAddress::Denied("it is the API server".into()))).await.unwrap_err();
    assert_eq!(denied, Error::Denied { call: "GET /api/Server".into(), why: "it is the API server".into() });
    let unknown = ask(Err(NoAddress::Unknown("backup.invalid".into()))).await.unwrap_err();
    assert_eq!(unknown.kind(), ErrorKind::Unreachable(UnreachableReason::NotResolved));
    assert_eq!(authority.seen().len(), 0);
    ask(Ok(vec![([127, 0, 0, 1], 9).into()])).await.unwrap();
    assert_eq!(authority.seen().len(), 1, "the port is that of the url");
}

/// What a server does after its last byte.
#[derive(Clone, Copy)]
enum Ending {
    HangsUp,
    StaysSilent,
}

/// A server that reads a request, says one thing, and ends.
async fn once(reply: &'static [u8], ending: Ending) -> (String, tokio::task::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let task = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = [0; 4096];
        let _ = stream.read(&mut request).await;
        let _ = stream.write_all(reply).await;
        let _ = stream.flush().await;
        match ending {
            Ending::HangsUp => {}
            Ending::StaysSilent => std::future::pending().await,
        }
    });
    (url, task)
}

async fn unreachable(url: &str, patience: Duration) -> (UnreachableReason, Error) {
    let mut options = options(url, basic());
    options.timeouts = Timeouts { answer: patience, ..options.timeouts };
    let error = ping(&Client::new(&options).unwrap()).await.unwrap_err();
    match &error {
        Error::Unreachable { reason, .. } => (*reason, error),
        other => panic!("{other:?}"),
    }
}

/// Long enough for anything that is going to happen, even on a busy machine.
const PATIENT: Duration = Duration::from_secs(20);

/// A port that nothing listens on, and that nobody else gets while the socket lives.
fn nobody() -> (String, TcpSocket) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
    (format!("http://{}", socket.local_addr().unwrap()), socket)
}

#[tokio::test]
async fn every_way_to_lose_a_connection_has_its_reason() {
    let partial = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"data\":";
    let chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n{\"data\":\r\n";
    for (name, reply, ending, expected) in [
        ("hangs up at once", &b""[..], Ending::HangsUp, UnreachableReason::ConnectionLost),
        ("hangs up in mid-answer", partial, Ending::HangsUp, UnreachableReason::ConnectionLost),
        ("hangs up between chunks", chunked, Ending::HangsUp, UnreachableReason::ConnectionLost),
        ("never answers", b"", Ending::StaysSilent, UnreachableReason::TimedOut),
        ("stops in mid-answer", partial, Ending::StaysSilent, UnreachableReason::TimedOut),
        ("speaks something else", b"SSH-2.0-OpenSSH_9.6\r\n", Ending::HangsUp, UnreachableReason::NotHttp),
    ] {
        let (url, task) = once(reply, ending).await;
        let patience = match ending {
            Ending::HangsUp => PATIENT,
            Ending::StaysSilent => Duration::from_millis(300),
        };
        let (reason, error) = unreachable(&url, patience).await;
        assert_eq!(reason, expected, "{name}: {error}");
        assert_eq!(error.summary(), format!("{url} cannot be reached: {expected}"));
        task.abort();
    }
}

#[tokio::test]
async fn nobody_there() {
    let (url, _socket) = nobody();
    let (reason, error) = unreachable(&url, PATIENT).await;
    assert_eq!(reason, UnreachableReason::ConnectionRefused);
    assert_eq!(error.kind().as_str(), "ConnectionRefused");
    // A label longer than 63 characters has no address anywhere; no name server needs to be asked.
    let (reason, _) = unreachable(&format!("http://{}.invalid", "x".repeat(64)), PATIENT).await;
    assert_eq!(reason, UnreachableReason::NotResolved);
}

#[tokio::test]
async fn only_201_says_that_a_device_is_flagged() {
    let authority = FakeAuthority::answering([
        Canned::new(201, "application/json", ""),
        Canned::json("{}"),
        Canned::new(204, "application/json", ""),
        vendor(404),
    ])
    .await;
    let client = authority.client();
    client.flag_for_upgrade(ComputerId(42)).await.unwrap();
    for status in ["200", "204"] {
        match client.flag_for_upgrade(ComputerId(42)).await.unwrap_err() {
            Error::Unexpected { mismatch, .. } => assert_eq!(mismatch.excerpt, status),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(client.flag_for_upgrade(ComputerId(43)).await.unwrap_err().kind(), ErrorKind::Missing);
    let seen = authority.seen();
    assert_eq!((seen[0].method.as_str(), seen[0].path.as_str()), ("PUT", "/api/DeviceUpgrade/42"));
    assert_eq!(seen[0].body, "{}");
}

#[tokio::test]
async fn the_switch_is_turned_off_and_nothing_else() {
    let authority = FakeAuthority::answering([Canned::new(200, "text/plain", "")]).await;
    authority.client().turn_off_device_auto_upgrade(ClusterServerId(1)).await.unwrap();
    let seen = &authority.seen()[0];
    assert_eq!((seen.method.as_str(), seen.path.as_str()), ("PUT", "/api/serverSettings/1"));
    assert_eq!(seen.body, r#"{"deviceAutoUpgrade":false}"#);
}

#[tokio::test]
async fn no_text_of_an_error_holds_a_credential() {
    let echo = format!("<html>{BASIC} {PASSWORD}</html>");
    let array = format!(r#"[{{"name":"SYSTEM","description":"no such user admin:{PASSWORD}"}}]"#);
    let secrets = [PASSWORD, &BASIC["Basic ".len()..]];
    let mut texts = Vec::new();
    for canned in [
        Canned::new(200, "text/html", echo),
        Canned::new(500, "text/html", array.clone()),
        Canned::new(401, "text/html", array),
    ] {
        let error = ping_error(canned).await;
        texts.push(format!("{error} {error:?} {}", error.summary()));
    }
    let (nobody, _socket) = nobody();
    let client = client(&nobody, basic());
    let error = ping(&client).await.unwrap_err();
    texts.push(format!("{error} {error:?} {client:?} {:?}", options(&nobody, basic())));
    for text in texts {
        for secret in secrets {
            assert!(!text.contains(secret), "{text}");
        }
    }
}

#[test]
fn credentials_that_cannot_be_sent_are_refused() {
    for (username, password) in [("", "x"), ("admin", ""), ("ad:min", "x")] {
        let credentials = Credentials { username: username.into(), password: password.into() };
        let error = Client::new(&options("https://host:4285", credentials)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Misconfigured);
        assert!(error.to_string().starts_with("credentials cannot be used: "), "{error}");
    }
}
