//! A workload of this cluster runs the server: it gets a new image, and its catch is open only while it does.

use jiff::Timestamp;

use super::DEADLINE;
use super::means::Way;
use super::trouble::Trouble;
use crate::planner::desired::ImageFrom;
use crate::planner::draft::View;
use crate::planner::facts::Touched;
use crate::planner::memory::{Hop, HopServer, WorkloadMeans};
use crate::planner::observed::{Catch, Observed, WorkloadFacts, WorkloadReading, WorkloadRollout};
use crate::planner::report::ServerState;
use crate::planner::step::Step;

impl WorkloadMeans {
    /// Every operand of the order. `None` where one is missing.
    pub(super) fn of(view: &View<'_>, touched: &Touched<'_>) -> Option<Self> {
        let (reference, workload) = touched.workload()?;
        let facts = view.observed.workload(&reference)?;
        let image = view.desired.source(view.to()?)?.image.clone()?;
        Some(Self {
            image_from: workload.image_from.unwrap_or(facts.image_from),
            container: facts.container.clone(),
            workload: reference,
            image,
        })
    }

    /// Whether Git has brought another image than the hop's into the template.
    fn is_reverted(&self, facts: &WorkloadFacts) -> bool {
        self.image_from == ImageFrom::Git && facts.template_image != self.image
    }

    /// Whether the order is already in the workload. Where Git writes the image, another image is never let through.
    fn is_ordered(&self, facts: &WorkloadFacts) -> bool {
        let template_is_wanted = facts.template_image == self.image;
        match self.image_from {
            ImageFrom::Operator => template_is_wanted && facts.catch == Catch::Open,
            ImageFrom::Git => !template_is_wanted || facts.catch == Catch::Open,
        }
    }

    fn hold_catch(&self, entry: &HopServer) -> Step {
        Step::HoldCatch { server: entry.name.clone(), workload: self.workload.clone() }
    }

    fn upgrade(&self, hop: &Hop, entry: &HopServer) -> Step {
        Step::UpgradeServer {
            server: entry.name.clone(),
            guid: entry.guid.clone(),
            workload: self.workload.clone(),
            container: self.container.clone(),
            image: self.image.clone(),
            image_from: self.image_from,
            from: hop.from,
            to: hop.to,
        }
    }
}

impl Way for WorkloadMeans {
    fn is_known(&self, observed: &Observed) -> bool {
        observed.workload(&self.workload).is_some()
    }

    fn agrees(&self, observed: &Observed) -> bool {
        observed.workload(&self.workload).is_some_and(|facts| {
            facts.running_image.as_ref() == Some(&self.image) && facts.rollout == WorkloadRollout::Settled
        })
    }

    fn trouble(&self, observed: &Observed) -> Option<Trouble> {
        match observed.workloads.get(&self.workload) {
            Some(WorkloadReading::Read(facts)) => match &facts.rollout {
                WorkloadRollout::Failing(why) => {
                    Some(Trouble::WorkloadFails(self.workload.clone(), why.clone()))
                }
                WorkloadRollout::Settled | WorkloadRollout::Unsettled => self
                    .is_reverted(facts)
                    .then(|| Trouble::ImageAwaited(self.workload.clone(), self.image.clone())),
            },
            Some(WorkloadReading::Missing) => Some(Trouble::WorkloadMissing(self.workload.clone())),
            Some(WorkloadReading::Unreadable(_)) | None => None,
        }
    }

    fn obstacle(&self, observed: &Observed) -> Option<Trouble> {
        match observed.workloads.get(&self.workload)? {
            WorkloadReading::Read(_) => None,
            WorkloadReading::Missing => Some(Trouble::WorkloadMissing(self.workload.clone())),
            WorkloadReading::Unreadable(why) => {
                Some(Trouble::WorkloadUnreadable(self.workload.clone(), why.clone()))
            }
        }
    }

    fn missing_effect(&self, hop: &Hop, entry: &HopServer, observed: &Observed) -> Option<Step> {
        let facts = observed.workload(&self.workload)?;
        match (entry.ordered_at, entry.verified_at) {
            // An older image that Git brings back in mid-hop must not roll through the open catch.
            (Some(_), None) if self.is_reverted(facts) && facts.catch == Catch::Open => {
                Some(self.hold_catch(entry))
            }
            (Some(_), None) if !self.is_ordered(facts) => Some(self.upgrade(hop, entry)),
            (None, _) | (_, Some(_)) if facts.catch == Catch::Open => Some(self.hold_catch(entry)),
            _ => None,
        }
    }

    fn is_at_rest(&self, observed: &Observed) -> bool {
        observed.workload(&self.workload).is_none_or(|facts| facts.catch != Catch::Open)
    }

    fn deadline(&self, ordered_at: Timestamp) -> Option<Timestamp> {
        ordered_at.saturating_add(DEADLINE).ok()
    }

    fn state(&self) -> ServerState {
        ServerState::Upgrading
    }
}
