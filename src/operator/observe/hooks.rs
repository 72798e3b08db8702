//! The hooks of an object: whether jobs can be made for them, and how far those are that were asked.

use std::collections::BTreeMap;

use kube::ResourceExt;

use super::templates::{self, Purpose};
use crate::api::CodeUpgrade;
use crate::methods::hook;
use crate::observing::looks;
use crate::operator::account::Acting;
use crate::operator::environment::Environment;
use crate::planner::observed::{HookReading, HookRun};
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
    let wanted = looks::templates(desired, memory);
    if wanted.is_empty() {
        return Hooks::default();
    }
    let unfit = |why: String| Hooks {
        readings: wanted.iter().map(|name| ((*name).to_owned(), HookReading::Unfit(why.clone()))).collect(),
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
    for name in wanted {
        readings.insert(name.to_owned(), templates::reading(environment, acting, name, Purpose::Hook).await);
    }
    Hooks { readings, runs }
}
