//! When a rollout may be done: from the rate at which devices really moved in the open wave, and from nothing else.

use jiff::{SignedDuration, Timestamp};

use super::Turn;
use crate::planner::memory::Rollout;

/// Devices that must have moved in a wave before they make a rate.
const LEAST_MOVED: u64 = 5;

/// For how long they must have been watched.
const LEAST_WATCHED: SignedDuration = SignedDuration::from_mins(30);

/// Foretold instants are rounded up to this: more would say more than is known.
const ROUNDED_TO_SECONDS: i64 = 3_600;

/// When all groups may be done, if devices go on as they do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Estimate {
    /// When, rounded up to the hour.
    pub done_at: Timestamp,
    /// Devices that moved in a day of the open wave, on which it is based.
    pub per_day: u64,
}

/// What is still to be done, over all groups.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Remaining {
    /// Devices that are behind, not held, and not silent for so long that nobody awaits them.
    devices: u64,
    /// Pauses between waves that have not begun.
    pauses: SignedDuration,
    /// What is left of a pause that runs.
    pausing: SignedDuration,
    /// Devices that moved in the wave that is open or was open last, and for how long it was watched.
    observed: Option<(u64, SignedDuration)>,
}

impl Remaining {
    /// Adds what is left of one group.
    pub(super) fn add(&mut self, turn: &Turn<'_>, rollout: &Rollout) {
        let now = turn.context.now;
        if rollout.completed_at.is_some() {
            return;
        }
        self.devices += turn.tally.awaited;
        let last = turn.group.waves.len().saturating_sub(1);
        let open = usize::try_from(rollout.wave).unwrap_or(last).min(last);
        let mut pauses = i32::try_from(last - open).unwrap_or(i32::MAX);
        if let Some(at) = turn.next_wave_at(rollout) {
            self.pausing += at.duration_since(now).max(SignedDuration::ZERO);
            pauses -= 1;
        }
        self.pauses = self.pauses.saturating_add(turn.group.pause.saturating_mul(pauses.max(0)));
        if let (Some(opened), Some(done)) = (rollout.wave_opened_at, rollout.done_at_opening) {
            let watched = rollout.wave_completed_at.unwrap_or(now).duration_since(opened);
            self.observed = Some((turn.tally.done.saturating_sub(done), watched));
        }
    }

    /// The estimate; `None` before anything was observed that could carry one.
    pub(super) fn estimate(&self, now: Timestamp) -> Option<Estimate> {
        let (moved, watched) = self.observed?;
        if moved < LEAST_MOVED || watched < LEAST_WATCHED || self.devices == 0 {
            return None;
        }
        let (moved_, seconds) = (i128::from(moved), i128::from(watched.as_secs()));
        let moving = i64::try_from(i128::from(self.devices) * seconds / moved_).ok()?;
        let left = SignedDuration::from_secs(moving).checked_add(self.pauses)?.checked_add(self.pausing)?;
        let done = now.checked_add(left).ok()?.as_second();
        let rounded = done.checked_add(ROUNDED_TO_SECONDS - 1)?.div_euclid(ROUNDED_TO_SECONDS);
        let per_day = u64::try_from(moved_ * 86_400 / seconds).ok()?;
        Some(Estimate { done_at: Timestamp::from_second(rounded * ROUNDED_TO_SECONDS).ok()?, per_day })
    }
}
