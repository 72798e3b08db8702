//! What is known of an environment at one moment: the planner's only view of the world.
//!
//! Built by the operator's observe stage, or by the simulator. Facts carry the time at which they were read; how
//! old is too old is decided in the gates, not here.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::desired::{Artifact, ImageFrom, Problem, WorkloadRef};
use super::order::Order;
use super::rollout::Surveys;
use crate::fleet::{Devices, Guid, Server, Watch};

/// Everything observed.
#[derive(Clone, Debug)]
pub struct Observed {
    /// What each clock says.
    pub witnesses: Witnesses,
    /// How the last attempt to read the authority, its servers and its settings went.
    pub access: Access,
    /// How the last attempt to list the devices went, which says nothing of the servers.
    pub listing: Access,
    /// Who the authority is; `None` before the first good answer.
    pub authority: Option<AuthorityFacts>,
    /// The servers, as the last good listing had them; `None` before it.
    pub servers: Option<ServersFacts>,
    /// The authority's settings; `None` before they were read.
    pub settings: Option<SettingsFacts>,
    /// The devices, as the last complete listing had them; `None` before it.
    pub devices: Option<Arc<Devices>>,
    /// Workloads that the spec names.
    pub workloads: BTreeMap<WorkloadRef, WorkloadReading>,
    /// Backups that were found.
    pub backup: BackupFacts,
    /// Who claims an environment.
    pub claims: Claims,
    /// Orders that speak of this object, oldest first.
    pub orders: Vec<Order>,
    /// What other objects of `provenIn` have proven.
    pub proofs: Vec<Proof>,
    /// What this process saw of devices from listing to listing, and whom it told to upgrade. Lost at a restart.
    pub watch: Arc<Watch>,
    /// What was counted of devices at an earlier look. What is decided is the same without it.
    pub surveys: Arc<Surveys>,
    /// Templates of hooks and of the backup, by name.
    pub hooks: BTreeMap<String, HookReading>,
    /// Hooks that were asked, by the run that a step named.
    pub hook_runs: BTreeMap<String, HookRun>,
    /// The jobs that upgrade servers, by the run that a step named; or why nobody can tell which there are.
    pub jobs: Result<BTreeMap<String, ServerJob>, String>,
    /// Templates of such jobs, by their names.
    pub templates: BTreeMap<String, HookReading>,
    /// Upgrade files that this process was asked to check, as they were asked for. Lost at a restart.
    pub files: BTreeMap<Artifact, FileReading>,
    /// What lists in a ConfigMap say of the files that are held against them.
    pub listed: BTreeMap<Artifact, Listed>,
    /// Contradictions in the catalog, as sentences.
    pub catalog_problems: Vec<String>,
    /// What is wrong with the groups of devices, told against the organisations that exist.
    pub group_problems: Vec<Problem>,
    /// Whether the object bears the operator's finalizer.
    pub finalizer: Finalizer,
    /// What this process tried and could not do, by the purpose of the step. Lost at a restart: it is tried again then.
    pub failing: BTreeMap<String, FailingStep>,
    /// Whether the object is being deleted.
    pub ending: Ending,
    /// Whether what is to be remembered is kept.
    pub definition: Definition,
}

/// A step that does not come about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailingStep {
    /// Why, as a sentence.
    pub why: String,
    /// Since when it was never done.
    pub since: Timestamp,
    /// How often it was tried since.
    pub attempts: u32,
}

/// A job that upgrades a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerJob {
    /// Its name.
    pub name: String,
    /// The server.
    pub server: Guid,
    /// How far it is.
    pub state: JobState,
}

impl ServerJob {
    /// Whether it may still do something.
    pub fn is_running(&self) -> bool {
        matches!(self.state, JobState::Running { .. })
    }
}

/// How far a job is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JobState {
    /// It has not ended; where its pod does not come up, why.
    Running {
        /// The kubelet's words.
        failing: Option<String>,
    },
    /// It ended with 0.
    Succeeded,
    /// It ended otherwise.
    Failed {
        /// Exit code and last words, as far as anybody knows them.
        why: String,
    },
}

/// How far the check of an upgrade file is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileReading {
    /// It is being read, since then.
    Checking(Timestamp),
    /// It is what it should be.
    Verified(FileFound),
    /// It is not, or could not be had.
    Refused(FileRefusal),
}

/// A file that was read to its end and is what it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileFound {
    /// The url that gave it.
    pub mirror: String,
    /// In bytes.
    pub size: u64,
    /// Its MD5 sum.
    pub md5: String,
    /// Its SHA-256 sum.
    pub sha256: String,
    /// When it was read to its end.
    pub at: Timestamp,
}

