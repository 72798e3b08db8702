//! Bringing devices to what a release bundles, group by group and wave by wave (design.md, section 7).
//!
//! The durable state is one threshold a group, whatever the size of the fleet: every device whose rank is at or
//! below it is released. It is written before any device is flagged.

mod pick;
mod tally;

use jiff::{SignedDuration, Timestamp};
use md5::{Digest, Md5};

use self::pick::{online_to_flag, rank_at, ranks_above};
pub use self::tally::{Overview, Tally, Targets, overview, tally};
use super::desired::Group;
use super::gates::Context;
use super::memory::{FirstDevice, Mark, Memory, Rollout};
use super::order::{Action, Subject};
use super::report::{GroupReport, GroupState};
use super::step::{FlagDevice, Step};
use crate::catalog::Version;
use crate::fleet::{Devices, Rank};

/// Only a device seen this recently is flagged: a flag cannot be taken back.
pub const ONLINE_WITHIN: SignedDuration = SignedDuration::from_mins(15);

/// How long a device's app retries by itself: a download may take 15 minutes to begin and is retried after an hour
/// (domain.md, section 3). Before that nothing is a failure.
pub const RETRY_TIME: SignedDuration = SignedDuration::from_mins(90);

/// A threshold rises at most this often.
const RAISE_EVERY: SignedDuration = SignedDuration::from_mins(1);

/// Verdicts before a share of failures means anything.
const LEAST_VERDICTS: u64 = 20;

/// Most marks that a rollout keeps.
const MOST_MARKS: usize = 16;

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
    /// The first group whose devices failed.
    pub halted: Option<Halt>,
    /// The first device that is awaited, and since when.
    pub first_awaited: Option<(u64, Timestamp)>,
    /// Whether every group that is not held has been fully released and is complete.
    pub complete: bool,
}

/// Why a group is halted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Halt {
    /// The group.
    pub group: String,
    /// Devices that failed.
    pub failed: u64,
    /// Devices that were lost.
    pub lost: u64,
    /// Some of them, by guid.
    pub sample: Vec<u64>,
}

/// Takes the rollout further. With `may_release`, more devices may be released; without, only what is released
/// already is followed.
pub fn advance(
    context: &Context<'_>,
    memory: &mut Memory,
    devices: &Devices,
    release: Version,
    may_release: bool,
) -> Progress {
    let Some(targets) = context.catalog.release(release).map(Targets::of) else { return Progress::default() };
    let groups = &context.desired.devices.groups;
    start_rollouts(memory, groups, &targets, release, context.now);
    retry_halted(memory, context);
    let tallies = tally(devices, &targets, memory, context.desired, &context.observed.flagged);
    let mut progress = Progress { complete: true, ..Progress::default() };
    let mut in_flight: u64 = tallies.iter().map(|tally| tally.in_flight).sum();
    let mut open = may_release;
    let mut step_room = flag_room(context);
    for (index, group) in groups.iter().enumerate() {
        let Some(found) = tallies.get(index) else { continue };
        let Some(rollout) = memory.rollouts.iter_mut().find(|rollout| rollout.group == group.name) else {
            continue;
        };
        let turn = Turn { context, devices, targets: &targets, release, group, index, tally: found };
        judge(&turn, rollout);
        if group.held {
            progress.groups.push(turn.report(rollout, GroupState::Held));
            continue;
        }
        if open && rollout.halted_at.is_none() {
            release_more(&turn, rollout, &mut in_flight);
            flag(&turn, rollout, &mut step_room, &mut progress);
        }
        let state = turn.state(rollout);
        progress.groups.push(turn.report(rollout, state));
        progress.wake_at = [progress.wake_at, turn.wake_at(rollout)].into_iter().flatten().min();
        if rollout.halted_at.is_some() {
            progress.halted.get_or_insert_with(|| turn.halt(rollout));
        }
        if rollout.completed_at.is_none() {
            // The next group follows only when this one is complete.
            open = false;
            progress.complete = false;
        }
    }
    progress
}

/// One group's turn.
struct Turn<'a> {
    context: &'a Context<'a>,
    devices: &'a Devices,
    targets: &'a Targets,
    release: Version,
    group: &'a Group,
    index: usize,
    tally: &'a Tally,
}

