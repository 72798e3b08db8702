//! The credentials at work: the header that says who the client is, and what no text may show.

use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};

use super::error::Error;
use super::options::Credentials;
use super::secret::Secret;
use super::transport::Transport;

/// The header with name and password, which goes with every call.
#[derive(Debug)]
pub(super) struct Authorization {
    password: Secret,
    header: HeaderValue,
    encoded: Secret,
}

impl Authorization {
    pub(super) fn new(credentials: Credentials, transport: &Transport) -> Result<Self, Error> {
        let Credentials { username, password } = credentials;
        let wrong = |problem: &str| Error::Misconfigured { what: "credentials", problem: problem.to_owned() };
        if username.is_empty() || password.expose().is_empty() {
            return Err(wrong("the name or the password is empty"));
        }
        if username.contains(':') {
            return Err(wrong("the name contains a colon, which basic authentication cannot send"));
        }
        let header = transport
            .basic_header(&username, &password)
            .ok_or_else(|| wrong("they cannot be sent in a header"))?;
        let encoded = Secret::new(header.to_str().unwrap_or_default().trim_start_matches("Basic "));
        Ok(Self { password, header, encoded })
    }

    /// The headers that say who the client is.
    pub(super) fn headers(&self) -> HeaderMap {
        HeaderMap::from_iter([(AUTHORIZATION, self.header.clone())])
    }

    /// Whether a text repeats the password, plain or as the header has it.
    pub(super) fn is_in(&self, text: &str) -> bool {
        self.password.is_in(text) || self.encoded.is_in(text)
    }
}
