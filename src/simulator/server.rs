//! One simulated server: its software, its database, and what it is doing.
//!
//! On record: on an upgrade the service shuts down, migrates, and starts by itself
//! (FACTS.md, upgrade-course); typically 5 to 10 minutes (FACTS.md, upgrade-duration); there is no downgrade
//! (FACTS.md, no-downgrade); storage at another version than its authority cannot take backups
//! (FACTS.md, version-conflict). Beyond the record: how a server behaves whose software is older than its
//! database (here it does not start), that an interrupted migration begins anew, and that storage behind its
//! authority is listed as online with its version.

use jiff::Timestamp;

use super::scenario::Power;
use crate::catalog::Version;
use crate::fleet::{Guid, ServerName, ServerRole};

/// A server's number in the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ServerId(pub u32);

/// Whether the network reaches a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Network {
    /// It does.
    Reached,
    /// It does not, though the server may well run.
    Cut,
}

/// What a server is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServerState {
    /// Nothing.
    Stopped,
    /// It starts, and migrates its database where the software is newer.
    Starting {
        /// When it will run.
        ready_at: Timestamp,
    },
    /// It runs.
    Running {
        /// Since when.
        since: Timestamp,
    },
    /// Its software is older than its database: it ends each time that it is started.
    Refusing,
}

/// A server.
#[derive(Clone, Debug)]
pub(super) struct Server {
    pub(super) id: ServerId,
    pub(super) guid: Guid,
    pub(super) name: ServerName,
    pub(super) role: ServerRole,
    /// The software that is installed; `None` before the first.
    pub(super) software: Option<Version>,
    /// The version that its database is at, or on its way to: no older software comes up on it any more.
    pub(super) database: Option<Version>,
    /// Whether it is still on its way.
    pub(super) migrating: bool,
    pub(super) state: ServerState,
    pub(super) network: Network,
    /// The version that the authority last saw.
    pub(super) known_version: Option<Version>,
    /// How often it was started: an event for an earlier start is void.
    pub(super) starts: u64,
    /// Since when it has been reachable without a break, in seconds since 1970.
    pub(super) reachable_since: i64,
}

impl Server {
    /// The version that runs and can be reached.
    pub(super) fn serving(&self) -> Option<Version> {
        match (self.state, self.network) {
            (ServerState::Running { .. }, Network::Reached) => self.software,
            (ServerState::Running { .. }, Network::Cut)
            | (ServerState::Stopped | ServerState::Starting { .. } | ServerState::Refusing, _) => None,
        }
    }

    pub(super) fn at_beginning(
        id: ServerId,
        guid: Guid,
        name: ServerName,
        role: ServerRole,
        version: Option<Version>,
        power: Power,
        start: Timestamp,
    ) -> Self {
        let runs = power == Power::On && version.is_some();
        Self {
            id,
            guid,
            name,
            role,
            software: version,
            database: version,
            migrating: false,
            state: if runs { ServerState::Running { since: start } } else { ServerState::Stopped },
            network: Network::Reached,
            known_version: version,
            starts: 0,
            reachable_since: i64::MIN,
        }
    }
}

/// A server as the authority lists it, and what it is really doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedServer {
    /// Its number in the API.
    pub id: ServerId,
    /// Its identity.
    pub guid: Guid,
    /// Its name.
    pub name: ServerName,
    /// What it is.
    pub role: ServerRole,
    /// The version that the authority last saw.
    pub version: Option<Version>,
    /// Whether it is connected.
    pub online: bool,
    /// Whether its version differs from the authority's. What the field means is undocumented.
    pub out_of_date: bool,
    /// Devices that back up to it.
    pub devices: u32,
    /// Devices of these that are connected to it now.
    pub online_devices: u32,
    /// Backups that run on it now.
    pub backup_sessions: u32,
    /// What it is really doing, which no answer tells.
    pub state: ServerState,
}
