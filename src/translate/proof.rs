//! What one environment's status tells others that ask for proof.

use crate::api::CodeUpgradeStatus;
use crate::planner::observed::ProvenRelease;

/// The releases that the environment with this status has completed, newest first.
pub fn proven(status: Option<&CodeUpgradeStatus>) -> Vec<ProvenRelease> {
    let entries = status.iter().flat_map(|status| &status.proven);
    let release = |entry: &crate::api::status::ProvenEntry| ProvenRelease {
        release: entry.release,
        since: entry.since,
        until: entry.until,
        devices: entry.devices,
    };
    entries.map(release).collect()
}
