//! The only durable input to the next decision: `status.memory`.
//!
//! Bounded at any fleet size. Everything else in the status renders the report and is never read back.

mod file;
mod hooks;
mod hop;
mod stored_hop;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::file::VerifiedFile;
pub use self::hooks::{HookHold, HookRefusal, HopHooks};
pub use self::hop::{Hop, HopGrounds, HopServer, JobMeans, ManualMeans, Means, WorkloadMeans};
use self::stored_hop::StoredHop;
use crate::catalog::Version;
use crate::fleet::instants;
use crate::fleet::{Guid, Rank, Wave, guid_text};

/// The format that this code reads and writes. A newer one in an object is refused, never rewritten.
pub const FORMAT_VERSION: u32 = 1;

/// The format of a memory that is there and says nothing that can be read, not even its format: somebody edited it.
pub const UNKNOWN_FORMAT: u32 = 0;

/// What the operator remembers of one environment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Memory {
    /// The format of this memory.
    pub format_version: u32,
    /// The authority's identity, pinned at first sight.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authority_guid: Option<Guid>,
    /// The newest release at which the authority was ever verified.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub high_water_mark: Option<Version>,
    /// The release at which all own servers were last verified together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settled: Option<Settled>,
    /// The post-upgrade wait of the settled release.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait: Option<Wait>,
    /// A hop whose gates have passed once and that awaits a fresh device listing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cleared: Option<Cleared>,
    /// The hop in flight, past its point of no return.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<StoredHop>")]
    pub hop: Option<Hop>,
    /// Upgrade files that were found to be what they should be: a new process does not read them again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<VerifiedFile>,
    /// What backups looked like before the last hop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<Baseline>,
    /// A fall below the high-water mark that somebody must settle.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restored: Option<Restored>,
    /// What hooks hold about the next hop, or the one in flight as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hop_hooks: Option<HopHooks>,
    /// Rollouts of the settled release, one for each group.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rollouts: Vec<Rollout>,
    /// When everything wanted was first done for the present target: kept until the target changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub done: Option<Done>,
    /// A pause that an order began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused: Option<PausedByOrder>,
    /// A hop that an order gave up: it does not begin again by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub given_up: Option<GivenUp>,
    /// The snapshot that was last begun and not yet found complete, or the last backup by a job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backup: Option<BackupAttempt>,
    /// How long the last backup took, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backup_takes_seconds: Option<i64>,
    /// When the authority's auto-upgrade switch was last to be turned off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub switch_off_at: Option<Timestamp>,
    /// Uids of orders that were consumed, newest last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub consumed_orders: Vec<String>,
    /// Orders that were refused, newest last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refused_orders: Vec<RefusedOrder>,
}

impl Memory {
    /// Memory of a format that may not be ours: nothing else of it is known.
    pub const fn of_format(format_version: u32) -> Self {
        Self {
            format_version,
            authority_guid: None,
            high_water_mark: None,
            settled: None,
            wait: None,
            cleared: None,
            hop: None,
            files: Vec::new(),
            baseline: None,
            restored: None,
            hop_hooks: None,
            rollouts: Vec::new(),
            done: None,
            paused: None,
            given_up: None,
            backup: None,
            backup_takes_seconds: None,
            switch_off_at: None,
            consumed_orders: Vec::new(),
            refused_orders: Vec::new(),
        }
    }

    /// Whether it is of our format: else nothing of it is believed, and nothing is written in its place.
    pub const fn is_readable(&self) -> bool {
        self.format_version == FORMAT_VERSION
    }
}

impl Default for Memory {
    fn default() -> Self {
        Self::of_format(FORMAT_VERSION)
    }
}

/// All own servers verified at one release.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Settled {
    /// The release.
    pub release: Version,
    /// Since when.
    pub since: Timestamp,
    /// The own servers that were verified; one that joins later is not measured by it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub servers: Vec<Guid>,
}

impl Settled {
    /// These servers are settled at a release.
    pub fn new<'a>(release: Version, since: Timestamp, servers: impl IntoIterator<Item = &'a Guid>) -> Self {
        let mut servers: Vec<Guid> = servers.into_iter().cloned().collect();
        servers.sort();
        Self { release, since, servers }
    }
}

/// The post-upgrade wait.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Wait {
    /// The release that was reached.
    pub release: Version,
    /// When the last own server was verified at it.
    pub started_at: Timestamp,
    /// How the start is known.
    pub evidence: WaitEvidence,
    /// How long servers were down since, in seconds: it is added.
    #[serde(default)]
    pub down_seconds: i64,
    /// Since when a server is down, at the moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub down_since: Option<Timestamp>,
    /// How often it was reset because a server was verified below the release.
    #[serde(default)]
    pub resets: u32,
}

/// How the start of a wait is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum WaitEvidence {
    /// The operator did the hop.
    Completed,
    /// The spec's `lastUpgrade` names the release.
    LastUpgrade,
    /// The operator saw it first then; when it really began is unknown.
    FirstObserved,
    /// The operator knew another release before, and saw this one first then.
    SeenToMove,
}

