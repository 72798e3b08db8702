//! What is known of one released device: the facts that every verdict is made of. One function, so that counts and lists never
//! differ.

use jiff::{SignedDuration, Timestamp};

use super::targets::AppLevel;
use super::{ONLINE_WITHIN, RETRY_TIME, Targets};
use crate::fleet::devices::{Device, DeviceState};
use crate::fleet::instants;
use crate::fleet::{Departed, Devices, Sighting, Sightings, Watch};
use crate::planner::memory::Rollout;

/// An order counts as a device under way for at most this long: who has not come back by then is away, not upgrading.
const UNDER_WAY_FOR: SignedDuration = SignedDuration::from_hours(24);

/// A device that fell back is told again until it was told so often.
const MOST_TELLS: u8 = 3;

/// What the evidence says of a device that takes part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Evidence {
    /// Not released, and behind, or without a version that can be read.
    Unreleased,
    /// Not behind.
    Done {
        /// When it was released, if it was.
        released_at: Option<Timestamp>,
    },
    /// Released, and not connected since.
    Pending {
        /// When it was released.
        released_at: Timestamp,
    },
    /// Released, told (which only those online are) or connected since, and still not done.
    InFlight {
        /// When it was released.
        released_at: Timestamp,
    },
    /// Released, and it will not get there by itself.
    Failed {
        /// When it was released.
        released_at: Timestamp,
        /// How that is known.
        how: Failure,
    },
}

/// How it is known that a device failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// It was told, was connected since for longer than its app retries by itself, and is still not done.
    NotMoved,
    /// It was done, and runs something older again.
    FellBack,
}

impl Evidence {
    /// When it was released, if it was.
    pub(super) fn released_at(self) -> Option<Timestamp> {
        match self {
            Self::Unreleased => None,
            Self::Done { released_at } => released_at,
            Self::Pending { released_at }
            | Self::InFlight { released_at }
            | Self::Failed { released_at, how: _ } => Some(released_at),
        }
    }
}

/// What the devices of one listing are judged by.
#[derive(Clone, Debug)]
pub(super) struct Examiner<'a> {
    targets: &'a Targets,
    sightings: Sightings<'a>,
    /// Since when this process watches.
    since: Timestamp,
}

impl<'a> Examiner<'a> {
    pub(super) fn new(devices: &Devices, targets: &'a Targets, watch: &'a Watch) -> Self {
        Self { targets, sightings: watch.sightings(devices), since: watch.since }
    }