/// Starts a rollout for every group that has none of this identity: any change of release, targets or match starts
/// anew at none, and devices already current count as done.
fn start_rollouts(
    memory: &mut Memory,
    groups: &[Group],
    targets: &Targets,
    release: Version,
    now: Timestamp,
) {
    let before = std::mem::take(&mut memory.rollouts);
    memory.rollouts = groups
        .iter()
        .map(|group| {
            let id = rollout_id(group, targets, release);
            before
                .iter()
                .find(|rollout| rollout.group == group.name && rollout.id == id)
                .cloned()
                .unwrap_or_else(|| Rollout {
                    group: group.name.clone(),
                    id,
                    started_at: now,
                    wave: 0,
                    limit: Rank(0),
                    threshold: None,
                    marks: Vec::new(),
                    first: None,
                    wave_opened_at: None,
                    wave_completed_at: None,
                    completed_at: None,
                    halted_at: None,
                })
        })
        .collect();
}

fn rollout_id(group: &Group, targets: &Targets, release: Version) -> String {
    let mut digest = Md5::new();
    digest.update(format!("{release}|{:016x}|{targets}", group.matches));
    let mut first = [0; 8];
    first.copy_from_slice(&digest.finalize()[..8]);
    format!("{:016x}", u64::from_be_bytes(first))
}

/// An order to retry lets a halted group go on; its devices' clocks start again.
fn retry_halted(memory: &mut Memory, context: &Context<'_>) {
    for order in &context.observed.orders {
        let Action::Retry(subject) = &order.action else { continue };
        let now = context.now;
        let fresh = !memory.consumed_orders.contains(&order.uid) && order.is_alive(now);
        let mut retried = false;
        for rollout in &mut memory.rollouts {
            let named = match subject {
                Subject::Group(name) => *name == rollout.group,
                Subject::Anything => true,
                Subject::Hop { .. } | Subject::Devices { .. } | Subject::Server(_) => false,
            };
            if fresh && named && rollout.halted_at.is_some() {
                rollout.halted_at = None;
                rollout.first = None;
                // Whoever was flagged before is flagged again.
                rollout.started_at = now;
                rollout.marks.iter_mut().for_each(|mark| mark.at = now);
                retried = true;
            }
        }
        if retried {
            memory.consume(order.uid.clone());
        }
    }
}

/// Judges the open wave by its devices: failures halt it, enough done completes it.
fn judge(turn: &Turn<'_>, rollout: &mut Rollout) {
    let Tally { verdicts, behind, .. } = *turn.tally;
    let failed = turn.tally.failed + turn.tally.lost;
    let halts = match turn.group.max_failures {
        super::desired::Share::Count(most) => failed > most,
        share @ super::desired::Share::BasisPoints(_) => {
            verdicts >= LEAST_VERDICTS && failed > share.at_most(verdicts)
        }
    };
    let stuck = rollout.first.as_ref().is_some_and(|first| first.failed_before >= MOST_FIRST_DEVICES);
    // Only a listing that began after the last release says anything about it.
    let informed = rollout.marks.last().is_none_or(|mark| turn.devices.began > mark.at);
    let released_all = informed && rollout.threshold == Some(rollout.limit);
    // Complete: 90 % of the devices that this wave released and that were seen since are done, at least one; or it has none
    // that is behind.
    let Tally { wave_behind, wave_seen, wave_seen_done, .. } = *turn.tally;
    let enough = wave_behind == 0 || (wave_seen_done > 0 && wave_seen_done * 10 >= wave_seen * 9);
    // No further verdict can come, and too few of the wave are done: nobody would ever be told without this.
    let exhausted = released_all && !enough && failed > 0 && failed == turn.tally.released_behind;
    if (halts || stuck || exhausted) && rollout.halted_at.is_none() {
        rollout.halted_at = Some(turn.context.now);
    }
    // An empty group, or one whose devices are all done, completes at once.
    if behind == 0 && rollout.completed_at.is_none() {
        rollout.completed_at = Some(turn.context.now);
        rollout.limit = Rank::LAST;
        rollout.threshold = Some(Rank::LAST);
        push_mark(rollout, Rank::LAST, turn.context.now);
        rollout.wave = u32::try_from(turn.group.waves.len().saturating_sub(1)).unwrap_or(0);
    }
    if released_all && enough && rollout.wave_completed_at.is_none() && rollout.halted_at.is_none() {
        rollout.wave_completed_at = Some(turn.context.now);
        if turn.is_last_wave(rollout) && rollout.completed_at.is_none() {
            rollout.completed_at = Some(turn.context.now);
        }
    }
}

