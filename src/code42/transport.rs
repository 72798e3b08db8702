//! Sends one request and reads one answer: TLS verified, no redirect followed, no proxy from the environment, size
//! and time bounded. Knows nothing of credentials or of what answers mean.

use std::sync::Arc;

use jiff::Timestamp;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, DATE, HeaderMap, HeaderValue, LOCATION};
use reqwest::{Certificate, Url, redirect};

use super::answer_body::{AnswerBody, Whole};
use super::bounded::bounded;
use super::call::{AnswerSize, Call};
use super::error::{Error, UnreachableReason};
use super::options::{ClientOptions, Timeouts};
use super::resolver::{Asked, NoAddress};
use super::secret::Secret;
use crate::connection::{chain, deepest};

/// Most of an error answer that is read, in bytes: the vendor's error arrays are far smaller.
const MAX_ERROR_ANSWER: u64 = 64 << 10;

/// How long an idle connection is kept, in seconds. Shorter than the servers keep theirs, so that no request runs
/// into a connection that the server is just closing.
const IDLE_SECONDS: u64 = 10;

/// An answer whose status says nothing yet.
#[derive(Debug)]
pub(super) struct RawAnswer {
    pub(super) status: u16,
    /// The answer's `Date` header.
    pub(super) date: Option<Timestamp>,
    /// Scheme, host and port of the answer's `Location` header.
    pub(super) location: Option<String>,
    /// The body; bytes that are not UTF-8 are replaced.
    pub(super) body: String,
}

/// The way to one authority.
#[derive(Debug)]
pub(super) struct Transport {
    http: reqwest::Client,
    base: Url,
    timeouts: Timeouts,
}

impl Transport {
    /// Checks the options and prepares connections. Sends nothing.
    pub(super) fn new(options: &ClientOptions) -> Result<Self, Error> {
        let base = base_url(&options.url)?;
        // Without one, reqwest would panic instead of saying so.
        if rustls::crypto::CryptoProvider::get_default().is_none() {
            return Err(Error::Misconfigured {
                what: "the HTTP client",
                problem: "the process has no default TLS provider".to_owned(),
            });
        }
        let mut builder = reqwest::Client::builder()
            .user_agent(options.user_agent.as_str())
            .redirect(redirect::Policy::none())
            .no_proxy()
            .connect_timeout(options.timeouts.connect)
            .pool_idle_timeout(std::time::Duration::from_secs(IDLE_SECONDS));
        match &options.ca_pem {
            Some(pem) => builder = builder.tls_certs_only(certificates(pem)?),
            // Plain HTTP needs no trust; asking the system for roots would fail in an image that has none.
            None if base.scheme() == "http" => builder = builder.tls_certs_only([]),
            None => {}
        }
        if let Some(resolver) = &options.resolver {
            builder = builder.dns_resolver(Asked(Arc::clone(resolver)));
        }
        let http = builder.build().map_err(|error| Error::Misconfigured {
            what: "the HTTP client",
            problem: bounded(&deepest(&error), MAX_DETAIL),
        })?;
        Ok(Self { http, base, timeouts: options.timeouts })
    }

    /// Scheme, host and port of the authority.
    pub(super) fn origin(&self) -> String {
        origin(&self.base)
    }

    /// The header for basic authentication: reqwest encodes it, and marks it as not to be shown.
    pub(super) fn basic_header(&self, username: &str, password: &Secret) -> Option<HeaderValue> {
        let request =
            self.http.get(self.base.clone()).basic_auth(username, Some(password.expose())).build().ok()?;
        request.headers().get(AUTHORIZATION).cloned()
    }

    /// Sends a call and reads its answer, whatever its status; a good one goes to `body`, which says what is kept of it.
    pub(super) async fn send(
        &self,
        call: &Call,
        headers: HeaderMap,
        body: &mut impl AnswerBody,
    ) -> Result<RawAnswer, Error> {
        let timeout = match call.size {
            AnswerSize::Record | AnswerSize::List => self.timeouts.answer,
            AnswerSize::Devices => self.timeouts.device_page,
        };
        let mut request =
            self.http.request(call.method.clone(), call.url(&self.base)?).headers(headers).timeout(timeout);
        if let Some(body) = &call.body {
            request = request.header(CONTENT_TYPE, "application/json").body(body.clone());
        }
        let mut response = request.send().await.map_err(|error| self.unreachable(call, &error))?;
        let kept = if response.status().is_success() {
            while let Some(piece) = response.chunk().await.map_err(|error| self.unreachable(call, &error))? {
                let too_large = |_| Error::TooLarge { call: call.label(), limit: call.size.bytes() };
                body.read(&piece).map_err(too_large)?;
            }
            body.take()
        } else {
            // Of a failure the status is what counts: its text may be cut.
            let mut text = Whole::of_at_most(MAX_ERROR_ANSWER);
            while let Ok(Some(piece)) = response.chunk().await
                && text.read(&piece).is_ok()
            {}
            text.take()
        };
        let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
        Ok(RawAnswer {
            status: response.status().as_u16(),
            date: header(DATE).and_then(http_date),
            location: header(LOCATION).map(|text| redirect_target(response.url(), text)),
            body: text(kept),
        })
    }

