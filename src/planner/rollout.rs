//! Bringing devices to what a release bundles, group by group and wave by wave (ARCHITECTURE.md, rollouts).
//!
//! The durable state is one threshold a group, whatever the size of the fleet: every device whose rank is at or
//! below it is released. It is written before any device is flagged.

mod advance;
mod between;
mod count;
mod edited;
mod estimate;
mod evidence;
mod first;
mod flag;
mod follow;
mod halt;
mod judge;
mod losses;
mod missing;
mod orders;
mod overall;
mod overview;
mod part;
mod pick;
mod progress;
mod release;
mod sample;
mod silence;
mod start;
mod state;
mod survey;
mod surveys;
mod tally;
mod targets;
mod turn;
mod verdict;
mod waves;

use jiff::SignedDuration;

pub use self::estimate::Estimate;
pub(super) use self::follow::follow;
pub use self::overall::overview;
pub use self::overview::{AppCount, Overview, Verdicts, judged_by};
pub use self::progress::{Asked, Halt, Progress};
pub use self::sample::carried;
pub use self::surveys::Surveys;
pub use self::targets::Targets;
pub use self::verdict::{Described, DeviceVerdict, Judge, Judged, Losses};

/// Only a device seen this recently is told to upgrade: an order cannot be taken back
/// (FACTS.md, api-device-upgrade).
pub use crate::fleet::ONLINE_WITHIN;

/// How long a device's app retries by itself: a download may take 15 minutes to begin and is retried after an hour
/// (FACTS.md, device-retry). Before that nothing is a failure.
pub const RETRY_TIME: SignedDuration = SignedDuration::from_mins(90);

/// A wave that is not complete by then after its last release is overdue (ARCHITECTURE.md, rollouts).
pub const OVERDUE_AFTER: SignedDuration = SignedDuration::from_hours(7 * 24);

/// A threshold rises at most this often.
const RAISE_EVERY: SignedDuration = SignedDuration::from_mins(1);