/// Opens the next wave when its turn has come, and raises the threshold by what rate and room allow.
fn release_more(turn: &Turn<'_>, rollout: &mut Rollout, in_flight: &mut u64) {
    let now = turn.context.now;
    if rollout.completed_at.is_some() && rollout.threshold == Some(Rank::LAST) {
        return;
    }
    match (rollout.threshold, turn.next_wave_at(rollout)) {
        (None, _) => open_wave(turn, rollout, 0),
        (Some(_), Some(at)) if now >= at => open_wave(turn, rollout, rollout.wave + 1),
        (Some(_), _) => {}
    }
    if rollout.threshold == Some(rollout.limit) {
        return;
    }
    let last_raise = rollout.marks.iter().map(|mark| mark.at).max();
    if last_raise.is_some_and(|at| now.duration_since(at) < RAISE_EVERY) {
        return;
    }
    // Before the first device has moved, devices are released one by one until one of them is online, and none
    // while that one is awaited.
    let first = rollout.first.as_ref();
    let first_moved = first.is_some_and(|first| first.moved_at.is_some());
    let awaited = !first_moved && first.is_some_and(|first| turn.awaits(rollout, first));
    let policy = &turn.context.desired.devices;
    let room =
        u64::from(policy.max_in_flight).saturating_sub(*in_flight).min(u64::from(policy.rate_per_minute));
    let room = if first_moved { room } else { room.min(1) };
    if room == 0 || awaited {
        return;
    }
    let above = ranks_above(turn, rollout.threshold, rollout.limit, room);
    let exhausted = (above.len() as u64) < room;
    let next = if exhausted { rollout.limit } else { above.last().copied().unwrap_or(rollout.limit) };
    *in_flight += above.len() as u64;
    rollout.threshold = Some(next);
    push_mark(rollout, next, now);
}

/// Fixes what a wave releases at most: a device count becomes the rank of the last of them.
fn open_wave(turn: &Turn<'_>, rollout: &mut Rollout, wave: u32) {
    let index = usize::try_from(wave).unwrap_or(usize::MAX);
    let all = turn.tally.total;
    let is_last = index + 1 >= turn.group.waves.len();
    let count = turn.group.waves.get(index).map_or(all, |share| share.at_least(all));
    let limit = if is_last && count >= all { Rank::LAST } else { rank_at(turn, count) };
    // Cumulative: a wave never takes back what an earlier one released.
    rollout.limit = limit.max(rollout.threshold.unwrap_or(Rank(0)));
    rollout.wave = wave;
    rollout.wave_opened_at = Some(turn.context.now);
    rollout.wave_completed_at = None;
}

/// Records when a threshold was reached; of too many marks the two closest in time become one, keeping the later
/// time, so that no device is judged too early.
fn push_mark(rollout: &mut Rollout, threshold: Rank, at: Timestamp) {
    rollout.marks.push(Mark { threshold, at });
    if rollout.marks.len() > MOST_MARKS {
        let closest = rollout
            .marks
            .windows(2)
            .enumerate()
            .min_by_key(|(_, pair)| pair[1].at.duration_since(pair[0].at))
            .map_or(0, |(index, _)| index);
        rollout.marks.remove(closest);
    }
}

/// Flags released devices that are online; the first alone, the others when it was seen to move.
fn flag(turn: &Turn<'_>, rollout: &mut Rollout, room: &mut u64, progress: &mut Progress) {
    let Some(threshold) = rollout.threshold else { return };
    let now = turn.context.now;
    if let Some(first) = rollout.first.clone()
        && first.moved_at.is_none()
    {
        let moved = turn.devices.find(first.guid).is_none_or(|device| !turn.targets.is_behind(device));
        if moved && turn.devices.began > first.flagged_at {
            rollout.first = Some(FirstDevice { moved_at: Some(now), ..first });
        } else if turn.awaits(rollout, &first) {
            // Flagging again what memory says was flagged is how a lost effect is made good; the device's time starts anew
            // when it was over before anybody flagged it.
            if !turn.is_flagged(rollout, first.guid) {
                push_flags(turn, progress, turn.devices.find(first.guid).into_iter().map(flag_of));
            }
            let flagged_at = if turn.is_due(&first) { now } else { first.flagged_at };
            progress.first_awaited = Some((first.guid, flagged_at));
            rollout.first = Some(FirstDevice { flagged_at, ..first });
            return;
        }
    }
    let first_moved = rollout.first.as_ref().is_some_and(|first| first.moved_at.is_some());
    let most = if first_moved { *room } else { (*room).min(1) };
    let chosen = online_to_flag(turn, rollout, threshold, most);
    *room -= chosen.len() as u64;
    if !first_moved && let Some(device) = chosen.first() {
        let failed_before = rollout.first.as_ref().map_or(0, |first| first.failed_before + 1);
        rollout.first =
            Some(FirstDevice { guid: device.guid, flagged_at: now, moved_at: None, failed_before });
        progress.first_awaited = Some((device.guid, now));
    }
    push_flags(turn, progress, chosen.into_iter());
}