/// A hop whose other gates have passed: it awaits a device listing that began later.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Cleared {
    /// From this release.
    pub from: Version,
    /// To this one.
    pub to: Version,
    /// When the gates passed.
    pub at: Timestamp,
}

/// A backup that was begun.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BackupAttempt {
    /// Its name.
    pub name: String,
    /// The class of snapshots, or the `PodTemplate`, that it was begun with.
    pub class: String,
    /// When it was first asked for, by the operator's clock.
    pub begun_at: Timestamp,
    /// Attempts in a row before it that made no backup.
    #[serde(default, skip_serializing_if = "is_first")]
    pub attempts_before: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
fn is_first(attempts: &u32) -> bool {
    *attempts == 0
}

/// A hop that an order gave up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GivenUp {
    /// From this release.
    pub from: Version,
    /// To this one.
    pub to: Version,
    /// The order's name.
    pub order: String,
    /// When that order was given: an older order to try again does not undo it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
}

/// An order that was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RefusedOrder {
    /// Its uid.
    pub uid: String,
    /// Why, and what to do instead.
    pub why: String,
}

/// What backups looked like before a hop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Baseline {
    /// The release that the hop went to.
    pub release: Version,
    /// When the hop was finished; `None` while it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Timestamp>,
    /// What each own server had: guid, connected devices and backup sessions.
    #[schemars(with = "Vec<String>")]
    pub servers: Vec<ServerBaseline>,
    /// When enough were back on every server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub back_at: Option<Timestamp>,
}

/// What one server had before a hop; in the object one short text, since there may be hundreds: guid, devices and sessions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct ServerBaseline {
    /// The server.
    pub guid: Guid,
    /// Devices that were connected to it.
    pub online_devices: u32,
    /// Backups that ran on it.
    pub backup_sessions: u32,
}

impl From<ServerBaseline> for String {
    fn from(baseline: ServerBaseline) -> Self {
        let ServerBaseline { guid, online_devices, backup_sessions } = baseline;
        format!("{guid} {online_devices} {backup_sessions}")
    }
}

impl TryFrom<String> for ServerBaseline {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        // From the end: a guid is whatever the authority says.
        let read = || {
            let (rest, sessions) = text.rsplit_once(' ')?;
            let (guid, devices) = rest.rsplit_once(' ')?;
            let (online_devices, backup_sessions) = (devices.parse().ok()?, sessions.parse().ok()?);
            Some(Self { guid: Guid(guid.to_owned()), online_devices, backup_sessions })
        };
        read().ok_or_else(|| format!("{text} is not a guid with two numbers"))
    }
}

/// A verified fall below the high-water mark: somebody restored a backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Restored {
    /// The release that was found.
    pub release: Version,
    /// When it was noticed, by the operator's clock.
    pub noticed_at: Timestamp,
    /// What the spec wanted when it was told: another wish is somebody's answer. `None` where that was not kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wanted: Option<WantedThen>,
}

/// What a spec wanted at some moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum WantedThen {
    /// Nothing: it only observed.
    Nothing {},
    /// This release.
    Release(Version),
}

impl From<Option<Version>> for WantedThen {
    fn from(target: Option<Version>) -> Self {
        target.map_or(Self::Nothing {}, Self::Release)
    }
}

/// A rollout of the settled release to one group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Rollout {
    /// The group's name.
    pub group: String,
    /// Digest of release, targets and what the group matches: any change starts a new rollout.
    pub id: String,
    /// When it began.
    pub started_at: Timestamp,
    /// Which of the group's waves is open, from 0.
    pub wave: Wave,
    /// Digest of the waves that it is one of: where the spec lists others, the group ends where those say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waves: Option<String>,
    /// Whether the open wave releases less than the spec says by now: it is opened once more when it is complete.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cut_short: bool,
    /// What the open wave releases at most, fixed when it opened: late arrivals below follow, departures never
    /// raise it.
    pub limit: Rank,
    /// Every device at or below it is released; `None` releases none. It never falls and never passes `limit`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold: Option<Rank>,
    /// Thresholds and when they were reached, at most 16: the clock of each device's verdict.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub marks: Vec<Mark>,
    /// The first device that was flagged; nobody follows before it is seen to move.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first: Option<FirstDevice>,
    /// When the present wave was opened: what was released before belongs to earlier ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wave_opened_at: Option<Timestamp>,
    /// When the open wave was complete: the pause starts then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wave_completed_at: Option<Timestamp>,
    /// When the last wave was complete.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completed_at: Option<Timestamp>,
    /// When it was halted: too many devices had failed, or a hook said no.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub halted_at: Option<Timestamp>,
    /// The devices that halted it, as they were counted then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub halted_by: Option<HaltedBy>,
    /// The hook that halted it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub halted_by_hook: Option<String>,
    /// The hooks that are asked before the next wave.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hooks: Option<HookRound>,
    /// Devices of the group that were done when the present wave was opened: what the observed rate is counted from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub done_at_opening: Option<u64>,
    /// The devices of the open wave as they were counted last: who left the list while no process watched is missing from it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counted: Option<Counted>,
    /// A sample of the open wave: by rank, for how many minutes a device that was told was seen connected since.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(with = "BTreeMap<String, u32>")]
    pub sample: BTreeMap<Rank, u32>,
    /// Since when the process watches that told its devices last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub teller: Option<Timestamp>,
    /// How often another process has told devices that one before it may have told.
    #[serde(default, skip_serializing_if = "is_never")]
    pub told_anew: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_never(times: &u32) -> bool {
    *times == 0
}

