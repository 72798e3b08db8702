//! When a status is worth a write (ARCHITECTURE.md, rule 10): what became so at once, what merely counts on
//! seldom.

use jiff::{SignedDuration, Timestamp};

use crate::api::CodeUpgradeStatus;
use crate::api::status::{DevicesStatus, GroupStatus};
use crate::planner::cadence::{COUNTS_IN_A_ROLLOUT, COUNTS_OTHERWISE};
use crate::planner::report::Phase;

/// An instant that moves by no more than this only counts on: while a server is down, the end of the wait moves with the clock.
const INSTANTS_MAY_MOVE: SignedDuration = SignedDuration::from_hours(1);

/// Whether a status is to be written now, in place of the one that stands.
pub fn worth_writing(old: Option<&CodeUpgradeStatus>, new: &CodeUpgradeStatus, now: Timestamp) -> bool {
    let Some(old) = old else { return true };
    if is_transition(old, new) {
        return true;
    }
    let pause = if new.phase == Phase::RollingOut.name() { COUNTS_IN_A_ROLLOUT } else { COUNTS_OTHERWISE };
    let due = old.counts_at.is_none_or(|written| now.duration_since(written) >= pause);
    due && counts_differ(old, new)
}

/// Whether two statuses differ in anything at all but the time of their counts.
pub(super) fn counts_differ(old: &CodeUpgradeStatus, new: &CodeUpgradeStatus) -> bool {
    let timeless = |status: &CodeUpgradeStatus| CodeUpgradeStatus { counts_at: None, ..status.clone() };
    timeless(old) != timeless(new)
}

fn is_transition(old: &CodeUpgradeStatus, new: &CodeUpgradeStatus) -> bool {
    if without_counts(old) != without_counts(new) {
        return true;
    }
    let moved = |(old, new): (Option<Timestamp>, Option<Timestamp>)| match (old, new) {
        (Some(old), Some(new)) => new.duration_since(old).abs() > INSTANTS_MAY_MOVE,
        (None, None) => false,
        (Some(_), None) | (None, Some(_)) => true,
    };
    // Both have as many, or they would differ without their counts.
    foretold(old).into_iter().zip(foretold(new)).any(moved)
}

/// The instants that the status foretells.
fn foretold(status: &CodeUpgradeStatus) -> Vec<Option<Timestamp>> {
    let mut instants = vec![status.until];
    instants.extend(status.now.iter().flat_map(|now| [now.warns_at, now.stalls_at]));
    instants.extend(status.gates.iter().map(|gate| gate.until));
    instants.extend(status.plan.iter().map(|item| item.earliest));
    instants
}

/// The status without what only counts on: numbers, also those within texts, and foretold instants.
fn without_counts(status: &CodeUpgradeStatus) -> CodeUpgradeStatus {
    let mut status = status.clone();
    status.counts_at = None;
    status.until = None;
    status.columns.until = None;
    status.columns.devices = None;
    for text in [Some(&mut status.message), status.mend.as_mut()].into_iter().flatten() {
        blur(text);
    }
    if let Some(now) = &mut status.now {
        now.warns_at = None;
        now.stalls_at = None;
        [Some(&mut now.what), now.usually.as_mut(), now.next.as_mut()].into_iter().flatten().for_each(blur);
    }
    for gate in &mut status.gates {
        gate.until = None;
        [gate.message.as_mut(), gate.mend.as_mut()].into_iter().flatten().for_each(blur);
    }
    for item in &mut status.plan {
        item.earliest = None;
        [Some(&mut item.why), item.usually.as_mut()].into_iter().flatten().for_each(blur);
    }
    status.conditions.iter_mut().for_each(|condition| blur(&mut condition.message));
    status.proven.iter_mut().for_each(|entry| entry.devices = 0);
    if let Some(interrupted) = &mut status.backups_interrupted {
        interrupted.devices = 0;
    }
    if let Some(devices) = &mut status.devices {
        *devices = DevicesStatus {
            groups: devices.groups.drain(..).map(group_without_counts).collect(),
            ..DevicesStatus::default()
        };
    }
    status
}

fn group_without_counts(group: GroupStatus) -> GroupStatus {
    let GroupStatus { name, state, since, wave, .. } = group;
    GroupStatus { name, state, since, wave, ..GroupStatus::default() }
}

/// Makes every number in a text the same: a sentence whose numbers alone changed says nothing new. Where a number tells servers apart,
/// their states change too.
fn blur(text: &mut String) {
    let mut blurred = String::with_capacity(text.len());
    let mut in_number = false;
    for character in text.chars() {
        if character.is_ascii_digit() {
            if !in_number {
                blurred.push('#');
            }
            in_number = true;
        } else {
            in_number = false;
            blurred.push(character);
        }
    }
    *text = blurred;
}