fn push_flags(turn: &Turn<'_>, progress: &mut Progress, devices: impl Iterator<Item = FlagDevice>) {
    let devices: Vec<FlagDevice> = devices.collect();
    if !devices.is_empty() {
        progress.steps.push(Step::FlagDevices {
            group: turn.group.name.clone(),
            release: turn.release,
            devices,
        });
    }
}

fn flag_of(device: &crate::fleet::devices::Device) -> FlagDevice {
    FlagDevice { guid: device.guid, computer_id: device.computer_id }
}

/// How many devices may be flagged now, after those of the last minute.
fn flag_room(context: &Context<'_>) -> u64 {
    let since = context.now.saturating_sub(RAISE_EVERY).unwrap_or(Timestamp::MIN);
    let recent = context.observed.flagged.values().filter(|at| **at > since).count() as u64;
    u64::from(context.desired.devices.rate_per_minute).saturating_sub(recent)
}

impl Turn<'_> {
    /// Whether a first device may still move: its time is not over, or it was never flagged because the process that chose it
    /// ended in between.
    fn awaits(&self, rollout: &Rollout, first: &FirstDevice) -> bool {
        !self.is_due(first) || !self.is_flagged(rollout, first.guid)
    }

    /// Whether a first device had the time that its app takes to retry.
    fn is_due(&self, first: &FirstDevice) -> bool {
        self.context.now.duration_since(first.flagged_at) >= RETRY_TIME
    }

    fn halt(&self, rollout: &Rollout) -> Halt {
        Halt {
            group: self.group.name.clone(),
            failed: self.tally.failed,
            lost: self.tally.lost,
            sample: pick::released_and_behind(self, rollout, HALT_SAMPLE),
        }
    }

    fn is_last_wave(&self, rollout: &Rollout) -> bool {
        usize::try_from(rollout.wave).unwrap_or(usize::MAX) + 1 >= self.group.waves.len().max(1)
    }

    /// When the next wave may open, if the present one is complete and there is one.
    fn next_wave_at(&self, rollout: &Rollout) -> Option<Timestamp> {
        let completed = rollout.wave_completed_at.filter(|_| !self.is_last_wave(rollout))?;
        completed.saturating_add(self.group.pause).ok()
    }

    fn wake_at(&self, rollout: &Rollout) -> Option<Timestamp> {
        // While there is more to release, room or the first device may free it any minute.
        let raise = self.context.now.saturating_add(RAISE_EVERY).ok();
        let raise = raise.filter(|_| rollout.threshold.is_some_and(|threshold| threshold < rollout.limit));
        [raise, self.next_wave_at(rollout)].into_iter().flatten().filter(|at| *at > self.context.now).min()
    }

    fn state(&self, rollout: &Rollout) -> GroupState {
        match (rollout.halted_at, rollout.completed_at, rollout.threshold) {
            (Some(_), _, _) => GroupState::Halted,
            (None, Some(_), _) => GroupState::Complete,
            (None, None, None) => GroupState::Waiting,
            (None, None, Some(_)) if self.next_wave_at(rollout).is_some() => GroupState::Pausing,
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
                .behind
                .saturating_sub(self.tally.in_flight + self.tally.failed + self.tally.lost),
            failed: self.tally.failed,
            lost: self.tally.lost,
            wave: if rollout.threshold.is_some() { rollout.wave + 1 } else { 0 },
            waves,
            state,
            since: rollout.marks.first().map(|mark| mark.at),
        }
    }
}
