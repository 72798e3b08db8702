//! The workloads that the spec names or a hop in flight has its own copy of, and the dry run of what is to be done to them next.
//! Which release that is, the last decision said.

use std::collections::BTreeMap;
use std::sync::PoisonError;

use futures::StreamExt;
use futures::stream;

use crate::methods::{self, Upgrade, Wanted};
use crate::observing::looks;
use crate::operator::account::Acting;
use crate::operator::clock;
use crate::operator::context::Context;
use crate::operator::environment::Environment;
use crate::operator::rights::Question;
use crate::planner::desired::WorkloadRef;
use crate::planner::observed::{Rights, WorkloadFacts, WorkloadReading};
use crate::planner::{Desired, Memory};

/// Workloads that are read at once.
const AT_ONCE: usize = 8;

/// Reads them all, with the rights to change them where a hop may come.
pub(super) async fn read(
    context: &Context,
    environment: &Environment,
    acting: Result<&Acting, &String>,
    desired: &Desired,
    memory: &Memory,
) -> BTreeMap<WorkloadRef, WorkloadReading> {
    let looks = looks::workloads(desired, memory, environment.trial());
    let acting = match acting {
        Ok(acting) => acting,
        Err(why) => {
            let unreadable = |reference| (reference, WorkloadReading::Unreadable(why.clone()));
            return looks.into_keys().map(unreadable).collect();
        }
    };
    let kubernetes = context.kubernetes.get();
    let kubernetes = kubernetes.as_deref();
    stream::iter(looks)
        .map(|(reference, look)| async move {
            let wanted = Wanted {
                reference: &reference,
                container: look.container.as_deref(),
                image_from: look.image_from,
                kubernetes,
            };
            let mut read = methods::read(&acting.client, &acting.account.namespace, wanted).await;
            if let WorkloadReading::Read(facts) = &mut read.reading
                && let Some(image) = look.image_to_try(facts)
            {
                facts.rights = rights(environment, acting, &reference, facts, read.generation, image).await;
            }
            (reference, read.reading)
        })
        .buffer_unordered(AT_ONCE)
        .collect()
        .await
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
