//! Fetching a file that must be exactly what its vendor published: streamed once, hashed on the way, resumed where it was cut off,
//! and in its place only when every sum agrees.
//!
//! Input: urls that are tried in order, and what is known of the file. What must never happen here: a file under its own name whose
//! sums were not checked, a part of one file continued with bytes of another, a file of which nothing is known.

mod answer;
pub mod checksums;
pub mod error;
mod part;
mod request;
pub mod sums;
mod transfer;
mod writer;

use std::path::Path;
use std::time::Duration;

use reqwest::{Certificate, Client, Url, redirect};

pub use self::error::Error;
pub use self::request::{Caller, Fetched, Wanted};
use self::sums::{Expected, Found};

/// Attempts at one mirror: a connection that breaks off is taken up again where it was.
const ATTEMPTS: u32 = 5;

/// The pause before the second attempt; doubled before each further one.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// Hops of redirects on one host that are followed.
const REDIRECTS: usize = 5;

/// A mirror that sends nothing for so long is taken for dead.
const SILENT_FOR: Duration = Duration::from_secs(60);

/// A client for downloads. Proxies are those of the environment.
///
/// # Errors
/// A certificate that cannot be read, or no roots to trust.
pub fn client(authorities: &[u8]) -> Result<Client, Error> {
    let misconfigured = |error: reqwest::Error| Error::Client(error.to_string());
    let mut builder = Client::builder()
        .user_agent(concat!("codeupgrade/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(Duration::from_secs(10))
        .read_timeout(SILENT_FOR)
        .redirect(redirect::Policy::custom(|attempt| {
            let is_same_host = attempt.previous().last().map(Url::host_str) == Some(attempt.url().host_str());
            if is_same_host && attempt.previous().len() <= REDIRECTS {
                attempt.follow()
            } else {
                attempt.stop()
            }
        }));
    if !authorities.is_empty() {
        let certificates = Certificate::from_pem_bundle(authorities).map_err(misconfigured)?;
        builder = builder.tls_certs_merge(certificates);
    }
    builder.build().map_err(misconfigured)
}

/// Fetches a file, unless it is there already.
///
/// # Errors
/// What each mirror did not do, or why the file cannot be written.
pub async fn fetch(client: &Client, wanted: &Wanted, caller: &Caller<'_>) -> Result<Fetched, Error> {
    if wanted.expected.says_nothing() {
        return Err(Error::NothingKnown);
    }
    if let Some(found) = there_already(wanted).await? {
        return Ok(Fetched { found, from: None, resumed_at: 0 });
    }
    let mut refusals = Vec::new();
    for mirror in &wanted.mirrors {
        match fetch_from(client, wanted, mirror, caller).await {
            Ok(fetched) => return Ok(fetched),
            Err(Error::Refused(refused)) => {
                (caller.note)(&refused);
                refusals.push(*refused);
            }
            Err(other) => return Err(other),
        }
    }
    Err(Error::NoMirror(refusals))
}

/// Tries one mirror until it refuses for good.
async fn fetch_from(
    client: &Client,
    wanted: &Wanted,
    mirror: &Url,
    caller: &Caller<'_>,
) -> Result<Fetched, Error> {
    let mut pause = FIRST_PAUSE;
    for attempt in 1..=ATTEMPTS {
        match transfer::transfer(client, wanted, mirror, caller).await {
            Err(Error::Refused(refused)) if refused.may_pass() && attempt < ATTEMPTS => {
                (caller.note)(&refused);
                (caller.pause)(pause).await;
                pause = pause.saturating_mul(2);
            }
            outcome => return outcome,
        }
    }
    Err(Error::NoMirror(Vec::new()))
}

/// The file under its own name, where it is what it should be. Another file of that name is left until it can be replaced.
async fn there_already(wanted: &Wanted) -> Result<Option<Found>, Error> {
    if !wanted.output.exists() {
        return Ok(None);
    }
    let found = hash_file(&wanted.output, wanted.expected.clone()).await?;
    Ok(wanted.expected.check(&found).is_ok().then_some(found))
}

/// Reads a file once and says what it is.
///
/// # Errors
/// It cannot be read.
pub async fn hash_file(path: &Path, expected: Expected) -> Result<Found, Error> {
    let path = path.to_owned();
    tokio::task::spawn_blocking(move || {
        let file = std::fs::File::open(&path).map_err(|source| Error::file("read", &path, source))?;
        let mut hasher = sums::Hasher::new(&expected);
        writer::read_all(file, &mut hasher).map_err(|source| Error::file("read", &path, source))?;
        Ok(hasher.finish())
    })
    .await
    .map_err(|error| Error::Client(error.to_string()))?
}
