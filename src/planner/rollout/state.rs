//! How far a group is, for people, and when to look at it again.

use jiff::Timestamp;

use super::progress::Halt;
use super::turn::Turn;
use super::{RAISE_EVERY, judge};
use crate::fleet::instants;
use crate::planner::memory::Rollout;
use crate::planner::report::{GroupReport, GroupState};

impl Turn<'_> {
    /// How far the group is.
    pub(super) fn state(&self, rollout: &Rollout) -> GroupState {
        match (rollout.halted_at, rollout.completed_at, rollout.threshold) {
            (Some(_), _, _) => GroupState::Halted,
            (None, Some(_), _) => GroupState::Complete,
            (None, None, _) if rollout.hooks.is_some() => GroupState::Asking,
            (None, None, None) => GroupState::Waiting,
            (None, None, Some(_)) if self.next_wave_at(rollout).is_some() => GroupState::Pausing,
            (None, None, Some(_)) if self.is_overdue(rollout) && judge::is_released(rollout) => {
                GroupState::Overdue
            }
            (None, None, Some(_)) if self.is_overdue(rollout) => GroupState::Stuck,
            (None, None, Some(_)) => GroupState::Releasing,
        }
    }

    /// The group, for people.
    pub(super) fn report(&self, rollout: &Rollout, state: GroupState) -> GroupReport {
        let waves = u32::try_from(self.group.waves.len().max(1)).unwrap_or(u32::MAX);
        let tally = self.tally;
        let failed = tally.failed + tally.fell_back + tally.unreadable;
        GroupReport {
            name: self.group.name.clone(),
            total: tally.total,
            done: tally.done,
            in_flight: tally.in_flight,
            pending: tally.released_behind.saturating_sub(tally.in_flight + failed + tally.lost),
            waiting: tally.behind.saturating_sub(tally.released_behind),
            failed,
            lost: tally.lost,
            missing: tally.missing,
            wave: rollout.threshold.map(|_| rollout.wave),
            waves,
            state,
            since: rollout.marks.first().map(|mark| mark.at),
        }
    }

    /// When something of the group may change by itself.
    pub(super) fn wake_at(&self, rollout: &Rollout) -> Option<Timestamp> {
        // While there is more to release, room or the first device may free it any minute.
        let raise = Some(instants::after(self.facts.now, RAISE_EVERY));
        let raise = raise.filter(|_| rollout.threshold.is_some_and(|threshold| threshold < rollout.limit));
        let again = rollout.hooks.as_ref().and_then(|round| round.again_at);
        let (overdue, again) = (judge::overdue_since(rollout), again.map(|at| self.shown_at(at)));
        [raise, self.next_wave_at(rollout), overdue.map(|at| self.shown_at(at)), again]
            .into_iter()
            .flatten()
            .filter(|at| *at > self.facts.now)
            .min()
    }

    /// Why the group is halted.
    pub(super) fn halt(&self, rollout: &Rollout) -> Halt {
        let hook =
            rollout.halted_by_hook.as_ref().map(|hook| (hook.clone(), self.how_hook_ended(rollout, hook)));
        let devices = rollout.halted_by.clone().filter(|_| hook.is_none());
        Halt { group: self.group.name.clone(), hook, devices }
    }
}