/// Why a file cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileRefusal {
    /// What is at fault.
    pub fault: FileFault,
    /// The most telling fault, short: of a wrong file with both sums or sizes.
    pub why: String,
    /// What every mirror said.
    pub all: String,
    /// When it is tried again by itself.
    pub again_at: Timestamp,
}

/// What is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileFault {
    /// Something else than the file was given: other sums, another size, a page, another host.
    Wrong,
    /// It could not be had at all.
    Unavailable,
    /// The operator may not talk to its host.
    Denied,
}

/// What a list of checksums in a ConfigMap says of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listed {
    /// Its sums; at least one.
    Sums {
        /// The MD5 sum.
        md5: Option<String>,
        /// The SHA-256 sum.
        sha256: Option<String>,
    },
    /// Nothing that can be used, and why.
    Unusable(String),
}

/// What reading the template of a hook gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HookReading {
    /// A `Job` can be made from it.
    Ready,
    /// It cannot, and why.
    Unfit(String),
}

/// How far a hook is that was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HookRun {
    /// It has not answered yet.
    Running,
    /// It ended with 0: go on.
    Passed,
    /// It ended with 75: ask again later.
    AskAgain,
    /// It ended otherwise, and how.
    Failed(String),
}

/// What the API server, by the definition of the object that it has, does with what is to be remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Definition {
    /// It keeps all of it, as far as anybody saw.
    Keeps,
    /// It drops some of it: the definition is older than this code.
    Drops,
}

/// Whether the object is being deleted, or the operator removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It is not.
    No,
    /// It stays, and the operator goes: what is held for it is given back.
    WithoutTheOperator,
    /// It is, by itself, since then.
    Alone(Timestamp),
    /// It is, with its namespace and everything in it.
    WithItsNamespace,
}

/// Whether the object bears the operator's finalizer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finalizer {
    /// It does: it outlives the server steps in flight.
    Present,
    /// It does not.
    Absent,
}

/// What each clock says now. Elapsed time is the least that any of them grants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Witnesses {
    /// The operator's wall clock.
    pub operator: Timestamp,
    /// The wall time at which the operator started, plus monotonic time since.
    pub monotonic: Timestamp,
    /// The API server's, from its last `Date`, carried forward.
    pub api_server: Option<Timestamp>,
    /// The authority's, from its last answer, carried forward.
    pub authority: Option<Timestamp>,
}

impl Witnesses {
    /// All witnesses agree on this time. For scripts and tests.
    pub fn agreeing(now: Timestamp) -> Self {
        Self { operator: now, monotonic: now, api_server: Some(now), authority: None }
    }

    /// The least of them: so much time has passed by every clock.
    pub fn granted(&self) -> Timestamp {
        self.all().min().unwrap_or(self.operator)
    }

    /// Whether anything outside of the operator's process and its node tells the time.
    pub fn is_witnessed(&self) -> bool {
        self.api_server.is_some() || self.authority.is_some()
    }

    /// The latest of them: what begins now begins then at the latest, whichever of them is wrong.
    pub fn latest(&self) -> Timestamp {
        self.all().max().unwrap_or(self.operator)
    }

    /// Every witness that speaks.
    pub fn all(&self) -> impl Iterator<Item = Timestamp> {
        [Some(self.operator), Some(self.monotonic), self.api_server, self.authority].into_iter().flatten()
    }
}

/// How the last attempt to read the authority went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Access {
    /// Nothing was tried yet.
    NotYet,
    /// It answered.
    Good,
    /// It did not.
    Failed {
        /// The kind of failure.
        failure: AccessFailure,
        /// What happened, bounded and escaped.
        message: String,
        /// Since when, without a good answer between.
        since: Timestamp,
    },
}

impl Access {
    /// What kept the last attempt from succeeding.
    pub fn failure(&self) -> Option<AccessFailure> {
        match self {
            Self::Failed { failure, .. } => Some(*failure),
            Self::Good | Self::NotYet => None,
        }
    }

    /// Since when the authority itself is silent or says nothing sensible; what keeps us from asking it is no silence.
    pub fn silent_since(&self) -> Option<Timestamp> {
        match self {
            Self::Failed {
                failure: AccessFailure::Unreachable | AccessFailure::Unexpected, since, ..
            } => Some(*since),
            Self::Failed { .. } | Self::Good | Self::NotYet => None,
        }
    }
}

