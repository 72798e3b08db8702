//! What keeps a server of a hop from going on: told as what it is, never read out of a sentence.

use jiff::Timestamp;

use crate::catalog::Version;
use crate::planner::desired::{WorkloadKind, WorkloadRef};
use crate::planner::durations::SERVER_DEADLINE;
use crate::planner::reason::Reason;
use crate::planner::words;

/// Why a server of a hop does not go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// A pod of its workload fails, in the kubelet's words.
    WorkloadFails(WorkloadRef, String),
    /// The workload cannot be upgraded by this operator any more, and why.
    WorkloadUnfit(WorkloadRef, String),
    /// Git has brought another image back.
    ImageAwaited(WorkloadRef, String),
    /// A person has put another image back after the order was carried out.
    ImageTakenBack(WorkloadRef, String),
    /// Its workload is not there.
    WorkloadMissing(WorkloadRef),
    /// Its workload cannot be read, and why.
    WorkloadUnreadable(WorkloadRef, String),
    /// The acting account may not change its workload, in the API server's words.
    RightsMissing(WorkloadRef, String),
    /// The pod of its job does not come up, in the kubelet's words.
    JobFails(String, String),
    /// Its job ended otherwise than with 0, and how.
    JobFailed(String, String),
    /// Its job ended with 0, and it reports an older release.
    JobWithoutEffect {
        /// What it reports.
        reported: Version,
        /// What it is to report.
        wanted: Version,
    },
    /// Its job was deleted before anybody saw how it ended.
    JobGone,
    /// A job of an earlier attempt or hop has not ended.
    JobStillRuns(String),
    /// Nobody can tell which jobs there are, and why.
    JobsUnreadable(String),
    /// The upgrade file that the spec names for it by now was not found to be what it should be.
    FileNotVerified,
    /// The authority does not list it any more.
    NotListed,
    /// It runs the image of the release and reports an older one: nothing was migrated.
    ReportsOlder {
        /// What it reports.
        reported: Version,
        /// What it is to report.
        wanted: Version,
    },
    /// It reports a newer release than the hop's: its data has moved on.
    ReportsNewer {
        /// What it reports.
        reported: Version,
        /// What it is to report.
        wanted: Version,
    },
    /// It was verified at the release, and is offline since.
    FellSilent(Timestamp),
    /// A hook before or after it said no.
    HookRefuses {
        /// Which.
        hook: String,
        /// How it ended, as the end of a sentence.
        how: String,
    },
    /// It was not back in time.
    DeadlinePassed,
}

impl Trouble {
    /// Whether it is of the running server itself, and not of what is wanted of its workload.
    pub(super) fn is_of_a_pod(&self) -> bool {
        match self {
            Self::WorkloadFails(..) | Self::WorkloadMissing(_) | Self::FellSilent(_) => true,
            Self::WorkloadUnfit(..)
            | Self::ImageAwaited(..)
            | Self::ImageTakenBack(..)
            | Self::WorkloadUnreadable(..)
            | Self::RightsMissing(..)
            | Self::JobFails(..)
            | Self::JobFailed(..)
            | Self::JobWithoutEffect { .. }
            | Self::JobGone
            | Self::JobStillRuns(_)
            | Self::JobsUnreadable(_)
            | Self::FileNotVerified
            | Self::NotListed
            | Self::ReportsOlder { .. }
            | Self::ReportsNewer { .. }
            | Self::HookRefuses { .. }
            | Self::DeadlinePassed => false,
        }
    }

    /// Whether nothing is known to be wrong, but that nobody can see it.
    pub(super) fn is_of_sight(&self) -> bool {
        match self {
            Self::WorkloadUnreadable(..) | Self::JobsUnreadable(_) => true,
            Self::JobFails(..)
            | Self::JobFailed(..)
            | Self::JobWithoutEffect { .. }
            | Self::JobGone
            | Self::JobStillRuns(_)
            | Self::FileNotVerified
            | Self::WorkloadFails(..)
            | Self::WorkloadMissing(_)
            | Self::FellSilent(_)
            | Self::WorkloadUnfit(..)
            | Self::ImageAwaited(..)
            | Self::ImageTakenBack(..)
            | Self::RightsMissing(..)
            | Self::NotListed
            | Self::ReportsOlder { .. }
            | Self::ReportsNewer { .. }
            | Self::HookRefuses { .. }
            | Self::DeadlinePassed => false,
        }
    }

    /// The reason that people see.
    pub const fn reason(&self) -> Reason {
        match self {
            Self::DeadlinePassed => Reason::DeadlinePassed,
            Self::ImageTakenBack(..) => Reason::RestoredByHand,
            Self::WorkloadUnfit(..) => Reason::WorkloadUnfit,
            Self::RightsMissing(..) => Reason::RightsMissing,
            Self::ReportsOlder { .. } | Self::ReportsNewer { .. } | Self::JobWithoutEffect { .. } => {
                Reason::UnexpectedRelease
            }
            Self::FellSilent(_) => Reason::ServerOffline,
            Self::HookRefuses { .. } => Reason::HookFailed,
            Self::FileNotVerified => Reason::FileAwaited,
            Self::WorkloadFails(..)
            | Self::ImageAwaited(..)
            | Self::WorkloadMissing(_)
            | Self::WorkloadUnreadable(..)
            | Self::JobFails(..)
            | Self::JobFailed(..)
            | Self::JobGone
            | Self::JobStillRuns(_)
            | Self::JobsUnreadable(_)
            | Self::NotListed => Reason::ServerFailing,
        }
    }

