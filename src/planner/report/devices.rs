//! What a decision says of devices and their groups.

use jiff::Timestamp;

use crate::fleet::Wave;
use crate::planner::rollout::{AppCount, Estimate, Verdicts};

/// Devices, for people.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DevicesReport {
    /// Whether a complete listing is known.
    pub known: bool,
    /// Whether anything says what they are to run.
    pub judged: bool,
    /// All that take part.
    pub total: u64,
    /// At what the release bundles, or above and accepted.
    pub done: u64,
    /// Every device by its verdict; those that are done are in `done` as well.
    pub verdicts: Verdicts,
    /// Silent for so long that no gate counts them, whatever they run.
    pub stale: u64,
    /// The apps that are most widely used.
    pub apps: Vec<AppCount>,
    /// Devices with other apps.
    pub other_apps: u64,
    /// When all may be done, where that can be told.
    pub estimate: Option<Estimate>,
    /// Live devices that the release refuses.
    pub refused: u64,
    /// Devices that no group matches.
    pub unmatched: u64,
    /// Devices that the authority's list did not account for.
    pub unaccounted: u64,
    /// One entry a group.
    pub groups: Vec<GroupReport>,
}

/// One group of devices, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupReport {
    /// Its name.
    pub name: String,
    /// All that take part.
    pub total: u64,
    /// Devices that run what they are to run, or something newer.
    pub done: u64,
    /// Released and not yet done.
    pub in_flight: u64,
    /// Released, and not connected since.
    pub pending: u64,
    /// Not yet released.
    pub waiting: u64,
    /// Released, connected for longer than the app's own retry takes, and still old.
    pub failed: u64,
    /// Silent since they were told to upgrade, beyond what is usual in the group.
    pub lost: u64,
    /// Released, and in the authority's list no more.
    pub missing: u64,
    /// The open wave; `None` before the first.
    pub wave: Option<Wave>,
    /// How many waves there are.
    pub waves: u32,
    /// How far it is.
    pub state: GroupState,
    /// Since when it is being released.
    pub since: Option<Timestamp>,
}

/// How far a group is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GroupState {
    /// Its turn has not come.
    Waiting,
    /// It is being released.
    Releasing,
    /// A wave is complete and the next has not begun.
    Pausing,
    /// Hooks are asked before the next wave.
    Asking,
    /// A wave is not complete a week after it released the last of its devices.
    Overdue,
    /// A wave has released nobody for a week, and is not through.
    Stuck,
    /// Too many failed.
    Halted,
    /// All that can be reached are done.
    Complete,
    /// The spec holds it.
    Held,
}

impl GroupState {
    /// The name as the status writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Waiting => "Waiting",
            Self::Releasing => "Releasing",
            Self::Pausing => "Pausing",
            Self::Asking => "Asking",
            Self::Overdue => "Overdue",
            Self::Stuck => "Stuck",
            Self::Halted => "Halted",
            Self::Complete => "Complete",
            Self::Held => "Held",
        }
    }
}
