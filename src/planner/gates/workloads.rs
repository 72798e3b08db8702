//! The workloads of the hop can be upgraded by this operator, and rest.

use super::{Touched, View};
use crate::planner::observed::{Catch, Revisions, WorkloadReading, WorkloadRollout};
use crate::planner::reason::Reason;
use crate::planner::report::Verdict;

/// Refuses a workload that is missing or unfit; holds until each rests with its catch closed.
pub fn check(view: &View<'_>) -> Verdict {
    for touched in view.touched() {
        if let Some(job) = running_job(view, &touched) {
            return Verdict::hold(
                Reason::WorkloadUnsettled,
                format!("job {job} of {} has not ended", touched.server.name),
                None,
            );
        }
        let Some((reference, _)) = touched.workload() else { continue };
        let facts = match view.observed.workloads.get(&reference) {
            Some(WorkloadReading::Read(facts)) => facts,
            Some(WorkloadReading::Missing) => {
                return Verdict::refuse(
                    Reason::WorkloadMissing,
                    format!("{reference}, which is to run {}, is not there", touched.server.name),
                    "create it, or correct its name in the spec",
                );
            }
            Some(WorkloadReading::Unreadable(why)) => {
                return Verdict::unknown(Reason::WorkloadUnknown, why.clone(), None);
            }
            None => {
                return Verdict::unknown(
                    Reason::WorkloadUnknown,
                    format!("{reference} was not read yet"),
                    None,
                );
            }
        };
        if let Some(misfit) = facts.misfits.first() {
            let message = format!("{reference}: {}", misfit.why);
            return Verdict::refuse(Reason::WorkloadUnfit, message, misfit.mend.clone());
        }
        if facts.catch == Catch::Open && facts.revisions == Revisions::Several {
            return Verdict::hold(
                Reason::WorkloadUnsettled,
                format!("{reference} is rolling; its catch is closed when it has settled"),
                None,
            );
        }
        if facts.catch == Catch::Open {
            return Verdict::hold(
                Reason::CatchOpen,
                format!("the catch on {reference} is being closed"),
                None,
            );
        }
        if let WorkloadRollout::Failing(why) = &facts.rollout {
            return Verdict::refuse(
                Reason::ServerFailing,
                format!("{reference} fails: {why}"),
                "mend the workload before it is upgraded",
            );
        }
        if facts.running_image.is_none() {
            return Verdict::hold(Reason::WorkloadUnsettled, format!("{reference} has no ready pod"), None);
        }
    }
    Verdict::Pass
}

/// A job of an earlier hop that may still do something to a server. Where jobs cannot be read, another gate refuses.
fn running_job<'a>(view: &View<'a>, touched: &Touched<'_>) -> Option<&'a str> {
    let mut jobs = view.facts.observed.jobs.as_ref().ok()?.values();
    let job = jobs.find(|job| job.server == touched.server.guid && job.is_running())?;
    Some(&job.name)
}
