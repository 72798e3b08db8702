//! At which addresses an authority is: what the client is told, and nothing else, is what it connects to.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use futures::future::BoxFuture;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// Says at which addresses a host is. Asked before each connection, so that a name which leads elsewhere by then is judged
/// by where it leads. A url that holds an address is not asked about.
pub trait Resolver: fmt::Debug + Send + Sync {
    /// The addresses of a host.
    fn resolve(&self, host: &str) -> BoxFuture<'static, Result<Vec<SocketAddr>, NoAddress>>;
}

/// Why a host has no address to connect to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoAddress {
    /// Nobody knows one.
    #[error("{0} does not resolve")]
    Unknown(String),
    /// Nobody may connect to those that it has, and why.
    #[error("{0}")]
    Denied(String),
}

/// A resolver as reqwest asks it.
pub(super) struct Asked(pub(super) Arc<dyn Resolver>);

impl Resolve for Asked {
    fn resolve(&self, name: Name) -> Resolving {
        let resolving = self.0.resolve(name.as_str());
        Box::pin(async move {
            let addresses = resolving.await?;
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}
