//! What is looked at in the cluster: workloads with the change that a dry run tries, backups, hooks.

use std::collections::{BTreeMap, BTreeSet};

use crate::catalog::Version;
use crate::planner::desired::{Backup, ImageFrom, Method, Workload, WorkloadRef};
use crate::planner::memory::Means;
use crate::planner::observed::WorkloadFacts;
use crate::planner::{Desired, Memory};

/// How a workload is looked at, as far as the spec or a hop in flight says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Look {
    /// The server's container.
    pub container: Option<String>,
    /// Who writes the image.
    pub image_from: Option<ImageFrom>,
    trial: Trial,
}

/// What a dry run tries.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Trial {
    /// Nothing: no change is to come.
    Nothing,
    /// To open the catch, with the image that is there.
    Catch,
    /// To open the catch, and to write this image where the operator writes it.
    Image(String),
}

impl Look {
    /// The image that is tried on a workload as it was read; `None` where nothing is tried: no change is to come, or none can be
    /// made.
    pub fn image_to_try<'a>(&'a self, facts: &'a WorkloadFacts) -> Option<&'a str> {
        let image = match &self.trial {
            Trial::Nothing => None,
            Trial::Catch => Some(&*facts.template_image),
            Trial::Image(image) => Some(&**image),
        };
        image.filter(|_| facts.misfits.is_empty())
    }
}

/// The workloads of the spec, over which a hop in flight has the last word about its own servers. `next` is the release to which
/// they may be brought next.
pub fn workloads(desired: &Desired, memory: &Memory, next: Option<Version>) -> BTreeMap<WorkloadRef, Look> {
    // While a hop is in flight, those that it knows are all that is to be changed.
    let trial = match next.filter(|_| memory.hop.is_none()) {
        None => Trial::Nothing,
        Some(next) => match desired.source(next).and_then(|source| source.image.clone()) {
            Some(image) => Trial::Image(image),
            None => Trial::Catch,
        },
    };
    let mut looks: BTreeMap<WorkloadRef, Look> =
        desired.methods().filter_map(|method| of_method(method, &trial)).collect();
    for server in memory.hop.iter().flat_map(|hop| &hop.servers) {
        match &server.means {
            Means::Workload(means) => {
                let is_to_come = server.carried_out_at.is_none() && server.verified_at.is_none();
                let look = Look {
                    container: Some(means.container.clone()),
                    image_from: Some(means.image_from),
                    trial: if is_to_come { Trial::Image(means.image.clone()) } else { Trial::Nothing },
                };
                looks.insert(means.workload.clone(), look);
            }
            Means::Job(_) | Means::Manual(_) => {}
        }
    }
    looks
}

fn of_method(method: &Method, trial: &Trial) -> Option<(WorkloadRef, Look)> {
    let look = |workload: &Workload| Look {
        container: workload.container.clone(),
        image_from: workload.image_from,
        trial: trial.clone(),
    };
    match method {
        Method::StatefulSet(workload) => Some((WorkloadRef::stateful_set(&workload.name), look(workload))),
        Method::Deployment(workload) => Some((WorkloadRef::deployment(&workload.name), look(workload))),
        Method::Job { .. } | Method::Manual { .. } => None,
    }
}

/// Whether backups are looked for: only where the spec asks for snapshots and a hop may come.
pub fn backups(desired: &Desired) -> bool {
    let workload = desired.authority.method.as_ref().and_then(Method::workload);
    match desired.backup {
        Backup::VolumeSnapshot { .. } => desired.target.is_some() && workload.is_some(),
        Backup::Hook { .. } | Backup::None { .. } | Backup::Unstated => false,
    }
}

/// The `PodTemplate`s that are looked at, and with them the jobs that were made: none where nothing is to be done.
pub fn templates<'a>(desired: &'a Desired, memory: &Memory) -> BTreeSet<&'a str> {
    if desired.target.is_none() && memory.hop.is_none() { BTreeSet::new() } else { desired.templates() }
}
