//! The workloads that the spec names or a hop in flight has its own copy of, and the dry run of what is to be done to them next.
//! Which release that is, the last decision said.

use std::collections::BTreeMap;
use std::sync::PoisonError;

use futures::StreamExt;
use futures::stream;

use crate::catalog::Version;
use crate::methods::{self, Upgrade, Wanted};
use crate::operator::account::Acting;
use crate::operator::clock;
use crate::operator::context::Context;
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
    /// What a dry run tries.
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

/// Reads them all, with the rights to change them where a hop may come.
pub(super) async fn read(
    context: &Context,
    environment: &Environment,
    acting: Result<&Acting, &String>,
    desired: &Desired,
    memory: &Memory,
) -> BTreeMap<WorkloadRef, WorkloadReading> {
    let wanted = wanted(desired, memory, environment.trial());
    let acting = match acting {
        Ok(acting) => acting,
        Err(why) => {
            let unreadable = |reference| (reference, WorkloadReading::Unreadable(why.clone()));
            return wanted.into_keys().map(unreadable).collect();
        }
    };
    let kubernetes = context.kubernetes.get();
    let kubernetes = kubernetes.as_deref();
    stream::iter(wanted)
        .map(|(reference, known)| async move {
            let wanted = Wanted {
                reference: &reference,
                container: known.container.as_deref(),
                image_from: known.image_from,
                kubernetes,
            };
            let mut read = methods::read(&acting.client, &acting.account.namespace, wanted).await;
            if let WorkloadReading::Read(facts) = &mut read.reading
                && facts.misfits.is_empty()
                && let Some(image) = known.trial.image(facts)
            {
                facts.rights = rights(environment, acting, &reference, facts, read.generation, image).await;
            }
            (reference, read.reading)
        })
        .buffer_unordered(AT_ONCE)
        .collect()
        .await
}

/// The workloads of the spec, over which a hop in flight has the last word about its own servers.
fn wanted(desired: &Desired, memory: &Memory, next: Option<Version>) -> BTreeMap<WorkloadRef, Known> {
    let storage = desired.storage.iter().filter_map(|entry| match &entry.role {
        StorageRole::Upgraded(method) => Some(method),
        StorageRole::Retired(_) => None,
    });
    let methods = desired.authority.method.iter().chain(storage);
    // While a hop is in flight, those that it knows are all that is to be changed.
    let trial = match next.filter(|_| memory.hop.is_none()) {
        None => Trial::Nothing,
        Some(next) => match desired.source(next).and_then(|source| source.image.clone()) {
            Some(image) => Trial::Image(image),
            None => Trial::Catch,
        },
    };
    let mut wanted: BTreeMap<WorkloadRef, Known> =
        methods.filter_map(|method| of_method(method, &trial)).collect();
    for server in memory.hop.iter().flat_map(|hop| &hop.servers) {
        match &server.means {
            Means::Workload(means) => {
                let is_to_come = server.carried_out_at.is_none() && server.verified_at.is_none();
                let trial = if is_to_come { Trial::Image(means.image.clone()) } else { Trial::Nothing };
                let known = Known {
                    container: Some(means.container.clone()),
                    image_from: Some(means.image_from),
                    trial,
                };
                wanted.insert(means.workload.clone(), known);
            }
            Means::Manual(_) => {}
        }
    }
    wanted
}

impl Trial {
    /// The image that is tried on a workload as it was read; `None` where nothing is tried.
    fn image<'a>(&'a self, facts: &'a WorkloadFacts) -> Option<&'a str> {
        match self {
            Self::Nothing => None,
            Self::Catch => Some(&facts.template_image),
            Self::Image(image) => Some(image),
        }
    }
}

fn of_method(method: &Method, trial: &Trial) -> Option<(WorkloadRef, Known)> {
    let known = |workload: &Workload| Known {
        container: workload.container.clone(),
        image_from: workload.image_from,
        trial: trial.clone(),
    };
    match method {
        Method::StatefulSet(workload) => Some((WorkloadRef::stateful_set(&workload.name), known(workload))),
        Method::Deployment(workload) => Some((WorkloadRef::deployment(&workload.name), known(workload))),
        Method::Job(_) | Method::Manual => None,
    }
}

async fn rights(
    environment: &Environment,
    acting: &Acting,
    reference: &WorkloadRef,
    facts: &WorkloadFacts,
    generation: Option<i64>,
    image: &str,
) -> Rights {
    let question = Question {
        uid: facts.uid.clone(),
        generation,
        account: acting.account.name.clone(),
        container: facts.container.clone(),
        image: image.to_owned(),
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
