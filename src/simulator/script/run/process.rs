//! What the operator's process knows and loses when it ends, and the clocks that it reads.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::fleet::{Devices, Watch};
use crate::planner::desired::Problem;
use crate::planner::observed::{AccessFailure, AuthorityFacts, ServersFacts, SettingsFacts};
use crate::planner::{Memory, Wants, rollout};

/// What the operator's process holds and loses when it ends.
#[derive(Clone, Debug)]
pub(super) struct Process {
    pub(super) access: Option<(AccessFailure, Timestamp)>,
    pub(super) listing: Option<(AccessFailure, Timestamp)>,
    /// When servers were last read, in the world's time; what they say carries the operator's.
    pub(super) read: Option<Timestamp>,
    pub(super) authority: Option<AuthorityFacts>,
    pub(super) servers: Option<ServersFacts>,
    pub(super) settings: Option<SettingsFacts>,
    pub(super) devices: Option<Arc<Devices>>,
    pub(super) watch: Watch,
    pub(super) surveys: Arc<rollout::Surveys>,
    pub(super) group_problems: Vec<Problem>,
    pub(super) wants: Option<Wants>,
}

impl Process {
    /// One that begins to act now, by the operator's clock.
    pub(super) fn begin(now: Timestamp, memory: &Memory) -> Self {
        Self {
            access: None,
            listing: None,
            read: None,
            authority: None,
            servers: None,
            settings: None,
            devices: None,
            surveys: Arc::default(),
            watch: Watch::begin(now, rollout::carried(&memory.rollouts)),
            group_problems: Vec::new(),
            wants: None,
        }
    }
}

/// Offsets of the clocks from the world's time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clocks {
    pub(super) operator: SignedDuration,
    pub(super) monotonic: SignedDuration,
    pub(super) api: Option<SignedDuration>,
    pub(super) authority: Option<SignedDuration>,
}

impl Default for Clocks {
    /// The API server has told its time; whether the authority does, the story says.
    fn default() -> Self {
        let right = SignedDuration::ZERO;
        Self { operator: right, monotonic: right, api: Some(right), authority: None }
    }
}
