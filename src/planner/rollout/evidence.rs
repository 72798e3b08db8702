//! What is known of one released device: the facts that every verdict is made of. One function, so that counts and lists never
//! differ.

use jiff::Timestamp;

use super::{ONLINE_WITHIN, RETRY_TIME};
use crate::fleet::Devices;
use crate::fleet::devices::{Device, DeviceState};
use crate::planner::memory::Rollout;
use crate::planner::observed::Flags;

use super::Targets;

/// A flag counts as a device under way for at most this long: who has not come back by then is away, not upgrading.
const UNDER_WAY_FOR: jiff::SignedDuration = jiff::SignedDuration::from_hours(24);

/// What the evidence says of a device that takes part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Evidence {
    /// Not released, and behind.
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
    /// Released, flagged (which only those online are) or connected since, and still behind.
    InFlight {
        /// When it was released.
        released_at: Timestamp,
    },
    /// Released and flagged, connected for longer than its app retries by itself, and still behind.
    Failed {
        /// When it was released.
        released_at: Timestamp,
    },
}

impl Evidence {
    /// When it was released, if it was.
    pub(super) fn released_at(self) -> Option<Timestamp> {
        match self {
            Self::Unreleased => None,
            Self::Done { released_at } => released_at,
            Self::Pending { released_at } | Self::InFlight { released_at } | Self::Failed { released_at } => {
                Some(released_at)
            }
        }
    }
}

/// Judges a device of the rollout's group.
///
/// A device that was released but never flagged, since the process that released it ended in between, has not failed at anything.
pub(super) fn evidence(rollout: &Rollout, device: &Device, is_behind: bool, flags: &Flags) -> Evidence {
    let released_at = released_at(rollout, device);
    match released_at {
        released_at if !is_behind => Evidence::Done { released_at },
        None => Evidence::Unreleased,
        Some(released_at) => {
            let flagged_at = flags.given.get(&device.guid).copied().filter(|at| *at >= rollout.started_at);
            let retried = flagged_at.and_then(|at| at.checked_add(RETRY_TIME).ok());
            if retried.is_some_and(|retried| device.seen_since(retried)) {
                Evidence::Failed { released_at }
            } else if flagged_at.is_some() || device.seen_since(released_at) {
                Evidence::InFlight { released_at }
            } else {
                Evidence::Pending { released_at }
            }
        }
    }
}

/// When a device was released: at the first mark whose threshold it is at or below.
fn released_at(rollout: &Rollout, device: &Device) -> Option<Timestamp> {
    rollout.marks.iter().find(|mark| device.rank <= mark.threshold).map(|mark| mark.at)
}

/// Devices that were flagged and may be upgrading now, whatever became of the rollout that flagged them: a flag cannot be taken
/// back.
pub(super) fn under_way(devices: &Devices, targets: &Targets, flags: &Flags, now: Timestamp) -> u64 {
    let may_move = |(guid, at): &(&u64, &Timestamp)| {
        let retried = at.saturating_add(RETRY_TIME).unwrap_or(Timestamp::MAX);
        now.duration_since(**at) < UNDER_WAY_FOR
            && devices.find(**guid).is_some_and(|device| {
                device.state == DeviceState::Active
                    && targets.is_behind(device)
                    && !device.seen_since(retried)
            })
    };
    flags.given.iter().filter(may_move).count() as u64
}

/// Whether an earlier process may have flagged a device that is behind, so that it may be upgrading now. A process keeps no record
/// of its flags that outlives it: after a restart all that was released counts, until it was connected for as long as apps retry.
pub(super) fn perhaps_under_way(rollout: &Rollout, device: &Device, flags: &Flags, now: Timestamp) -> bool {
    let retried = flags.since.saturating_add(RETRY_TIME).unwrap_or(Timestamp::MAX);
    // Only a device that was online was flagged.
    let gone_since = UNDER_WAY_FOR.saturating_add(ONLINE_WITHIN);
    let gone_since = now.saturating_sub(gone_since).unwrap_or(Timestamp::MIN);
    // An order `Retry` starts the clocks of a rollout anew, and takes back no flag.
    let began = rollout.wave_opened_at.map_or(rollout.started_at, |opened| opened.min(rollout.started_at));
    began < flags.since
        && now.duration_since(flags.since) < UNDER_WAY_FOR
        && rollout.threshold.is_some_and(|threshold| device.rank <= threshold)
        && !flags.given.contains_key(&device.guid)
        && device.seen_since(gone_since)
        && !device.seen_since(retried)
}

/// Flags that a listing begun later shows to be over: the device is up, or gone.
pub(super) fn over(devices: &Devices, targets: &Targets, flags: &Flags) -> Vec<u64> {
    let is_over = |guid: u64, at: Timestamp| {
        devices.began > at && devices.find(guid).is_none_or(|device| !targets.is_behind(device))
    };
    flags.given.iter().filter(|(guid, at)| is_over(**guid, **at)).map(|(guid, _)| *guid).collect()
}
