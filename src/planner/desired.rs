//! What a `CodeUpgrade` asks for, validated: the planner's view of the spec.
//!
//! Built by the translate room from the API object. Fields that could not be read are listed in
//! [`Desired::problems`]; nothing new starts while there is one, and a hop under way ends by its own copy.

mod devices;
mod servers;

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::devices::{AutoUpgradeSwitch, DevicePolicy, DeviceUpgrade, Group, OfferedApp, Share};
pub use self::servers::{
    Appliance, AtOnce, ImageFrom, Method, StorageRole, WantedAuthority, WantedStorage, Workload,
    WorkloadKind, WorkloadRef,
};
use super::window::{Freeze, Window};
use crate::catalog::{Os, Version};
use crate::fleet::{Guid, ServerName, Unresolved, glob};

/// The wanted state of one environment.
#[derive(Clone, Debug, PartialEq)]
pub struct Desired {
    /// `metadata.generation`: a new one means that somebody edited the spec.
    pub generation: i64,
    /// What is wrong with the spec.
    pub problems: Vec<Problem>,
    /// Whether the object is being deleted: a hop under way is finished, nothing starts.
    pub deleted: bool,
    /// The wanted release; `None` only observes.
    pub target: Option<Version>,
    /// Releases that the path must visit.
    pub via: Vec<Version>,
    /// The authority.
    pub authority: WantedAuthority,
    /// Storage servers; the first matching entry counts.
    pub storage: Vec<WantedStorage>,
    /// How many storage servers upgrade at once.
    pub storage_at_once: AtOnce,
    /// Where each release's software comes from.
    pub sources: Vec<Source>,
    /// The backup to take before a hop.
    pub backup: Backup,
    /// Whether servers wait for an approval.
    pub approve_servers: Approval,
    /// Whether devices wait for an approval.
    pub approve_devices: Approval,
    /// Environments in which a release must have proven itself.
    pub proven_in: Vec<ProvenIn>,
    /// Accepted risks, by release and name, with the reason given.
    pub accepted_risks: BTreeMap<(Version, String), String>,
    /// When servers may start.
    pub server_windows: Vec<Window>,
    /// When devices may be released.
    pub device_windows: Vec<Window>,
    /// When nothing may start.
    pub freezes: Vec<Freeze>,
    /// An upgrade that happened before the operator came.
    pub last_upgrade: Option<LastUpgrade>,
    /// Jobs to run at some points.
    pub hooks: Vec<Hook>,
    /// How devices are brought along.
    pub devices: DevicePolicy,
    /// Whether the spec or something above it pauses, and what.
    pub paused: Option<String>,
}

/// One thing that is wrong with a spec.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The field's path, such as `spec.version`.
    pub field: String,
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub mend: String,
}

impl Problem {
    /// A group names an organisation that cannot be told.
    pub fn of_group(unresolved: Unresolved) -> Self {
        let Unresolved { group, item, message, mend } = unresolved;
        Self { field: format!("spec.devices.groups[{group}].orgs[{item}]"), message, mend }
    }
}

/// Where the software of one release comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The release.
    pub release: Version,
    /// A container image, for servers that are workloads.
    pub image: Option<String>,
    /// Upgrade files, one for each operating system, for the others.
    pub artifacts: Vec<Artifact>,
}

/// An upgrade file, and what it is held against: at least one sum, or a list that has one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Artifact {
    /// The server operating system that it is for.
    pub os: Os,
    /// Where it is, in the order in which that is tried; at least one.
    pub urls: Vec<String>,
    /// Its MD5 sum, 32 hexadecimal digits.
    pub md5: Option<String>,
    /// Its SHA-256 sum, 64 hexadecimal digits.
    pub sha256: Option<String>,
    /// Its size in bytes.
    pub size: Option<u64>,
    /// A list of checksums that names it.
    pub checksums: Option<Checksums>,
}

/// Where a list of checksums is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Checksums {
    /// At a url.
    Url(String),
    /// In a ConfigMap of the object's namespace.
    ConfigMap {
        /// Its name.
        name: String,
        /// The key.
        key: String,
    },
}

impl Artifact {
    /// The file's name: the last part of its first url.
    pub fn name(&self) -> &str {
        name_in(self.urls.first().map_or("", String::as_str))
    }
}

/// The last part of a url's path.
pub fn name_in(url: &str) -> &str {
    let path = url.split(['?', '#']).next().unwrap_or(url);
    path.rsplit('/').next().unwrap_or(path)
}

