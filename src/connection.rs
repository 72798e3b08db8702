//! Why a connection came to nothing: found in whatever a library wraps it in, and said in words of our own.
//!
//! Input: an error of reqwest, hyper, kube or the operating system. What must never happen here: that a person is shown the words of a
//! library, or a url that holds a password.

use std::error::Error as StdError;
use std::{fmt, io};

/// Why no whole answer came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum UnreachableReason {
    /// Nothing listens there. Normal while a server restarts.
    ConnectionRefused,
    /// The host name has no address.
    NotResolved,
    /// No route leads to the address.
    NoRoute,
    /// The time for connecting or for the whole answer ran out.
    TimedOut,
    /// No trusted TLS connection came about.
    Tls,
    /// The connection ended before the whole answer was read.
    ConnectionLost,
    /// What listens there does not speak HTTP.
    NotHttp,
    /// Anything else.
    Other,
}

impl fmt::Display for UnreachableReason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(match self {
            Self::ConnectionRefused => "connection refused",
            Self::NotResolved => "the host name does not resolve",
            Self::NoRoute => "no route to the host",
            Self::TimedOut => "timed out",
            Self::Tls => "no trusted TLS connection",
            Self::ConnectionLost => "the connection was lost",
            Self::NotHttp => "it does not speak HTTP",
            Self::Other => "the connection failed",
        })
    }
}

impl UnreachableReason {
    /// What went wrong beneath the general words of a library.
    pub fn of(error: &(dyn StdError + 'static)) -> Self {
        let fallback = match error.downcast_ref::<reqwest::Error>() {
            Some(error) if !error.is_connect() => Self::ConnectionLost,
            Some(_) | None => Self::Other,
        };
        chain(error).find_map(named).unwrap_or(fallback)
    }
}

/// The reason as the end of a sentence; of a certificate that is not trusted, what is wrong with it.
pub fn said(error: &(dyn StdError + 'static)) -> String {
    match chain(error).find_map(of_certificate) {
        Some(problem) => format!("no trusted TLS connection: {problem}"),
        None => UnreachableReason::of(error).to_string(),
    }
}

/// The words of the deepest error, for logs: the cause, without the url that reqwest would name.
pub fn deepest(error: &(dyn StdError + 'static)) -> String {
    chain(error).skip(1).last().map_or_else(|| "no further cause is known".to_owned(), ToString::to_string)
}

/// An error and those beneath it, the cause last.
pub fn chain<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |current| inner(*current))
}

/// The error beneath. An [`io::Error`] skips the one it wraps, which is where TLS failures hide.
fn inner<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a (dyn StdError + 'static)> {
    let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    wrapped.map(|wrapped| wrapped as &(dyn StdError + 'static)).or_else(|| error.source())
}

/// What one error of the chain says by itself.
fn named(error: &(dyn StdError + 'static)) -> Option<UnreachableReason> {
    if let Some(error) = error.downcast_ref::<reqwest::Error>() {
        return match (error.is_timeout(), error.is_dns()) {
            (true, _) => Some(UnreachableReason::TimedOut),
            (false, true) => Some(UnreachableReason::NotResolved),
            (false, false) => None,
        };
    }
    if error.is::<rustls::Error>() {
        return Some(UnreachableReason::Tls);
    }
    // The error types of hyper and of the resolver are not ours to name; these are their words.
    let words = error.to_string();
    if words.starts_with("invalid HTTP") {
        return Some(UnreachableReason::NotHttp);
    }
    if words.starts_with("failed to lookup address") {
        return Some(UnreachableReason::NotResolved);
    }
    let io = error.downcast_ref::<io::Error>()?;
    match io.kind() {
        io::ErrorKind::ConnectionRefused => Some(UnreachableReason::ConnectionRefused),
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => {
            Some(UnreachableReason::NoRoute)
        }
        io::ErrorKind::TimedOut => Some(UnreachableReason::TimedOut),
        io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe
        | io::ErrorKind::UnexpectedEof => Some(UnreachableReason::ConnectionLost),
        _ => None,
    }
}

/// What is wrong with a certificate.
fn of_certificate(error: &(dyn StdError + 'static)) -> Option<&'static str> {
    use rustls::CertificateError as Wrong;
    let rustls::Error::InvalidCertificate(wrong) = error.downcast_ref::<rustls::Error>()? else {
        return None;
    };
    Some(match wrong {
        Wrong::Expired | Wrong::ExpiredContext { .. } => "its certificate has expired",
        Wrong::NotValidYet | Wrong::NotValidYetContext { .. } => "its certificate is not valid yet",
        Wrong::NotValidForName | Wrong::NotValidForNameContext { .. } => {
            "its certificate is for another name"
        }
        Wrong::UnknownIssuer => "nobody who is trusted has issued its certificate",
        Wrong::Revoked => "its certificate was revoked",
        _ => "its certificate is not accepted",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_found_under_whatever_wraps_it_and_said_in_our_words() {
        let io = |kind: io::ErrorKind| io::Error::from(kind);
        let tls = |wrong| io::Error::other(rustls::Error::InvalidCertificate(wrong));
        for (error, expected) in [
            (io(io::ErrorKind::ConnectionRefused), "connection refused"),
            (io::Error::other(io(io::ErrorKind::ConnectionRefused)), "connection refused"),
            (io(io::ErrorKind::TimedOut), "timed out"),
            (io(io::ErrorKind::UnexpectedEof), "the connection was lost"),
            (
                io::Error::other("failed to lookup address information: Name or service not known"),
                "the host name does not resolve",
            ),
            (
                tls(rustls::CertificateError::Expired),
                "no trusted TLS connection: its certificate has expired",
            ),
            (
                tls(rustls::CertificateError::BadEncoding),
                "no trusted TLS connection: its certificate is not accepted",
            ),
            (io::Error::other(rustls::Error::DecryptError), "no trusted TLS connection"),
            (io::Error::other("os error 9999: the pool is { closed: true }"), "the connection failed"),
        ] {
            assert_eq!(said(&error), expected);
        }
    }
}
