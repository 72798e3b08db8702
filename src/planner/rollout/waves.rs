//! How much each wave of a group releases, by the list of waves as it is now.

use super::pick::rank_at;
use super::turn::Turn;
use crate::fleet::digest::first_eight_bytes_of;
use crate::fleet::{Rank, Wave};
use crate::planner::desired::Share;
use crate::planner::memory::Rollout;

/// Digest of a list of waves.
pub(super) fn digest(waves: &[Share]) -> String {
    let identity: Vec<String> = waves.iter().map(|wave| format!("{wave:?};")).collect();
    format!("{:08x}", first_eight_bytes_of(&identity.concat()) >> 32)
}

/// What a wave releases at most, as the list of waves is now: a device count becomes the rank of the last of them.
pub(super) fn limit_of(turn: &Turn<'_>, rollout: &Rollout, wave: Wave) -> Rank {
    let all = turn.movable();
    let is_last = wave.place() + 1 >= turn.group.waves.len();
    let count = size_of(turn, wave, all);
    let limit = if is_last && count >= all { Rank::LAST } else { rank_at(turn, rollout, count, all) };
    // Cumulative: a wave never takes back what an earlier one released.
    limit.max(rollout.threshold.unwrap_or(Rank(0)))
}

/// How many of all devices that are to be moved a wave releases.
pub(super) fn size_of(turn: &Turn<'_>, wave: Wave, all: u64) -> u64 {
    turn.group.waves.get(wave.place()).map_or(all, |share| share.at_least(all))
}
