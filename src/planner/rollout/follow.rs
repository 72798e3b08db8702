//! Whether devices follow now: at the target, or where the next release refuses them as they are.

use super::ONLINE_WITHIN;
use super::advance::advance;
use crate::planner::aim::Aim;
use crate::planner::desired::DeviceUpgrade;
use crate::planner::draft::Draft;
use crate::planner::facts::Facts;
use crate::planner::{gates, next_hop, retarget};

/// Brings devices to what the settled release bundles, where that is due. Without `unrefused` only what is released
/// already is followed.
pub(in crate::planner) fn follow(facts: &Facts<'_>, draft: &mut Draft, unrefused: bool) {
    let settled = draft.memory.settled.as_ref().map(|settled| settled.release);
    let (Some(settled), Some(devices)) = (settled, &facts.observed.devices) else { return };
    let is_due = match &draft.aim {
        Aim::Nothing => facts.desired.target == Some(settled),
        Aim::Hop(leg) => leg.rollout_first,
        Aim::Adopt { .. } | Aim::NoWay(_) | Aim::Undecided => false,
    };
    if !is_due || facts.desired.devices.upgrade == DeviceUpgrade::None {
        retarget::end_rollout(facts, draft);
        return;
    }
    if devices.arrangement != facts.desired.devices.arrangement(Some(settled)) {
        return;
    }
    let gates = gates::of_a_rollout(&draft.view(facts));
    next_hop::turn_off_switch(facts, draft, unrefused && gates::nothing_refuses(&gates));
    let may_release = unrefused && gates::all_pass(&gates);
    let age = facts.observed.witnesses.monotonic.duration_since(devices.finished);
    let is_fresh = age <= ONLINE_WITHIN;
    draft.findings.rollout_gates = gates;
    if !gates::facts::check_devices(&draft.view(facts)).passes() {
        // A list that cannot be the whole one completes nothing.
        return;
    }
    let progress = advance(facts, &mut draft.memory, devices, settled, may_release && is_fresh);
    draft.steps.extend(progress.steps.iter().cloned());
    draft.findings.rollout = Some(progress);
}
