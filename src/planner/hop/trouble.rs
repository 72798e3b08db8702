//! What keeps a server of a hop from going on: told as what it is, never read out of a sentence.

use crate::planner::desired::WorkloadRef;
use crate::planner::hop::DEADLINE;
use crate::planner::reason::Reason;
use crate::planner::words;

/// Why a server of a hop does not go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// A pod of its workload fails, in the kubelet's words.
    WorkloadFails(WorkloadRef, String),
    /// Git has brought another image back.
    ImageAwaited(WorkloadRef, String),
    /// Its workload is not there.
    WorkloadMissing(WorkloadRef),
    /// Its workload cannot be read, and why.
    WorkloadUnreadable(WorkloadRef, String),
    /// The authority does not list it any more.
    NotListed,
    /// It was not back in time.
    DeadlinePassed,
}

impl Trouble {
    /// The reason that people see.
    pub const fn reason(&self) -> Reason {
        match self {
            Self::DeadlinePassed => Reason::DeadlinePassed,
            Self::WorkloadFails(..)
            | Self::ImageAwaited(..)
            | Self::WorkloadMissing(_)
            | Self::WorkloadUnreadable(..)
            | Self::NotListed => Reason::ServerFailing,
        }
    }

    /// What is wrong, as a sentence about the server.
    pub fn message(&self) -> String {
        match self {
            Self::WorkloadFails(workload, why) => format!("{workload} fails: {why}"),
            Self::ImageAwaited(workload, image) => format!("Git must set the image of {workload} to {image}"),
            Self::WorkloadMissing(workload) => format!("{workload} is not there"),
            Self::WorkloadUnreadable(workload, why) => format!("{workload} cannot be read: {why}"),
            Self::NotListed => "the authority no longer lists it".to_owned(),
            Self::DeadlinePassed => format!("not back after {}", words::duration(DEADLINE)),
        }
    }

    /// What a person can do about it.
    pub fn mend(&self) -> String {
        "mend that server; the hop goes on as soon as it is verified".to_owned()
    }
}
