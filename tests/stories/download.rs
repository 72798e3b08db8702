//! Downloads against mirrors that misbehave in every way that mirrors do: nothing wrong is ever put in place, and what follows is clean.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use codeupgrade::download::checksums::{Expected, Found};
use codeupgrade::download::{Caller, Error, Fetched, Wanted, Ways, check, client, fetch, hash_file};
use tempfile::TempDir;

const NAME: &str = "server.upgrade";

/// How a mirror answers a request.
#[derive(Clone, Debug, Default)]
struct Answer {
    status: &'static str,
    headers: Vec<String>,
    body: Vec<u8>,
    /// The connection breaks after so many bytes of the body.
    cut_after: Option<usize>,
}

/// A mirror whose answers are given one after the other; the last is given for ever.
struct Mirror {
    url: reqwest::Url,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Mirror {
    fn new(answers: Vec<Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let url = format!("http://{address}/files/{NAME}").parse().unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&asked);
        // Ends with the process: nobody connects any more after the test.
        std::thread::spawn(move || {
            for (number, connection) in listener.incoming().enumerate() {
                let Ok(connection) = connection else { return };
                let answer = answers.get(number).or(answers.last()).cloned().unwrap_or_default();
                let request = reply(connection, &answer);
                seen.lock().unwrap_or_else(PoisonError::into_inner).push(request);
            }
        });
        Self { url, asked }
    }

