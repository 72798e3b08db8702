//! Flagging released devices that are online: the first alone, the others when it was seen to move.

use super::evidence::perhaps_under_way;
use super::pick::online_to_flag;
use super::release::Room;
use super::{Progress, Turn};
use crate::fleet::devices::Device;
use crate::planner::memory::{FirstDevice, Rollout};
use crate::planner::step::{FlagDevice, Step};

/// Flags released devices that are online; the first alone, the others when it was seen to move.
pub(super) fn flag(turn: &Turn<'_>, rollout: &mut Rollout, room: &mut Room, progress: &mut Progress) {
    let Some(threshold) = rollout.threshold else { return };
    let now = turn.facts.now;
    if let Some(first) = rollout.first.clone()
        && first.moved_at.is_none()
    {
        let moved = turn.devices.find(first.guid).is_none_or(|device| !turn.targets.is_behind(device));
        if moved && turn.devices.began > first.flagged_at {
            rollout.first = Some(FirstDevice { moved_at: Some(now), ..first });
        } else if turn.awaits(rollout, &first) {
            // Flagging again what memory says was flagged is how a lost effect is made good; the device's time starts anew
            // when it was over before anybody flagged it.
            let lost = turn.devices.find(first.guid).filter(|_| !turn.is_flagged(rollout, first.guid));
            let again = lost.filter(|device| room.take(counts_already(turn, rollout, device)));
            let flagged_at = if again.is_some() && turn.is_due(&first) { now } else { first.flagged_at };
            push_flags(turn, progress, again.into_iter().map(flag_of));
            progress.first_awaited = Some((first.guid, flagged_at));
            rollout.first = Some(FirstDevice { flagged_at, ..first });
            return;
        }
    }
    let first_moved = rollout.first.as_ref().is_some_and(|first| first.moved_at.is_some());
    let most = if first_moved { room.to_flag() } else { room.to_flag().min(1) };
    let chosen: Vec<FlagDevice> = online_to_flag(turn, rollout, threshold, most)
        .into_iter()
        .filter(|device| room.take(counts_already(turn, rollout, device)))
        .map(flag_of)
        .collect();
    if !first_moved && let Some(device) = chosen.first() {
        let failed_before = rollout.first.as_ref().map_or(0, |first| first.failed_before + 1);
        rollout.first =
            Some(FirstDevice { guid: device.guid, flagged_at: now, moved_at: None, failed_before });
        progress.first_awaited = Some((device.guid, now));
    }
    push_flags(turn, progress, chosen.into_iter());
}

/// Whether a device takes up room already, since an earlier process may have flagged it.
fn counts_already(turn: &Turn<'_>, rollout: &Rollout, device: &Device) -> bool {
    perhaps_under_way(rollout, device, &turn.facts.observed.flagged, turn.facts.now)
}

fn push_flags(turn: &Turn<'_>, progress: &mut Progress, devices: impl Iterator<Item = FlagDevice>) {
    let devices: Vec<FlagDevice> = devices.collect();
    if !devices.is_empty() {
        progress.steps.push(Step::FlagDevices {
            group: turn.group.name.clone(),
            release: turn.release,
            devices,
        });
    }
}

fn flag_of(device: &Device) -> FlagDevice {
    FlagDevice { guid: device.guid, computer_id: device.computer_id }
}
