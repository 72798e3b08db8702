//! A person upgrades the server: asked, and followed by what the server answers.

use jiff::Timestamp;

use super::means::Way;
use super::trouble::Trouble;
use crate::planner::memory::{Hop, HopServer, ManualMeans};
use crate::planner::observed::Observed;
use crate::planner::report::ServerState;
use crate::planner::step::Step;

impl Way for ManualMeans {
    fn is_known(&self, _: &Observed) -> bool {
        true
    }

    fn agrees(&self, _: &Observed) -> bool {
        true
    }

    fn trouble(&self, _: &Observed) -> Option<Trouble> {
        None
    }

    fn obstacle(&self, _: &Observed) -> Option<Trouble> {
        None
    }

    fn missing_effect(&self, _: &Hop, _: &HopServer, _: &Observed) -> Option<Step> {
        None
    }

    fn is_at_rest(&self, _: &Observed) -> bool {
        true
    }

    fn deadline(&self, _: Timestamp) -> Option<Timestamp> {
        // Nobody is called late who was asked to do it when they have the time.
        None
    }

    fn state(&self) -> ServerState {
        ServerState::AwaitingPerson
    }
}
