//! What happened in a simulated environment, in order: for tests and for people who watch.

use std::fmt;

use jiff::Timestamp;

use crate::catalog::Version;
use crate::fleet::Guid;

/// Most entries that are kept; the oldest go first.
const MAX_ENTRIES: usize = 200_000;

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The world's time.
    pub at: Timestamp,
    /// What happened then.
    pub what: Happening,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Happening {
    /// A server was stopped.
    ServerStopped(Guid),
    /// A server was started with this software.
    ServerStarting(Guid, Version),
    /// A server runs at this version.
    ServerRunning(Guid, Version),
    /// A server does not start with this software: its database is at the second version.
    ServerRefusing(Guid, Version, Version),
    /// A server's state was restored from a backup of this version.
    ServerRestored(Guid, Version),
    /// A person changed the settings.
    SettingsChanged,
    /// The auto-upgrade switch was on at a restart of the authority: so many devices upgrade.
    FleetMoved(u32),
    /// A device was flagged for an upgrade.
    DeviceFlagged(u64),
    /// A device is back with this version.
    DeviceUpgraded(u64, Version),
    /// A device's try to upgrade failed.
    DeviceFailed(u64),
    /// A device is never seen again.
    DeviceGone(u64),
}

impl fmt::Display for Happening {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ServerStopped(server) => write!(formatter, "server {server} stopped"),
            Self::ServerStarting(server, version) => {
                write!(formatter, "server {server} starts with {version}")
            }
            Self::ServerRunning(server, version) => write!(formatter, "server {server} runs at {version}"),
            Self::ServerRefusing(server, software, database) => {
                write!(formatter, "server {server} does not start: {software} on a database of {database}")
            }
            Self::ServerRestored(server, version) => {
                write!(formatter, "server {server} restored from a backup of {version}")
            }
            Self::SettingsChanged => formatter.write_str("settings changed"),
            Self::FleetMoved(devices) => write!(formatter, "auto-upgrade moves {devices} devices"),
            Self::DeviceFlagged(device) => write!(formatter, "device {device} flagged"),
            Self::DeviceUpgraded(device, version) => {
                write!(formatter, "device {device} is back with {version}")
            }
            Self::DeviceFailed(device) => write!(formatter, "device {device} failed to upgrade"),
            Self::DeviceGone(device) => write!(formatter, "device {device} is gone"),
        }
    }
}

/// Everything that happened, as far back as is kept.
#[derive(Clone, Debug, Default)]
pub struct Journal {
    entries: std::collections::VecDeque<Entry>,
}

impl Journal {
    pub(super) fn write(&mut self, at: Timestamp, what: Happening) {
        if self.entries.len() == MAX_ENTRIES {
            self.entries.pop_front();
        }
        self.entries.push_back(Entry { at, what });
    }

    /// The entries, oldest first.
    pub fn entries(&self) -> impl DoubleEndedIterator<Item = &Entry> {
        self.entries.iter()
    }

    /// Takes all entries out.
    pub fn drain(&mut self) -> Vec<Entry> {
        self.entries.drain(..).collect()
    }
}
