//! How far a group is released: waves open, and the threshold rises by what rate and room allow.

use jiff::Timestamp;

use super::count::Count;
use super::first::First;
use super::pick::ranks_above;
use super::progress::Progress;
use super::turn::Turn;
use super::{RAISE_EVERY, between, waves};
use crate::fleet::instants;
use crate::fleet::{Rank, Wave};
use crate::planner::facts::Facts;
use crate::planner::hooks::Answer;
use crate::planner::memory::{Mark, Rollout};

/// Most marks that a rollout keeps.
const MOST_MARKS: usize = 16;

/// How many devices of the environment may be told to upgrade now.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    /// More devices that may be under way at once; `None` where more may be already.
    in_flight: Option<u64>,
    /// Devices that an earlier process may have flagged, and that count as under way.
    perhaps_under_way: u64,
    /// More devices that may be flagged in this minute.
    rate: u64,
    /// Devices that a threshold may rise by at once.
    raise: u64,
}

impl Room {
    /// What is left of `maxInFlight` by the devices under way, and of `ratePerMinute` by those told in the last minute.
    pub(super) fn left(facts: &Facts<'_>, count: &Count) -> Self {
        let (policy, watch) = (&facts.desired.devices, &facts.observed.watch);
        let granted = facts.observed.witnesses.granted();
        let since = instants::before(granted, RAISE_EVERY);
        // What an earlier process told in this minute, nobody knows.
        let rollouts = &facts.remembered.rollouts;
        let took_over = rollouts.iter().any(|rollout| rollout.started_at < watch.since);
        let rate = if took_over && watch.since > since { 0 } else { policy.rate_per_minute };
        let perhaps_under_way = count.tallies.iter().map(|tally| tally.perhaps_under_way).sum();
        Self {
            in_flight: u64::from(policy.max_in_flight).checked_sub(count.under_way + perhaps_under_way),
            perhaps_under_way,
            rate: u64::from(rate).saturating_sub(watch.told_after(since)),
            raise: u64::from(policy.rate_per_minute),
        }
    }

    /// How many devices may be flagged at most.
    pub(super) fn to_flag(self) -> u64 {
        self.in_flight.map_or(0, |more| (more + self.perhaps_under_way).min(self.rate))
    }

    /// How many devices more a threshold may release.
    fn to_release(self) -> u64 {
        self.in_flight.unwrap_or(0).min(self.raise)
    }

    /// Takes the room for one more flag, if there is any; a device that counts as under way already takes up none.
    pub(super) fn take(&mut self, counts_already: bool) -> bool {
        let Some(more) = self.in_flight.filter(|_| self.rate > 0) else { return false };
        if !counts_already {
            let Some(left) = more.checked_sub(1) else { return false };
            self.in_flight = Some(left);
        }
        self.rate -= 1;
        true
    }
}

/// Opens the next wave when its turn has come, and raises the threshold.
pub(super) fn release_more(turn: &Turn<'_>, rollout: &mut Rollout, room: &Room, progress: &mut Progress) {
    if rollout.completed_at.is_some() {
        return;
    }
    if let Some(wave) = turn.due_wave(rollout) {
        match between::ask_hooks(turn, rollout, wave, progress) {
            Answer::Pass => open_wave(turn, rollout, wave),
            Answer::NotYet(_) | Answer::No { .. } => return,
        }
    }
    if rollout.threshold == Some(rollout.limit) {
        return;
    }
    let last_raise = rollout.marks.iter().map(|mark| mark.at).max();
    if last_raise.is_some_and(|at| turn.granted().duration_since(at) < RAISE_EVERY) {
        return;
    }
    // Before the first device has moved, devices are released one by one until one of them is online, and none
    // while that one is awaited.
    let room = match turn.first(rollout) {
        First::Moved(_) => room.to_release(),
        First::Try => room.to_release().min(1),
        First::Awaited(..) | First::Untold(_) | First::NoMore(..) => 0,
    };
    if room == 0 {
        return;
    }
    let above = ranks_above(turn, rollout.threshold, rollout.limit, room);
    let exhausted = (above.len() as u64) < room;
    let next = if exhausted { rollout.limit } else { above.last().copied().unwrap_or(rollout.limit) };
    rollout.threshold = Some(next);
    // Not before the wave that it belongs to, whichever clock was the latest then.
    push_mark(rollout, next, turn.noted().max(rollout.wave_opened_at.unwrap_or(Timestamp::MIN)));
}

/// Fixes what a wave releases.
fn open_wave(turn: &Turn<'_>, rollout: &mut Rollout, wave: Wave) {
    rollout.limit = waves::limit_of(turn, rollout, wave);
    rollout.wave = wave;
    rollout.waves = Some(waves::digest(&turn.group.waves));
    rollout.cut_short = false;
    rollout.wave_opened_at = Some(turn.noted());
    rollout.wave_completed_at = None;
    rollout.done_at_opening = Some(turn.tally.done);
    rollout.counted = None;
    rollout.hooks = None;
}

/// Records when a threshold was reached. Of too many marks two become one, keeping the later time, so that no device is judged too
/// early: those by which what is told of a device is least wrong for its age, and never two of different waves.
fn push_mark(rollout: &mut Rollout, threshold: Rank, at: Timestamp) {
    rollout.marks.push(Mark { threshold, at });
    if rollout.marks.len() <= MOST_MARKS {
        return;
    }
    let opened = rollout.wave_opened_at.unwrap_or(Timestamp::MIN);
    // How far the first device of the two would be from what is told of it, for its age.
    let error = |index: usize| {
        let later = rollout.marks[index + 1].at;
        let before = index.checked_sub(1).map_or(rollout.started_at, |before| rollout.marks[before].at);
        let (span, age) = (later.duration_since(before), at.duration_since(later));
        span.as_secs().saturating_mul(1_000_000) / age.as_secs().saturating_add(RAISE_EVERY.as_secs()).max(1)
    };
    let is_of_one_wave =
        |index: &usize| (rollout.marks[*index].at < opened) == (rollout.marks[*index + 1].at < opened);
    let closest = (0..MOST_MARKS).filter(is_of_one_wave).min_by_key(|index| error(*index)).unwrap_or(0);
    rollout.marks.remove(closest);
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    /// A rise every minute for a week, the last wave opened after three days.
    #[test]
    fn marks_tell_old_times_roughly_and_never_mix_waves() {
        let begin = Timestamp::UNIX_EPOCH;
        let at = |minute: i64| begin + SignedDuration::from_mins(minute);
        let opened = 3 * 24 * 60;
        let mut rollout = Rollout::begun("all", "a".to_owned(), begin);
        rollout.wave_opened_at = Some(begin);
        for minute in 0..7 * 24 * 60 {
            if minute == opened {
                rollout.wave_opened_at = Some(at(minute));
            }
            push_mark(&mut rollout, Rank(minute.cast_unsigned()), at(minute));
            assert!(rollout.marks.len() <= MOST_MARKS);
            for released in [0, 1, minute / 3, minute / 2, opened - 1, opened, minute]
                .into_iter()
                .filter(|then| *then <= minute)
            {
                let rank = Rank(released.cast_unsigned());
                let told = rollout.marks.iter().find(|mark| rank <= mark.threshold).unwrap().at;
                let (age, told_age) = (minute - released, at(minute).duration_since(told).as_mins());
                assert!(told >= at(released), "judged too early");
                assert!(told_age * 4 + 16 >= age, "released {age} min ago and told {told_age}");
                let is_old_wave = minute >= opened && released < opened;
                assert!(!is_old_wave || told < at(opened), "of an earlier wave");
            }
        }
    }
}