    fn requests(&self) -> Vec<String> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn reply(mut connection: TcpStream, answer: &Answer) -> String {
    let mut request = Vec::new();
    let mut byte = [0];
    while !request.ends_with(b"\r\n\r\n") && connection.read(&mut byte).unwrap_or(0) == 1 {
        request.push(byte[0]);
    }
    let head =
        format!("HTTP/1.1 {}\r\nConnection: close\r\n{}\r\n\r\n", answer.status, answer.headers.join("\r\n"));
    let head = head.replace("close\r\n\r\n\r\n", "close\r\n\r\n");
    let body = &answer.body[..answer.cut_after.unwrap_or(answer.body.len())];
    let _ = connection.write_all(head.as_bytes()).and_then(|()| connection.write_all(body));
    String::from_utf8_lossy(&request).into_owned()
}

fn content() -> Vec<u8> {
    (0..300_000_u32).flat_map(u32::to_le_bytes).collect()
}

fn whole() -> Answer {
    let body = content();
    let headers = vec![format!("Content-Length: {}", body.len()), "ETag: \"one\"".to_owned()];
    Answer { status: "200 OK", headers, body, cut_after: None }
}

fn cut(at: usize) -> Answer {
    Answer { cut_after: Some(at), ..whole() }
}

fn rest(from: usize, etag: &str) -> Answer {
    let body = content()[from..].to_vec();
    let headers = vec![
        format!("Content-Length: {}", body.len()),
        format!("Content-Range: bytes {from}-{}/{}", content().len() - 1, content().len()),
        format!("ETag: {etag}"),
    ];
    Answer { status: "206 Partial Content", headers, body, cut_after: None }
}

fn with(status: &'static str, headers: &[&str], body: &[u8]) -> Answer {
    Answer {
        status,
        headers: headers.iter().map(|header| (*header).to_owned()).collect(),
        body: body.to_vec(),
        cut_after: None,
    }
}

fn runtime() -> tokio::runtime::Runtime {
    let _ = rustls::crypto::ring::default_provider().install_default();
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

struct Place {
    folder: TempDir,
}

impl Place {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn output(&self) -> PathBuf {
        self.folder.path().join(NAME)
    }

    fn beside(&self, ending: &str) -> PathBuf {
        self.folder.path().join(format!("{NAME}{ending}"))
    }

    async fn fetch(&self, mirrors: &[&Mirror], expected: Expected) -> Result<Fetched, Error> {
        let urls = mirrors.iter().map(|mirror| mirror.url.clone()).collect();
        self.fetch_urls(urls, expected).await
    }

    async fn fetch_urls(&self, mirrors: Vec<reqwest::Url>, expected: Expected) -> Result<Fetched, Error> {
        let wanted = Wanted { mirrors, expected, output: self.output() };
        let caller =
            Caller { progress: &|_, _| {}, pause: &|_| Box::pin(std::future::ready(())), note: &|_| {} };
        fetch(&client(Ways::default()).unwrap(), &wanted, &caller).await
    }

    /// Nothing is left that could be taken for the file, or continued.
    fn is_clean(&self) -> bool {
        !self.output().exists() && !self.beside(".part").exists() && !self.beside(".part.json").exists()
    }
}

async fn known(size: bool) -> Expected {
    let place = Place::new();
    let asked = Expected { sha256: "0".repeat(64).parse().ok(), ..Expected::default() };
    fs::write(place.output(), content()).unwrap();
    let Found { md5, sha256, size: length } = hash_file(&place.output(), asked).await.unwrap();
    Expected { md5: Some(md5), sha256, size: size.then_some(length) }
}

/// What one mirror answers, and what must come of it: the words of the refusal, or the byte from which it was resumed.
type Case = (&'static str, Vec<Answer>, Result<u64, &'static str>);

fn cases() -> Vec<Case> {
    let length = content().len();
    let half = length / 2;
    let page = b"<!DOCTYPE html><title>Sign in</title>".as_slice();
    let mut spoilt = whole();
    spoilt.body[half] ^= 1;
    let mut longer = whole();
    longer.headers = vec![];
    longer.body.push(0);
    let unmarked =
        |answer: Answer| Answer { headers: answer.headers.into_iter().take(1).collect(), ..answer };
    let weak = |mut answer: Answer| {
        "ETag: W/\"one\"".clone_into(&mut answer.headers[1]);
        answer
    };
    vec![
        ("as published", vec![whole()], Ok(0)),
        ("one bit is another", vec![spoilt.clone()], Err("it is another file: MD5 ")),
        ("always cut off", vec![unmarked(cut(half))], Err("of 1200000 bytes")),
        (
            "shorter than published",
            vec![with("200 OK", &["Content-Length: 3"], b"abc")],
            Err("it has 3 bytes and should have 1200000"),
        ),
        (
            "shorter, and does not say",
            vec![with("200 OK", &[], b"abc")],
            Err("it ended after 3 of 1200000 bytes"),
        ),
        ("longer than published", vec![longer], Err("it sends more than the 1200000 bytes")),
        ("a page that says so", vec![with("200 OK", &["Content-Type: text/html"], page)], Err("web page")),
        (
            "a page that does not say so",
            vec![with("200 OK", &["Content-Type: application/octet-stream"], page)],
            Err("web page"),
        ),
        ("an empty answer", vec![with("200 OK", &["Content-Length: 0"], b"")], Err("it has 0 bytes")),
        (
            "elsewhere",
            vec![with("302 Found", &["Location: http://cdn.example/x"], b"")],
            Err("another host, http://cdn.example"),
        ),
        ("nowhere", vec![with("302 Found", &[], b"")], Err("another host, none")),
        ("gone", vec![with("404 Not Found", &[], b"")], Err("status 404")),
        ("forbidden", vec![with("403 Forbidden", &[], b"")], Err("status 403")),
        ("busy for ever", vec![with("503 Service Unavailable", &[], b"")], Err("status 503")),
        ("busy at first", vec![with("503 Service Unavailable", &[], b""), whole()], Ok(0)),
        ("no answer at first", vec![with("", &[], b""), whole()], Ok(0)),
        ("a piece that nobody asked for", vec![rest(5, "\"one\"")], Err("status 206")),
        ("cut off, then continued", vec![cut(half), rest(half, "\"one\"")], Ok(half as u64)),
        (
            "cut off twice",
            vec![
                cut(half),
                Answer { cut_after: Some(half / 2), ..rest(half, "\"one\"") },
                rest(half + half / 2, "\"one\""),
            ],
            Ok((half + half / 2) as u64),
        ),
        ("cut off, and not continued", vec![cut(half), whole()], Ok(0)),
        ("cut off, without a mark", vec![unmarked(cut(half)), whole()], Ok(0)),
        ("cut off, with a weak mark", vec![weak(cut(half)), whole()], Ok(0)),
        ("continued at another byte", vec![cut(half), rest(half - 1, "\"one\""), whole()], Ok(0)),
        ("continued with another file", vec![cut(half), rest(half, "\"two\""), whole()], Ok(0)),
        ("cannot continue", vec![cut(half), with("416 Range Not Satisfiable", &[], b""), whole()], Ok(0)),
        ("cut off at the first byte", vec![cut(0), whole()], Ok(0)),
        (
            "spoilt before it was cut off",
            vec![Answer { cut_after: Some(half + 8), ..spoilt }, rest(half + 8, "\"one\""), whole()],
            Ok(0),
        ),
    ]
}

#[test]
fn nothing_wrong_is_put_in_place_and_what_follows_is_clean() {
    runtime().block_on(async {
        let expected = known(true).await;
        for (name, answers, outcome) in cases() {
            let (place, mirror) = (Place::new(), Mirror::new(answers));
            match (place.fetch(&[&mirror], expected.clone()).await, outcome) {
                (Ok(fetched), Ok(resumed_at)) => {
                    assert_eq!(fetched.resumed_at, resumed_at, "{name}: {:#?}", mirror.requests());
                    assert_eq!(fs::read(place.output()).unwrap(), content(), "{name}");
                    assert!(
                        !place.beside(".part").exists() && !place.beside(".part.json").exists(),
                        "{name}"
                    );
                }
                (Err(error), Err(words)) => {
                    let told = error.to_string();
                    assert!(told.contains(words), "{name}: {told}");
                    assert!(told.contains(mirror.url.as_str()), "{name}: {told}");
                    assert!(!place.output().exists(), "{name}");
                    let good = Mirror::new(vec![whole()]);
                    let fetched = place.fetch(&[&good], expected.clone()).await;
                    assert_eq!(fetched.unwrap().resumed_at, 0, "{name}");
                    assert_eq!(fs::read(place.output()).unwrap(), content(), "{name}");
                }
                (got, wanted) => panic!("{name}: {got:?}, wanted {wanted:?}\n{:#?}", mirror.requests()),
            }
        }
    });
}

/// What is only checked is judged by the same rules, continued as well, and told with every sum. Nothing of it is kept.
#[test]
fn nothing_wrong_passes_a_check() {
    runtime().block_on(async {
        let expected = known(true).await;
        let caller =
            Caller { progress: &|_, _| {}, pause: &|_| Box::pin(std::future::ready(())), note: &|_| {} };
        let http = client(Ways::default()).unwrap();
        for (name, answers, outcome) in cases() {
            let mirror = Mirror::new(answers);
            let asked = Expected { sha256: None, ..expected.clone() };
            match (check(&http, std::slice::from_ref(&mirror.url), &asked, &caller).await, outcome) {
                (Ok(fetched), Ok(resumed_at)) => {
                    assert_eq!(fetched.resumed_at, resumed_at, "{name}: {:#?}", mirror.requests());
                    assert_eq!(fetched.found.sha256, expected.sha256, "{name}");
                    assert_eq!(Some(fetched.found.size), expected.size, "{name}");
                }
                (Err(error), Err(words)) => assert!(error.to_string().contains(words), "{name}: {error}"),
                (got, wanted) => panic!("{name}: {got:?}, wanted {wanted:?}\n{:#?}", mirror.requests()),
            }
        }
    });
}

#[test]
fn mirrors_are_tried_in_order_and_each_says_why_not() {
    runtime().block_on(async {
        let expected = known(false).await;
        let page = Mirror::new(vec![with("200 OK", &["Content-Type: text/html"], b"<html>")]);
        let gone = Mirror::new(vec![with("404 Not Found", &[], b"")]);
        let (good, place) = (Mirror::new(vec![whole()]), Place::new());
        let fetched = place.fetch(&[&page, &gone, &good], expected.clone()).await.unwrap();
        assert_eq!(fetched.from, Some(good.url.clone()));
        let told = Place::new().fetch(&[&page, &gone], expected).await.unwrap_err().to_string();
        assert!(told.starts_with("none of 2 urls gave the file:\n"), "{told}");
        assert!(told.contains("web page") && told.contains("status 404"), "{told}");
    });
}

#[test]
fn what_is_there_already_is_not_fetched_and_another_file_is_replaced() {
    runtime().block_on(async {
        let (expected, place, mirror) = (known(true).await, Place::new(), Mirror::new(vec![whole()]));
        fs::write(place.output(), content()).unwrap();
        let fetched = place.fetch(&[&mirror], expected.clone()).await.unwrap();
        assert_eq!((fetched.from, mirror.requests().len()), (None, 0));
        fs::write(place.output(), "an older one").unwrap();
        let gone = Mirror::new(vec![with("404 Not Found", &[], b"")]);
        assert!(place.fetch(&[&gone], expected.clone()).await.is_err());
        assert_eq!(fs::read(place.output()).unwrap(), b"an older one", "a failure loses nothing");
        assert!(place.fetch(&[&mirror], expected).await.unwrap().from.is_some());
        assert_eq!(fs::read(place.output()).unwrap(), content());
    });
}

#[test]
fn a_process_that_ends_in_the_middle_leaves_what_the_next_one_continues() {
    runtime().block_on(async {
        let expected = known(true).await;
        let half = content().len() / 2;
        let (place, mirror) = (Place::new(), Mirror::new(vec![cut(half), rest(half, "\"one\"")]));
        // Ended while it waits for its second attempt: nothing is tidied up.
        let wanted =
            Wanted { mirrors: vec![mirror.url.clone()], expected: expected.clone(), output: place.output() };
        let caller =
            Caller { progress: &|_, _| {}, pause: &|_| Box::pin(std::future::pending()), note: &|_| {} };
        let http = client(Ways::default()).unwrap();
        let ended = tokio::time::timeout(Duration::from_secs(3), fetch(&http, &wanted, &caller)).await;
        assert!(ended.is_err(), "it waits");
        assert_eq!(fs::metadata(place.beside(".part")).unwrap().len(), half as u64);
        let fetched = place.fetch(&[&mirror], expected).await.unwrap();
        assert_eq!(fetched.resumed_at, half as u64);
        let asked = mirror.requests().remove(1).to_ascii_lowercase();
        assert!(
            asked.contains(&format!("range: bytes={half}-")) && asked.contains("if-range: \"one\""),
            "{asked}"
        );
    });
}

#[test]
fn what_cannot_be_fetched_at_all_is_told_with_its_place() {
    runtime().block_on(async {
        let (expected, place) = (known(true).await, Place::new());
        let nothing = place.fetch_urls(vec![], Expected { size: Some(1), ..Expected::default() }).await;
        assert_eq!(
            nothing.unwrap_err().to_string(),
            "nothing is known of the file: a size alone is no evidence"
        );
        let closed = "http://127.0.0.1:1/server.upgrade".parse().unwrap();
        let refused = place.fetch_urls(vec![closed], expected.clone()).await.unwrap_err().to_string();
        assert!(refused.contains("the connection failed"), "{refused}");
        let local = reqwest::Url::from_file_path(place.folder.path().join("not-there")).unwrap();
        let missing = place.fetch_urls(vec![local], expected.clone()).await.unwrap_err().to_string();
        assert!(missing.contains("No such file"), "{missing}");
        assert!(place.is_clean());
        let source = place.folder.path().join("source");
        fs::write(&source, content()).unwrap();
        let local = reqwest::Url::from_file_path(&source).unwrap();
        assert_eq!(place.fetch_urls(vec![local], expected.clone()).await.unwrap().found.size, 1_200_000);
        let mirror = Mirror::new(vec![whole()]);
        let wanted = Wanted {
            mirrors: vec![mirror.url.clone()],
            expected,
            output: place.folder.path().join("no/such/folder"),
        };
        let caller =
            Caller { progress: &|_, _| {}, pause: &|_| Box::pin(std::future::ready(())), note: &|_| {} };
        let told = fetch(&client(Ways::default()).unwrap(), &wanted, &caller).await.unwrap_err().to_string();
        assert!(told.contains("no/such"), "{told}");
    });
}
