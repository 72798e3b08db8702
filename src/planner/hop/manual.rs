//! A person upgrades the server: asked, and followed by what the server answers.

use super::means::{CarriedOut, Haste, Way};
use super::trouble::Trouble;
use crate::fleet::Verification;
use crate::planner::memory::{Hop, HopServer, ManualMeans};
use crate::planner::observed::{Access, Observed};
use crate::planner::report::ServerState;
use crate::planner::step::Step;

impl Way for ManualMeans {
    fn is_known(&self, _: &Observed) -> bool {
        self.file.is_some()
    }

    /// A server that is silent may be in the middle of it, and so may any while its authority is.
    fn carried_out(&self, hop: &Hop, entry: &HopServer, observed: &Observed) -> CarriedOut {
        if observed.access != Access::Good {
            return CarriedOut::Unknown;
        }
        match observed.server(&entry.guid).map(|server| server.verification(hop.to)) {
            Some(Verification::Verified | Verification::Verifying | Verification::Above(_)) => {
                CarriedOut::Yes
            }
            Some(Verification::Below(_)) => CarriedOut::No,
            Some(Verification::Unsure) | None => CarriedOut::Unknown,
        }
    }

    fn agrees(&self, _: &Observed) -> bool {
        true
    }

    fn trouble(&self, _: &Observed) -> Option<Trouble> {
        None
    }

    fn obstacle(&self, _: &Observed) -> Option<Trouble> {
        self.file.is_none().then_some(Trouble::FileNotVerified)
    }

    fn missing_effect(&self, _: &Hop, _: &HopServer, _: &Observed) -> Option<Step> {
        None
    }

    fn denied(&self, _: &Observed) -> Option<Trouble> {
        None
    }

    fn is_at_rest(&self, _: &Observed) -> bool {
        true
    }

    /// Nothing of ours is in flight: the person needs no object.
    fn is_gone(&self, _: &Observed) -> bool {
        true
    }

    fn haste(&self) -> Haste {
        Haste::Untimed
    }

    fn state(&self) -> ServerState {
        ServerState::AwaitingPerson
    }
}
