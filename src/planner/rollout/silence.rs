//! Which silence is usual in a group: people switch their computers off, and only what is beyond that is a loss.

use std::ops::AddAssign;

use jiff::{SignedDuration, Timestamp};

use super::evidence::Evidence;
use crate::fleet::devices::Device;
use crate::fleet::instants;

/// A device that was seen after its release and then fell silent for this long may be lost.
const SILENT_TIME: SignedDuration = SignedDuration::from_hours(24);

/// The same where too few devices are left unreleased to tell what silence is usual: longer than any weekend.
const SILENT_TIME_ALONE: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Unreleased devices that it takes to tell what silence is usual.
const LEAST_UNRELEASED: u64 = 20;

/// Since when devices must have been connected to be live, and not to be silent.
#[derive(Clone, Copy)]
pub(super) struct Horizon {
    spoke: Timestamp,
    spoke_lately: Timestamp,
}

impl Horizon {
    pub(super) fn at(now: Timestamp) -> Self {
        let before = |span| instants::before(now, span);
        Self { spoke: before(SILENT_TIME_ALONE), spoke_lately: before(SILENT_TIME) }
    }
}

/// How silent a group is.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Silence {
    /// Unreleased devices that were connected within a week, and of those the silent ones.
    unreleased: u64,
    unreleased_silent: u64,
    /// Devices in flight that are silent, and those silent for a week.
    silent: u64,
    silent_for_long: u64,
    /// The same of those in flight that left the list.
    gone_silent: u64,
    gone_silent_for_long: u64,
}

impl AddAssign for Silence {
    fn add_assign(&mut self, other: Self) {
        let Self {
            unreleased,
            unreleased_silent,
            silent,
            silent_for_long,
            gone_silent,
            gone_silent_for_long,
        } = other;
        self.unreleased += unreleased;
        self.unreleased_silent += unreleased_silent;
        self.silent += silent;
        self.silent_for_long += silent_for_long;
        self.gone_silent += gone_silent;
        self.gone_silent_for_long += gone_silent_for_long;
    }
}

impl Silence {
    /// Counts a device of the list.
    pub(super) fn count(&mut self, device: &Device, found: Evidence, horizon: Horizon) {
        let silent = !device.seen_since(horizon.spoke_lately);
        let silent_for_long = !device.seen_since(horizon.spoke);
        match found {
            Evidence::Unreleased | Evidence::Done { released_at: None } if !silent_for_long => {
                self.unreleased += 1;
                self.unreleased_silent += u64::from(silent);
            }
            Evidence::InFlight { .. } => {
                self.silent += u64::from(silent);
                self.silent_for_long += u64::from(silent_for_long);
            }
            Evidence::Unreleased
            | Evidence::Done { .. }
            | Evidence::Pending { .. }
            | Evidence::Failed { .. } => {}
        }
    }

    /// Counts a device that is missing: whatever it was last, it is not heard of any more.
    pub(super) fn count_gone(&mut self, device: &Device, found: Evidence, horizon: Horizon) {
        match found {
            Evidence::Unreleased | Evidence::Done { .. } | Evidence::Pending { .. } => {}
            Evidence::InFlight { .. } | Evidence::Failed { .. } => {
                self.gone_silent += u64::from(!device.seen_since(horizon.spoke_lately));
                self.gone_silent_for_long += u64::from(!device.seen_since(horizon.spoke));
            }
        }
    }

    /// Whether a device is silent for so long that it may be lost where enough are left to tell what silence is usual.
    pub(super) fn is_silent(device: &Device, horizon: Horizon) -> bool {
        !device.seen_since(horizon.spoke_lately)
    }

    /// A device in flight that is silent since before this may be lost.
    pub(super) fn counts_from(&self, horizon: Horizon) -> Timestamp {
        if self.unreleased < LEAST_UNRELEASED { horizon.spoke } else { horizon.spoke_lately }
    }

    /// The silent devices beyond what is usual, of so many that were seen since their release: those in the list, and those that left
    /// it. What is usual is taken from those in the list first.
    pub(super) fn lost(&self, seen: u64) -> (u64, u64) {
        if self.unreleased < LEAST_UNRELEASED {
            return (self.silent_for_long, self.gone_silent_for_long);
        }
        let usual = (seen * self.unreleased_silent).div_ceil(self.unreleased);
        let listed = self.silent.saturating_sub(usual);
        let rest = usual.saturating_sub(self.silent);
        (listed, self.gone_silent.saturating_sub(rest))
    }
}
