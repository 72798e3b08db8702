//! What a `CodeUpgrade` asks for, validated: the planner's view of the spec.
//!
//! Built by the translate room from the API object. Fields that could not be read are listed in
//! [`Desired::problems`]; nothing new starts while there is one, and a hop under way ends by its own copy.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use md5::{Digest, Md5};

use super::window::{Freeze, Window};
use crate::catalog::{Os, Product, Version};
use crate::fleet::{Guid, ServerName};

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

/// The wanted authority.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WantedAuthority {
    /// Its identity, if the spec pins it.
    pub guid: Option<Guid>,
    /// How it is upgraded; `None` where the spec only observes.
    pub method: Option<Method>,
    /// Its operating system, where the spec says.
    pub os: Option<Os>,
    /// Whether it is a Code42 managed appliance.
    pub appliance: Appliance,
}

/// Whether the authority is a Code42 managed appliance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Appliance {
    /// It is not: a workload of this cluster, or the spec says so.
    SelfManaged,
    /// It is: only the vendor may upgrade it.
    Managed,
    /// The spec does not say, and it is no workload here.
    Unstated,
}

/// One entry of `spec.storage`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WantedStorage {
    /// A name, or a glob with `*`.
    pub name: String,
    /// The server's identity, where the spec pins it.
    pub guid: Option<Guid>,
    /// Its operating system, where the spec says.
    pub os: Option<Os>,
    /// What is to happen with it.
    pub role: StorageRole,
}

/// What is to happen with a storage server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StorageRole {
    /// It is upgraded by this method.
    Upgraded(Method),
    /// It is gone for good, with the reason given: no gate counts it.
    Retired(String),
}

/// How a server gets a new version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Method {
    /// A `StatefulSet` in the object's namespace.
    StatefulSet(Workload),
    /// A `Deployment` in the object's namespace.
    Deployment(Workload),
    /// A `Job` from this `PodTemplate`.
    Job(String),
    /// A person does it.
    Manual,
}

impl Method {
    /// The workload, if the server is one.
    pub fn workload(&self) -> Option<WorkloadRef> {
        match self {
            Self::StatefulSet(workload) => Some(WorkloadRef::stateful_set(&workload.name)),
            Self::Deployment(workload) => Some(WorkloadRef::deployment(&workload.name)),
            Self::Job(_) | Self::Manual => None,
        }
    }
}

/// A workload that runs one server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workload {
    /// Its name.
    pub name: String,
    /// The server's container; `None` where there is only one.
    pub container: Option<String>,
    /// Who writes its image; `None` leaves it to the field's owner on the server.
    pub image_from: Option<ImageFrom>,
}

/// Who writes the image of a workload.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    serde::Serialize,
    serde::Deserialize,
    schemars::JsonSchema,
)]
pub enum ImageFrom {
    /// The commit that changes the version changes the image as well; the operator only opens the catch.
    Git,
    /// The operator writes it.
    Operator,
}

/// Which workload.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "camelCase")]
pub struct WorkloadRef {
    /// Its kind.
    pub kind: WorkloadKind,
    /// Its name, in the object's namespace.
    pub name: String,
}

impl WorkloadRef {
    /// A `StatefulSet`.
    pub fn stateful_set(name: &str) -> Self {
        Self { kind: WorkloadKind::StatefulSet, name: name.to_owned() }
    }

    /// A `Deployment`.
    pub fn deployment(name: &str) -> Self {
        Self { kind: WorkloadKind::Deployment, name: name.to_owned() }
    }
}

impl std::fmt::Display for WorkloadRef {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} {}", self.kind.name(), self.name)
    }
}

/// A kind of workload.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    serde::Serialize,
    serde::Deserialize,
    schemars::JsonSchema,
)]
pub enum WorkloadKind {
    /// A `StatefulSet`; its catch is the partition.
    StatefulSet,
    /// A `Deployment`; its catch is the pause.
    Deployment,
}

impl WorkloadKind {
    /// The Kubernetes kind.
    pub const fn name(self) -> &'static str {
        match self {
            Self::StatefulSet => "StatefulSet",
            Self::Deployment => "Deployment",
        }
    }
}

/// How many storage servers upgrade at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
pub struct AtOnce {
    /// Until the first ones are verified.
    pub first: u32,
    /// After that: lagging servers are cut off anyway, so the rest go in parallel.
    pub then: u32,
}

impl Default for AtOnce {
    fn default() -> Self {
        Self { first: 1, then: 4 }
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

/// An upgrade file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Artifact {
    /// The server operating system that it is for.
    pub os: Os,
    /// Where it is.
    pub url: String,
    /// Its MD5 sum, 32 hexadecimal digits.
    pub md5: String,
    /// Its SHA-256 sum, 64 hexadecimal digits.
    pub sha256: Option<String>,
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
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

/// When a hook runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HookMoment {
    /// Before a hop.
    BeforeHop,
    /// After a hop.
    AfterHop,
    /// Before each server.
    BeforeServer,
    /// After each server.
    AfterServer,
    /// Before every wave that follows another.
    BetweenWaves,
}

/// An app that a person has added at the authority for devices to get.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfferedApp {
    /// The app.
    pub product: Product,
    /// The operating system; `None` for all.
    pub os: Option<Os>,
    /// The version that was added.
    pub version: Version,
}