    fn unreachable(&self, call: &Call, error: &reqwest::Error) -> Error {
        if let Some(why) = denied(error) {
            return Error::Denied { call: call.label(), why };
        }
        Error::Unreachable {
            call: call.label(),
            url: self.origin(),
            reason: UnreachableReason::of(error),
            detail: bounded(&deepest(error), MAX_DETAIL),
        }
    }
}

/// Longest words of the network library that an error keeps, in characters.
const MAX_DETAIL: usize = 160;

/// The authority's url, if it can be one. Credentials in it would end up in logs, so they are refused.
fn base_url(text: &str) -> Result<Url, Error> {
    let wrong = |problem: &str| Error::Misconfigured { what: "url", problem: problem.to_owned() };
    let url: Url = text.trim().parse().map_err(|_| wrong("it is not a url such as https://host:4285"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(wrong("its scheme is neither https nor http"));
    }
    if !url.has_host() {
        return Err(wrong("it names no host"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong("it holds credentials, which belong into the Secret"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(wrong("it has a query or a fragment"));
    }
    Ok(url)
}

/// The certificates of a bundle; an empty one would silently trust nobody.
fn certificates(pem: &[u8]) -> Result<Vec<Certificate>, Error> {
    let wrong = |problem: &str| Error::Misconfigured { what: "ca", problem: problem.to_owned() };
    let certificates =
        Certificate::from_pem_bundle(pem).map_err(|_| wrong("it is not a bundle of PEM certificates"))?;
    if certificates.is_empty() {
        return Err(wrong("it holds no PEM certificate"));
    }
    Ok(certificates)
}

fn origin(url: &Url) -> String {
    bounded(&url.origin().ascii_serialization(), MAX_DETAIL)
}

fn redirect_target(asked: &Url, location: &str) -> String {
    asked.join(location).map_or_else(|_| "a place that is no url".to_owned(), |url| origin(&url))
}

fn http_date(text: &str) -> Option<Timestamp> {
    jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()
}

/// The body as text. Some versions answer ISO 8859-1 or begin with a byte order mark: neither is a reason to fail,
/// since everything that decides is ASCII.
fn text(bytes: Vec<u8>) -> String {
    let text = String::from_utf8(bytes)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
    text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text)
}

/// Why the addresses of the host may not be connected to, where that is the cause.
fn denied(error: &reqwest::Error) -> Option<String> {
    chain(error).find_map(|link| link.downcast_ref::<NoAddress>()).and_then(|no_address| match no_address {
        NoAddress::Denied(why) => Some(why.clone()),
        NoAddress::Unknown(_) => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_that_cannot_be_an_authority_is_refused_before_anything_is_sent() {
        for (text, problem) in [
            ("", "it is not a url such as https://host:4285"),
            ("host:4285", "its scheme is neither https nor http"),
            ("ftp://host", "its scheme is neither https nor http"),
            ("https://admin:hunter2@host", "it holds credentials, which belong into the Secret"),
            ("https://host/?a=b", "it has a query or a fragment"),
        ] {
            let error = base_url(text).unwrap_err();
            assert_eq!(error, Error::Misconfigured { what: "url", problem: problem.to_owned() }, "{text}");
        }
        assert_eq!(origin(&base_url(" https://host:4285/path\n").unwrap()), "https://host:4285");
    }

    #[test]
    fn a_bundle_without_a_certificate_is_refused() {
        for pem in [&b""[..], b"nonsense", b"-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n"] {
            assert!(matches!(certificates(pem), Err(Error::Misconfigured { what: "ca", .. })), "{pem:?}");
        }
    }

    #[test]
    fn a_redirect_target_shows_neither_credentials_nor_path() {
        let asked = base_url("http://host:4280").unwrap();
        assert_eq!(redirect_target(&asked, "https://u:p@host:4285/login?token=x"), "https://host:4285");
        assert_eq!(redirect_target(&asked, "/login"), "http://host:4280");
        assert_eq!(redirect_target(&asked, "https://"), "a place that is no url");
    }

    #[test]
    fn texts_of_any_encoding_are_read() {
        assert_eq!(text(b"\xef\xbb\xbf{}".to_vec()), "{}");
        assert_eq!(text(b"M\xfcller".to_vec()), "M\u{fffd}ller");
        assert_eq!(http_date("Tue, 15 Nov 1994 08:12:31 GMT"), "1994-11-15T08:12:31Z".parse().ok());
    }
}
