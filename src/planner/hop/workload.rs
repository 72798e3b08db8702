//! A workload of this cluster runs the server: it gets a new image, and its catch is open only until it has settled on it.

use super::means::{CarriedOut, Haste, Way};
use super::trouble::Trouble;
use crate::planner::desired::ImageFrom;
use crate::planner::draft::View;
use crate::planner::facts::Touched;
use crate::planner::memory::{Hop, HopServer, WorkloadMeans};
use crate::planner::observed::{
    Catch, Observed, Revisions, Rights, WorkloadFacts, WorkloadReading, WorkloadRollout,
};
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
            ordered_image: None,
        })
    }

    /// Whether a person has put another image into the template since the order was carried out: a restore, mostly, which is
    /// never undone.
    fn is_taken_back(&self, facts: &WorkloadFacts) -> bool {
        self.image_from == ImageFrom::Operator
            && facts.template_image != self.image
            && self.ordered_image.as_ref().is_some_and(|ordered| *ordered != facts.template_image)
    }

    /// Whether Git has brought another image than the hop's into the template.
    fn is_reverted(&self, facts: &WorkloadFacts) -> bool {
        self.image_from == ImageFrom::Git && facts.template_image != self.image
    }

    /// Whether the order is in the workload: the template is the wanted one, and either let through or rolled out.
    fn has_order(&self, facts: &WorkloadFacts) -> CarriedOut {
        if facts.template_image != self.image {
            return CarriedOut::No;
        }
        match (facts.catch, facts.revisions) {
            (Catch::Open, _) | (Catch::Held, Revisions::One) => CarriedOut::Yes,
            (Catch::Held, Revisions::Several) => CarriedOut::No,
            (Catch::Held, Revisions::Unseen) => CarriedOut::Unknown,
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
        observed.workload(&self.workload).is_some_and(|facts| facts.misfits.is_empty())
    }

    fn carried_out(&self, _: &Hop, _: &HopServer, observed: &Observed) -> CarriedOut {
        match observed.workloads.get(&self.workload) {
            Some(WorkloadReading::Read(facts)) => self.has_order(facts),
            Some(WorkloadReading::Missing) => CarriedOut::No,
            Some(WorkloadReading::Unreadable(_)) | None => CarriedOut::Unknown,
        }
    }

    fn agrees(&self, observed: &Observed) -> bool {
        observed.workload(&self.workload).is_some_and(|facts| {
            facts.running_image.as_ref() == Some(&self.image) && facts.rollout == WorkloadRollout::Settled
        })
    }

    fn trouble(&self, observed: &Observed) -> Option<Trouble> {
        let facts = match observed.workloads.get(&self.workload) {
            Some(WorkloadReading::Read(facts)) => facts,
            Some(WorkloadReading::Missing) => return Some(Trouble::WorkloadMissing(self.workload.clone())),
            Some(WorkloadReading::Unreadable(_)) | None => return None,
        };
        if let Some(misfit) = facts.misfits.first() {
            return Some(Trouble::WorkloadUnfit(self.workload.clone(), misfit.why.clone()));
        }
        match &facts.rollout {
            WorkloadRollout::Failing(why) => Some(Trouble::WorkloadFails(self.workload.clone(), why.clone())),
            WorkloadRollout::Settled | WorkloadRollout::Unsettled if self.is_taken_back(facts) => {
                Some(Trouble::ImageTakenBack(self.workload.clone(), facts.template_image.clone()))
            }
            WorkloadRollout::Settled | WorkloadRollout::Unsettled => self
                .is_reverted(facts)
                .then(|| Trouble::ImageAwaited(self.workload.clone(), self.image.clone())),
        }
    }

    fn obstacle(&self, observed: &Observed) -> Option<Trouble> {
        let workload = || self.workload.clone();
        let facts = match observed.workloads.get(&self.workload)? {
            WorkloadReading::Read(facts) => facts,
            WorkloadReading::Missing => return Some(Trouble::WorkloadMissing(workload())),
            WorkloadReading::Unreadable(why) => {
                return Some(Trouble::WorkloadUnreadable(workload(), why.clone()));
            }
        };
        match (facts.misfits.first(), &facts.rights) {
            (Some(misfit), _) => Some(Trouble::WorkloadUnfit(workload(), misfit.why.clone())),
            (None, Rights::Denied(_)) => self.denied(observed),
            (None, Rights::Rewritten { field, .. }) => Some(Trouble::WorkloadUnfit(
                workload(),
                format!("a webhook changes {field} as it is written"),
            )),
            (None, Rights::Granted | Rights::Unchecked) => None,
        }
    }

    fn missing_effect(&self, hop: &Hop, entry: &HopServer, observed: &Observed) -> Option<Step> {
        let facts = observed.workload(&self.workload).filter(|facts| facts.has_a_catch())?;
        let is_fit = facts.misfits.is_empty();
        let is_open = facts.catch == Catch::Open;
        match (entry.ordered_at, entry.verified_at) {
            // An older image that Git brings back in mid-hop must not roll through the open catch.
            (Some(_), None) if self.is_reverted(facts) => is_open.then(|| self.hold_catch(entry)),
            // What a person has put there is theirs: it is held, and never overwritten.
            (Some(_), None) if self.is_taken_back(facts) => {
                (is_open && facts.revisions == Revisions::One).then(|| self.hold_catch(entry))
            }
            (Some(_), None) if self.has_order(facts) == CarriedOut::No => {
                is_fit.then(|| self.upgrade(hop, entry))
            }
            // Below the partition Kubernetes brings back the revision that was current: while it rolls that is the old image,
            // on data that may have migrated. Once it has settled nothing is let through any more.
            (_, _) => (is_open && facts.revisions == Revisions::One).then(|| self.hold_catch(entry)),
        }
    }

    fn denied(&self, observed: &Observed) -> Option<Trouble> {
        match &observed.workload(&self.workload)?.rights {
            Rights::Denied(why) => Some(Trouble::RightsMissing(self.workload.clone(), why.clone())),
            Rights::Granted | Rights::Unchecked | Rights::Rewritten { .. } => None,
        }
    }

    fn is_at_rest(&self, observed: &Observed) -> bool {
        match observed.workloads.get(&self.workload) {
            Some(WorkloadReading::Read(facts)) => facts.catch == Catch::Held || !facts.has_a_catch(),
            Some(WorkloadReading::Missing) => true,
            Some(WorkloadReading::Unreadable(_)) | None => false,
        }
    }

    fn is_gone(&self, observed: &Observed) -> bool {
        matches!(observed.workloads.get(&self.workload), Some(WorkloadReading::Missing))
    }

    fn haste(&self) -> Haste {
        Haste::Timed
    }

    fn state(&self) -> ServerState {
        ServerState::Upgrading
    }
}
