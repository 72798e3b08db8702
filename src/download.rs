//! Fetching a file that must be exactly what its vendor published: streamed once, hashed on the way, resumed where it was cut off,
//! and in its place only when every sum agrees.
//!
//! Input: urls that are tried in order, and what is known of the file. What must never happen here: a file under its own name whose
//! sums were not checked, a part of one file continued with bytes of another, a file of which nothing is known.

mod answer;
pub mod checksum_list;
pub mod checksums;
pub mod error;
mod fetch_list;
mod keep;
mod part;
mod request;
mod transfer;
mod writer;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use reqwest::dns::Resolve;
use reqwest::{Certificate, Client, Url, redirect};

use self::checksums::{Expected, Found};
pub use self::error::Error;
pub use self::fetch_list::read_list;
use self::keep::Keep;
pub use self::request::{Caller, Fetched, Wanted};
use crate::connection;

/// Attempts at one mirror: a connection that breaks off is taken up again where it was.
const ATTEMPTS: u32 = 5;

/// The pause before the second attempt; doubled before each further one.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// Hops of redirects on one host that are followed.
const REDIRECTS: usize = 5;

/// A mirror that sends nothing for so long is taken for dead.
const SILENT_FOR: Duration = Duration::from_secs(60);

/// Whom a client trusts, and which way it goes.
#[derive(Clone, Default)]
pub struct Ways {
    /// More certificate authorities, in PEM.
    pub authorities: Vec<u8>,
    /// Says at which addresses a host is, and which must not be connected to. With it no proxy of the environment is used: nobody
    /// would judge where that leads.
    pub resolver: Option<Arc<dyn Resolve>>,
    /// Whether no certificate is ever to be verified, as over plain HTTP: asking the system for roots would fail where there are none.
    pub is_plain: bool,
}

/// A client for downloads.
///
/// # Errors
/// A certificate that cannot be read, or no roots to trust.
pub fn client(ways: Ways) -> Result<Client, Error> {
    let Ways { authorities, resolver, is_plain } = ways;
    let mut builder = Client::builder()
        .user_agent(concat!("codeupgrade/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(Duration::from_secs(10))
        .read_timeout(SILENT_FOR)
        .redirect(redirect::Policy::custom(|attempt| {
            let stays = attempt.previous().last().is_some_and(|from| is_same_place(from, attempt.url()));
            if stays && attempt.previous().len() <= REDIRECTS { attempt.follow() } else { attempt.stop() }
        }));
    if let Some(resolver) = resolver {
        builder = builder.dns_resolver(resolver).no_proxy();
    }
    if is_plain {
        builder = builder.tls_certs_only([]);
    } else if !authorities.is_empty() {
        let certificates = Certificate::from_pem_bundle(&authorities)
            .map_err(|_| Error::Client("the certificates to trust are no PEM bundle".to_owned()))?;
        builder = builder.tls_certs_merge(certificates);
    }
    builder.build().map_err(|error| Error::Client(connection::said(&error)))
}

/// Whether a redirect stays where it is: on the same host and port, or from the port of HTTP to that of HTTPS.
fn is_same_place(from: &Url, to: &Url) -> bool {
    let is_secured = (from.scheme(), to.scheme()) == ("http", "https");
    let ports = (from.port_or_known_default(), to.port_or_known_default());
    from.host_str() == to.host_str() && (ports.0 == ports.1 || (is_secured && ports == (Some(80), Some(443))))
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
    let keep = Keep::on_disk(&wanted.output);
    from_any(client, &wanted.mirrors, &wanted.expected, keep, caller).await
}

/// Streams a file and holds it against what is known, both sums worked out. Nothing of it is kept.
///
/// # Errors
/// What each mirror did not do.
pub async fn check(
    client: &Client,
    mirrors: &[Url],
    expected: &Expected,
    caller: &Caller<'_>,
) -> Result<Fetched, Error> {
    if expected.says_nothing() {
        return Err(Error::NothingKnown);
    }
    from_any(client, mirrors, expected, Keep::nowhere(), caller).await
}

/// Tries the mirrors in their order.
async fn from_any(
    client: &Client,
    mirrors: &[Url],
    expected: &Expected,
    mut keep: Keep<'_>,
    caller: &Caller<'_>,
) -> Result<Fetched, Error> {
    let mut refusals = Vec::new();
    for mirror in mirrors {
        match from_one(client, expected, mirror, &mut keep, caller).await {
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
async fn from_one(
    client: &Client,
    expected: &Expected,
    mirror: &Url,
    keep: &mut Keep<'_>,
    caller: &Caller<'_>,
) -> Result<Fetched, Error> {
    let mut pause = FIRST_PAUSE;
    for attempt in 1..=ATTEMPTS {
        match transfer::transfer(client, expected, mirror, keep, caller).await {
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
        let mut hasher = checksums::Hasher::new(&expected);
        writer::read_all(file, &mut hasher).map_err(|source| Error::file("read", &path, source))?;
        Ok(hasher.finish())
    })
    .await
    .map_err(|error| Error::Client(error.to_string()))?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirect_stays_on_its_host_and_port() {
        for (from, to, stays) in [
            ("https://mirror.example/a", "https://mirror.example/b", true),
            ("http://mirror.example/a", "https://mirror.example/a", true),
            ("http://mirror.example:8080/a", "http://mirror.example:8080/b", true),
            ("https://mirror.example/a", "https://mirror.example:6443/a", false),
            ("http://mirror.example:8080/a", "https://mirror.example/a", false),
            ("https://mirror.example/a", "http://mirror.example/a", false),
            ("https://mirror.example/a", "https://cdn.example/a", false),
        ] {
            assert_eq!(is_same_place(&from.parse().unwrap(), &to.parse().unwrap()), stays, "{from} to {to}");
        }
    }
}
