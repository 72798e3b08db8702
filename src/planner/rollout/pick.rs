//! Which devices are next, by their fixed place in the rollout.

use std::collections::BinaryHeap;

use jiff::Timestamp;

use super::{ONLINE_WITHIN, Turn};
use crate::fleet::Rank;
use crate::fleet::devices::{Device, DeviceState};
use crate::planner::step::FlagDevice;

impl Turn<'_> {
    /// The devices of the group that take part.
    fn members(&self) -> impl Iterator<Item = &Device> {
        let exempt = &self.context.desired.devices.exempt;
        self.devices
            .rows()
            .iter()
            .filter(|device| usize::from(device.group) == self.index && device.state == DeviceState::Active)
            .filter(|device| {
                exempt.is_empty() || exempt.binary_search_by_key(&device.guid, |(guid, _)| *guid).is_err()
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

/// The rank of the last of the first `count` devices of the group; below all where the count is zero.
pub(super) fn rank_at(turn: &Turn<'_>, count: u64) -> Rank {
    let mut ranks: Vec<Rank> = turn.members().map(|device| device.rank).collect();
    match usize::try_from(count).unwrap_or(usize::MAX) {
        0 => Rank(0),
        count if count >= ranks.len() => Rank::LAST,
        count => *ranks.select_nth_unstable(count - 1).1,
    }
}

/// Released devices that are online, were not flagged by this process, and come first by rank.
pub(super) fn online_to_flag(
    turn: &Turn<'_>,
    threshold: Rank,
    except: Option<u64>,
    most: u64,
) -> Vec<FlagDevice> {
    let online_since = turn.context.now.saturating_sub(ONLINE_WITHIN).unwrap_or(Timestamp::MIN);
    let flagged = &turn.context.observed.flagged;
    let candidates = turn
        .behind()
        .filter(|device| device.rank <= threshold && device.seen_since(online_since))
        .filter(|device| except != Some(device.guid) && !flagged.contains_key(&device.guid))
        .map(|device| (device.rank, device.guid, device.computer_id));
    smallest(candidates, most)
        .into_iter()
        .map(|(_, guid, computer_id)| FlagDevice { guid, computer_id })
        .collect()
}
