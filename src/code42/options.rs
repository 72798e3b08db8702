//! How to reach an authority, as whom, and with how much patience.

use std::sync::Arc;
use std::time::Duration;

use super::resolver::Resolver;
use super::secret::Secret;

/// How to reach an authority, and as whom.
///
/// Making a client asks the process for its default rustls provider, which must be installed before.
#[derive(Clone, Debug)]
pub struct ClientOptions {
    /// Scheme, host and port, such as `https://backup.example.com:4285`; a path before `/api` is kept.
    pub url: String,
    /// Who to be.
    pub credentials: Credentials,
    /// The PEM certificates of those who may sign for the authority. With them nobody else is trusted; without them
    /// those whom the system trusts.
    pub ca_pem: Option<Vec<u8>>,
    /// Who says at which addresses the authority is; `None` leaves it to the system.
    pub resolver: Option<Arc<dyn Resolver>>,
    /// How long to wait.
    pub timeouts: Timeouts,
    /// The `User-Agent` header.
    pub user_agent: String,
}

impl ClientOptions {
    /// Options with the system's trust and the usual patience.
    pub fn new(url: impl Into<String>, credentials: Credentials) -> Self {
        Self {
            url: url.into(),
            credentials,
            ca_pem: None,
            resolver: None,
            timeouts: Timeouts::default(),
            user_agent: concat!("codeupgrade/", env!("CARGO_PKG_VERSION")).to_owned(),
        }
    }
}

/// Who to be at an authority: a name and a password, which go with every call. A local account: single sign-on does not
/// work for this API.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// The name.
    pub username: String,
    /// The password.
    pub password: Secret,
}

/// How long a call may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// For connecting, TLS included.
    pub connect: Duration,
    /// For a whole call, from its start to the last byte of its answer.
    pub answer: Duration,
    /// The same for a page of devices, which a large authority assembles slowly.
    pub device_page: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            answer: Duration::from_secs(30),
            device_page: Duration::from_secs(120),
        }
    }
}
