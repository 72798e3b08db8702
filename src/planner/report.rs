//! What a decision says for people: the one value that status, events, metrics, `plan` and the live view render.

mod devices;
mod gate;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use devices::{DevicesReport, GroupReport, GroupState};
pub use gate::{Gate, GateName, Needs, Verdict};

use super::order::Action;
use super::reason::Reason;
use crate::catalog::path::Path;
use crate::catalog::{Os, Version};
use crate::fleet::{Guid, ServerName, ServerRole};

/// Where the environment is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// No version is wanted: it only watches.
    Observing,
    /// Nothing is known yet, or facts are missing.
    Checking,
    /// Something must pass first.
    Waiting,
    /// A hop is in flight.
    Upgrading,
    /// Devices follow.
    RollingOut,
    /// Everything wanted is done.
    Done,
    /// A person must act; nothing is broken.
    Suspended,
    /// It cannot go on as it is.
    Stalled,
}

impl Phase {
    /// The name as the status writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Observing => "Observing",
            Self::Checking => "Checking",
            Self::Waiting => "Waiting",
            Self::Upgrading => "Upgrading",
            Self::RollingOut => "RollingOut",
            Self::Done => "Done",
            Self::Suspended => "Suspended",
            Self::Stalled => "Stalled",
        }
    }

    /// What health checks are told (ARCHITECTURE.md, health).
    pub const fn health(self) -> Health {
        match self {
            Self::Observing | Self::Done => Health::Ready,
            Self::Checking | Self::Waiting | Self::Upgrading | Self::RollingOut => Health::Reconciling,
            Self::Suspended => Health::Suspended,
            Self::Stalled => Health::Stalled,
        }
    }
}

/// What health checks are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// It is as wanted.
    Ready,
    /// It is on its way by itself.
    Reconciling,
    /// It is on its way when a person acts.
    Suspended,
    /// It is not on its way.
    Stalled,
}

/// The state of one server, for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ServerState {
    /// At the release that is wanted now.
    Current,
    /// Behind, and its turn has not come.
    Pending,
    /// Ordered, not yet back.
    Upgrading,
    /// Back at the new version, being verified.
    Verifying,
    /// Waiting for a person to upgrade it.
    AwaitingPerson,
    /// Its upgrade fails.
    Failing,
    /// Ahead of its authority.
    Ahead,
    /// Not connected.
    Offline,
    /// Run by the vendor: reported only.
    Provider,
    /// Retired by the spec.
    Retired,
}

impl ServerState {
    /// The name as the status writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Current => "Current",
            Self::Pending => "Pending",
            Self::Upgrading => "Upgrading",
            Self::Verifying => "Verifying",
            Self::AwaitingPerson => "AwaitingPerson",
            Self::Failing => "Failing",
            Self::Ahead => "Ahead",
            Self::Offline => "Offline",
            Self::Provider => "Provider",
            Self::Retired => "Retired",
        }
    }
}

/// One server, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerReport {
    /// Its identity.
    pub guid: Guid,
    /// Its name.
    pub name: ServerName,
    /// What it is.
    pub role: ServerRole,
    /// Its version.
    pub version: Option<Version>,
    /// Whether it is connected.
    pub online: bool,
    /// Its state.
    pub state: ServerState,
    /// Since when.
    pub since: Option<Timestamp>,
}

/// One upgrade file, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileReport {
    /// The release that it installs.
    pub release: Version,
    /// The operating system that it is for.
    pub os: Os,
    /// Its name.
    pub name: String,
    /// How far it is.
    pub state: FileState,
    /// In bytes.
    pub size: Option<u64>,
    /// Its MD5 sum: as it was found, or as it should be.
    pub md5: Option<String>,
    /// Its SHA-256 sum: as it was found, or as it should be.
    pub sha256: Option<String>,
    /// The url that gave it.
    pub mirror: Option<String>,
    /// When it was checked, or since when it is being checked.
    pub at: Option<Timestamp>,
    /// Why it is refused: what every mirror said.
    pub why: Option<String>,
}

/// How far an upgrade file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FileState {
    /// The spec names none.
    Missing,
    /// Nothing of it was read yet.
    Waiting,
    /// It is being read.
    Checking,
    /// It is what it should be.
    Verified,
    /// It is not, or could not be had.
    Refused,
}

impl FileState {
    /// The name as the status writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Missing => "Missing",
            Self::Waiting => "Waiting",
            Self::Checking => "Checking",
            Self::Verified => "Verified",
            Self::Refused => "Refused",
        }
    }
}

