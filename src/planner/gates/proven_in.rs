//! The release has proven itself in other environments, where the spec asks for that.

use super::View;
use crate::planner::intent::Intent;
use crate::planner::observed::ProofFinding;
use crate::planner::reason::Reason;
use crate::planner::report::Verdict;
use crate::planner::words;

/// Holds until every named environment has run the release long enough, with enough devices.
pub fn check(view: &View<'_>) -> Verdict {
    let Intent::Hop(leg) = view.intent else { return Verdict::Pass };
    for wanted in &view.desired.proven_in {
        let name = format!("{}/{}", wanted.namespace, wanted.name);
        let finding = view
            .observed
            .proofs
            .iter()
            .find(|proof| proof.namespace == wanted.namespace && proof.name == wanted.name)
            .map(|proof| &proof.finding);
        match finding {
            Some(ProofFinding::Proven { release, since, devices }) if *release == leg.to => {
                let ripe = since.saturating_add(wanted.for_).unwrap_or(*since);
                if *devices < wanted.min_devices {
                    let message =
                        format!("{name} has {devices} of {} devices on {}", wanted.min_devices, leg.to);
                    return Verdict::hold(Reason::NotYetProven, message, None);
                }
                if view.now < ripe {
                    let message = format!("{name} has run {} long enough {}", leg.to, words::instant(ripe));
                    return Verdict::hold(Reason::NotYetProven, message, Some(ripe));
                }
            }
            Some(ProofFinding::Unreadable(why)) => {
                return Verdict::unknown(Reason::NotYetProven, format!("{name} cannot be read: {why}"), None);
            }
            Some(ProofFinding::Proven { .. } | ProofFinding::NotYet) | None => {
                return Verdict::hold(
                    Reason::NotYetProven,
                    format!("{name} has not completed {} yet", leg.to),
                    None,
                );
            }
        }
    }
    Verdict::Pass
}
