//! What the operator's process knows and loses when it ends, and the clocks that it reads.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::fleet::Watch;
use crate::observing::{Attempts, Known, Listings, Pace, Readings};
use crate::planner::{Memory, Wants, rollout};
use crate::simulator::script::mirrors::Checks;

/// What the operator's process holds and loses when it ends.
#[derive(Clone, Debug)]
pub(super) struct Process {
    pub(super) known: Known,
    pub(super) readings: Readings,
    pub(super) listings: Listings,
    /// When servers were last read, in the world's time; what they say carries the operator's.
    pub(super) read: Option<Timestamp>,
    /// When something was to happen in the world by itself, as it stood at that reading.
    pub(super) news: Option<Timestamp>,
    pub(super) watch: Watch,
    pub(super) surveys: Arc<rollout::Surveys>,
    pub(super) wants: Option<Wants>,
    pub(super) files: Checks,
    pub(super) attempts: Attempts,
}

impl Process {
    /// One that begins to act now, by the operator's clock.
    pub(super) fn begin(now: Timestamp, memory: &Memory) -> Self {
        Self {
            known: Known::nothing(),
            readings: Readings::new(Pace::steady()),
            listings: Listings::new(Pace::steady()),
            read: None,
            news: None,
            surveys: Arc::default(),
            watch: Watch::begin(now, rollout::carried(&memory.rollouts)),
            wants: None,
            files: Checks::default(),
            attempts: Attempts::default(),
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
