//! How often things are read, looked at and written: said here once.

use jiff::SignedDuration;

/// Servers are listed this often in a hop.
pub const SERVERS_IN_A_HOP: SignedDuration = SignedDuration::from_secs(15);

/// Servers are listed this often otherwise.
pub const SERVERS_AT_REST: SignedDuration = SignedDuration::from_secs(60);

/// Devices are listed this often in a rollout.
pub const DEVICES_IN_A_ROLLOUT: SignedDuration = SignedDuration::from_mins(5);

/// Devices are listed this often otherwise.
pub const DEVICES_AT_REST: SignedDuration = SignedDuration::from_mins(30);

/// Changes of counts in a rollout are written at most this often.
pub const COUNTS_IN_A_ROLLOUT: SignedDuration = SignedDuration::from_mins(5);

/// Otherwise at most this often.
pub const COUNTS_OTHERWISE: SignedDuration = SignedDuration::from_hours(1);
