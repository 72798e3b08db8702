//! The hooks of an object: whether jobs can be made for them, and how far those are that were asked.

use std::collections::BTreeMap;

use kube::ResourceExt;

use crate::api::CodeUpgrade;
use crate::methods::hook;
use crate::observing::looks;
use crate::operator::account::Acting;
use crate::operator::clock;
use crate::operator::environment::Environment;
use crate::planner::observed::{HookReading, HookRun, Rights};
use crate::planner::{Desired, Memory};

/// What is known of hooks.
#[derive(Debug, Default)]
pub(super) struct Hooks {
    /// Whether a job can be made, by template.
    pub(super) readings: BTreeMap<String, HookReading>,
    /// How far each one is, by time of asking.
    pub(super) runs: BTreeMap<String, HookRun>,
}

/// Reads them; nothing where none is to be asked.
pub(super) async fn read(
    environment: &Environment,
    acting: Result<&Acting, &String>,
    object: &CodeUpgrade,
    desired: &Desired,
    memory: &Memory,
) -> Hooks {
    let templates = looks::templates(desired, memory);
    if templates.is_empty() {
        return Hooks::default();
    }
    let unfit = |why: String| Hooks {
        readings: templates
            .iter()
            .map(|name| ((*name).to_owned(), HookReading::Unfit(why.clone())))
            .collect(),
        runs: BTreeMap::new(),
    };
    let acting = match acting {
        Ok(acting) => acting,
        Err(why) => return unfit(why.clone()),
    };
    let runs = match hook::runs(&acting.client, &acting.account.namespace, &object.name_any()).await {
        Ok(runs) => runs,
        Err(error) => return unfit(error.to_string()),
    };
    let mut readings = BTreeMap::new();
    for name in templates {
        readings.insert(name.to_owned(), reading(environment, acting, name).await);
    }
    Hooks { readings, runs }
}

async fn reading(environment: &Environment, acting: &Acting, wanted: &str) -> HookReading {
    let namespace = &acting.account.namespace;
    let template = match hook::template(&acting.client, namespace, wanted).await {
        Ok(template) => template,
        Err(error) => return HookReading::Unfit(error.to_string()),
    };
    let question = (acting.account.name.clone(), template.resource_version());
    let known = environment.hook_rights().get(&wanted.to_owned(), &question, clock::instant());
    let rights = if let Some(rights) = known {
        rights
    } else {
        let rights = hook::rights(&acting.client, namespace, &template).await;
        environment.hook_rights().put(wanted.to_owned(), question, rights.clone(), clock::instant());
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
