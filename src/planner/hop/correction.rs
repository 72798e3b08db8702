//! A server that is not verified follows a source that somebody corrects: the wrong digest, a typing error, another mirror.

use crate::planner::facts::Facts;
use crate::planner::memory::{Hop, Means};

/// Takes over the image that the spec now names for the release of the hop. A spec that cannot be read corrects nothing.
pub(in crate::planner) fn follow(facts: &Facts<'_>, hop: &mut Hop) {
    if !facts.desired.problems.is_empty() {
        return;
    }
    let Some(image) = facts.desired.source(hop.to).and_then(|source| source.image.as_ref()) else { return };
    for entry in hop.servers.iter_mut().filter(|entry| entry.verified_at.is_none()) {
        match &mut entry.means {
            Means::Workload(means) if means.image != *image => {
                means.image.clone_from(image);
                // What was seen was seen of the other image.
                (entry.settled_at, entry.seen_at) = (None, None);
                // And its deadline begins anew.
                let wasted = entry.carried_out_at.map(|since| facts.now.duration_since(since).as_secs());
                entry.uncounted_seconds = wasted.unwrap_or(0).max(0);
            }
            Means::Workload(_) | Means::Manual(_) => {}
        }
    }
}