/// What is being done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Now {
    /// What is being done, such as `upgrade to 4.3.5.3`.
    pub what: String,
    /// To what object.
    pub object: String,
    /// Since when.
    pub since: Timestamp,
    /// How long it usually takes, with the source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usually: Option<String>,
    /// When it will be called slow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warns_at: Option<Timestamp>,
    /// When it will stall.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stalls_at: Option<Timestamp>,
    /// What comes next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// Storage that cannot take backups now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BackupsInterrupted {
    /// Storage servers that cannot take backups now.
    pub servers: u32,
    /// Devices that back up to them, as far as known.
    pub devices: u64,
    /// Since when.
    pub since: Timestamp,
}

/// One item of the plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanItem {
    /// What will be done.
    pub what: PlanWhat,
    /// Why it is in the plan.
    pub why: String,
    /// What holds it now.
    pub held_by: Option<GateName>,
    /// The earliest time it can start, where that is known.
    pub earliest: Option<Timestamp>,
    /// How long it usually takes, in words, with the source.
    pub usually: Option<String>,
}

/// What an item of the plan is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlanWhat {
    /// Waiting at a release.
    Wait {
        /// The release.
        at: Version,
    },
    /// Authority and storage from one release to the next.
    Hop {
        /// From this release.
        from: Version,
        /// To this one.
        to: Version,
    },
    /// Devices to what a release bundles.
    Rollout {
        /// The release.
        at: Version,
    },
}

/// A release that can be reached from here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Available {
    /// The release.
    pub release: Version,
    /// The way.
    pub path: Path,
}

/// A condition's status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Truth {
    /// It is so.
    True,
    /// It is not so.
    False,
    /// Not known.
    Unknown,
}

/// A condition of the object, without times.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConditionReport {
    /// Its type.
    pub name: ConditionName,
    /// Its status.
    pub truth: Truth,
    /// Its reason, PascalCase.
    pub reason: &'static str,
    /// Its message.
    pub message: String,
}

/// The conditions of the object; all of them from the first reconcile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ConditionName {
    /// It is as wanted.
    Ready,
    /// It is on its way.
    Reconciling,
    /// It is not on its way.
    Stalled,
    /// All own servers are at the target.
    ServersCurrent,
    /// Devices are where the target wants them.
    DevicesCurrent,
    /// There is a documented path.
    PathFound,
    /// Every live device is accepted by the next release.
    Compatible,
    /// The upgrade files of the next hop, or of the last, were read and are what they should be.
    FilesVerified,
    /// The post-upgrade wait is over.
    WaitElapsed,
    /// Backups run on all own servers.
    BackupsRunning,
}

impl ConditionName {
    /// The type as the status writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ready => "Ready",
            Self::Reconciling => "Reconciling",
            Self::Stalled => "Stalled",
            Self::ServersCurrent => "ServersCurrent",
            Self::DevicesCurrent => "DevicesCurrent",
            Self::PathFound => "PathFound",
            Self::Compatible => "Compatible",
            Self::FilesVerified => "FilesVerified",
            Self::WaitElapsed => "WaitElapsed",
            Self::BackupsRunning => "BackupsRunning",
        }
    }
}

/// An order that would be useful now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    /// What is to be ordered, and for what.
    pub action: Action,
    /// What comes of it.
    pub text: String,
}

/// Everything a decision says.
#[must_use = "a report that nobody reads helps nobody"]
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// Where the environment is in its life.
    pub phase: Phase,
    /// Why, bounded.
    pub reason: Reason,
    /// What is happening and until when: one sentence of at most [`MAX_MESSAGE`] characters.
    pub message: String,
    /// What a person can do about it, where something is refused.
    pub mend: Option<String>,
    /// Until when, where that is known.
    pub until: Option<Timestamp>,
    /// The release the authority is at.
    pub at: Option<Version>,
    /// The wanted release.
    pub target: Option<Version>,
    /// Own servers that are at the target, or where the target says nothing, at the authority's release.
    pub servers_current: u32,
    /// Own servers.
    pub servers_total: u32,
    /// What a person may usefully order now, what answers a hold first.
    pub asks: Vec<Ask>,
    /// Every gate of the next step, whether it holds or not.
    pub gates: Vec<Gate>,
    /// What is being done.
    pub now: Option<Now>,
    /// The servers.
    pub servers: Vec<ServerReport>,
    /// The upgrade files.
    pub files: Vec<FileReport>,
    /// Storage that cannot take backups now.
    pub backups_interrupted: Option<BackupsInterrupted>,
    /// The devices.
    pub devices: DevicesReport,
    /// What remains to be done.
    pub plan: Vec<PlanItem>,
    /// Where one could go from here.
    pub available: Vec<Available>,
    /// Images that no server may run yet, but for those that a hop has ordered.
    pub held_images: Vec<String>,
    /// The conditions.
    pub conditions: Vec<ConditionReport>,
}
