//! Which rollout a group is in: any change of release, targets or match starts anew at none.

use jiff::Timestamp;
use md5::{Digest, Md5};

use super::Targets;
use crate::catalog::Version;
use crate::fleet::Rank;
use crate::planner::desired::Group;
use crate::planner::memory::{Memory, Rollout};

/// Starts a rollout for every group that has none of this identity; devices already current count as done.
pub(super) fn start_rollouts(
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
                .unwrap_or_else(|| begun(&group.name, id, now))
        })
        .collect();
}

/// A rollout that has released nobody yet.
pub(super) fn begun(group: &str, id: String, now: Timestamp) -> Rollout {
    Rollout {
        group: group.to_owned(),
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
        halted_by_hook: None,
        hooks: None,
        done_at_opening: None,
    }
}

fn rollout_id(group: &Group, targets: &Targets, release: Version) -> String {
    let mut digest = Md5::new();
    digest.update(format!("{release}|{:016x}|{targets}", group.matches));
    let mut first = [0; 8];
    first.copy_from_slice(&digest.finalize()[..8]);
    format!("{:016x}", u64::from_be_bytes(first))
}
