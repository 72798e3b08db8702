//! Which devices are next, by their fixed place in the rollout.

use std::collections::BinaryHeap;

use jiff::Timestamp;

use super::{ONLINE_WITHIN, Turn};
use crate::fleet::Rank;
use crate::fleet::devices::{Device, DeviceState};
use crate::planner::memory::Rollout;

impl Turn<'_> {
    /// Whether this process flagged a device in this rollout. A flag of an earlier one led to another version.
    pub(super) fn is_flagged(&self, rollout: &Rollout, guid: u64) -> bool {
        self.facts.observed.flagged.given.get(&guid).is_some_and(|at| *at >= rollout.started_at)
    }

    /// The devices of the group that take part.
    fn members(&self) -> impl Iterator<Item = &Device> {
        let policy = &self.facts.desired.devices;
        self.devices
            .rows()
            .iter()
            .filter(|device| usize::from(device.group) == self.index && device.state == DeviceState::Active)
            .filter(|device| policy.exemption(device.guid).is_none())
    }

    /// Those that a wave counts: to be moved, or released in this rollout. A wave of one device that had nothing to do would try
    /// nothing out.
    pub(super) fn movable(&self, threshold: Option<Rank>) -> impl Iterator<Item = &Device> {
        self.members().filter(move |device| {
            let is_released = threshold.is_some_and(|threshold| device.rank <= threshold);
            let has_target = self.targets.target(device.product, device.os).is_some();
            self.targets.is_behind(device) || (is_released && has_target)
        })
    }

    /// Those below what the release bundles.
    fn behind(&self) -> impl Iterator<Item = &Device> {
        self.members().filter(|device| self.targets.is_behind(device))
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
    let ranks = turn
        .behind()
        .map(|device| device.rank)
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
        for device in turn.movable(threshold) {
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

/// The guids of released devices that are still behind: those that this process flagged longest ago first, so that what failed
/// comes before what is under way.
pub(super) fn released_and_behind(turn: &Turn<'_>, rollout: &Rollout, most: u64) -> Vec<u64> {
    let Some(threshold) = rollout.threshold else { return Vec::new() };
    let flagged = &turn.facts.observed.flagged;
    let candidates = turn.behind().filter(|device| device.rank <= threshold).map(|device| {
        let flagged_at = flagged.given.get(&device.guid).copied().unwrap_or(Timestamp::MAX);
        (flagged_at, device.guid)
    });
    smallest(candidates, most).into_iter().map(|(_, guid)| guid).collect()
}

/// Released devices that are online, were not flagged by this process, and come first by rank.
pub(super) fn online_to_flag<'a>(
    turn: &Turn<'a>,
    rollout: &Rollout,
    threshold: Rank,
    most: u64,
) -> Vec<&'a Device> {
    let except = rollout.first.as_ref().map(|first| first.guid);
    let online_since = turn.facts.now.saturating_sub(ONLINE_WITHIN).unwrap_or(Timestamp::MIN);
    let candidates = turn
        .behind()
        .filter(|device| device.rank <= threshold && device.seen_since(online_since))
        .filter(|device| except != Some(device.guid) && !turn.is_flagged(rollout, device.guid))
        .map(|device| (device.rank, device.guid));
    let chosen = smallest(candidates, most);
    chosen.into_iter().filter_map(|(_, guid)| turn.devices.find(guid)).collect()
}
