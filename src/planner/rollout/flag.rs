//! Telling released devices that are online to upgrade: the first alone, the others when it was seen to move.

use super::RETRY_TIME;
use super::first::{First, try_next};
use super::pick::online_to_tell;
use super::progress::Progress;
use super::release::Room;
use super::turn::Turn;
use crate::fleet::Sighting;
use crate::fleet::devices::Device;
use crate::planner::memory::{FirstDevice, Rollout};
use crate::planner::step::{FlagDevice, Step};

/// A process may tell devices which another one may have told so often; and once more for each day since the last was released, but
/// not for ever.
const TOLD_ANEW_AT_FIRST: i64 = 5;
const TOLD_ANEW_DAYS: i64 = 7;

/// Tells released devices that are online to upgrade; the first alone, the others when it was seen to move.
pub(super) fn flag(turn: &Turn<'_>, rollout: &mut Rollout, room: &mut Room, progress: &mut Progress) {
    let Some(threshold) = rollout.threshold else { return };
    let is_alone = match turn.first(rollout) {
        First::Moved(guid) => {
            if let Some(first) = rollout.first.as_mut().filter(|first| first.moved_at.is_none()) {
                (first.guid, first.moved_at) = (guid, Some(turn.facts.now));
            }
            false
        }
        First::Try => true,
        First::Awaited(guid, since) | First::NoMore(guid, since) => {
            progress.first_awaited = Some((guid, since));
            return;
        }
        First::Untold(guid) => return tell_first_anew(turn, rollout, guid, room, progress),
    };
    let most = if is_alone { room.to_flag().min(1) } else { room.to_flag() };
    let mut chosen = online_to_tell(turn, rollout, threshold, most);
    chosen.retain(|(device, sighting)| room.take(turn.counts_already(rollout, device, sighting)));
    if let (true, Some((device, _))) = (is_alone, chosen.first()) {
        rollout.first = Some(try_next(rollout.first.as_ref(), device.guid, turn.facts.now));
        progress.first_awaited = Some((device.guid, turn.facts.now));
    }
    tell(turn, rollout, progress, &chosen);
}

/// Telling again whom memory says was told is how a lost effect is made good; the device's time starts anew when it was over before
/// anybody told it.
fn tell_first_anew(
    turn: &Turn<'_>,
    rollout: &mut Rollout,
    guid: u64,
    room: &mut Room,
    progress: &mut Progress,
) {
    let Some(first) = rollout.first.clone() else { return };
    let found = turn.devices.row_of(guid).map(|row| {
        let device = &turn.devices.rows()[row];
        (device, turn.examiner.sighting(row, device))
    });
    let told: Vec<(&Device, Sighting)> = found
        .into_iter()
        .filter(|(device, sighting)| room.take(turn.counts_already(rollout, device, sighting)))
        .collect();
    let is_over = turn.granted().duration_since(first.flagged_at) >= RETRY_TIME;
    let flagged_at = if !told.is_empty() && is_over { turn.facts.now } else { first.flagged_at };
    tell(turn, rollout, progress, &told);
    progress.first_awaited = Some((guid, flagged_at));
    rollout.first = Some(FirstDevice { flagged_at, ..first });
}

fn tell(turn: &Turn<'_>, rollout: &mut Rollout, progress: &mut Progress, devices: &[(&Device, Sighting)]) {
    if devices.is_empty() {
        return;
    }
    let is_anew =
        devices.iter().any(|(device, sighting)| !turn.examiner.is_untold(rollout, device, sighting));
    let teller = turn.facts.observed.watch.since;
    if is_anew && rollout.teller != Some(teller) {
        rollout.told_anew += u32::from(rollout.teller.is_some());
        rollout.teller = Some(teller);
    }
    progress.steps.push(Step::FlagDevices {
        group: turn.group.name.clone(),
        release: turn.release,
        devices: devices
            .iter()
            .map(|(device, _)| FlagDevice { guid: device.guid, computer_id: device.computer_id })
            .collect(),
    });
}

impl Turn<'_> {
    /// Whether a device takes up room already, since an earlier process may have told it.
    fn counts_already(&self, rollout: &Rollout, device: &Device, sighting: &Sighting) -> bool {
        self.examiner.is_perhaps_under_way(rollout, device, sighting, self.granted())
    }

    /// Whether a device may be told to upgrade. Whoever an earlier process may have told is told once more by this one, but by no more
    /// than a few processes: where each of them ends after an hour, a device would be told for ever.
    pub(super) fn may_tell(&self, rollout: &Rollout, device: &Device, sighting: &Sighting) -> bool {
        self.examiner.may_be_told(rollout, device, sighting)
            && (self.takes_over(rollout) || self.examiner.is_untold(rollout, device, sighting))
    }

    fn takes_over(&self, rollout: &Rollout) -> bool {
        let days =
            rollout.marks.last().map_or(0, |mark| self.granted().duration_since(mark.at).as_hours() / 24);
        let most = TOLD_ANEW_AT_FIRST + days.clamp(0, TOLD_ANEW_DAYS);
        rollout.teller.is_none_or(|teller| teller == self.facts.observed.watch.since)
            || i64::from(rollout.told_anew) < most
    }
}
