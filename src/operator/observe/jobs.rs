//! The jobs that upgrade servers: whether they can be made, and how far those are that were.

use std::collections::{BTreeMap, BTreeSet};

use super::templates::{self, Purpose};
use crate::methods::server_job;
use crate::operator::account::Acting;
use crate::operator::environment::Environment;
use crate::planner::memory::Means;
use crate::planner::observed::{HookReading, ServerJob};
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
    let wanted: BTreeSet<&str> = desired.job_templates().collect();
    let in_hop =
        memory.hop.iter().flat_map(|hop| &hop.servers).any(|entry| matches!(entry.means, Means::Job(_)));
    if (wanted.is_empty() || desired.target.is_none()) && !in_hop {
        return Jobs { jobs: Ok(BTreeMap::new()), templates: BTreeMap::new() };
    }
    let acting = match acting {
        Ok(acting) => acting,
        Err(why) => return Jobs { jobs: Err(why.clone()), templates: BTreeMap::new() },
    };
    let jobs = server_job::jobs(&acting.client, &acting.account.namespace).await;
    let mut readings = BTreeMap::new();
    for template in wanted {
        readings.insert(
            template.to_owned(),
            templates::reading(environment, acting, template, Purpose::Server).await,
        );
    }
    Jobs { jobs: jobs.map_err(|error| error.why()), templates: readings }
}
