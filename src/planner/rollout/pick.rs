//! Which devices are next, by their fixed place in the rollout.

use std::collections::BinaryHeap;

use jiff::Timestamp;

use super::ONLINE_WITHIN;
use super::evidence::Evidence;
use super::first::was_tried;
use super::targets::AppLevel;
use super::turn::Turn;
use crate::fleet::devices::{Device, DeviceState};
use crate::fleet::{Rank, Sighting};
use crate::planner::memory::Rollout;

impl Turn<'_> {
    /// The devices of the group that take part, with their rows.
    pub(super) fn members(&self) -> impl Iterator<Item = (usize, &Device)> {
        let policy = &self.facts.desired.devices;
        let rows = self.devices.rows().iter().enumerate();
        rows.filter(|(_, device)| {
            usize::from(device.group) == self.index && device.state == DeviceState::Active
        })
        .filter(|(_, device)| policy.exemption(device.guid).is_none())
    }

    /// Those that a wave counts: to be moved, or released in this rollout. A wave of one device that had nothing to do would try
    /// nothing out.
    pub(super) fn movable(&self, threshold: Option<Rank>) -> impl Iterator<Item = (usize, &Device)> {
        self.members().filter(move |(_, device)| {
            let is_released = threshold.is_some_and(|threshold| device.rank <= threshold);
            let has_target = self.targets.target(device.product, device.os).is_some();
            self.targets.is_behind(device) || (is_released && has_target)
        })
    }

    /// Those below what the release bundles.
    fn behind(&self) -> impl Iterator<Item = (usize, &Device)> {
        self.members().filter(|(_, device)| self.targets.is_behind(device))
    }

    /// Those that are not at what the release bundles, as far as is known.
    fn not_done(&self) -> impl Iterator<Item = (usize, &Device)> {
        self.members().filter(|(_, device)| self.targets.level(device) != AppLevel::Current)
    }
}

/// The `most` smallest of a sequence, in order, holding no more than that at a time.
pub(super) fn smallest<T: Ord>(items: impl Iterator<Item = T>, most: u64) -> Vec<T> {
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    let mut heap = BinaryHeap::new();
    for item in items {
        if heap.len() < most {
            heap.push(item);
        } else if heap.peek().is_some_and(|largest| item < *largest) {
            heap.pop();
            heap.push(item);
        }
    }
    heap.into_sorted_vec()
}

/// The ranks of the next devices to release: behind, above the threshold, within the limit.
pub(super) fn ranks_above(turn: &Turn<'_>, threshold: Option<Rank>, limit: Rank, most: u64) -> Vec<Rank> {
    let ranks = turn
        .behind()
        .map(|(_, device)| device.rank)
        .filter(|rank| threshold.is_none_or(|threshold| *rank > threshold) && *rank <= limit);
    smallest(ranks, most)
}

/// The rank of the last of the first `count` devices that a wave counts, of `all`; below all where the count is zero.
///
/// Found by counting digits of sixteen bits, the highest first, so that no rank is copied.
pub(super) fn rank_at(turn: &Turn<'_>, threshold: Option<Rank>, count: u64, all: u64) -> Rank {
    if count == 0 {
        return Rank(0);
    }
    if count >= all {
        return Rank::LAST;
    }
    let mut before = count - 1;
    let mut found: u64 = 0;
    let mut counts = vec![0_u64; 1 << 16];
    for shift in [48, 32, 16, 0] {
        counts.fill(0);
        for (_, device) in turn.movable(threshold) {
            let above = device.rank.0.checked_shr(shift + 16).unwrap_or(0);
            if above == found {
                let digit = (device.rank.0 >> shift) & 0xffff;
                counts[usize::try_from(digit).unwrap_or(0)] += 1;
            }
        }
        for (digit, many) in (0_u64..).zip(&counts) {
            if before < *many {
                found = (found << 16) | digit;
                break;
            }
            before -= many;
        }
    }
    Rank(found)
}

/// The guids of devices that failed, those told longest ago first, and then of those that are lost or missing, the longest silent first:
/// the ones that the tally counts.
pub(super) fn failed_or_lost(turn: &Turn<'_>, rollout: &Rollout, most: u64) -> Vec<u64> {
    let listed = turn.not_done().filter_map(|(row, device)| {
        let sighting = turn.examiner.sighting(row, device);
        match turn.examiner.evidence(rollout, device, &sighting) {
            Evidence::Failed { .. } => {
                let told_at = sighting.told_at.map_or(i64::MAX, Timestamp::as_second);
                Some((false, told_at, device.guid))
            }
            Evidence::InFlight { .. }
                if turn.tally.lost > 0 && !device.seen_since(turn.tally.silent_since) =>
            {
                Some((true, device.last_connected, device.guid))
            }
            Evidence::InFlight { .. }
            | Evidence::Unreleased
            | Evidence::Done { .. }
            | Evidence::Pending { .. } => None,
        }
    });
    let gone = turn.facts.observed.watch.gone().filter(|gone| {
        turn.tally.missing_lost > 0
            && usize::from(gone.device.group) == turn.index
            && !gone.device.seen_since(turn.tally.silent_since)
            && turn.examiner.is_missing(rollout, gone)
    });
    let gone = gone.map(|gone| (true, gone.device.last_connected, gone.device.guid));
    let counted = smallest(listed.chain(gone), most.min(turn.tally.failures()));
    counted.into_iter().map(|(_, _, guid)| guid).collect()
}

/// Released devices that are online, may be told, and come first by rank; with what was seen of each.
pub(super) fn online_to_tell<'a>(
    turn: &Turn<'a>,
    rollout: &Rollout,
    threshold: Rank,
    most: u64,
) -> Vec<(&'a Device, Sighting)> {
    let online_since = turn.granted().saturating_sub(ONLINE_WITHIN).unwrap_or(Timestamp::MIN);
    let has_moved = rollout.first.as_ref().is_some_and(|first| first.moved_at.is_some());
    let candidates = turn
        .behind()
        .filter(|(_, device)| device.rank <= threshold && device.seen_since(online_since))
        .filter(|(_, device)| has_moved || !was_tried(rollout, device.guid))
        .filter(|(row, device)| turn.may_tell(rollout, device, &turn.examiner.sighting(*row, device)))
        .map(|(row, device)| (device.rank, row));
    let chosen = smallest(candidates, most).into_iter();
    chosen
        .map(|(_, row)| {
            let device = &turn.devices.rows()[row];
            (device, turn.examiner.sighting(row, device))
        })
        .collect()
}
