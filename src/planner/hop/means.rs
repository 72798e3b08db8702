//! The ways to upgrade a server: each answers the same few questions, in a file of its own.

use jiff::Timestamp;

use super::trouble::Trouble;
use crate::planner::draft::View;
use crate::planner::facts::Touched;
use crate::planner::memory::{Hop, HopServer, ManualMeans, Means, WorkloadMeans};
use crate::planner::observed::Observed;
use crate::planner::report::ServerState;
use crate::planner::step::Step;

/// What every way to upgrade a server can be asked.
pub(super) trait Way {
    /// Whether enough is known of what runs the server to order it.
    fn is_known(&self, observed: &Observed) -> bool;

    /// Whether what runs the server agrees with the release, as far as that can be seen apart from the server's own answers.
    fn agrees(&self, observed: &Observed) -> bool;

    /// What is wrong with a server that was ordered.
    fn trouble(&self, observed: &Observed) -> Option<Trouble>;

    /// What stands in the way of the order.
    fn obstacle(&self, observed: &Observed) -> Option<Trouble>;

    /// The effect that is still missing.
    fn missing_effect(&self, hop: &Hop, entry: &HopServer, observed: &Observed) -> Option<Step>;

    /// Whether nothing is left to do once the server is verified.
    fn is_at_rest(&self, observed: &Observed) -> bool;

    /// When a server that was ordered then is late, if it can be.
    fn deadline(&self, ordered_at: Timestamp) -> Option<Timestamp>;

    /// How a server reads that was ordered and has not come back.
    fn state(&self) -> ServerState;
}

impl Means {
    /// The questions, put to the means at hand.
    pub(super) fn way(&self) -> &dyn Way {
        match self {
            Self::Workload(workload) => workload,
            Self::Manual(manual) => manual,
        }
    }

    /// How a server is upgraded, with every operand. `None` where one is missing, which a gate has said before.
    pub(super) fn of(view: &View<'_>, touched: &Touched<'_>) -> Option<Self> {
        if touched.workload().is_some() {
            WorkloadMeans::of(view, touched).map(Self::Workload)
        } else {
            Some(Self::Manual(ManualMeans {}))
        }
    }

    /// Whether nothing is left to do once the server is verified.
    pub(super) fn is_at_rest(&self, observed: &Observed) -> bool {
        self.way().is_at_rest(observed)
    }
}
