//! The status of a `CodeUpgrade`: what people read, and the memory that the next decision starts from.
//!
//! Everything but `memory` renders a report and is never read back, but for what makes it quiet and lasting: transition times, history
//! and what was proven. Bounded at any fleet size; absolute times only.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::code_upgrade_order::OrderAction;
use super::lenient;
use crate::catalog::{Os, Version};
use crate::fleet::{Guid, ServerName, ServerRole};
use crate::planner::Memory;
use crate::planner::memory::HopGrounds;
use crate::planner::report::{BackupsInterrupted, Now};
use crate::planner::rollout::{AppCount, Estimate};

/// The status of a `CodeUpgrade`.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct CodeUpgradeStatus {
    /// The generation of the spec that this speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "lenient::part")]
    pub observed_generation: Option<i64>,
    /// Where the environment is in its life: `Observing`, `Checking`, `Waiting`, `Upgrading`, `RollingOut`, `Done`,
    /// `Suspended` or `Stalled`.
    #[serde(default, skip_serializing_if = "String::is_empty", deserialize_with = "lenient::part")]
    pub phase: String,
    /// Why, in PascalCase.
    #[serde(default, skip_serializing_if = "String::is_empty", deserialize_with = "lenient::part")]
    pub reason: String,
    /// What is happening and until when, in one sentence.
    #[serde(default, skip_serializing_if = "String::is_empty", deserialize_with = "lenient::part")]
    pub message: String,
    /// What a person can do about it, where something is refused.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "lenient::part")]
    pub mend: Option<String>,
    /// Until when, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "lenient::part")]
    pub until: Option<Timestamp>,
    /// Where the environment is and where it goes.
    #[serde(default, deserialize_with = "lenient::part")]
    pub versions: VersionsStatus,
    /// What is being done.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "lenient::part")]
    pub now: Option<Now>,
    /// The servers; those that are as wanted are left out first where there are very many.
    #[x_kube(merge_strategy = ListMerge::Map(vec!["guid".into()]))]
    #[schemars(length(max = 512))]
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "lenient::rows")]
    pub servers: Vec<ServerStatus>,
    /// How many servers are left out.
    #[serde(default, skip_serializing_if = "is_zero", deserialize_with = "lenient::part")]
    pub servers_left_out: u32,
    /// The upgrade files of the next hop, or of the one in flight, or of the last: what was checked of each, and when.
    #[schemars(length(max = 8))]
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "lenient::rows")]
    pub files: Vec<FileStatus>,
    /// Storage that cannot take backups now.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "lenient::part")]
    pub backups_interrupted: Option<BackupsInterrupted>,
    /// The devices; absent before the first complete listing.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "lenient::part")]
    pub devices: Option<DevicesStatus>,
    /// What remains to be done.
    #[schemars(length(max = 64))]
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "lenient::rows")]
    pub plan: Vec<PlanItemStatus>,
    /// The releases that can be reached from here.
    #[schemars(length(max = 64))]
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "lenient::rows")]
    pub available: Vec<AvailableStatus>,
    /// Images that no server may run yet, but for those that a hop has ordered: the chart's admission policy refuses their pods.
    #[schemars(length(max = 8))]
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "lenient::rows")]
    pub held_images: Vec<String>,
    /// What a person may usefully order now: what answers a hold first, then what is merely possible.
    #[schemars(length(max = 8))]
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "lenient::rows")]
    pub asks: Vec<AskStatus>,
    /// Every check before the next step.
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    #[schemars(length(max = 64))]
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "lenient::rows")]
    pub gates: Vec<GateStatus>,
    /// The last hops, newest first.
    #[schemars(length(max = 20))]
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "lenient::rows")]
    pub history: Vec<HistoryEntry>,
    /// Releases that this environment has completed, newest first: what others may ask to be proven.
    #[schemars(length(max = 20))]
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "lenient::rows")]
    pub proven: Vec<ProvenEntry>,
    /// The conditions; all of them from the first reconcile.
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    #[schemars(length(max = 32))]
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "lenient::rows")]
    pub conditions: Vec<Condition>,
    /// Texts for the columns of `kubectl get`.
    #[serde(default, deserialize_with = "lenient::part")]
    pub columns: ColumnsStatus,
    /// When the counts were last written: changes of counts alone are written seldom.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "lenient::part")]
    pub counts_at: Option<Timestamp>,
    /// What the operator remembers: the only durable input to its next decision. Not for people.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "lenient::memory")]
    pub memory: Option<Memory>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// Where the environment is and where it goes.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct VersionsStatus {
    /// The release that the authority is at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authority: Option<Version>,
    /// The oldest release that own storage is at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage: Option<Version>,
    /// The wanted release.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<Version>,
}