/// The backup before a hop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Backup {
    /// A snapshot of every volume of the authority, by this `VolumeSnapshotClass`.
    VolumeSnapshot {
        /// The class.
        class: String,
        /// Oldest snapshot that still counts.
        max_age: SignedDuration,
    },
    /// A `Job` from this `PodTemplate` makes it.
    Hook {
        /// The template.
        job: String,
        /// Oldest backup that still counts.
        max_age: SignedDuration,
    },
    /// None, with the reason given: the accepted risk `NoBackup`.
    None {
        /// The reason.
        reason: String,
    },
    /// The spec says nothing.
    Unstated,
}

/// Who lets a step begin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Approval {
    /// The gates alone.
    #[default]
    Automatic,
    /// A person's order as well.
    Manual,
}

/// An environment in which a release must have proven itself first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProvenIn {
    /// The other object's namespace.
    pub namespace: String,
    /// The other object's name.
    pub name: String,
    /// For how long.
    pub for_: SignedDuration,
    /// With at least how many devices.
    pub min_devices: u64,
}

/// An upgrade that happened before the operator came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastUpgrade {
    /// The release that it ended at.
    pub release: Version,
    /// When the last server was done.
    pub finished_at: Timestamp,
}

/// A `Job` to run at some point.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hook {
    /// Its name.
    pub name: String,
    /// When it runs.
    pub when: HookMoment,
    /// The `PodTemplate` that the `Job` is made from.
    pub job: String,
}

/// When a hook runs. One that ends with 0 lets it go on, with 75 is asked again later, and with anything else holds it until
/// somebody orders `Retry`, or takes the hook out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum HookMoment {
    /// Before a hop, when all other checks have passed and no backup is made yet.
    BeforeHop,
    /// After a hop, before devices follow and before the next one.
    AfterHop,
    /// Before each server is ordered.
    BeforeServer,
    /// After each server was verified, before it counts and the next one is ordered.
    AfterServer,
    /// Before every wave that follows another, also of the next group: a no halts the group.
    BetweenWaves,
}

impl HookMoment {
    /// Its name, as in the spec.
    pub const fn name(self) -> &'static str {
        match self {
            Self::BeforeHop => "BeforeHop",
            Self::AfterHop => "AfterHop",
            Self::BeforeServer => "BeforeServer",
            Self::AfterServer => "AfterServer",
            Self::BetweenWaves => "BetweenWaves",
        }
    }
}

impl Desired {
    /// The hooks that run at some moment.
    pub fn hooks_at(&self, moment: HookMoment) -> impl Iterator<Item = &Hook> {
        self.hooks.iter().filter(move |hook| hook.when == moment)
    }

    /// How the own servers are upgraded, the authority first, as far as the spec says it.
    pub fn methods(&self) -> impl Iterator<Item = &Method> {
        let storage = self.storage.iter().filter_map(|entry| match &entry.role {
            StorageRole::Upgraded(method) => Some(method),
            StorageRole::Retired(_) => None,
        });
        self.authority.method.iter().chain(storage)
    }

    /// The `PodTemplate`s that servers are upgraded by.
    pub fn job_templates(&self) -> impl Iterator<Item = &str> {
        self.methods().filter_map(|method| match method {
            Method::Job { template, .. } => Some(template.as_str()),
            Method::StatefulSet(_) | Method::Deployment(_) | Method::Manual { .. } => None,
        })
    }

    /// The `PodTemplate`s that jobs are to be made from: of hooks, and of the backup.
    pub fn templates(&self) -> BTreeSet<&str> {
        let backup = match &self.backup {
            Backup::Hook { job, .. } => Some(job.as_str()),
            Backup::VolumeSnapshot { .. } | Backup::None { .. } | Backup::Unstated => None,
        };
        self.hooks.iter().map(|hook| hook.job.as_str()).chain(backup).collect()
    }

    /// The upgrade file of a release for an operating system.
    pub fn artifact(&self, release: Version, os: Os) -> Option<&Artifact> {
        self.source(release)?.artifacts.iter().find(|artifact| artifact.os == os)
    }

    /// The source of a release.
    pub fn source(&self, release: Version) -> Option<&Source> {
        self.sources.iter().find(|source| source.release == release)
    }

    /// The entry that a storage server belongs to: pinned by guid before matched by name.
    pub fn storage_entry(&self, guid: &Guid, name: &ServerName) -> Option<&WantedStorage> {
        let pinned = self.storage.iter().find(|entry| entry.guid.as_ref() == Some(guid));
        pinned
            .or_else(|| self.storage.iter().find(|entry| entry.guid.is_none() && glob(&entry.name, &name.0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_rounded_to_the_safe_side() {
        assert_eq!(Share::BasisPoints(100).at_most(150), 1);
        assert_eq!(Share::BasisPoints(1000).at_least(15), 2);
        assert_eq!(Share::BasisPoints(1000).at_least(0), 0);
        assert_eq!(Share::Count(20).at_least(5), 5);
    }
}
