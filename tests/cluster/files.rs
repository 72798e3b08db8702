//! The article's first step against a real HTTP server: files are read once and held against what is known of them, before anything is
//! touched.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use codeupgrade::api::CodeUpgradeStatus;
use codeupgrade::catalog::Version;
use codeupgrade::download::checksums::{Expected, Found};
use codeupgrade::download::hash_file;
use codeupgrade::playground::site::Site;
use codeupgrade::simulator::Command;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::case::{Case, Outcome, case};
use super::environment::{Environment, Error, Setting, UPGRADE};

pub(crate) fn cases() -> Vec<Case> {
    vec![
        case("a_file_is_verified_before_anything_is_touched", verified_before),
        case("a_file_is_read_from_no_host_that_is_denied", denied),
    ]
}

const SCENARIO: &str = "
authority: {name: authority, version: 4.2.3.1}
storage: [{name: storage-01, version: 4.2.3.1}]
";

/// The vendor's mirror, and what is wrong with mirrors.
pub(crate) struct Mirror {
    url: String,
    /// How often the file itself was read.
    read: Arc<AtomicUsize>,
    serving: JoinHandle<()>,
}

impl Drop for Mirror {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

fn content() -> Vec<u8> {
    (0..500_000_u32).flat_map(u32::to_le_bytes).collect()
}

impl Mirror {
    async fn start(list: String) -> Result<Self, Error> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let read = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&read);
        let serving = tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                let (list, read) = (list.clone(), Arc::clone(&counted));
                tokio::spawn(async move { answer(connection, &list, &read).await });
            }
        });
        Ok(Self { url, read, serving })
    }
}

async fn answer(mut connection: TcpStream, list: &str, read: &AtomicUsize) -> std::io::Result<()> {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        request.push(connection.read_u8().await?);
    }
    let request = String::from_utf8_lossy(&request).into_owned();
    let path = request.split_whitespace().nth(1).unwrap_or_default();
    let (head, body) = match path {
        "/server.upgrade" => {
            read.fetch_add(1, Ordering::Relaxed);
            ("200 OK\r\nContent-Type: application/octet-stream", content())
        }
        "/MD5SUMS" => ("200 OK\r\nContent-Type: text/plain", list.as_bytes().to_vec()),
        "/page/server.upgrade" => ("200 OK\r\nContent-Type: text/html", b"<html>Sign in".to_vec()),
        _ => ("404 Not Found", Vec::new()),
    };
    let head = format!("HTTP/1.1 {head}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    connection.write_all(head.as_bytes()).await?;
    connection.write_all(&body).await
}

/// A mirror, and the entry of `artifacts` for the file that it gives.
pub(crate) async fn served() -> Result<(Mirror, Value), Error> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("server.upgrade");
    std::fs::write(&path, content())?;
    let Found { md5, .. } = hash_file(&path, Expected::default()).await?;
    let mirror = Mirror::start(String::new()).await?;
    let file =
        json!({"os": "Linux", "url": format!("{}/server.upgrade", mirror.url), "md5": md5.to_string()});
    Ok((mirror, file))
}

fn target() -> Version {
    Version::new([4, 3, 5, 3])
}

/// The authority is a workload, its storage is upgraded by hand from this file.
fn spec(site: &Site, file: &Value) -> Value {
    let mut spec = site.wanting(target());
    // The wait is another test's matter.
    spec["lastUpgrade"] = json!({"release": "4.2.3.1", "finishedAt": "2016-01-01T00:00:00Z"});
    spec["storage"] = json!([{"name": "storage-01", "manual": {}, "os": "Linux"}]);
    spec["sources"][0]["artifacts"] = json!([file]);
    spec
}

fn condition<'a>(status: &'a CodeUpgradeStatus, name: &str) -> Option<(&'a str, &'a str)> {
    let found = status.conditions.iter().find(|condition| condition.type_ == name)?;
    Some((&found.status, &found.message))
}

async fn verified_before(environment: Arc<Environment>) -> Outcome {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("server.upgrade");
    std::fs::write(&path, content())?;
    let asked = Expected { sha256: "0".repeat(64).parse().ok(), ..Expected::default() };
    let Found { md5, sha256, size } = hash_file(&path, asked).await?;
    let sha256 = sha256.map(|sum| sum.to_string());
    let mirror = Mirror::start(format!("MD5 (server.upgrade) = {md5}\n")).await?;
    let url = format!("{}/server.upgrade", mirror.url);

    // The sum in the spec is another one: both are told, and nothing is touched.
    let site = environment.site("files", Setting::of(SCENARIO)).await?;
    let wrong = "0".repeat(32);
    site.commit(UPGRADE, spec(&site, &json!({"os": "Linux", "url": url, "md5": wrong}))).await?;
    let status = environment.until_status(&site, |status| status.reason == "FileWrong").await?;
    assert_eq!(status.phase, "Stalled");
    let told = format!("MD5 {md5}, not {wrong}");
    assert!(status.message.contains(&told), "{}", status.message);
    assert_eq!(condition(&status, "FilesVerified").map(|(truth, _)| truth), Some("False"));
    assert_eq!(site.version_of("authority"), Some(Version::new([4, 2, 3, 1])));

    // What is corrected is tried at once: by the vendor's list now, and with a mirror that answers a page before.
    let page = format!("{}/page/server.upgrade", mirror.url);
    let list = json!({"url": format!("{}/MD5SUMS", mirror.url)});
    let file = json!({"os": "Linux", "url": page, "mirrors": [url], "checksums": list});
    site.commit(UPGRADE, spec(&site, &file)).await?;
    let status = environment.until_status(&site, |status| status.reason == "ManualStep").await?;
    let [file] = status.files.as_slice() else { return Err(format!("{:?}", status.files).into()) };
    assert_eq!((file.state.as_str(), file.mirror.as_ref()), ("Verified", Some(&url)));
    assert_eq!((file.md5.as_ref(), file.sha256.as_ref()), (Some(&md5.to_string()), sha256.as_ref()));
    assert_eq!(file.size, i64::try_from(size).ok());
    let (truth, message) = condition(&status, "FilesVerified").unwrap_or_default();
    assert_eq!(truth, "True", "{message}");
    assert!(message.contains("server.upgrade of 4.3.5.3 for Linux checked 2016-"), "{message}");
    assert!(status.message.contains(&md5.to_string()), "{}", status.message);
    assert_eq!(site.version_of("authority"), Some(target()));
    // What is verified is not read again while a person takes their time.
    let read = mirror.read.load(Ordering::Relaxed);
    assert!(read >= 2, "once for each thing that was asked, and a wrong one again after a time: {read}");
    let by_hand = Command::UpgradeByHand { server: "storage-01".into(), version: target() };
    site.simulation.at_present(|world| world.carry_out(by_hand))?;
    environment.until_status(&site, |status| status.phase == "Done").await?;
    assert_eq!(mirror.read.load(Ordering::Relaxed), read);
    Ok(())
}

async fn denied(environment: Arc<Environment>) -> Outcome {
    let site = environment.site("files-denied", Setting::of(SCENARIO)).await?;
    let url = "http://169.254.169.254/latest/meta-data/server.upgrade";
    site.commit(UPGRADE, spec(&site, &json!({"os": "Linux", "url": url, "md5": "0".repeat(32)}))).await?;
    let status = environment.until_status(&site, |status| status.reason == "HostDenied").await?;
    assert!(status.message.contains("169.254.169.254"), "{}", status.message);
    assert_eq!(site.version_of("authority"), Some(Version::new([4, 2, 3, 1])));
    Ok(())
}
