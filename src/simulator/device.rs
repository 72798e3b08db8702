//! One simulated device: what it runs, where it backs up, and how far its upgrade is.

use jiff::Timestamp;

use super::presence::Presence;
use super::scenario::Behaviour;
use crate::catalog::{Os, Product, Version};
use crate::fleet::{DeviceState, Guid};

/// A device's number in the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct ComputerId(pub u64);

/// The number of the first device; servers and destinations have the numbers below.
pub(super) const FIRST_COMPUTER_ID: u64 = 1_000;

/// What a device says it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReportedVersion {
    /// This version.
    Version(Version),
    /// Something that is no version.
    Nonsense,
}

/// Whether a device can still connect at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presumed {
    /// It can.
    Alive,
    /// It never will again.
    Gone,
}

/// How far a device's upgrade is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Errand {
    /// It is not to upgrade.
    None,
    /// It is flagged, and begins when it connects, not before this instant in seconds since 1970.
    Flagged {
        /// Not before.
        not_before: i64,
    },
    /// It downloads since an instant.
    Downloading {
        /// Since when, in seconds since 1970.
        since: i64,
    },
    /// It has installed and is not back yet.
    Returning,
    /// It is back, and will fall back to its old version.
    FallingBack {
        /// The old version.
        to: Version,
    },
}

/// A device.
#[derive(Clone, Debug)]
pub(super) struct Device {
    pub(super) guid: u64,
    pub(super) id: ComputerId,
    pub(super) product: Product,
    pub(super) os: Os,
    /// What it runs.
    pub(super) runs: Version,
    /// What the authority last heard that it runs.
    pub(super) reported: ReportedVersion,
    pub(super) state: DeviceState,
    pub(super) organisation: u32,
    /// The server that it backs up to: an index.
    pub(super) home: usize,
    pub(super) presence: Presence,
    pub(super) behaviour: Behaviour,
    pub(super) presumed: Presumed,
    pub(super) errand: Errand,
    /// How often its errand was planned: an event for an earlier plan is void.
    pub(super) plan: u64,
    /// Tries to upgrade that failed.
    pub(super) failures: u32,
    /// How often it was flagged.
    pub(super) flags: u32,
    /// Since when its app has run without a break, in seconds since 1970.
    pub(super) app_since: i64,
    /// How often its app was started anew.
    pub(super) app_starts: u64,
    /// When it was last connected as of `settled_at`, in seconds since 1970; `i64::MIN` for never.
    pub(super) last_connected: i64,
    /// Up to when `last_connected` is true.
    pub(super) settled_at: i64,
}

/// A device as the authority lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedDevice {
    /// Its number in the API.
    pub id: ComputerId,
    /// Its identity: as the recorded ones, decimal digits that fit 64 bits.
    pub guid: u64,
    /// Its app.
    pub product: Product,
    /// Its operating system.
    pub os: Os,
    /// What it says it runs.
    pub version: ReportedVersion,
    /// Whether it takes part.
    pub state: DeviceState,
    /// Its organisation.
    pub organisation: u32,
    /// The server that it backs up to.
    pub home: Guid,
    /// Whether it is connected to its authority now.
    pub connected: bool,
    /// When it was last connected, `None` for never. Whether a real authority moves this time on while a device stays
    /// connected is not on record (FACTS.md, unknown-last-connected); here it does.
    pub last_connected: Option<Timestamp>,
    /// How often it was flagged for an upgrade, which no answer tells.
    pub flags: u32,
    /// How far its upgrade is, which no answer tells.
    pub errand: Errand,
}

/// What of a device never changes by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeviceKey {
    /// Its number in the API.
    pub id: ComputerId,
    /// Its identity.
    pub guid: u64,
    /// Its operating system.
    pub os: Os,
    /// Whether it takes part.
    pub state: DeviceState,
    /// Its organisation.
    pub organisation: u32,
}

impl ListedDevice {
    /// Its name.
    pub fn name(&self) -> String {
        name_of(self.os, self.id)
    }
}

/// The name of a device, in lower case.
pub fn name_of(os: Os, id: ComputerId) -> String {
    format!("{}-{}", os.name().to_lowercase(), id.0)
}