    /// What is wrong, as a sentence about the server.
    pub fn message(&self) -> String {
        match self {
            Self::WorkloadFails(workload, why) => format!("{workload} fails: {why}"),
            Self::WorkloadUnfit(workload, why) => format!("{workload}: {why}"),
            Self::ImageAwaited(workload, image) => format!("Git must set the image of {workload} to {image}"),
            Self::ImageTakenBack(workload, _) => {
                format!("somebody set another image in {workload} after its order; nothing moves")
            }
            Self::WorkloadMissing(workload) => format!("{workload} is not there"),
            Self::WorkloadUnreadable(_, why) => why.clone(),
            Self::RightsMissing(workload, why) => {
                format!("the acting account may not patch {workload}: {why}")
            }
            Self::JobFails(job, why) => format!("job {job} does not come up: {why}"),
            Self::JobFailed(job, why) => format!("job {job} failed: {why}"),
            Self::JobWithoutEffect { reported, wanted } => {
                format!("its job ended with 0, and it reports {reported}, not {wanted}")
            }
            Self::JobGone => "its job was deleted; nobody knows how far it came".to_owned(),
            Self::JobStillRuns(job) => format!("job {job} of an earlier attempt has not ended"),
            Self::JobsUnreadable(why) => format!("its jobs cannot be read: {why}"),
            Self::FileNotVerified => "the upgrade file that the spec names by now is not verified".to_owned(),
            Self::NotListed => "the authority no longer lists it".to_owned(),
            Self::ReportsOlder { reported, wanted } => {
                format!("its image reports {reported}, not {wanted}; nothing was migrated")
            }
            Self::ReportsNewer { reported, wanted } => {
                format!("it reports {reported}, newer than {wanted}; its data has moved on")
            }
            Self::FellSilent(since) => {
                format!(
                    "was upgraded and is offline since {}; no further server is ordered",
                    words::past(*since)
                )
            }
            Self::HookRefuses { hook, how } => format!("hook {hook} {how}"),
            Self::DeadlinePassed => format!("not back after {}", words::duration(SERVER_DEADLINE)),
        }
    }

    /// What a person can do about it.
    pub fn mend(&self) -> String {
        match self {
            // Uncut: the sentence may have no room for the name of an image.
            Self::WorkloadFails(workload, why) => format!(
                "mend that server, or correct its image in spec.sources{}; the hop goes on once it is verified ({why})",
                unsticking(workload)
            ),
            Self::WorkloadUnfit(..) => {
                "change the workload back so; the hop goes on by itself, or order Abandon to give it up"
                    .into()
            }
            Self::ImageAwaited(..) => "commit that image, or correct it in spec.sources".into(),
            Self::ImageTakenBack(_, found) => format!(
                "order Adopt to leave it at {found}, or set the image of spec.sources there to go on with the hop"
            ),
            Self::WorkloadMissing(_) => {
                "create it again, retire the server in spec.storage, or order Abandon to give the hop up"
                    .into()
            }
            Self::WorkloadUnreadable(..) | Self::RightsMissing(..) => {
                "give the acting account the role of the README's example; the hop goes on by itself".into()
            }
            Self::JobFails(_, why) => format!(
                "mend what keeps its pod from starting; or delete the job, then order Retry for this server ({why})"
            ),
            Self::JobFailed(_, why) => format!(
                "look at the server; if it may be tried once more, order Retry for it (for: \"server NAME\"). {why}"
            ),
            Self::JobWithoutEffect { .. } => {
                "look at the job's log and at the server; order Retry for it (for: \"server NAME\")".into()
            }
            Self::JobGone => {
                "make sure that nothing of it runs on the server, then order Retry for it (for: \"server NAME\")".into()
            }
            Self::JobStillRuns(_) => "wait for its end, or stop it by hand on the server and delete it".into(),
            Self::JobsUnreadable(_) => {
                "bind ClusterRole codeupgrade-hooks to the acting account; the hop goes on by itself".into()
            }
            Self::FileNotVerified => {
                "status.files says how far the check is, or why not; correct the file in spec.sources".into()
            }
            Self::NotListed => "connect it to its authority again, or retire it in spec.storage".into(),
            Self::ReportsOlder { wanted, .. } => {
                format!("correct the image of {wanted} in spec.sources; it is followed at once")
            }
            Self::ReportsNewer { reported, .. } => format!(
                "order Abandon, then set spec.version to {reported} or newer; there is no downgrade but a restore"
            ),
            Self::HookRefuses { hook, .. } => refusal_mend(hook),
            Self::FellSilent(_) | Self::DeadlinePassed => {
                "mend that server; the hop goes on as soon as it is verified, or order Abandon to give it up"
                    .into()
            }
        }
    }
}

/// What a person can do about a hook that said no.
pub(in crate::planner) fn refusal_mend(hook: &str) -> String {
    format!("look at its job and mend the cause, then order Retry; or take {hook} out of spec.hooks")
}

/// What a corrected template takes beside: a `StatefulSet` waits for a pod that never became ready, for ever. It is said and not
/// done: before the pod of a server that may be migrating is deleted, somebody had better look
/// (<https://github.com/kubernetes/kubernetes/issues/67250>).
fn unsticking(workload: &WorkloadRef) -> String {
    match workload.kind {
        WorkloadKind::StatefulSet => format!(" and delete pod {}-0, which is waited for else", workload.name),
        WorkloadKind::Deployment => String::new(),
    }
}
