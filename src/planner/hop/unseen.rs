//! Time in which nobody could see the servers of a hop: no deadline counts it.

use crate::fleet::ServerRole;
use crate::planner::facts::Facts;
use crate::planner::memory::{Hop, HopServer};

/// Notes when sight is lost and regained. The authority's own silence while it is upgraded is no such time: it is what its
/// deadline is about.
pub(in crate::planner) fn note(facts: &Facts<'_>, hop: &mut Hop) {
    let is_seen = facts.situation.fresh;
    match (hop.unseen_since, is_seen) {
        (None, false) => {
            let last_seen = facts.observed.servers.as_ref().map(|servers| servers.read_at);
            hop.unseen_since = Some(last_seen.unwrap_or(facts.now));
        }
        (Some(since), true) => {
            let is_counted =
                |entry: &&mut HopServer| entry.role == ServerRole::Storage && entry.verified_at.is_none();
            for entry in hop.servers.iter_mut().filter(is_counted) {
                let Some(from) = entry.carried_out_at else { continue };
                let lost = facts.now.duration_since(since.max(from)).as_secs().max(0);
                entry.uncounted_seconds = entry.uncounted_seconds.saturating_add(lost);
            }
            hop.unseen_since = None;
        }
        (None, true) | (Some(_), false) => {}
    }
}
