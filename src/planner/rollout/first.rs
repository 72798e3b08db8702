//! The first devices of a group: one is told alone, and nobody follows before one of them was seen to move.
//!
//! Only evidence counts: a first device that was connected for as long as apps retry has failed; one that went silent has not, but
//! another one may be tried meanwhile; one that is gone from the list, or reports no version, has not moved.

use jiff::Timestamp;

use super::evidence::Evidence;
use super::turn::Turn;
use super::{ONLINE_WITHIN, RETRY_TIME};
use crate::fleet::instants;
use crate::fleet::{DeviceState, Guid};
use crate::planner::memory::{FirstDevice, Rollout};

/// First devices that are tried.
pub(super) const MOST_TRIED: usize = 3;

/// What became of one first device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tried {
    /// It was seen at its new version.
    Moved,
    /// Nobody told it: the process that chose it ended in between.
    Untold,
    /// It was told, and may move any minute.
    OnItsWay,
    /// It was connected for as long as its app retries by itself.
    Failed,
    /// Its time is over, and it is not connected, or is gone.
    Away,
}

/// What the first devices say of the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum First {
    /// None was told yet, or another one may be tried.
    Try,
    /// This one moved: the others follow.
    Moved(u64),
    /// This one is awaited, since then.
    Awaited(u64, Timestamp),
    /// This one was never told: it is told now.
    Untold(u64),
    /// As many were tried as may be, and none moved.
    NoMore(u64, Timestamp),
}

impl Turn<'_> {
    /// Where the first devices of a rollout stand.
    pub(super) fn first(&self, rollout: &Rollout) -> First {
        let Some(first) = &rollout.first else { return First::Try };
        if first.moved_at.is_some() {
            return First::Moved(first.guid);
        }
        let tried: Vec<(u64, Tried)> =
            guids(first).map(|guid| (guid, self.tried(rollout, guid, first.flagged_at))).collect();
        let find = |wanted: Tried| tried.iter().find(|(_, found)| *found == wanted).map(|(guid, _)| *guid);
        if let Some(guid) = find(Tried::Moved) {
            return First::Moved(guid);
        }
        if let Some(guid) = find(Tried::Untold) {
            return First::Untold(guid);
        }
        if let Some(guid) = find(Tried::OnItsWay) {
            return First::Awaited(guid, first.flagged_at);
        }
        if tries(first) < MOST_TRIED { First::Try } else { First::NoMore(first.guid, first.flagged_at) }
    }

    /// Whether the first devices that were tried have failed, all of them and for sure: each was connected for as long as apps retry,
    /// or is silent beyond what is usual.
    pub(super) fn first_devices_failed(&self, rollout: &Rollout) -> bool {
        let Some(first) = rollout.first.as_ref() else { return false };
        if !matches!(self.first(rollout), First::NoMore(..)) {
            return false;
        }
        let is_failed = |guid: &u64| self.tried(rollout, *guid, first.flagged_at) == Tried::Failed;
        let known = guids(first).count();
        let failed = guids(first).filter(is_failed).count() + tries(first).saturating_sub(known);
        let lost = usize::try_from(self.tally.lost + self.tally.missing_lost).unwrap_or(usize::MAX);
        // What is usual is rounded up: of three that are lost one seems to be merely silent.
        failed + lost > 0 && failed.saturating_add(lost) + 1 >= MOST_TRIED
    }

    fn tried(&self, rollout: &Rollout, guid: u64, flagged_at: Timestamp) -> Tried {
        let is_over = self.granted().duration_since(flagged_at) >= RETRY_TIME;
        let later = if is_over { Tried::Away } else { Tried::OnItsWay };
        let Some(row) = self.devices.row_of(guid) else { return later };
        let device = &self.devices.rows()[row];
        let sighting = self.examiner.sighting(row, device);
        match self.examiner.evidence(rollout, device, &sighting) {
            // A list that began before it was told says nothing.
            Evidence::Done { .. } if self.devices.began > flagged_at => return Tried::Moved,
            Evidence::Failed { .. } => return Tried::Failed,
            Evidence::Done { .. }
            | Evidence::Unreleased
            | Evidence::Pending { .. }
            | Evidence::InFlight { .. } => {}
        }
        if device.state != DeviceState::Active {
            // Blocked or deactivated since: as if it were gone.
            return later;
        }
        let is_told = self.examiner.connected_since_told(rollout, &sighting).is_some();
        if !is_told && self.may_tell(rollout, device, &sighting) {
            return Tried::Untold;
        }
        let online_since = instants::before(self.devices.began, ONLINE_WITHIN);
        if device.seen_since(online_since) { Tried::OnItsWay } else { later }
    }
}

/// The devices that were tried, the last one first.
pub(super) fn guids(first: &FirstDevice) -> impl Iterator<Item = u64> {
    [first.guid].into_iter().chain(first.before.iter().filter_map(|guid| guid.0.parse().ok()))
}

/// How many were tried, those included of which an older operator wrote down but their number.
fn tries(first: &FirstDevice) -> usize {
    1 + first.before.len().max(usize::try_from(first.failed_before).unwrap_or(usize::MAX - 1))
}

/// Whether a device was tried as a first one.
pub(super) fn was_tried(rollout: &Rollout, guid: u64) -> bool {
    rollout.first.as_ref().is_some_and(|first| guids(first).any(|tried| tried == guid))
}

/// Another first device is tried after those before it.
pub(super) fn try_next(before: Option<&FirstDevice>, guid: u64, flagged_at: Timestamp) -> FirstDevice {
    let tried: Vec<Guid> = before.into_iter().flat_map(guids).map(|guid| Guid(guid.to_string())).collect();
    let failed_before = before.map_or(0, |first| u32::try_from(tries(first)).unwrap_or(u32::MAX));
    FirstDevice { guid, flagged_at, moved_at: None, failed_before, before: tried }
}
