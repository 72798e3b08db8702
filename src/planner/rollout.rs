//! Bringing devices to what a release bundles, group by group and wave by wave (ARCHITECTURE.md, rollouts).
//!
//! The durable state is one threshold a group, whatever the size of the fleet: every device whose rank is at or
//! below it is released. It is written before any device is flagged.

mod between;
mod edited;
mod estimate;
mod evidence;
mod first;
mod flag;
mod follow;
mod halt;
mod judge;
mod missing;
mod orders;
mod overview;
mod pick;
mod release;
mod sample;
mod silence;
mod start;
mod tally;
mod targets;
mod verdict;

use jiff::{SignedDuration, Timestamp};

pub use self::estimate::Estimate;
use self::estimate::Remaining;
use self::evidence::Examiner;
pub(super) use self::follow::follow;
pub use self::overview::{AppCount, Overview, Verdicts, judged_by, overview};
use self::release::Room;
use self::sample::MOST_SAMPLED;
pub use self::sample::carried;
use self::tally::{Tally, count};
pub use self::targets::Targets;
pub use self::verdict::{Described, Judge, Judged, Losses, Verdict};
use super::desired::Group;
use super::facts::Facts;
use super::memory::{HaltedBy, Memory, Rollout};
use super::report::{GroupReport, GroupState};
use super::step::Step;
use crate::catalog::Version;
use crate::fleet::{Devices, Wave};

/// Only a device seen this recently is told to upgrade: an order cannot be taken back
/// (FACTS.md, api-device-upgrade).
pub use crate::fleet::ONLINE_WITHIN;

/// How long a device's app retries by itself: a download may take 15 minutes to begin and is retried after an hour
/// (FACTS.md, device-retry). Before that nothing is a failure.
pub const RETRY_TIME: SignedDuration = SignedDuration::from_mins(90);

/// A wave that is not complete by then after its last release is overdue (ARCHITECTURE.md, rollouts).
pub const OVERDUE_AFTER: SignedDuration = SignedDuration::from_hours(7 * 24);

/// A threshold rises at most this often.
const RAISE_EVERY: SignedDuration = SignedDuration::from_mins(1);

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
    /// The first hook that has not said yes; `None` while all are let rest.
    pub hook: Option<String>,
    /// When they are asked again, if one of them wanted that.
    pub again_at: Option<Timestamp>,
}

/// Takes the rollout further. With `may_release`, more devices may be released; without, only what is released
/// already is followed.
pub fn advance(
    facts: &Facts<'_>,
    memory: &mut Memory,
    devices: &Devices,
    release: Version,
    may_release: bool,
) -> Progress {
    let policy = &facts.desired.devices;
    let Some(targets) = facts.catalog.release(release).map(|release| Targets::of(release, policy)) else {
        return Progress::default();
    };
    let granted = facts.observed.witnesses.granted();
    // By the clock that shows least: an order that is given later must not seem to be one of an earlier rollout.
    start::start_rollouts(memory, &policy.groups, &targets, release, granted);
    orders::follow(memory, facts);
    let watch = &facts.observed.watch;
    let examiner = Examiner::new(devices, &targets, watch);
    let counted = count(devices, &examiner, memory, facts.desired, watch, granted);
    let losses = counted.tallies.iter().map(Losses::of).collect();
    let mut progress = Progress { complete: true, losses, ..Progress::default() };
    let mut room = Room::left(facts, &counted);
    let mut left_to_sample = MOST_SAMPLED;
    let mut remaining = Remaining::default();
    let mut open = may_release;
    let mut follows_another = false;
    for (index, group) in policy.groups.iter().enumerate() {
        let Some(found) = counted.tallies.get(index) else { continue };
        let Some(rollout) = memory.rollouts.iter_mut().find(|rollout| rollout.group == group.name) else {
            continue;
        };
        let turn = Turn {
            facts,
            devices,
            targets: &targets,
            examiner: &examiner,
            release,
            group,
            index,
            tally: found,
            follows_another,
        };
        edited::follow_waves(&turn, rollout);
        let sample = sample::look(&turn, rollout, &mut left_to_sample);
        judge::judge(&turn, rollout, sample);
        missing::note(rollout, found, watch, devices);
        if group.held {
            progress.groups.push(turn.report(rollout, GroupState::Held));
            continue;
        }
        if open && rollout.halted_at.is_none() {
            release::release_more(&turn, rollout, &room, &mut progress);
            flag::flag(&turn, rollout, &mut room, &mut progress);
        }
        remaining.add(&turn, rollout);
        let state = turn.state(rollout);
        progress.groups.push(turn.report(rollout, state));
        progress.wake_at = [progress.wake_at, turn.wake_at(rollout)].into_iter().flatten().min();
        if rollout.halted_at.is_some() {
            progress.halted.get_or_insert_with(|| turn.halt(rollout));
        }
        if rollout.completed_at.is_none() || rollout.halted_at.is_some() {
            // The next group follows only when this one is complete, and waits again where a late one of it fails.
            open = false;
            progress.complete = false;
        }
        follows_another |= found.total > 0;
    }
    progress.estimate = remaining
        .estimate(policy.max_in_flight, policy.rate_per_minute, facts.now)
        .filter(|_| progress.halted.is_none());
    progress
}

