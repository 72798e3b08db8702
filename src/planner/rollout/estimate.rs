//! When a rollout may be done: from the rate at which devices really moved in the open wave, and from nothing else.

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::turn::Turn;
use crate::planner::memory::Rollout;

/// Devices that must have moved in a wave before they make a rate.
const LEAST_MOVED: u64 = 5;

/// For how long they must have been watched.
const LEAST_WATCHED: SignedDuration = SignedDuration::from_mins(30);

/// Foretold instants are rounded up to this: more would say more than is known.
const ROUNDED_TO_SECONDS: i64 = 3_600;

/// When all devices may be done, and what that is based on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Estimate {
    /// When, rounded up to the hour.
    pub done_at: Timestamp,
    /// Devices that moved in a day of the wave that is open.
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
    /// Waves that have not begun.
    waves: i32,
    /// What was seen of the wave that is open or was open last.
    observed: Option<Seen>,
}

/// What was seen of a wave.
#[derive(Clone, Copy, Debug)]
struct Seen {
    /// Devices that moved in it.
    moved: u64,
    /// For how long it was watched.
    watched: SignedDuration,
    /// How many of it may have been under way at once: a small wave says little of how fast a large one goes.
    at_once: u64,
}

impl Remaining {
    /// Adds what is left of one group.
    pub(super) fn add(&mut self, turn: &Turn<'_>, rollout: &Rollout) {
        let now = turn.facts.now;
        if rollout.completed_at.is_some() {
            return;
        }
        self.devices += turn.tally.awaited;
        let last = turn.group.waves.len().saturating_sub(1);
        let open = rollout.wave.place().min(last);
        let mut pauses = i32::try_from(last - open).unwrap_or(i32::MAX);
        self.waves = self.waves.saturating_add(pauses);
        if let Some(at) = turn.next_wave_at(rollout) {
            self.pausing += at.duration_since(now).max(SignedDuration::ZERO);
            pauses -= 1;
        }
        self.pauses = self.pauses.saturating_add(turn.group.pause.saturating_mul(pauses.max(0)));
        if let (Some(opened), Some(done)) = (rollout.wave_opened_at, rollout.done_at_opening) {
            let watched = rollout.wave_completed_at.unwrap_or(now).duration_since(opened);
            let moved = turn.tally.done.saturating_sub(done);
            let most = u64::from(turn.facts.desired.devices.max_in_flight);
            let is_released = rollout.threshold == Some(rollout.limit);
            let at_once = if is_released { most.min(moved + turn.tally.wave_behind) } else { most };
            self.observed = Some(Seen { moved, watched, at_once });
        }
    }

    /// The estimate; `None` before anything was observed that could carry one.
    pub(super) fn estimate(
        &self,
        max_in_flight: u32,
        rate_per_minute: u32,
        now: Timestamp,
    ) -> Option<Estimate> {
        let Seen { moved, watched, at_once } = self.observed?;
        if moved < LEAST_MOVED || watched < LEAST_WATCHED || self.devices == 0 {
            return None;
        }
        let (moved, seconds, devices) =
            (i128::from(moved), i128::from(watched.as_secs()), i128::from(self.devices));
        // As fast as was seen, with as many at once as may be; but no faster than devices may be told, and no wave faster than the
        // one that was seen.
        let most = i128::from(max_in_flight).max(1);
        let moving = devices * seconds * i128::from(at_once) / (moved * most);
        let told = devices * 60 / i128::from(rate_per_minute).max(1);
        let waves = seconds * i128::from(self.waves);
        let left = SignedDuration::from_secs(i64::try_from(moving.max(told).max(waves)).ok()?);
        let left = left.checked_add(self.pauses)?.checked_add(self.pausing)?;
        let done = now.checked_add(left).ok()?.as_second();
        let rounded = done.checked_add(ROUNDED_TO_SECONDS - 1)?.div_euclid(ROUNDED_TO_SECONDS);
        let per_day = u64::try_from(moved * 86_400 / seconds).ok()?;
        Some(Estimate { done_at: Timestamp::from_second(rounded * ROUNDED_TO_SECONDS).ok()?, per_day })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is left and what was seen, most devices at once and in a minute, and in how many hours it is done.
    #[test]
    fn it_counts_on_from_what_was_seen() {
        let seen =
            |moved, minutes, at_once| Seen { moved, watched: SignedDuration::from_mins(minutes), at_once };
        for (name, devices, waves, seen, most, rate, hours) in [
            ("too few moved", 100, 0, seen(4, 60, 10), 10, 20, None),
            ("not watched for long", 100, 0, seen(50, 29, 10), 10, 20, None),
            ("nothing is left", 0, 0, seen(50, 60, 10), 10, 20, None),
            ("as fast as now", 100, 0, seen(10, 60, 10), 10, 20, Some(10)),
            ("a small wave, and large ones to come", 1_000, 0, seen(10, 60, 10), 100, 1_000, Some(10)),
            ("no faster than they may be told", 1_000, 0, seen(10, 60, 10), 1_000, 1, Some(17)),
            ("no wave faster than the one seen", 10, 3, seen(10, 60, 10), 1_000, 1_000, Some(3)),
        ] {
            let remaining = Remaining { devices, waves, observed: Some(seen), ..Remaining::default() };
            let now = Timestamp::UNIX_EPOCH;
            let done =
                remaining.estimate(most, rate, now).map(|estimate| estimate.done_at.as_second() / 3_600);
            assert_eq!(done, hours, "{name}");
        }
    }
}
