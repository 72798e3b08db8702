//! Servers of an environment as its authority lists them.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Streak;
use crate::catalog::Version;

/// The lasting identity of a server or a device, as the vendor assigns it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Guid(pub String);

impl fmt::Display for Guid {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&self.0)
    }
}

impl From<&str> for Guid {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

/// A server's name in the environment; it may change, the [`Guid`] does not.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct ServerName(pub String);

impl fmt::Display for ServerName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&self.0)
    }
}

impl From<&str> for ServerName {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

/// What a server is in its environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub enum ServerRole {
    /// The master.
    Authority,
    /// Storage that the organisation runs: it must be at exactly the authority's version.
    Storage,
    /// Storage that the vendor runs: reported, never upgraded, exempt from the equality rule.
    Provider,
}

/// One server, as the last good answer described it.
#[derive(Clone, Debug, PartialEq)]
pub struct Server {
    /// Its identity.
    pub guid: Guid,
    /// Its name now.
    pub name: ServerName,
    /// What it is.
    pub role: ServerRole,
    /// Its version; `None` before it first connected.
    pub version: Option<Version>,
    /// Whether the authority says that it is connected.
    pub online: bool,
    /// Devices connected to it.
    pub online_devices: u32,
    /// Backups that run on it now.
    pub backup_sessions: u32,
    /// How long it has answered like this.
    pub streak: Streak,
}

impl Server {
    /// Whether the organisation runs it: the authority and its own storage.
    pub fn is_own(&self) -> bool {
        match self.role {
            ServerRole::Authority | ServerRole::Storage => true,
            ServerRole::Provider => false,
        }
    }
}
