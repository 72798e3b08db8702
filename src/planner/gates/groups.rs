//! The groups of devices can be told apart, and those that name devices have some: the devices of one that cannot be told would fall
//! through to a later group.

use super::View;
use crate::fleet::Devices;
use crate::planner::reason::Reason;
use crate::planner::report::Verdict;

/// Refuses to release devices while a group speaks of an organisation that is not there, or of several; or of devices of which there
/// is none.
pub fn check(view: &View<'_>) -> Verdict {
    let refuse = |message: String, mend: &str| Verdict::refuse(Reason::GroupUnresolved, message, mend);
    if let Some(problem) = view.observed.group_problems.first() {
        return refuse(format!("{}: {}", problem.field, problem.message), &problem.mend);
    }
    let without = view.observed.devices.as_deref().and_then(|devices| without_devices(view, devices));
    without.map_or(Verdict::Pass, |group| {
        refuse(
            format!("group {group}: no device has its guids or names, or an earlier group took them"),
            "correct the guids or names, put the group before the other, or leave it out",
        )
    })
}

/// The first group that names devices and has none of those listed: whoever was to go first would be left out without a word. A group
/// that is told by its kind, such as an operating system, may well have none; and one that was through has proven what it was to prove.
fn without_devices<'a>(view: &View<'a>, devices: &Devices) -> Option<&'a str> {
    let groups = view.desired.devices.groups.iter().enumerate();
    let was_through = |name: &str| {
        let mut rollouts = view.memory.rollouts.iter().filter(|rollout| rollout.group == name);
        rollouts.any(|rollout| rollout.completed_at.is_some())
    };
    let mut named = groups.filter(|(_, group)| group.rule.names_devices() && !was_through(&group.name));
    named.find(|(index, _)| !devices.are_in(*index)).map(|(_, group)| group.name.as_str())
}
