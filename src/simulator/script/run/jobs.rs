//! The jobs of a story that upgrade servers in place: they take five minutes, bring the new version after three, and end as the story
//! says.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::catalog::Version;
use crate::fleet::Guid;
use crate::planner::Desired;
use crate::planner::observed::{HookReading, JobState, ServerJob};
use crate::simulator::script::cluster::Cluster;
use crate::simulator::script::verb::JobFate;
use crate::simulator::world::World;

/// After this long a job that does something has started its server anew.
const ACTS_AFTER: SignedDuration = SignedDuration::from_mins(3);

/// How long a job takes.
const TAKES: SignedDuration = SignedDuration::from_mins(5);

/// The jobs of a story, which outlive the operator's process.
#[derive(Clone, Debug, Default)]
pub(super) struct Jobs {
    fates: BTreeMap<String, JobFate>,
    made: BTreeMap<String, Made>,
}

#[derive(Clone, Debug)]
struct Made {
    name: String,
    server: String,
    guid: Guid,
    to: Version,
    begun: Timestamp,
    fate: JobFate,
    has_acted: bool,
}

impl Jobs {
    /// From now on the jobs of a server go so; of one that hangs the one that was made as well.
    pub(super) fn fare(&mut self, server: &str, fate: JobFate) {
        self.fates.insert(server.to_owned(), fate);
        for made in self.made.values_mut().filter(|made| made.server == server) {
            if made.fate == JobFate::Hangs {
                made.fate = fate;
            }
        }
    }

    /// Somebody deletes the jobs of a server.
    pub(super) fn delete(&mut self, server: &str) {
        self.made.retain(|_, made| made.server != server);
    }

    /// A job is made, unless it is there.
    pub(super) fn make(
        &mut self,
        (server, guid): (&str, &Guid),
        (run, attempt): (&str, u32),
        to: Version,
        now: Timestamp,
    ) {
        let fate = self.fates.get(server).copied().unwrap_or(JobFate::Works);
        let made = || Made {
            name: format!("upgrade-{server}-{attempt}"),
            server: server.to_owned(),
            guid: guid.clone(),
            to,
            begun: now,
            fate,
            has_acted: false,
        };
        self.made.entry(run.to_owned()).or_insert_with(made);
    }

    /// What jobs have done by now.
    pub(super) fn play(&mut self, world: &mut World, cluster: &mut Cluster, now: Timestamp) {
        for made in self.made.values_mut().filter(|made| !made.has_acted) {
            let does = matches!(made.fate, JobFate::Works | JobFate::Stumbles);
            if !does || now.duration_since(made.begun) < ACTS_AFTER {
                continue;
            }
            made.has_acted = true;
            // A server that is gone is upgraded by nobody.
            if world.upgrade_by_hand(&made.guid, made.to).is_ok()
                && let Some(workload) = cluster.get_mut(&made.server)
            {
                workload.set_by_hand(made.to);
            }
        }
    }

    /// How far they are.
    pub(super) fn readings(&self, now: Timestamp) -> BTreeMap<String, ServerJob> {
        let failed = |why: &str| JobState::Failed { why: why.to_owned() };
        let state = |made: &Made| match made.fate {
            JobFate::Hangs => JobState::Running { failing: None },
            JobFate::Unpullable => {
                JobState::Running { failing: Some("image cannot be pulled: upgrade:1".to_owned()) }
            }
            _ if now.duration_since(made.begun) < TAKES => JobState::Running { failing: None },
            JobFate::Works | JobFate::Idles => JobState::Succeeded,
            JobFate::Stumbles => failed("exit 1 in tidying: no such folder"),
            JobFate::Fails | JobFate::NoTemplate => failed("exit 28 in unpacking: no space left on device"),
        };
        let job = |made: &Made| ServerJob {
            name: made.name.clone(),
            server: made.guid.clone(),
            state: state(made),
        };
        self.made.iter().map(|(run, made)| (run.clone(), job(made))).collect()
    }

    /// Whether jobs can be made of the templates of the spec.
    pub(super) fn templates(&self, desired: &Desired) -> BTreeMap<String, HookReading> {
        let reading = |template: &str| match self.fates.get(template) {
            Some(JobFate::NoTemplate) => HookReading::Unfit("it does not exist".to_owned()),
            Some(_) | None => HookReading::Ready,
        };
        desired.job_templates().map(|template| (template.to_owned(), reading(template))).collect()
    }

    /// When the next of them does something, or ends.
    pub(super) fn next_end(&self, now: Timestamp) -> Option<Timestamp> {
        let moments = self.made.values().flat_map(|made| {
            [ACTS_AFTER, TAKES].into_iter().filter_map(|after| made.begun.checked_add(after).ok())
        });
        moments.filter(|at| *at > now).min()
    }
}
