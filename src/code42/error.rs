//! Every way in which a call can fail, as one type.
//!
//! Texts of an authority's answer are bounded and escaped, and left out where they repeat a credential. `Display`
//! is for logs; what goes into a status is [`Error::summary`], which holds nothing that the authority said.

use super::bounded::{MAX_TEXT, bounded};
pub use crate::connection::UnreachableReason;

/// Why a call did not give what was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The client cannot be made from these options: nothing was sent.
    #[error("{what} cannot be used: {problem}")]
    Misconfigured {
        /// Which option.
        what: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// No whole answer came. Whether a request that changes something was carried out is not known.
    #[error("{call}: {url} cannot be reached: {reason} ({detail})")]
    Unreachable {
        /// The call, such as `GET /api/Server`.
        call: String,
        /// Scheme, host and port of the authority.
        url: String,
        /// What kind of failure it was.
        reason: UnreachableReason,
        /// The words of the network library.
        detail: String,
    },
    /// 401: the authority does not accept the credentials.
    #[error("{call}: credentials refused{}", said(vendor.as_ref()))]
    Refused {
        /// The call.
        call: String,
        /// What the authority said.
        vendor: Option<VendorError>,
    },
    /// 403: the credentials are good, but lack the permission.
    #[error("{call}: forbidden{}", said(vendor.as_ref()))]
    Forbidden {
        /// The call.
        call: String,
        /// What the authority said.
        vendor: Option<VendorError>,
    },
    /// 404: the authority has no such thing.
    #[error("{call}: no such thing{}", said(vendor.as_ref()))]
    Missing {
        /// The call.
        call: String,
        /// What the authority said.
        vendor: Option<VendorError>,
    },
    /// The authority sent the client elsewhere, which it never follows: credentials belong to one url.
    #[error("{call}: redirected ({status}) to {to}")]
    Redirected {
        /// The call.
        call: String,
        /// The status.
        status: u16,
        /// Scheme, host and port of the other place.
        to: String,
    },
    /// An answer came, and is not what was expected.
    #[error("{call}: {mismatch}")]
    Unexpected {
        /// The call.
        call: String,
        /// What was expected where, and what was there.
        mismatch: Mismatch,
    },
    /// An answer came that is larger than any answer of its kind should be. It was not read to its end.
    #[error("{call}: the answer is larger than {limit} bytes")]
    TooLarge {
        /// The call.
        call: String,
        /// The limit, in bytes.
        limit: u64,
    },
    /// A list has more rows than any environment should have. It was not read to its end.
    #[error("{call}: more than {most} {what}")]
    TooMany {
        /// The call.
        call: String,
        /// Rows of what.
        what: &'static str,
        /// The limit.
        most: usize,
    },
    /// Whoever says where the authority is does not let the client go there. Nothing was sent.
    #[error("{call}: {why}")]
    Denied {
        /// The call.
        call: String,
        /// Why.
        why: String,
    },
    /// Any other status from 400 to 599.
    #[error("{call}: status {status}{}", said(vendor.as_ref()))]
    ServerError {
        /// The call.
        call: String,
        /// The status.
        status: u16,
        /// What the authority said.
        vendor: Option<VendorError>,
    },
}

/// Where an answer differs from what was expected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: expected {expected}, found \"{excerpt}\"")]
pub struct Mismatch {
    /// Where in the answer, such as `data.servers[3].guid`.
    pub place: String,
    /// What should be there.
    pub expected: &'static str,
    /// The start of what is there, escaped; at most 80 characters.
    pub excerpt: String,
}

/// The first entry of the vendor's error array, `[{"name": …, "description": …}]` (FACTS.md, api-errors).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VendorError {
    /// The name, such as `SYSTEM`.
    pub name: String,
    /// The description.
    pub description: String,
}

impl VendorError {
    /// Reads the vendor's error array, whatever content type it came with.
    pub(super) fn read(body: &str) -> Option<Self> {
        let array: Vec<serde_json::Value> = serde_json::from_str(body).ok()?;
        let first = array.first()?.as_object()?;
        let text = |key: &str| {
            first
                .get(key)
                .and_then(serde_json::Value::as_str)
                .map(|text| bounded(text, MAX_TEXT))
                .unwrap_or_default()
        };
        let error = Self { name: text("name"), description: text("description") };
        (!error.name.is_empty() || !error.description.is_empty()).then_some(error)
    }
}

fn said(vendor: Option<&VendorError>) -> String {
    vendor.map_or_else(String::new, |vendor| format!(": {}: {}", vendor.name, vendor.description))
}

/// What kind of failure it was: few enough values for conditions and metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ErrorKind {
    /// See [`Error::Misconfigured`].
    Misconfigured,
    /// See [`Error::Unreachable`].
    Unreachable(UnreachableReason),
    /// See [`Error::Refused`].
    Refused,
    /// See [`Error::Forbidden`].
    Forbidden,
    /// See [`Error::Missing`].
    Missing,
    /// See [`Error::Redirected`].
    Redirected,
    /// See [`Error::Unexpected`].
    Unexpected,
    /// See [`Error::TooLarge`].
    TooLarge,
    /// See [`Error::TooMany`].
    TooMany,
    /// See [`Error::Denied`].
    Denied,
    /// See [`Error::ServerError`].
    ServerError,
}