impl Rollout {
    /// One that has released nobody yet.
    pub fn begun(group: &str, id: String, started_at: Timestamp) -> Self {
        Self {
            group: group.to_owned(),
            id,
            started_at,
            wave: Wave::FIRST,
            waves: None,
            cut_short: false,
            limit: Rank(0),
            threshold: None,
            marks: Vec::new(),
            first: None,
            wave_opened_at: None,
            wave_completed_at: None,
            completed_at: None,
            halted_at: None,
            halted_by: None,
            halted_by_hook: None,
            hooks: None,
            done_at_opening: None,
            counted: None,
            sample: BTreeMap::new(),
            teller: None,
            told_anew: 0,
        }
    }
}

/// The devices of the open wave, as one process counted them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Counted {
    /// Since when that process watches.
    pub by: Timestamp,
    /// Digest of the groups that devices were matched by.
    pub groups: String,
    /// Those in the list.
    pub listed: u64,
    /// Those that are not.
    #[serde(default)]
    pub missing: u64,
    /// Of those, the ones that left before that process made its first list; those that came later count against them.
    #[serde(default)]
    pub unseen: u64,
}

/// The devices that halted a group, as they were counted then.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HaltedBy {
    /// What about them.
    pub cause: HaltCause,
    /// Devices that failed.
    pub failed: u64,
    /// Devices that fell back to an older app.
    #[serde(default, skip_serializing_if = "is_none_of")]
    pub fell_back: u64,
    /// Devices that report no version.
    #[serde(default, skip_serializing_if = "is_none_of")]
    pub unreadable: u64,
    /// Devices that were lost.
    #[serde(default, skip_serializing_if = "is_none_of")]
    pub lost: u64,
    /// Devices that left the list and were not heard of again.
    #[serde(default, skip_serializing_if = "is_none_of")]
    pub missing: u64,
    /// Devices of which something was known for sure, those included.
    pub verdicts: u64,
    /// Some of those that failed or were lost, by guid.
    pub devices: Vec<Guid>,
}

impl HaltedBy {
    /// All that count against what a group may lose.
    pub fn failures(&self) -> u64 {
        self.failed + self.fell_back + self.unreadable + self.lost + self.missing
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_none_of(number: &u64) -> bool {
    *number == 0
}

/// Why devices halt a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum HaltCause {
    /// More failed than `maxFailures` allows.
    TooMany,
    /// Of a sample of the open wave, far more failed than `maxFailures` allows.
    Sample,
    /// The first devices that were tried did not move.
    FirstDevices,
    /// No more can be learnt of the wave, and too few of it are done.
    NoneLeft,
}

/// One time of asking the hooks before a wave.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HookRound {
    /// Before which wave, from 0.
    pub wave: Wave,
    /// How often they were asked before: each time is a `Job` of its own.
    pub attempt: u32,
    /// When they are asked again, where one of them wanted that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub again_at: Option<Timestamp>,
}

/// A threshold and when it was reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Mark {
    /// The threshold.
    pub threshold: Rank,
    /// When it was reached.
    pub at: Timestamp,
}

/// The first device of a rollout.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FirstDevice {
    /// Its guid.
    #[serde(with = "guid_text")]
    #[schemars(with = "String")]
    pub guid: u64,
    /// When it was flagged.
    pub flagged_at: Timestamp,
    /// When it was seen at its new version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moved_at: Option<Timestamp>,
    /// How many were tried before it and have not moved.
    #[serde(default)]
    pub failed_before: u32,
    /// Those, by guid: one that moves after all lets the others go, too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub before: Vec<Guid>,
}

/// Everything wanted was done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Done {
    /// The target.
    pub release: Version,
    /// Since when, by the operator's clock, without the times at which it was not so.
    pub at: Timestamp,
    /// Since when it is so no more, for now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lapsed_at: Option<Timestamp>,
}

impl Memory {
    /// Whether everything wanted is done, as far as is known.
    pub fn is_done(&self) -> bool {
        self.done.as_ref().is_some_and(|done| done.lapsed_at.is_none())
    }
}

/// A pause that an order began.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PausedByOrder {
    /// The order's name.
    pub order: String,
    /// Since when.
    pub since: Timestamp,
    /// Whether storage is held too.
    pub now: bool,
}

impl Wait {
    /// When the wait ends, for a release whose wait is `length`; a server that is down now extends it further.
    pub fn until(&self, length: SignedDuration, now: Timestamp) -> Timestamp {
        let down_now = self.down_since.map_or(SignedDuration::ZERO, |since| now.duration_since(since));
        let extension =
            SignedDuration::from_secs(self.down_seconds).saturating_add(down_now.max(SignedDuration::ZERO));
        instants::after(self.started_at, length.saturating_add(extension))
    }
}
