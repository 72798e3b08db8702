//! Devices that the open wave released and that are in the list no more. Gone is not moved: they stay in the denominator.
//!
//! Who left while this process watched is known by comparing listings. What left while nobody did shows in the count that memory
//! keeps of the open wave: fewer are there than were released.

use super::tally::Tally;
use crate::fleet::{Devices, Watch};
use crate::planner::memory::{Counted, Rollout};

/// How many devices of the open wave left the list before this process made its first.
pub(super) fn unseen(rollout: &Rollout, tally: &Tally, watch: &Watch, devices: &Devices) -> u64 {
    let Some(counted) = rollout.counted.as_ref().filter(|_| rollout.threshold.is_some()) else { return 0 };
    match (counted.by == watch.since, counted.groups == groups(devices)) {
        // Who comes later may be one of them; whoever it is, the wave has as many as it had.
        (true, true) => counted.unseen.saturating_sub(tally.wave_new),
        (false, true) => counted.missing + counted.listed.saturating_sub(tally.wave_listed),
        // Other groups took some of its devices: only what was missing before is missing now.
        (_, false) => counted.missing,
    }
}

/// Counts the open wave for the next process.
pub(super) fn note(rollout: &mut Rollout, tally: &Tally, watch: &Watch, devices: &Devices) {
    if rollout.threshold.is_none() || rollout.completed_at.is_some() {
        rollout.counted = None;
        return;
    }
    let unseen = unseen(rollout, tally, watch, devices);
    rollout.counted = Some(Counted {
        by: watch.since,
        groups: groups(devices),
        listed: tally.wave_listed,
        missing: tally.wave_gone + unseen,
        // Those that came later are subtracted at every look.
        unseen: if unseen > 0 { unseen + tally.wave_new } else { 0 },
    });
}

fn groups(devices: &Devices) -> String {
    format!("{:08x}", devices.arrangement.groups >> 32)
}
