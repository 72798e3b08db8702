//! What servers really did, as the environment itself wrote it down.

use std::collections::BTreeMap;

use codeupgrade::catalog::Version;
use codeupgrade::fleet::Guid;
use codeupgrade::simulator::journal::Happening;
use jiff::Timestamp;

use super::course::OLD;

/// One server.
#[derive(Clone, Debug)]
pub(super) struct Server {
    /// The software that it was last started with.
    pub(super) software: Version,
    /// The version that it last ran at.
    pub(super) ran: Version,
    /// When it last came to a version from an older one.
    pub(super) rose_at: Option<Timestamp>,
    /// When it last fell below a version.
    pub(super) fell_at: Option<Timestamp>,
}

/// All servers, by name.
pub(super) struct Truth {
    names: BTreeMap<Guid, String>,
    pub(super) servers: BTreeMap<String, Server>,
}

/// A server was started with other software than before.
pub(super) struct Change {
    pub(super) server: String,
    pub(super) to: Version,
}

impl Truth {
    pub(super) fn new(names: &BTreeMap<Guid, String>) -> Self {
        let old: Version = OLD.parse().unwrap();
        let server =
            |name: &String| (name.clone(), Server { software: old, ran: old, rose_at: None, fell_at: None });
        Self { names: names.clone(), servers: names.values().map(server).collect() }
    }

    /// Takes what happened; says whether a server was started with other software than before.
    pub(super) fn take(&mut self, at: Timestamp, happening: &Happening) -> Option<Change> {
        match happening {
            Happening::ServerStarting(guid, version) => {
                let name = self.names.get(guid)?;
                let server = self.servers.get_mut(name)?;
                let before = std::mem::replace(&mut server.software, *version);
                (before != *version).then(|| Change { server: name.clone(), to: *version })
            }
            Happening::ServerRunning(guid, version) => {
                let server = self.servers.get_mut(self.names.get(guid)?)?;
                match version.cmp(&server.ran) {
                    std::cmp::Ordering::Greater => server.rose_at = Some(at),
                    std::cmp::Ordering::Less => server.fell_at = Some(at),
                    std::cmp::Ordering::Equal => {}
                }
                server.ran = *version;
                None
            }
            Happening::ServerStopped(_)
            | Happening::ServerRefusing(..)
            | Happening::ServerRestored(..)
            | Happening::SettingsChanged
            | Happening::FleetMoved(_)
            | Happening::DeviceFlagged(_)
            | Happening::DeviceUpgraded(..)
            | Happening::DeviceFailed(_)
            | Happening::DeviceGone(_) => None,
        }
    }
}