    /// What devices are to run.
    pub(super) fn targets(&self) -> &'a Targets {
        self.targets
    }

    /// Whether a wave counts a device that takes part: it is to be moved, or was released in this rollout. A wave of one device that had
    /// nothing to do would try nothing out.
    pub(super) fn is_movable(&self, rollout: &Rollout, device: &Device) -> bool {
        let is_released = rollout.threshold.is_some_and(|threshold| device.rank <= threshold);
        let has_target = self.targets.target(device.product, device.os).is_some();
        self.targets.is_behind(device) || (is_released && has_target)
    }

    /// What was seen of the device in a row.
    pub(super) fn sighting(&self, row: usize, device: &Device) -> Sighting {
        self.sightings.of(row, device)
    }

    /// What the evidence says of a device of the rollout's group.
    pub(super) fn evidence(&self, rollout: &Rollout, device: &Device, sighting: &Sighting) -> Evidence {
        let released_at = released_at(rollout, device);
        let is_readable = match self.targets.level(device) {
            AppLevel::Current => return Evidence::Done { released_at },
            AppLevel::Behind => true,
            AppLevel::Unreadable => false,
        };
        let Some(released_at) = released_at else { return Evidence::Unreleased };
        if sighting.fell_back && is_readable {
            return Evidence::Failed { released_at, how: Failure::FellBack };
        }
        match self.connected_since_told(rollout, sighting) {
            Some(connected) if connected >= RETRY_TIME => {
                Evidence::Failed { released_at, how: Failure::NotMoved }
            }
            Some(_) => Evidence::InFlight { released_at },
            None if device.seen_since(released_at) => Evidence::InFlight { released_at },
            None => Evidence::Pending { released_at },
        }
    }

    /// Whether a device that left is missing: it was released before it left, and had not moved.
    pub(super) fn is_missing(&self, rollout: &Rollout, gone: &Departed<'_>) -> bool {
        let released_at = match self.evidence(rollout, gone.device, &gone.sighting) {
            Evidence::Unreleased | Evidence::Done { .. } => return false,
            Evidence::Pending { released_at }
            | Evidence::InFlight { released_at }
            | Evidence::Failed { released_at, how: _ } => released_at,
        };
        // Marks merge towards later times, but never over the beginning of a wave.
        let opened = rollout.wave_opened_at.filter(|_| is_of_open_wave(rollout, released_at));
        let was_released = is_told(rollout, &gone.sighting) || gone.at >= opened.unwrap_or(released_at);
        // Whoever ordered `Retry` since knew of those that were gone.
        was_released && gone.at >= rollout.started_at
    }

    /// How long a device was seen connected since it was told in its rollout, by this process or an earlier one; `None` where nobody
    /// knows of an order. A device that was released but never told, since the process that released it ended in between, has not
    /// failed at anything.
    pub(super) fn connected_since_told(
        &self,
        rollout: &Rollout,
        sighting: &Sighting,
    ) -> Option<SignedDuration> {
        let carried = self.carried(rollout, sighting);
        let is_known = is_told(rollout, sighting) || carried.is_some();
        is_known.then(|| sighting.connected.saturating_add(carried.unwrap_or_default()))
    }

    /// What earlier processes saw of a device, unless the clocks of its rollout were started anew since.
    fn carried(&self, rollout: &Rollout, sighting: &Sighting) -> Option<SignedDuration> {
        sighting.carried.filter(|_| rollout.started_at <= self.since)
    }

    /// Whether no process before this one can have told a device in its rollout.
    pub(super) fn is_untold(&self, rollout: &Rollout, device: &Device, sighting: &Sighting) -> bool {
        let is_released_here = released_at(rollout, device).is_some_and(|at| at >= self.since);
        sighting.is_new || sighting.was_away || is_released_here
    }

    /// Whether a device may be told to upgrade, as far as it alone is concerned: it is released, behind, and this process has not told
    /// it yet, or it fell back and was not told too often.
    pub(super) fn may_be_told(&self, rollout: &Rollout, device: &Device, sighting: &Sighting) -> bool {
        released_at(rollout, device).is_some() && self.may_be_told_once_released(rollout, device, sighting)
    }

    /// The same of a device that its wave may not have reached yet.
    pub(super) fn may_be_told_once_released(
        &self,
        rollout: &Rollout,
        device: &Device,
        sighting: &Sighting,
    ) -> bool {
        let is_told_enough = if is_told(rollout, sighting) {
            !sighting.fell_back || sighting.tells >= MOST_TELLS
        } else {
            false
        };
        self.targets.level(device) == AppLevel::Behind && !is_told_enough
    }

    /// Until when a device may be upgrading that this process told, whatever became of the rollout in which it did: an order cannot be
    /// taken back.
    pub(super) fn under_way_until(&self, device: &Device, sighting: &Sighting) -> Option<Timestamp> {
        let may_be = device.state == DeviceState::Active
            && self.targets.level(device) != AppLevel::Current
            && !sighting.fell_back
            && sighting.connected < RETRY_TIME;
        let told_at = sighting.told_at.filter(|_| may_be)?;
        Some(instants::after(told_at, UNDER_WAY_FOR))
    }

    /// Whether an earlier process may have told a device that is behind, so that it may be upgrading now. Memory keeps a record of but
    /// a few orders: after a restart all that was released counts, until it was seen connected for as long as apps retry.
    pub(super) fn is_perhaps_under_way(
        &self,
        rollout: &Rollout,
        device: &Device,
        sighting: &Sighting,
        now: Timestamp,
    ) -> bool {
        self.perhaps_under_way_since(now).is_some_and(|since| device.seen_since(since))
            && self.was_perhaps_told(rollout, device, sighting)
    }

    /// Since when a device must have been connected that an earlier process may have told; `None` where it is too long ago that one could
    /// have told any.
    pub(super) fn perhaps_under_way_since(&self, now: Timestamp) -> Option<Timestamp> {
        // Only a device that was online was told.
        let gone_since = UNDER_WAY_FOR.saturating_add(ONLINE_WITHIN);
        let is_recent = now.duration_since(self.since) < UNDER_WAY_FOR;
        is_recent.then(|| instants::before(now, gone_since))
    }

    /// The same, whenever it was connected last.
    pub(super) fn was_perhaps_told(&self, rollout: &Rollout, device: &Device, sighting: &Sighting) -> bool {
        // An order `Retry` starts the clocks of a rollout anew, and takes back nothing.
        let began =
            rollout.wave_opened_at.map_or(rollout.started_at, |opened| opened.min(rollout.started_at));
        let connected = sighting.connected.saturating_add(sighting.carried.unwrap_or_default());
        began < self.since
            && rollout.threshold.is_some_and(|threshold| device.rank <= threshold)
            && self.targets.level(device) != AppLevel::Current
            && sighting.told_at.is_none()
            && connected < RETRY_TIME
    }
}

/// Whether this process told a device in a rollout. An order before it led to another version.
fn is_told(rollout: &Rollout, sighting: &Sighting) -> bool {
    sighting.told_at.is_some_and(|told| told >= rollout.started_at)
}

/// When a device was released: at the first mark whose threshold it is at or below.
pub(super) fn released_at(rollout: &Rollout, device: &Device) -> Option<Timestamp> {
    rollout.marks.iter().find(|mark| device.rank <= mark.threshold).map(|mark| mark.at)
}

/// Whether what was released at an instant belongs to the open wave.
pub(super) fn is_of_open_wave(rollout: &Rollout, released_at: Timestamp) -> bool {
    rollout.wave_opened_at.is_none_or(|opened| released_at >= opened)
}