/// One server.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct ServerStatus {
    /// Its identity.
    pub guid: Guid,
    /// Its name.
    pub name: ServerName,
    /// What it is.
    pub role: ServerRole,
    /// Its version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<Version>,
    /// Whether it is connected.
    pub online: bool,
    /// Its state: `Current`, `Pending`, `Upgrading`, `Verifying`, `AwaitingPerson`, `Failing`, `Ahead`, `Offline`,
    /// `Provider` or `Retired`.
    pub state: String,
    /// Since when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
}

/// One upgrade file.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct FileStatus {
    /// The release that it installs.
    pub release: Version,
    /// The server operating system that it is for.
    pub os: Os,
    /// Its name.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// How far it is: `Missing`, `Waiting`, `Checking`, `Verified` or `Refused`.
    pub state: String,
    /// Its size in bytes, as it was found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<i64>,
    /// Its MD5 sum: as it was found, or before that as it should be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub md5: Option<String>,
    /// Its SHA-256 sum: as it was found, or before that as it should be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// The url that gave it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mirror: Option<String>,
    /// When it was read to its end, or since when it is being read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// Why it is refused: what every mirror said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// The devices, in numbers.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct DevicesStatus {
    /// All that take part: neither blocked nor deactivated nor exempt.
    pub total: u64,
    /// At what they are to run, or above and accepted.
    pub done: u64,
    /// Of those, the ones above it: nothing is moved down.
    #[serde(default)]
    pub newer: u64,
    /// Released, told to upgrade or seen since, and not yet done.
    pub in_flight: u64,
    /// Released, and not connected since.
    pub pending: u64,
    /// Connected for longer than the app's own retry takes since they were told to upgrade, and still old.
    #[serde(default)]
    pub failed: u64,
    /// Once done, and back at something older.
    #[serde(default)]
    pub fell_back: u64,
    /// Reporting nothing that is a version, so that nobody knows what they run.
    #[serde(default)]
    pub unreadable: u64,
    /// Silent since they were told to upgrade, beyond what is usual in their group.
    #[serde(default)]
    pub lost: u64,
    /// Released, and in the authority's list no more.
    #[serde(default)]
    pub missing: u64,
    /// Behind, and not yet released by their wave.
    #[serde(default)]
    pub waiting: u64,
    /// Behind, and held: by a group, or because no group matches.
    pub held: u64,
    /// Silent for so long that no gate counts them, whatever they run.
    pub stale: u64,
    /// Not accepted by the release, and nothing can be pushed to them.
    #[serde(default)]
    pub unsupported: u64,
    /// Mobile apps behind what the release bundles: reported, never pushed.
    pub mobile: u64,
    /// Exempt by the spec.
    #[serde(default)]
    pub exempt: u64,
    /// Blocked at the authority.
    #[serde(default)]
    pub blocked: u64,
    /// Deactivated at the authority.
    #[serde(default)]
    pub deactivated: u64,
    /// Live devices that the release refuses.
    pub refused: u64,
    /// Devices that no group matches.
    pub unmatched: u64,
    /// Devices that the authority's list did not account for: rows without what tells a device, and devices that are counted and
    /// not listed.
    #[serde(default)]
    pub unaccounted: u64,
    /// When all may be done if devices go on as they do; absent before enough of them moved to say so. Pauses between waves are
    /// counted, closed windows are not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimate: Option<Estimate>,
    /// The apps that most devices run.
    #[schemars(length(max = 16))]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub apps: Vec<AppCount>,
    /// Devices with other apps than those.
    #[serde(default)]
    pub other_apps: u64,
    /// One entry a group.
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    #[schemars(length(max = 64))]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<GroupStatus>,
}

