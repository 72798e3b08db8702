//! A job runs the upgrade file on the server: made once for each attempt, never repeated blindly, never killed. What the server answers
//! decides; how the job ended is evidence.

use md5::{Digest as _, Md5};

use super::means::{CarriedOut, Haste, Way};
use super::trouble::Trouble;
use crate::fleet::Guid;
use crate::planner::draft::View;
use crate::planner::facts::{Facts, Touched};
use crate::planner::files;
use crate::planner::memory::{Hop, HopServer, JobMeans, Means};
use crate::planner::observed::{JobState, Observed, ServerJob};
use crate::planner::order::{Action, Order, Subject};
use crate::planner::report::ServerState;
use crate::planner::step::Step;

impl JobMeans {
    /// Every operand of the order. `None` where one is missing.
    pub(super) fn of(view: &View<'_>, touched: &Touched<'_>, template: &str) -> Option<Self> {
        let os = touched.method.file_for()?;
        let file = files::verified(view.facts, view.memory, view.to()?, os)?;
        Some(Self {
            server: touched.server.guid.clone(),
            template: template.to_owned(),
            file: Some(file),
            attempt: 1,
            seen: false,
            hop: String::new(),
        })
    }

    /// The job of this attempt.
    fn job<'a>(&self, observed: &'a Observed) -> Option<&'a ServerJob> {
        observed.jobs.as_ref().ok()?.get(&self.run())
    }

    /// A job for the same server that has not ended, of whatever attempt, as far as anybody can tell.
    fn running<'a>(&self, observed: &'a Observed) -> Option<&'a ServerJob> {
        let mut jobs = observed.jobs.as_ref().ok()?.values();
        jobs.find(|job| job.server == self.server && job.is_running())
    }

    /// The same, but of another attempt than this.
    fn another<'a>(&self, observed: &'a Observed) -> Option<&'a ServerJob> {
        let own = self.run();
        let mut jobs = observed.jobs.as_ref().ok()?.iter();
        let job = jobs.find(|(run, job)| **run != own && job.server == self.server && job.is_running());
        job.map(|(_, job)| job)
    }

    /// Sixteen hexadecimal digits that are the same for the same attempt at the same server in the same hop.
    pub(super) fn run(&self) -> String {
        let digest = Md5::digest(format!("{}|{}|{}", self.hop, self.server, self.attempt));
        let mut first = [0; 8];
        first.copy_from_slice(&digest[..8]);
        format!("{:016x}", u64::from_be_bytes(first))
    }
}

/// Notes the jobs that were seen: one that is gone since was deleted, and nobody knows how far it had come.
pub(in crate::planner) fn note(facts: &Facts<'_>, hop: &mut Hop) {
    for entry in &mut hop.servers {
        if let Means::Job(means) = &mut entry.means
            && !means.seen
            && means.job(facts.observed).is_some()
        {
            means.seen = true;
            // Answers from before it say nothing of it.
            (entry.settled_at, entry.seen_at) = (None, None);
        }
    }
}

/// Whether an order may begin the next attempt at a server: its job was seen, and surely none of it runs any more.
pub(in crate::planner) fn may_be_retried(facts: &Facts<'_>, entry: &HopServer) -> bool {
    let Means::Job(means) = &entry.means else { return false };
    let is_due = entry.verified_at.is_none() && entry.ordered_at.is_some();
    is_due && means.seen && facts.observed.jobs.is_ok() && means.running(facts.observed).is_none()
}

/// Begins the next attempt at the servers that an order names; which orders had something to do is answered.
pub(in crate::planner) fn retry<'a>(
    facts: &Facts<'_>,
    hop: &mut Hop,
    orders: impl Iterator<Item = &'a Order>,
) -> Vec<String> {
    let mut followed = Vec::new();
    for order in orders {
        let Action::Retry(Subject::Server(name)) = &order.action else { continue };
        let named = |guid: &Guid| facts.observed.server(guid).is_some_and(|server| server.name.0 == *name);
        let entry = hop.servers.iter_mut().find(|entry| entry.name.0 == *name || named(&entry.guid));
        let Some(entry) = entry.filter(|entry| may_be_retried(facts, entry)) else { continue };
        let Means::Job(means) = &mut entry.means else { continue };
        means.attempt = means.attempt.saturating_add(1);
        means.seen = false;
        entry.begin_anew(facts.now);
        followed.push(order.uid.clone());
    }
    followed
}

impl Way for JobMeans {
    fn is_known(&self, observed: &Observed) -> bool {
        self.file.is_some() && observed.jobs.is_ok() && self.running(observed).is_none()
    }

    fn carried_out(&self, _: &Hop, _: &HopServer, observed: &Observed) -> CarriedOut {
        match (self.seen || self.job(observed).is_some(), &observed.jobs) {
            (true, _) => CarriedOut::Yes,
            (false, Ok(_)) => CarriedOut::No,
            (false, Err(_)) => CarriedOut::Unknown,
        }
    }

    /// A job that still runs may start the server once more.
    fn agrees(&self, observed: &Observed) -> bool {
        observed.jobs.is_ok() && self.running(observed).is_none()
    }

    fn trouble(&self, observed: &Observed) -> Option<Trouble> {
        let Ok(_) = observed.jobs else { return None };
        match self.job(observed) {
            None => self.seen.then_some(Trouble::JobGone),
            Some(job) => match &job.state {
                JobState::Running { failing } => {
                    failing.clone().map(|why| Trouble::JobFails(job.name.clone(), why))
                }
                JobState::Succeeded => None,
                JobState::Failed { why } => Some(Trouble::JobFailed(job.name.clone(), why.clone())),
            },
        }
    }

    fn obstacle(&self, observed: &Observed) -> Option<Trouble> {
        if self.file.is_none() {
            return Some(Trouble::FileNotVerified);
        }
        match &observed.jobs {
            Err(why) => Some(Trouble::JobsUnreadable(why.clone())),
            Ok(_) => self.another(observed).map(|job| Trouble::JobStillRuns(job.name.clone())),
        }
    }

    fn missing_effect(&self, hop: &Hop, entry: &HopServer, observed: &Observed) -> Option<Step> {
        let is_due = entry.ordered_at.is_some() && entry.verified_at.is_none() && !self.seen;
        let is_free =
            observed.jobs.is_ok() && self.job(observed).is_none() && self.running(observed).is_none();
        // Whoever brought it there by hand meanwhile has done what the job was for.
        let is_there = observed.server(&entry.guid).is_some_and(|server| server.version == Some(hop.to));
        let file = self.file.as_ref().filter(|_| is_due && is_free && !is_there)?;
        Some(Step::RunUpgradeJob {
            server: entry.name.clone(),
            guid: entry.guid.clone(),
            role: entry.role,
            template: self.template.clone(),
            run: self.run(),
            attempt: self.attempt,
            file: file.clone(),
            from: hop.from,
            to: hop.to,
        })
    }

    /// Who may not make it learns so when it is to be made: there is no trial that leaves nothing behind.
    fn denied(&self, _: &Observed) -> Option<Trouble> {
        None
    }

    fn is_at_rest(&self, _: &Observed) -> bool {
        true
    }

    /// A job goes on whatever becomes of the object.
    fn is_gone(&self, _: &Observed) -> bool {
        false
    }

    fn haste(&self) -> Haste {
        Haste::Timed
    }

    fn state(&self) -> ServerState {
        ServerState::Upgrading
    }
}
