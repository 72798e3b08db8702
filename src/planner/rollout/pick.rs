//! Which devices are next, by their fixed place in the rollout.

use std::collections::BinaryHeap;

use jiff::Timestamp;

use super::ONLINE_WITHIN;
use super::evidence::Evidence;
use super::first::was_tried;
use super::survey::Block;
use super::turn::Turn;
use crate::fleet::devices::{Device, DeviceState};
use crate::fleet::instants;
use crate::fleet::{Rank, Sighting};
use crate::planner::memory::Rollout;

impl Turn<'_> {
    /// Whether a device is of the group and takes part.
    pub(super) fn is_member(&self, device: &Device) -> bool {
        usize::from(device.group) == self.index
            && device.state == DeviceState::Active
            && self.facts.desired.devices.exemption(device.guid).is_none()
    }

    /// The devices of the group that take part, with their rows, in the order of rank; without those of blocks in which none is wanted.
    pub(super) fn members<'a>(
        &'a self,
        is_wanted: impl Fn(&Block) -> bool + 'a,
    ) -> impl Iterator<Item = (usize, &'a Device)> {
        let blocks = self.survey.blocks(self.index).iter().filter(move |block| is_wanted(block));
        blocks
            .flat_map(|block| self.survey.devices(block, self.devices))
            .filter(|(_, device)| self.is_member(device))
    }

    /// How many devices a wave counts.
    pub(super) fn movable(&self) -> u64 {
        self.survey.blocks(self.index).iter().map(|block| block.part.movable).sum()
    }

    /// How many of them are at or below a rank.
    pub(super) fn movable_to(&self, rollout: &Rollout, rank: Rank) -> u64 {
        let whole = self.survey.blocks(self.index).iter().filter(|block| block.last <= rank);
        let split = self.members(|block| block.first <= rank && block.last > rank);
        let split =
            split.filter(|(_, device)| device.rank <= rank && self.examiner.is_movable(rollout, device));
        whole.map(|block| block.part.movable).sum::<u64>() + split.count() as u64
    }
}

/// The `most` smallest of a sequence, in order, holding no more than that at a time.
fn smallest<T: Ord>(items: impl Iterator<Item = T>, most: u64) -> Vec<T> {
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
    let is_above = |rank: Rank| threshold.is_none_or(|threshold| rank > threshold);
    turn.members(|block| block.part.behind > 0 && is_above(block.last))
        .filter(|(_, device)| turn.targets.is_behind(device) && is_above(device.rank))
        .map(|(_, device)| device.rank)
        .take_while(|rank| *rank <= limit)
        .take(usize::try_from(most).unwrap_or(usize::MAX))
        .collect()
}

/// The rank of the last of the first `count` devices that a wave counts, of `all`; below all where the count is zero.
pub(super) fn rank_at(turn: &Turn<'_>, rollout: &Rollout, count: u64, all: u64) -> Rank {
    if count == 0 {
        return Rank(0);
    }
    if count >= all {
        return Rank::LAST;
    }
    let mut before = 0;
    let blocks = turn.survey.blocks(turn.index).iter();
    let found = blocks.take_while(|block| {
        let is_later = before + block.part.movable < count;
        before += if is_later { block.part.movable } else { 0 };
        is_later
    });
    let whole = found.count();
    let block = turn.survey.blocks(turn.index).get(whole);
    let left = usize::try_from(count - before - 1).unwrap_or(usize::MAX);
    let rows = block.into_iter().flat_map(|block| turn.survey.devices(block, turn.devices));
    let mut movable =
        rows.filter(|(_, device)| turn.is_member(device) && turn.examiner.is_movable(rollout, device));
    movable.nth(left).map_or(Rank::LAST, |(_, device)| device.rank)
}

/// The guids of devices that failed, those told longest ago first, and then of those that are lost or missing, the longest silent first:
/// the ones that the tally counts.
pub(super) fn failed_or_lost(turn: &Turn<'_>, rollout: &Rollout, most: u64) -> Vec<u64> {
    let listed = turn.members(|_| true).filter_map(|(row, device)| {
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
    turn: &'a Turn<'a>,
    rollout: &Rollout,
    threshold: Rank,
    most: u64,
) -> Vec<(&'a Device, Sighting)> {
    let online_since = instants::before(turn.granted(), ONLINE_WITHIN);
    let has_moved = rollout.first.as_ref().is_some_and(|first| first.moved_at.is_some());
    let online_since = online_since.as_second();
    let is_wanted =
        move |block: &Block| block.first <= threshold && block.part.tellable_connected >= online_since;
    turn.members(is_wanted)
        .take_while(|(_, device)| device.rank <= threshold)
        .filter(|(_, device)| turn.targets.is_behind(device) && device.last_connected >= online_since)
        .filter(|(_, device)| has_moved || !was_tried(rollout, device.guid))
        .map(|(row, device)| (device, turn.examiner.sighting(row, device)))
        .filter(|(device, sighting)| turn.may_tell(rollout, device, sighting))
        .take(usize::try_from(most).unwrap_or(usize::MAX))
        .collect()
}