impl ErrorKind {
    /// The kind as one word, fit for a condition's reason and a metric's label.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Misconfigured => "Misconfigured",
            Self::Unreachable(UnreachableReason::ConnectionRefused) => "ConnectionRefused",
            Self::Unreachable(UnreachableReason::NotResolved) => "HostNotResolved",
            Self::Unreachable(UnreachableReason::NoRoute) => "NoRoute",
            Self::Unreachable(UnreachableReason::TimedOut) => "TimedOut",
            Self::Unreachable(UnreachableReason::Tls) => "TlsFailed",
            Self::Unreachable(UnreachableReason::ConnectionLost) => "ConnectionLost",
            Self::Unreachable(UnreachableReason::NotHttp) => "NotHttp",
            Self::Unreachable(UnreachableReason::Other) => "Unreachable",
            Self::Refused => "CredentialsRefused",
            Self::Forbidden => "Forbidden",
            Self::Missing => "Missing",
            Self::Redirected => "Redirected",
            Self::Unexpected => "UnexpectedAnswer",
            Self::TooLarge => "AnswerTooLarge",
            Self::TooMany => "TooManyRows",
            Self::Denied => "HostDenied",
            Self::ServerError => "ServerError",
        }
    }
}

impl Error {
    /// What kind of failure it was.
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::Misconfigured { .. } => ErrorKind::Misconfigured,
            Self::Unreachable { reason, .. } => ErrorKind::Unreachable(*reason),
            Self::Refused { .. } => ErrorKind::Refused,
            Self::Forbidden { .. } => ErrorKind::Forbidden,
            Self::Missing { .. } => ErrorKind::Missing,
            Self::Redirected { .. } => ErrorKind::Redirected,
            Self::Unexpected { .. } => ErrorKind::Unexpected,
            Self::TooLarge { .. } => ErrorKind::TooLarge,
            Self::TooMany { .. } => ErrorKind::TooMany,
            Self::Denied { .. } => ErrorKind::Denied,
            Self::ServerError { .. } => ErrorKind::ServerError,
        }
    }

    /// Whether the same call may well succeed later without anybody changing anything.
    pub const fn may_pass(&self) -> bool {
        match self {
            Self::Unreachable { reason, .. } => match reason {
                UnreachableReason::ConnectionRefused
                | UnreachableReason::NotResolved
                | UnreachableReason::NoRoute
                | UnreachableReason::TimedOut
                | UnreachableReason::ConnectionLost
                | UnreachableReason::Other => true,
                UnreachableReason::Tls | UnreachableReason::NotHttp => false,
            },
            // An authority that starts or migrates answers odd things for a while.
            Self::ServerError { status, .. } => *status == 429 || *status >= 500,
            Self::Unexpected { .. } => true,
            Self::Misconfigured { .. }
            | Self::Refused { .. }
            | Self::Forbidden { .. }
            | Self::Missing { .. }
            | Self::Redirected { .. }
            | Self::TooLarge { .. }
            | Self::TooMany { .. }
            | Self::Denied { .. } => false,
        }
    }

    /// One sentence without anything that the authority said: fit for a status.
    pub fn summary(&self) -> String {
        match self {
            Self::Misconfigured { what, problem } => format!("{what} cannot be used: {problem}"),
            Self::Unreachable { url, reason, .. } => format!("{url} cannot be reached: {reason}"),
            Self::Refused { .. } => "the authority refused the credentials".to_owned(),
            Self::Forbidden { call, .. } => format!("the credentials lack the permission for {call}"),
            Self::Missing { call, .. } => format!("the authority has nothing at {call}"),
            Self::Redirected { call, status, .. } => format!("{call} was redirected (status {status})"),
            Self::Unexpected { call, mismatch } => {
                format!("{call} did not answer {} at {}", mismatch.expected, mismatch.place)
            }
            Self::TooLarge { call, limit } => format!("{call} answered more than {limit} bytes"),
            Self::TooMany { what, most, .. } => {
                format!("the authority lists more than {most} {what}, which is more than is read")
            }
            Self::Denied { why, .. } => why.clone(),
            Self::ServerError { call, status, .. } => format!("{call} answered status {status}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_vendors_array_is_read_and_nothing_else() {
        let error =
            VendorError::read(r#"[{"name":"SYSTEM","description":"Invalid or missing credentials"}]"#)
                .unwrap();
        assert_eq!(
            (error.name.as_str(), error.description.as_str()),
            ("SYSTEM", "Invalid or missing credentials")
        );
        for body in ["", "[]", "{}", "[1]", "[{}]", "<html>", r#"[{"name":4}]"#] {
            assert_eq!(VendorError::read(body), None, "{body}");
        }
    }

    #[test]
    fn a_summary_holds_nothing_of_the_answer() {
        let mismatch = Mismatch {
            place: "data.servers[3].guid".into(),
            expected: "a guid",
            excerpt: "what it said".into(),
        };
        let error = Error::Unexpected { call: "GET /api/Server".into(), mismatch };
        assert_eq!(error.summary(), "GET /api/Server did not answer a guid at data.servers[3].guid");
        assert_eq!(
            error.to_string(),
            "GET /api/Server: data.servers[3].guid: expected a guid, found \"what it said\""
        );
        assert_eq!(error.kind().as_str(), "UnexpectedAnswer");
    }
}
