//! What a look at the rollout of a release found and did: for the executor, and for everything that is said of it.

use jiff::Timestamp;

use super::estimate::Estimate;
use super::verdict::Losses;
use crate::fleet::Wave;
use crate::planner::hooks::Awaited;
use crate::planner::memory::HaltedBy;
use crate::planner::report::GroupReport;
use crate::planner::step::Step;

/// How far the rollout of a release is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Progress {
    /// Operations for the executor.
    pub steps: Vec<Step>,
    /// The groups, as wanted.
    pub groups: Vec<GroupReport>,
    /// When to look again.
    pub wake_at: Option<Timestamp>,
    /// The first group that is halted.
    pub halted: Option<Halt>,
    /// The first device that is awaited, and since when.
    pub first_awaited: Option<(u64, Timestamp)>,
    /// The first hook whose answer is awaited.
    pub asked: Option<Asked>,
    /// Whether every group that is not held has been fully released and is complete.
    pub complete: bool,
    /// When all may be done, where that can be told.
    pub estimate: Option<Estimate>,
    /// Devices that are lost, by group.
    pub losses: Vec<Losses>,
}

/// Why a group is halted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Halt {
    /// The group.
    pub group: String,
    /// The hook that said no, and how it ended.
    pub hook: Option<(String, String)>,
    /// The devices that halted it, where no hook did.
    pub devices: Option<HaltedBy>,
}

/// Hooks that are asked before a wave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The group.
    pub group: String,
    /// The wave.
    pub wave: Wave,
    /// The hooks.
    pub awaited: Awaited,
}
