//! Bringing devices to what a release bundles, group by group and wave by wave (ARCHITECTURE.md, rollouts).
//!
//! The durable state is one threshold a group, whatever the size of the fleet: every device whose rank is at or
//! below it is released. It is written before any device is flagged.

mod between;
mod estimate;
mod evidence;
mod flag;
mod follow;
mod judge;
mod orders;
mod overview;
mod pick;
mod release;
mod start;
mod tally;
mod targets;
mod verdict;

use jiff::{SignedDuration, Timestamp};

pub use self::estimate::Estimate;
use self::estimate::Remaining;
pub(super) use self::follow::follow;
pub use self::overview::{AppCount, Overview, Verdicts, overview};
use self::release::Room;
use self::tally::{Tally, tally};
pub use self::targets::Targets;
pub use self::verdict::{Described, Judge, Losses, Verdict};
use super::desired::Group;
use super::facts::Facts;
use super::memory::{FirstDevice, Memory, Rollout};
use super::report::{GroupReport, GroupState};
use super::step::Step;
use crate::catalog::Version;
use crate::fleet::Devices;

/// Only a device seen this recently is flagged: a flag cannot be taken back
/// (FACTS.md, api-device-upgrade).
pub const ONLINE_WITHIN: SignedDuration = SignedDuration::from_mins(15);

/// How long a device's app retries by itself: a download may take 15 minutes to begin and is retried after an hour
/// (FACTS.md, device-retry). Before that nothing is a failure.
pub const RETRY_TIME: SignedDuration = SignedDuration::from_mins(90);

/// A wave that is not complete by then after its last release is overdue (ARCHITECTURE.md, rollouts).
pub const OVERDUE_AFTER: SignedDuration = SignedDuration::from_hours(7 * 24);

/// A threshold rises at most this often.
const RAISE_EVERY: SignedDuration = SignedDuration::from_mins(1);

/// Devices that are named when a group halts.
const HALT_SAMPLE: u64 = 2;

/// First devices in a row that may fail to move.
const MOST_FIRST_DEVICES: u32 = 3;

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
    /// Guids of devices whose flag need not be remembered any more.
    pub over: Vec<u64>,
}

/// Why a group is halted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Halt {
    /// The group.
    pub group: String,
    /// The hook that said no, and how it ended; otherwise devices halted it.
    pub hook: Option<(String, String)>,
    /// Devices that failed.
    pub failed: u64,
    /// Devices that were lost.
    pub lost: u64,
    /// Some of them, by guid.
    pub sample: Vec<u64>,
}

/// Hooks that are asked before a wave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The group.
    pub group: String,
    /// The wave, from 1.
    pub wave: u32,
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
    start::start_rollouts(memory, &policy.groups, &targets, release, facts.now);
    orders::follow(memory, facts);
    let flags = &facts.observed.flagged;
    let tallies = tally(devices, &targets, memory, facts.desired, flags, facts.now);
    let over = evidence::over(devices, &targets, flags);
    let losses = tallies.iter().map(Losses::of).collect();
    let mut progress = Progress { complete: true, over, losses, ..Progress::default() };
    let mut room = Room::left(facts, devices, &targets, &tallies);
    let mut remaining = Remaining::default();
    let mut open = may_release;
    let mut follows_another = false;
    for (index, group) in policy.groups.iter().enumerate() {
        let Some(found) = tallies.get(index) else { continue };
        let Some(rollout) = memory.rollouts.iter_mut().find(|rollout| rollout.group == group.name) else {
            continue;
        };
        let turn =
            Turn { facts, devices, targets: &targets, release, group, index, tally: found, follows_another };
        judge::judge(&turn, rollout);
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
    release: Version,
    group: &'a Group,
    index: usize,
    tally: &'a Tally,
    /// Whether devices were released in a group before this one.
    follows_another: bool,
}

impl Turn<'_> {
    /// Whether a first device may still move: its time is not over, or it was never flagged because the process that chose it
    /// ended in between.
    fn awaits(&self, rollout: &Rollout, first: &FirstDevice) -> bool {
        !self.is_due(first) || !self.is_flagged(rollout, first.guid)
    }

    /// Whether a first device had the time that its app takes to retry.
    fn is_due(&self, first: &FirstDevice) -> bool {
        self.facts.now.duration_since(first.flagged_at) >= RETRY_TIME
    }

    fn halt(&self, rollout: &Rollout) -> Halt {
        let hook =
            rollout.halted_by_hook.as_ref().map(|hook| (hook.clone(), self.how_hook_ended(rollout, hook)));
        Halt {
            group: self.group.name.clone(),
            hook,
            failed: self.tally.failed,
            lost: self.tally.lost,
            sample: pick::released_and_behind(self, rollout, HALT_SAMPLE),
        }
    }

    fn is_last_wave(&self, rollout: &Rollout) -> bool {
        usize::try_from(rollout.wave).unwrap_or(usize::MAX) + 1 >= self.group.waves.len().max(1)
    }

    /// Whether the last wave was complete.
    fn went_through(&self, rollout: &Rollout) -> bool {
        rollout.wave_completed_at.is_some() && self.is_last_wave(rollout)
    }

    /// When the next wave may open, if the present one is complete and there is one.
    fn next_wave_at(&self, rollout: &Rollout) -> Option<Timestamp> {
        let completed = rollout.wave_completed_at.filter(|_| !self.is_last_wave(rollout))?;
        completed.saturating_add(self.group.pause).ok()
    }

    /// The wave that is to open now: the first, or the next one after the pause.
    fn due_wave(&self, rollout: &Rollout) -> Option<u32> {
        if rollout.threshold.is_none() {
            return rollout.wave_opened_at.is_none().then_some(0);
        }
        let at = self.next_wave_at(rollout)?;
        (self.facts.now >= at).then_some(rollout.wave + 1)
    }

    fn wake_at(&self, rollout: &Rollout) -> Option<Timestamp> {
        // While there is more to release, room or the first device may free it any minute.
        let raise = self.facts.now.saturating_add(RAISE_EVERY).ok();
        let raise = raise.filter(|_| rollout.threshold.is_some_and(|threshold| threshold < rollout.limit));
        let again = rollout.hooks.as_ref().and_then(|round| round.again_at);
        [raise, self.next_wave_at(rollout), judge::overdue_since(rollout), again]
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
            (None, None, Some(_)) if self.is_overdue(rollout) => GroupState::Overdue,
            (None, None, Some(_)) => GroupState::Releasing,
        }
    }

    fn report(&self, rollout: &Rollout, state: GroupState) -> GroupReport {
        let waves = u32::try_from(self.group.waves.len().max(1)).unwrap_or(u32::MAX);
        GroupReport {
            name: self.group.name.clone(),
            total: self.tally.total,
            done: self.tally.done,
            in_flight: self.tally.in_flight,
            pending: self
                .tally
                .released_behind
                .saturating_sub(self.tally.in_flight + self.tally.failed + self.tally.lost),
            waiting: self.tally.behind.saturating_sub(self.tally.released_behind),
            failed: self.tally.failed,
            lost: self.tally.lost,
            wave: if rollout.threshold.is_some() { rollout.wave + 1 } else { 0 },
            waves,
            state,
            since: rollout.marks.first().map(|mark| mark.at),
        }
    }
}
