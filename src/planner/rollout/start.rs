//! Which rollout a group is in: any change of release, targets or match starts anew at none.

use jiff::Timestamp;

use super::Targets;
use crate::catalog::Version;
use crate::fleet::digest::first_eight_bytes_of;
use crate::planner::desired::Group;
use crate::planner::memory::{Memory, Rollout};

/// Starts a rollout for every group that has none of this identity; devices already current count as done. A group that only got
/// another name goes on, and a halted one stays halted.
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
            let same = || before.iter().filter(|rollout| rollout.id == id);
            let is_named_so = |rollout: &&Rollout| rollout.group == group.name;
            let is_renamed = |rollout: &&Rollout| !groups.iter().any(|other| other.name == rollout.group);
            match same().find(is_named_so).or_else(|| same().find(is_renamed)) {
                Some(known) => Rollout { group: group.name.clone(), ..known.clone() },
                None => Rollout::begun(&group.name, id, now),
            }
        })
        .collect();
}

fn rollout_id(group: &Group, targets: &Targets, release: Version) -> String {
    let identity = format!("{release}|{:016x}|{targets}", group.rule.digest());
    format!("{:016x}", first_eight_bytes_of(&identity))
}