/// One group's turn.
struct Turn<'a> {
    facts: &'a Facts<'a>,
    devices: &'a Devices,
    targets: &'a Targets,
    examiner: &'a Examiner<'a>,
    release: Version,
    group: &'a Group,
    index: usize,
    tally: &'a Tally,
    /// Whether devices were released in a group before this one.
    follows_another: bool,
}

impl Turn<'_> {
    /// The time by which pauses and deadlines are over: no clock must show less.
    fn granted(&self) -> Timestamp {
        self.facts.observed.witnesses.granted()
    }

    /// The time that is written down for what became so now: no clock must show more, or a pause after it would seem shorter.
    fn noted(&self) -> Timestamp {
        self.facts.observed.witnesses.latest()
    }

    /// When the operator's clock will show that every clock shows an instant.
    fn shown_at(&self, at: Timestamp) -> Timestamp {
        let behind = self.facts.now.duration_since(self.granted());
        at.saturating_add(behind).unwrap_or(Timestamp::MAX)
    }

    fn halt(&self, rollout: &Rollout) -> Halt {
        let hook =
            rollout.halted_by_hook.as_ref().map(|hook| (hook.clone(), self.how_hook_ended(rollout, hook)));
        let devices = rollout.halted_by.clone().filter(|_| hook.is_none());
        Halt { group: self.group.name.clone(), hook, devices }
    }

    fn is_last_wave(&self, rollout: &Rollout) -> bool {
        !rollout.cut_short && rollout.wave.place() + 1 >= self.group.waves.len().max(1)
    }

    /// Whether the last wave was complete.
    fn went_through(&self, rollout: &Rollout) -> bool {
        rollout.wave_completed_at.is_some() && self.is_last_wave(rollout)
    }

    /// When the next wave may open, by the operator's clock, if the present one is complete and there is one.
    fn next_wave_at(&self, rollout: &Rollout) -> Option<Timestamp> {
        let completed = rollout.wave_completed_at.filter(|_| !self.is_last_wave(rollout))?;
        completed.saturating_add(self.group.pause).ok().map(|at| self.shown_at(at))
    }

    /// The wave that is to open now: the first, or the next one after the pause.
    fn due_wave(&self, rollout: &Rollout) -> Option<Wave> {
        if rollout.threshold.is_none() {
            return rollout.wave_opened_at.is_none().then_some(Wave::FIRST);
        }
        let at = self.next_wave_at(rollout)?;
        let next = if rollout.cut_short { rollout.wave } else { rollout.wave.next() };
        (self.facts.now >= at).then_some(next)
    }

    fn wake_at(&self, rollout: &Rollout) -> Option<Timestamp> {
        // While there is more to release, room or the first device may free it any minute.
        let raise = self.facts.now.saturating_add(RAISE_EVERY).ok();
        let raise = raise.filter(|_| rollout.threshold.is_some_and(|threshold| threshold < rollout.limit));
        let again = rollout.hooks.as_ref().and_then(|round| round.again_at);
        let (overdue, again) = (judge::overdue_since(rollout), again.map(|at| self.shown_at(at)));
        [raise, self.next_wave_at(rollout), overdue.map(|at| self.shown_at(at)), again]
            .into_iter()
            .flatten()
            .filter(|at| *at > self.facts.now)
            .min()
    }

    fn state(&self, rollout: &Rollout) -> GroupState {
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

    fn report(&self, rollout: &Rollout, state: GroupState) -> GroupReport {
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
}