/// One group of devices, in numbers.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct GroupStatus {
    /// Its name.
    pub name: String,
    /// How far it is: Waiting, Releasing, Pausing, Asking, Overdue, Stuck, Halted, Complete or Held.
    pub state: String,
    /// Since when it is being released.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// The open wave, such as `2/4`; absent before the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wave: Option<String>,
    /// The share of it that is released, such as `10 %`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub released: Option<String>,
    /// All that take part.
    pub total: u64,
    /// Devices that run what they are to run, or something newer.
    pub done: u64,
    /// Released and not yet done.
    pub in_flight: u64,
    /// Released, and not connected since.
    pub pending: u64,
    /// Not yet released.
    #[serde(default)]
    pub waiting: u64,
    /// Released and told, connected for longer since than the app's own retry takes, and still old or unreadable; or fallen back.
    pub failed: u64,
    /// Silent since they were told to upgrade, beyond what is usual in the group.
    #[serde(default)]
    pub lost: u64,
    /// Released, and in the authority's list no more.
    #[serde(default, skip_serializing_if = "is_none")]
    pub missing: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_none(number: &u64) -> bool {
    *number == 0
}

/// One item of the plan.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct PlanItemStatus {
    /// What: `wait at 4.2.3.1`, `servers 4.2.3.1 -> 4.3.5.3` or `devices at 4.3.5.3`.
    pub what: String,
    /// Why it is in the plan.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub why: String,
    /// The gate that holds it now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_by: Option<String>,
    /// The earliest time it can start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub earliest: Option<Timestamp>,
    /// How long it usually takes, with the source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usually: Option<String>,
}

/// A release that can be reached from here.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct AvailableStatus {
    /// The release.
    pub release: Version,
    /// The releases on the way, the wanted one last.
    #[schemars(length(max = 12))]
    pub path: Vec<Version>,
    /// Rollouts between hops.
    pub rollouts: u32,
    /// How long the releases on the way ask to wait, in all.
    #[serde(default)]
    pub waiting: String,
    /// Risks on the way, by name.
    #[schemars(length(max = 16))]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub risks: Vec<String>,
    /// How many of them nobody has accepted.
    pub unaccepted_risks: u32,
}

/// An order that would be followed now, and change something.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct AskStatus {
    /// The action of the `CodeUpgradeOrder`.
    pub action: OrderAction,
    /// What it is for; absent where the action alone says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub r#for: Option<String>,
    /// What comes of it, as the end of a sentence that begins with "to".
    pub text: String,
}

/// One check before the next step.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct GateStatus {
    /// Which check.
    pub name: String,
    /// What it says.
    pub verdict: VerdictStatus,
    /// Why, in PascalCase; absent where it passes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Why, as a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mend: Option<String>,
    /// Until when it holds, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

/// What a gate says. Unknown never passes.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum VerdictStatus {
    /// Nothing against it.
    Pass,
    /// Not yet.
    Hold,
    /// A fact is missing or too old.
    Unknown,
    /// Not like this.
    Refuse,
}

/// A hop that was finished.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct HistoryEntry {
    /// From this release.
    pub from: Version,
    /// To this one.
    pub to: Version,
    /// When the authority was ordered.
    pub started_at: Timestamp,
    /// When the last server was verified.
    pub finished_at: Timestamp,
    /// Servers that took part.
    pub servers: u32,
    /// Risks that were accepted for it.
    #[schemars(length(max = 32))]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accepted_risks: Vec<String>,
    /// Whether it was begun by somebody else and adopted.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub adopted: bool,
    /// On what grounds it was begun: who approved it, the backup, why its risks were accepted.
    #[serde(default, skip_serializing_if = "HopGrounds::are_unknown")]
    pub grounds: HopGrounds,
    /// The server that took longest; while it was upgraded it took no backups.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slowest: Option<SlowestServer>,
}

/// The server of a hop that took longest, by its steps.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct SlowestServer {
    /// Its name.
    pub name: String,
    /// When its order was carried out.
    pub begun_at: Timestamp,
    /// When what runs it had settled on the new release.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settled_at: Option<Timestamp>,
    /// When it was verified.
    pub verified_at: Timestamp,
}

/// A release that this environment has completed.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct ProvenEntry {
    /// The release.
    pub release: Version,
    /// Since when servers and devices are there.
    pub since: Timestamp,
    /// Until when they were; absent while they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// Devices that are done.
    pub devices: u64,
}

/// Texts for the columns of `kubectl get`.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct ColumnsStatus {
    /// Own servers that are where they are to be, such as `9/13`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub servers: Option<String>,
    /// Devices that are done, such as `4120/40000`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub devices: Option<String>,
    /// Until when, such as `2026-11-26 03:00 UTC`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
}