/// Why the authority could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AccessFailure {
    /// The Secret with the credentials is not there.
    SecretMissing,
    /// It lacks `username` or `password`.
    SecretIncomplete,
    /// It may not be read by the acting account.
    SecretForbidden,
    /// It is bound to another url, or to none.
    SecretForOtherHost,
    /// The acting account does not exist or is not labelled as usable.
    AccountNotUsable,
    /// The operator may not talk to this host.
    HostDenied,
    /// The ConfigMap with the certificate authority is missing or holds no certificate.
    CertificateAuthorityMissing,
    /// No connection, or none in time.
    Unreachable,
    /// The server's certificate could not be verified.
    Untrusted,
    /// The authority refused the credentials.
    Refused,
    /// The credentials may not read this.
    Forbidden,
    /// The answer was not what it should be.
    Unexpected,
    /// There is more of it than is read.
    TooMuch,
}

/// Who the authority is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthorityFacts {
    /// When this was read.
    pub read_at: Timestamp,
    /// Its identity.
    pub guid: Guid,
    /// Its edition.
    pub edition: Edition,
}

/// The edition of an environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edition {
    /// The enterprise edition, for which the vendor's instructions are (FACTS.md, enterprise-only).
    Enterprise,
    /// Another one.
    Other,
    /// The server does not say.
    Unstated,
}

/// The servers of an environment.
#[derive(Clone, Debug, PartialEq)]
pub struct ServersFacts {
    /// When the listing was read.
    pub read_at: Timestamp,
    /// The servers, sorted by guid.
    pub list: Vec<Server>,
}

/// The authority's settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SettingsFacts {
    /// When this was read.
    pub read_at: Timestamp,
    /// `deviceAutoUpgrade`: moves the whole fleet at the next restart.
    pub device_auto_upgrade: Switch,
    /// `autoUpgrade`, whose meaning is undocumented (FACTS.md, unknown-server-switches).
    pub server_auto_upgrade: Switch,
    /// `dailyAccountingTime`, when the nightly services with the database dump begin, in the authority's own
    /// time of day.
    pub daily_services: Option<jiff::civil::Time>,
    /// How far the authority's time of day is ahead of UTC, in seconds, as its timestamps say.
    pub utc_offset_seconds: Option<i32>,
}

/// A switch of the authority.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Switch {
    /// It is on.
    On,
    /// It is off.
    Off,
    /// The authority does not say.
    Unstated,
}

/// What reading a workload gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WorkloadReading {
    /// It is there.
    Read(WorkloadFacts),
    /// It is not there.
    Missing,
    /// It could not be read, and why.
    Unreadable(String),
}

/// A workload that runs one server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkloadFacts {
    /// Its uid: an object recreated under the same name is another one.
    pub uid: String,
    /// The server's container.
    pub container: String,
    /// The image in the template.
    pub template_image: String,
    /// The image that runs: of the ready pod, if there is one.
    pub running_image: Option<String>,
    /// How many pods are wanted.
    pub replicas: i32,
    /// Whether its catch holds.
    pub catch: Catch,
    /// Who moved its catch last.
    pub catch_by: CatchBy,
    /// Whether its rollout is through.
    pub rollout: WorkloadRollout,
    /// Whether the catch can be closed now.
    pub revisions: Revisions,
    /// Who writes the image.
    pub image_from: ImageFrom,
    /// Reasons why this operator cannot upgrade it, or not even hold its catch.
    pub misfits: Vec<Misfit>,
    /// What the server-side dry run of the operator's own change said.
    pub rights: Rights,
}

impl WorkloadFacts {
    /// Whether the operator holds its catch, and would roll nothing by opening it.
    pub fn can_be_given_back(&self) -> bool {
        self.is_held_by_us() && self.revisions == Revisions::One && self.has_a_catch()
    }

    /// Whether the operator holds its catch.
    pub fn is_held_by_us(&self) -> bool {
        self.catch == Catch::Held && self.catch_by == CatchBy::Operator
    }

    /// Whether the operator can move its catch, and it stays there.
    pub fn has_a_catch(&self) -> bool {
        self.misfits.iter().all(|misfit| misfit.hinders == Hinders::Upgrade)
    }
}

/// A reason why this operator cannot upgrade a workload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misfit {
    /// What is in the way, as a sentence about the workload.
    pub why: String,
    /// What a person can do about it.
    pub mend: String,
    /// What it hinders.
    pub hinders: Hinders,
}

/// What a misfit hinders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hinders {
    /// An upgrade.
    Upgrade,
    /// The catch itself, and so an upgrade.
    Catch,
}

impl Misfit {
    /// What is in the way of an upgrade.
    pub fn of_upgrade(why: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { why: why.into(), mend: mend.into(), hinders: Hinders::Upgrade }
    }

    /// What is in the way of the catch.
    pub fn of_catch(why: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { why: why.into(), mend: mend.into(), hinders: Hinders::Catch }
    }
}

/// Whether a workload's catch holds, so that no one can roll the server by accident.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Catch {
    /// It holds: a changed template starts nothing.
    Held,
    /// It is open.
    Open,
}

