//! The jobs that upgrade servers: whether they can be made, and how far those are that were.

use std::collections::{BTreeMap, BTreeSet};

use kube::ResourceExt;

use crate::methods::{hook, server_job};
use crate::operator::account::Acting;
use crate::operator::clock;
use crate::operator::environment::Environment;
use crate::planner::desired::{Method, StorageRole};
use crate::planner::memory::Means;
use crate::planner::observed::{HookReading, Rights, ServerJob};
use crate::planner::{Desired, Memory};

/// What is known of such jobs.
#[derive(Debug)]
pub(super) struct Jobs {
    /// How far each is, by run; or why nobody can tell.
    pub(super) jobs: Result<BTreeMap<String, ServerJob>, String>,
    /// Whether one can be made, by template.
    pub(super) templates: BTreeMap<String, HookReading>,
}

/// Reads them; nothing where neither the spec nor a hop in flight has a server that is upgraded so.
pub(super) async fn read(
    environment: &Environment,
    acting: Result<&Acting, &String>,
    desired: &Desired,
    memory: &Memory,
) -> Jobs {
    let templates = templates(desired);
    let in_hop =
        memory.hop.iter().flat_map(|hop| &hop.servers).any(|entry| matches!(entry.means, Means::Job(_)));
    if (templates.is_empty() || desired.target.is_none()) && !in_hop {
        return Jobs { jobs: Ok(BTreeMap::new()), templates: BTreeMap::new() };
    }
    let acting = match acting {
        Ok(acting) => acting,
        Err(why) => return Jobs { jobs: Err(why.clone()), templates: BTreeMap::new() },
    };
    let jobs = server_job::jobs(&acting.client, &acting.account.namespace).await;
    let mut readings = BTreeMap::new();
    for template in templates {
        readings.insert(template.clone(), reading(environment, acting, template).await);
    }
    Jobs { jobs: jobs.map_err(|error| error.why()), templates: readings }
}

fn templates(desired: &Desired) -> BTreeSet<&String> {
    let storage = desired.storage.iter().filter_map(|entry| match &entry.role {
        StorageRole::Upgraded(method) => Some(method),
        StorageRole::Retired(_) => None,
    });
    let methods = desired.authority.method.iter().chain(storage);
    methods
        .filter_map(|method| match method {
            Method::Job { template, .. } => Some(template),
            Method::StatefulSet(_) | Method::Deployment(_) | Method::Manual { .. } => None,
        })
        .collect()
}

async fn reading(environment: &Environment, acting: &Acting, name: &str) -> HookReading {
    let namespace = &acting.account.namespace;
    let template = match hook::template(&acting.client, namespace, name).await {
        Ok(template) => template,
        Err(error) => return HookReading::Unfit(error.to_string()),
    };
    // Told apart from hooks of the same template: another job is made of it.
    let about = format!("server {name}");
    let question = (acting.account.name.clone(), template.resource_version());
    let known = environment.hook_rights().get(&about, &question, clock::instant());
    let rights = if let Some(rights) = known {
        rights
    } else {
        let rights = server_job::rights(&acting.client, namespace, &template).await;
        environment.hook_rights().put(about, question, rights.clone(), clock::instant());
        rights
    };
    match rights {
        Rights::Granted => HookReading::Ready,
        Rights::Denied(why) => HookReading::Unfit(why),
        Rights::Rewritten { field, .. } => {
            HookReading::Unfit(format!("a webhook changes {field} of its job"))
        }
        Rights::Unchecked => HookReading::Unfit("no job can be made of its template".to_owned()),
    }
}
