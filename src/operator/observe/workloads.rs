//! The workloads that the spec names or a hop in flight has its own copy of.

use std::collections::BTreeMap;
use std::sync::PoisonError;

use futures::StreamExt;
use futures::stream;

use crate::methods::{self, Upgrade, Wanted};
use crate::operator::account::Acting;
use crate::operator::clock;
use crate::operator::environment::Environment;
use crate::operator::rights::Question;
use crate::planner::desired::{ImageFrom, Method, StorageRole, Workload, WorkloadRef};
use crate::planner::memory::Means;
use crate::planner::observed::{Rights, WorkloadFacts, WorkloadReading};
use crate::planner::{Desired, Memory};

/// Workloads that are read at once.
const AT_ONCE: usize = 8;

/// What is known of how a workload is upgraded.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Known {
    container: Option<String>,
    image_from: Option<ImageFrom>,
}

/// Reads them all, with the rights to change them where a hop may come.
pub(super) async fn read(
    environment: &Environment,
    acting: Result<&Acting, &String>,
    desired: &Desired,
    memory: &Memory,
) -> BTreeMap<WorkloadRef, WorkloadReading> {
    let wanted = wanted(desired, memory);
    let acting = match acting {
        Ok(acting) => acting,
        Err(why) => {
            let unreadable = |reference| (reference, WorkloadReading::Unreadable(why.clone()));
            return wanted.into_keys().map(unreadable).collect();
        }
    };
    let may_hop = may_hop(desired, memory);
    let image = image_to_try(desired);
    stream::iter(wanted)
        .map(|(reference, known)| {
            let image = image.as_deref();
            async move {
                let wanted = Wanted {
                    reference: &reference,
                    container: known.container.as_deref(),
                    image_from: known.image_from,
                };
                let mut read = methods::read(&acting.client, &acting.account.namespace, wanted).await;
                if let WorkloadReading::Read(facts) = &mut read.reading
                    && may_hop
                    && facts.misfits.is_empty()
                {
                    facts.rights =
                        rights(environment, acting, &reference, facts, read.generation, image).await;
                }
                (reference, read.reading)
            }
        })
        .buffer_unordered(AT_ONCE)
        .collect()
        .await
}

/// The workloads of the spec, over which a hop in flight has the last word about its own servers.
fn wanted(desired: &Desired, memory: &Memory) -> BTreeMap<WorkloadRef, Known> {
    let storage = desired.storage.iter().filter_map(|entry| match &entry.role {
        StorageRole::Upgraded(method) => Some(method),
        StorageRole::Retired(_) => None,
    });
    let methods = desired.authority.method.iter().chain(storage);
    let mut wanted: BTreeMap<WorkloadRef, Known> = methods.filter_map(of_method).collect();
    for server in memory.hop.iter().flat_map(|hop| &hop.servers) {
        match &server.means {
            Means::Workload(means) => {
                let known =
                    Known { container: Some(means.container.clone()), image_from: Some(means.image_from) };
                wanted.insert(means.workload.clone(), known);
            }
            Means::Manual(_) => {}
        }
    }
    wanted
}

fn of_method(method: &Method) -> Option<(WorkloadRef, Known)> {
    let known = |workload: &Workload| Known {
        container: workload.container.clone(),
        image_from: workload.image_from,
    };
    match method {
        Method::StatefulSet(workload) => Some((WorkloadRef::stateful_set(&workload.name), known(workload))),
        Method::Deployment(workload) => Some((WorkloadRef::deployment(&workload.name), known(workload))),
        Method::Job(_) | Method::Manual => None,
    }
}

/// Whether a hop may come: only then is a dry run worth its request.
fn may_hop(desired: &Desired, memory: &Memory) -> bool {
    let at_target = memory.settled.as_ref().map(|settled| settled.release) == desired.target;
    desired.target.is_some() && !desired.deleted && memory.hop.is_none() && !at_target
}

/// The image that a dry run tries: that of the target, or of any source, since a rule on images may refuse it.
fn image_to_try(desired: &Desired) -> Option<String> {
    let target = desired.target.and_then(|target| desired.source(target));
    let mut sources = target.into_iter().chain(&desired.sources);
    sources.find_map(|source| source.image.clone())
}

async fn rights(
    environment: &Environment,
    acting: &Acting,
    reference: &WorkloadRef,
    facts: &WorkloadFacts,
    generation: Option<i64>,
    image: Option<&str>,
) -> Rights {
    let question = Question {
        uid: facts.uid.clone(),
        generation,
        account: acting.account.name.clone(),
        container: facts.container.clone(),
        image: image.unwrap_or(&facts.template_image).to_owned(),
        image_from: facts.image_from,
    };
    let known = environment.rights.lock().unwrap_or_else(PoisonError::into_inner).get(
        reference,
        &question,
        clock::instant(),
    );
    if let Some(rights) = known {
        return rights;
    }
    let upgrade = Upgrade {
        workload: reference,
        container: &question.container,
        image: &question.image,
        image_from: question.image_from,
    };
    let rights = methods::check_rights(&acting.client, &acting.account.namespace, upgrade).await;
    let mut cache = environment.rights.lock().unwrap_or_else(PoisonError::into_inner);
    cache.put(reference.clone(), question, rights.clone(), clock::instant());
    rights
}
