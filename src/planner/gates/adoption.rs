//! Versions that came about from outside are taken over only when somebody says so (ARCHITECTURE.md, rule 2).

use super::{View, health};
use crate::planner::reason::Reason;
use crate::planner::report::Verdict;
use crate::planner::standing::{Standing, answered};
use crate::planner::words;

/// Holds on versions that this operator did not bring about; refuses storage that is ahead.
pub fn check(view: &View<'_>) -> Verdict {
    match view.standing {
        Standing::Mixed { authority, behind, .. } => {
            if answered(view.facts, view.memory, *authority) {
                return Verdict::Pass;
            }
            Verdict::ask(
                Reason::AdoptionNeeded,
                format!(
                    "{} behind the authority at {authority}: set spec.version to it, or order Adopt",
                    words::list(behind, 2)
                ),
                format!("either brings storage to {authority}; nothing moves unasked"),
            )
        }
        Standing::MovedFromOutside { from, to } => Verdict::ask(
            Reason::AdoptionNeeded,
            format!("somebody upgraded {from} to {to}: set spec.version to {to}, or order Adopt"),
            format!("either takes {to} as the new beginning, with its wait; nothing moves unasked"),
        ),
        Standing::StorageAhead(ahead) => Verdict::refuse(
            Reason::StorageAhead,
            format!("{} newer than the authority", words::list(ahead, 3)),
            "install the authority's version on that storage server; there is no downgrade",
        ),
        Standing::Unsure => {
            if view.situation.down().next().is_none() {
                let message = "servers are being verified: 3 answers over 2 minutes";
                return Verdict::hold(Reason::NotYetObserved, message, None);
            }
            health::offline(view, "what it is at is not known")
        }
        Standing::Settled(_) | Standing::InHop | Standing::RestoredByHand { .. } => Verdict::Pass,
    }
}