/// Who moved a workload's catch last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CatchBy {
    /// The operator: it gives it back.
    Operator,
    /// Somebody else, or nobody.
    Other,
}

/// Whether a workload is on its way from one revision to another. Below the partition Kubernetes brings back the revision
/// that was current before the rollout, so that closing a catch in the middle of one would bring the old image back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Revisions {
    /// What runs, or is being started, is the template.
    One,
    /// It is on its way, or held at an older one.
    Several,
    /// Its controller has not looked at the last change yet: nothing can be told.
    Unseen,
}

/// How far a workload's rollout is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WorkloadRollout {
    /// Every pod runs the template and is ready.
    Settled,
    /// It is under way, or held by the catch.
    Unsettled,
    /// A pod fails, with the kubelet's words.
    Failing(String),
}

/// What the dry run of a change said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rights {
    /// The acting account may make the change.
    Granted,
    /// It may not, in the API server's words.
    Denied(String),
    /// It may, and what would be stored is another change: the field, and what becomes of it.
    Rewritten {
        /// The field.
        field: String,
        /// What would be there.
        stored: String,
    },
    /// Not tried.
    Unchecked,
}

/// Backups that were found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BackupFacts {
    /// The name of the newest attempt, whatever became of it.
    pub latest: Option<String>,
    /// When the newest complete backup was made.
    pub newest: Option<Timestamp>,
    /// A backup that is being made, since when.
    pub in_progress: Option<Timestamp>,
    /// The name of the newest backup, where snapshots of it were never asked for: whoever made it was cut off.
    pub cut_off: Option<String>,
    /// Why the last one failed.
    pub failure: Option<String>,
    /// Why nobody can tell which there are.
    pub unreadable: Option<String>,
}

/// Who claims an environment. Whose it is, the planner decides.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Claims {
    /// The uid of the object that is decided about.
    pub uid: String,
    /// Every object that has pinned an authority, the one that is decided about among them if it has.
    pub all: Vec<Claimant>,
}

/// One object that has pinned an authority.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claimant {
    /// The object, `namespace/name`.
    pub object: String,
    /// Its uid.
    pub uid: String,
    /// When it was created.
    pub created_at: Timestamp,
    /// The guid of the authority that it has pinned.
    pub guid: Guid,
    /// Whether it has a hop in flight.
    pub in_hop: bool,
    /// Whether it is being deleted.
    pub deleted: bool,
}

/// What another environment has proven.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// The other object's namespace.
    pub namespace: String,
    /// The other object's name.
    pub name: String,
    /// What was found.
    pub finding: ProofFinding,
}

/// What was found about another environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProofFinding {
    /// What it has completed, newest first.
    Read(Vec<ProvenRelease>),
    /// The object is not there or may not be read.
    Unreadable(String),
}

/// A release that another environment has completed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProvenRelease {
    /// The release.
    pub release: crate::catalog::Version,
    /// Since when it runs.
    pub since: Timestamp,
    /// Until when it ran; `None` while it does.
    pub until: Option<Timestamp>,
    /// Devices at what it bundles.
    pub devices: u64,
}

impl Observed {
    /// Nothing known yet.
    pub fn nothing(witnesses: Witnesses) -> Self {
        Self {
            witnesses,
            access: Access::NotYet,
            listing: Access::NotYet,
            authority: None,
            servers: None,
            settings: None,
            devices: None,
            workloads: BTreeMap::new(),
            backup: BackupFacts::default(),
            claims: Claims::default(),
            orders: Vec::new(),
            proofs: Vec::new(),
            watch: Arc::new(Watch::begin(witnesses.operator, BTreeMap::new())),
            surveys: Arc::default(),
            hooks: BTreeMap::new(),
            hook_runs: BTreeMap::new(),
            jobs: Ok(BTreeMap::new()),
            templates: BTreeMap::new(),
            files: BTreeMap::new(),
            listed: BTreeMap::new(),
            catalog_problems: Vec::new(),
            group_problems: Vec::new(),
            finalizer: Finalizer::Absent,
            failing: BTreeMap::new(),
            ending: Ending::No,
            definition: Definition::Keeps,
        }
    }

    /// A server by its identity.
    pub fn server(&self, guid: &Guid) -> Option<&Server> {
        self.servers.as_ref()?.list.iter().find(|server| server.guid == *guid)
    }

    /// A workload that could be read.
    pub fn workload(&self, reference: &WorkloadRef) -> Option<&WorkloadFacts> {
        match self.workloads.get(reference)? {
            WorkloadReading::Read(facts) => Some(facts),
            WorkloadReading::Missing | WorkloadReading::Unreadable(_) => None,
        }
    }
}