/// How devices are brought along.
#[derive(Clone, Debug, PartialEq)]
pub struct DevicePolicy {
    /// To what.
    pub upgrade: DeviceUpgrade,
    /// What the authority offers, for [`DeviceUpgrade::ServerOffered`]; the first that matches counts.
    pub offered: Vec<OfferedApp>,
    /// What the authority's own auto-upgrade switch must read before a hop.
    pub auto_upgrade_switch: AutoUpgradeSwitch,
    /// A device silent for longer is stale: no gate counts it.
    pub unseen_for: SignedDuration,
    /// How many live devices a hop may cut off.
    pub leave_behind: Share,
    /// Devices that no gate counts, with their reasons, sorted by guid.
    pub exempt: Vec<(u64, String)>,
    /// Most devices flagged and not yet done.
    pub max_in_flight: u32,
    /// Most devices flagged in a minute.
    pub rate_per_minute: u32,
    /// The groups, in order; the first that matches a device takes it.
    pub groups: Vec<Group>,
}

/// To what devices are brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceUpgrade {
    /// To what the release bundles.
    Bundled,
    /// To what the authority offers (5.3 and later bundle no app).
    ServerOffered,
    /// Not at all.
    None,
}

/// What to do about the authority's auto-upgrade switch, which moves the whole fleet at the next restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AutoUpgradeSwitch {
    /// It must read off.
    RequireOff,
    /// It is turned off.
    TurnOff,
    /// It may be on.
    Allow,
}

/// A number of devices, or a share of them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Share {
    /// This many.
    Count(u64),
    /// This many hundredths of a percent of all.
    BasisPoints(u32),
}

impl Share {
    /// How many of `all` it allows at most (a share is rounded down).
    pub fn at_most(self, all: u64) -> u64 {
        match self {
            Self::Count(count) => count,
            Self::BasisPoints(points) => {
                let share = u128::from(all) * u128::from(points) / 10_000;
                u64::try_from(share).unwrap_or(u64::MAX)
            }
        }
    }

    /// How many of `all` it asks for at least (a share is rounded up).
    pub fn at_least(self, all: u64) -> u64 {
        match self {
            Self::Count(count) => count.min(all),
            Self::BasisPoints(points) => {
                let share = (u128::from(all) * u128::from(points)).div_ceil(10_000);
                u64::try_from(share).unwrap_or(u64::MAX).min(all)
            }
        }
    }
}

/// A group of devices.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// Digest of what it matches and of nothing else.
    pub matches: u64,
    /// Whether it is held.
    pub held: bool,
    /// Its waves, cumulative.
    pub waves: Vec<Share>,
    /// The pause after a wave.
    pub pause: SignedDuration,
    /// Failures that halt it.
    pub max_failures: Share,
}

impl DevicePolicy {
    /// Why no gate and no rollout counts a device, if the spec exempts it.
    pub fn exemption(&self, guid: u64) -> Option<&str> {
        if self.exempt.is_empty() {
            return None;
        }
        let index = self.exempt.binary_search_by_key(&guid, |(guid, _)| *guid).ok()?;
        Some(&self.exempt[index].1)
    }

    /// Digest of what the groups match, in order: a listing matched by other groups says nothing about these.
    pub fn groups_digest(&self) -> u64 {
        let mut digest = Md5::new();
        for group in &self.groups {
            digest.update(group.matches.to_be_bytes());
        }
        let mut first = [0; 8];
        first.copy_from_slice(&digest.finalize()[..8]);
        u64::from_be_bytes(first)
    }
}

impl Desired {
    /// The hooks that run at some moment.
    pub fn hooks_at(&self, moment: HookMoment) -> impl Iterator<Item = &Hook> {
        self.hooks.iter().filter(move |hook| hook.when == moment)
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

/// Whether a name matches a glob, in which `*` stands for any characters.
pub fn glob(pattern: &str, name: &str) -> bool {
    let mut pieces = pattern.split('*');
    let first = pieces.next().unwrap_or_default();
    let Some(mut rest) = name.strip_prefix(first) else { return false };
    let pieces: Vec<&str> = pieces.collect();
    let Some((last, middle)) = pieces.split_last() else { return rest.is_empty() };
    for piece in middle {
        match rest.find(piece) {
            Some(at) => rest = &rest[at + piece.len()..],
            None => return false,
        }
    }
    rest.len() >= last.len() && rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs_match_whole_names() {
        for (pattern, name, matches) in [
            ("storage-01", "storage-01", true),
            ("storage-01", "storage-012", false),
            ("vm-*", "vm-7", true),
            ("vm-*", "xvm-7", false),
            ("*-eu-*", "vm-eu-7", true),
            ("a*a", "a", false),
            ("*", "", true),
        ] {
            assert_eq!(glob(pattern, name), matches, "{pattern} against {name}");
        }
    }

    #[test]
    fn a_share_is_rounded_to_the_safe_side() {
        assert_eq!(Share::BasisPoints(100).at_most(150), 1);
        assert_eq!(Share::BasisPoints(1000).at_least(15), 2);
        assert_eq!(Share::BasisPoints(1000).at_least(0), 0);
        assert_eq!(Share::Count(20).at_least(5), 5);
    }
}
