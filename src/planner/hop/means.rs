//! The ways to upgrade a server: each answers the same few questions, in a file of its own.

use super::trouble::Trouble;
use crate::planner::desired::Method;
use crate::planner::draft::View;
use crate::planner::facts::Touched;
use crate::planner::files;
use crate::planner::memory::{Hop, HopServer, JobMeans, ManualMeans, Means, WorkloadMeans};
use crate::planner::observed::Observed;
use crate::planner::report::ServerState;
use crate::planner::step::Step;

/// Whether an order is carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CarriedOut {
    /// It is: what runs the server has it, or a person has begun.
    Yes,
    /// It is not.
    No,
    /// Nobody can tell now.
    Unknown,
}

/// Whether a server that takes too long is late.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Haste {
    /// It is slow after a while, and stalls after another.
    Timed,
    /// Nobody is called late who was asked to do it when they have the time.
    Untimed,
}

/// What every way to upgrade a server can be asked.
pub(super) trait Way {
    /// Whether enough is known of what runs the server to order it.
    fn is_known(&self, observed: &Observed) -> bool;

    /// Whether the order is in what runs the server; `entry` for what the server itself says.
    fn carried_out(&self, hop: &Hop, entry: &HopServer, observed: &Observed) -> CarriedOut;

    /// Whether what runs the server agrees with the release, as far as that can be seen apart from the server's own answers.
    fn agrees(&self, observed: &Observed) -> bool;

    /// What is wrong with a server that was ordered.
    fn trouble(&self, observed: &Observed) -> Option<Trouble>;

    /// What stands in the way of the order.
    fn obstacle(&self, observed: &Observed) -> Option<Trouble>;

    /// The effect that is still missing.
    fn missing_effect(&self, hop: &Hop, entry: &HopServer, observed: &Observed) -> Option<Step>;

    /// The rights that the missing effect needs and that were denied when they were last asked for.
    fn denied(&self, observed: &Observed) -> Option<Trouble>;

    /// Whether nothing is left to do once the server is verified.
    fn is_at_rest(&self, observed: &Observed) -> bool;

    /// Whether what runs the server is gone, so that nothing of the hop can reach it.
    fn is_gone(&self, observed: &Observed) -> bool;

    /// Whether it can be late.
    fn haste(&self) -> Haste;

    /// How a server reads that was ordered and has not come back.
    fn state(&self) -> ServerState;
}

impl Means {
    /// The questions, put to the means at hand.
    pub(super) fn way(&self) -> &dyn Way {
        match self {
            Self::Workload(workload) => workload,
            Self::Job(job) => job,
            Self::Manual(manual) => manual,
        }
    }

    /// How a server is upgraded, with every operand. `None` where one is missing, which a gate has said before.
    pub(super) fn of(view: &View<'_>, touched: &Touched<'_>) -> Option<Self> {
        match touched.method {
            Method::StatefulSet(_) | Method::Deployment(_) => {
                WorkloadMeans::of(view, touched).map(Self::Workload)
            }
            Method::Job { template, .. } => JobMeans::of(view, touched, template).map(Self::Job),
            Method::Manual { os } => {
                let file = files::verified(view.facts, view.memory, view.to()?, *os)?;
                Some(Self::Manual(ManualMeans { file: Some(file) }))
            }
        }
    }
}
