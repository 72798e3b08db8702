//! Why a call to the API server came to nothing, for people: its own words where it answered, ours where it did not.
//!
//! What must never happen here: that the text of a client library reaches a status, an event or a terminal.

use std::fmt;

use crate::connection;

/// Longest text of an API server that is passed on, in characters: admission webhooks may answer pages.
const MAX_WORDS: usize = 300;

/// Why a call to the API server came to nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// The API server does not know who asks.
    Unauthenticated,
    /// Whoever asks may not do it, in the API server's words: they name who, what and where.
    Forbidden(String),
    /// There is no such thing.
    Missing(String),
    /// It refused for any other reason.
    Refused {
        /// The status of the answer.
        code: u16,
        /// What it said.
        words: String,
    },
    /// No answer came, and why, as the end of a sentence.
    Unreachable(String),
    /// An answer came that is not what it should be.
    Unreadable,
    /// No credentials can be had.
    NoCredentials,
    /// Nothing says where the API server is, or how to reach it.
    NotConfigured,
}

impl From<&kube::Error> for Problem {
    fn from(error: &kube::Error) -> Self {
        match error {
            kube::Error::Api(status) => {
                let words = on_one_line(&status.message);
                match status.code {
                    401 => Self::Unauthenticated,
                    403 => Self::Forbidden(words),
                    404 => Self::Missing(words),
                    code => Self::Refused { code, words },
                }
            }
            kube::Error::SerdeError(_) | kube::Error::FromUtf8(_) => Self::Unreadable,
            kube::Error::Auth(_) => Self::NoCredentials,
            kube::Error::InferConfig(_)
            | kube::Error::InferKubeconfig(_)
            | kube::Error::ProxyProtocolUnsupported { .. }
            | kube::Error::ProxyProtocolDisabled { .. }
            | kube::Error::TlsRequired
            | kube::Error::RustlsTls(_) => Self::NotConfigured,
            // What is left is the way there; the enum of the library grows.
            other => Self::Unreachable(connection::said(other)),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unauthenticated => formatter.write_str("the API server does not accept the credentials"),
            Self::Forbidden(words) if words.is_empty() => {
                formatter.write_str("the API server does not allow it")
            }
            Self::Missing(words) if words.is_empty() => {
                formatter.write_str("the API server has no such thing")
            }
            Self::Refused { code, words } if words.is_empty() => {
                write!(formatter, "the API server answered status {code}")
            }
            Self::Forbidden(words) | Self::Missing(words) | Self::Refused { words, .. } => {
                formatter.write_str(words)
            }
            Self::Unreachable(why) => write!(formatter, "the API server cannot be reached: {why}"),
            Self::Unreadable => formatter.write_str("the API server's answer cannot be read"),
            Self::NoCredentials => {
                formatter.write_str("no credentials for the API server can be had: sign in again")
            }
            Self::NotConfigured => {
                formatter.write_str("the kubeconfig does not say how to reach the API server")
            }
        }
    }
}

/// Why a call came to nothing, as a sentence or the end of one.
pub fn said(error: &kube::Error) -> String {
    Problem::from(error).to_string()
}

fn on_one_line(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= MAX_WORDS {
        return line;
    }
    let cut: String = line.chars().take(MAX_WORDS - 1).collect();
    format!("{}…", cut.trim_end())
}

#[cfg(test)]
mod tests {
    use kube::core::Status;

    use super::*;

    fn answered(code: u16, message: &str) -> kube::Error {
        kube::Error::Api(Box::new(Status { code, message: message.to_owned(), ..Status::default() }))
    }

    #[test]
    fn no_word_of_the_client_library_reaches_a_person() {
        let io = |kind: std::io::ErrorKind| kube::Error::Service(Box::new(std::io::Error::from(kind)));
        let serde = serde_json::from_str::<u8>("{").unwrap_err();
        for (error, expected) in [
            (answered(403, "secrets \"a\" is forbidden"), "secrets \"a\" is forbidden"),
            (answered(403, ""), "the API server does not allow it"),
            (answered(401, "Unauthorized"), "the API server does not accept the credentials"),
            (answered(404, "pods \"a\" not found"), "pods \"a\" not found"),
            (answered(503, ""), "the API server answered status 503"),
            (answered(500, "admission webhook\n\n  \"w\" denied it"), "admission webhook \"w\" denied it"),
            (
                io(std::io::ErrorKind::ConnectionRefused),
                "the API server cannot be reached: connection refused",
            ),
            (io(std::io::ErrorKind::TimedOut), "the API server cannot be reached: timed out"),
            (
                kube::Error::Service("{ raw: 1 }".into()),
                "the API server cannot be reached: the connection failed",
            ),
            (kube::Error::SerdeError(serde), "the API server's answer cannot be read"),
            (kube::Error::TlsRequired, "the kubeconfig does not say how to reach the API server"),
        ] {
            let said = said(&error);
            assert_eq!(said, expected);
            for raw in ["ApiError", "ServiceError", "Status {", "Some(", "HyperError", "os error"] {
                assert!(!said.contains(raw), "{said}");
            }
        }
        assert_eq!(said(&answered(500, &"x".repeat(1_000))).chars().count(), MAX_WORDS);
    }
}
