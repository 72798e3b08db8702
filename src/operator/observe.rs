//! Everything that is known at one moment, gathered for one decision.
//!
//! Input: the object, the collector's snapshot, the stores. The only waiting is for the object's own workloads, which
//! are read as the acting account; no listing of an authority is waited for.

mod files;
mod hooks;
mod jobs;
mod others;
mod templates;
mod workloads;

pub(super) use self::others::{in_clock_time, order_objects};

use std::sync::Arc;

use k8s_openapi::api::core::v1::Namespace;
use kube::{Api, ResourceExt};

use super::account::{self, Account, Acting};
use super::clock::Both;
use super::collect::Snapshot;
use super::context::{Context, KnownCatalog};
use super::environment::Environment;
use crate::api::{CodeUpgrade, FINALIZER};
use crate::methods::snapshot;
use crate::observing::looks;
use crate::planner::observed::{BackupFacts, Definition, Ending, Finalizer, Witnesses};
use crate::planner::{Desired, Memory, Observed};
use crate::translate;

/// What a decision is made from.
#[derive(Debug)]
pub struct Grounds {
    /// What was observed.
    pub observed: Observed,
    /// What is wanted.
    pub desired: Desired,
    /// What is documented.
    pub catalog: Arc<KnownCatalog>,
    /// What is remembered.
    pub memory: Memory,
    /// A client for effects, or why there is none.
    pub acting: Result<Acting, String>,
}

/// Gathers the grounds of a decision about an object as it was just read.
pub async fn observe(
    context: &Context,
    object: &CodeUpgrade,
    environment: &Environment,
    catalog: Arc<KnownCatalog>,
) -> Grounds {
    let snapshot = environment.snapshot();
    let memory = object.status.as_ref().and_then(|status| status.memory.clone()).unwrap_or_default();
    let desired = translate::desired(object);
    let acting = acting(context, object).await.map_err(|error| error.to_string());
    let workloads = workloads::read(context, environment, acting.as_ref(), &desired, &memory).await;
    let backup = backup(acting.as_ref(), object, &desired).await;
    let hooks = hooks::read(environment, acting.as_ref(), object, &desired, &memory).await;
    let jobs = jobs::read(environment, acting.as_ref(), &desired, &memory).await;
    let listed = files::listed(acting.as_ref(), &desired, environment.trial()).await;
    let failing = environment.attempts().failing();
    let observed = Observed {
        // Last: what was read before must not look younger than it is.
        witnesses: witnesses(context, &snapshot),
        access: snapshot.known.access.clone(),
        listing: snapshot.known.listing.clone(),
        authority: snapshot.known.authority.clone(),
        servers: snapshot.known.servers.clone(),
        settings: snapshot.known.settings,
        devices: snapshot.known.devices.clone(),
        workloads,
        backup,
        claims: others::claims(context, object),
        orders: others::orders(context, object, &desired),
        proofs: others::proofs(context, &desired),
        watch: environment.watch_of(snapshot.known.devices.as_ref()),
        surveys: Arc::clone(&environment.surveys),
        hooks: hooks.readings,
        hook_runs: hooks.runs,
        jobs: jobs.jobs,
        templates: jobs.templates,
        files: environment.files.readings(),
        listed,
        catalog_problems: catalog.problems.clone(),
        group_problems: snapshot.known.group_problems(&desired),
        finalizer: if object.finalizers().iter().any(|finalizer| finalizer == FINALIZER) {
            Finalizer::Present
        } else {
            Finalizer::Absent
        },
        failing,
        ending: ending(context, object).await,
        // What is lost shows when it is written.
        definition: Definition::Keeps,
    };
    Grounds { observed, desired, catalog, memory, acting }
}

/// Whether the object is being deleted, and with what, or the operator removed. A namespace that cannot be asked about is taken for one that stays.
async fn ending(context: &Context, object: &CodeUpgrade) -> Ending {
    let Some(since) = &object.metadata.deletion_timestamp else {
        return if context.held.is_handing_back() { Ending::WithoutTheOperator } else { Ending::No };
    };
    let namespaces: Api<Namespace> = Api::all(context.client.clone());
    match namespaces.get_opt(&object.namespace().unwrap_or_default()).await {
        Ok(Some(namespace)) if namespace.metadata.deletion_timestamp.is_none() => {}
        Ok(_) => return Ending::WithItsNamespace,
        Err(error) => {
            tracing::warn!(%error, "the namespace of an object that is being deleted could not be read");
        }
    }
    Ending::Alone(context.clock().of_metadata(since.0))
}

async fn acting(context: &Context, object: &CodeUpgrade) -> Result<Acting, account::Error> {
    let namespace = object.namespace().unwrap_or_default();
    let account = Account { namespace, name: object.spec.acting_account().to_owned() };
    context.shared.accounts.acting(&account).await
}

fn witnesses(context: &Context, snapshot: &Snapshot) -> Witnesses {
    let Both { wall, monotonic } = context.clock().both();
    Witnesses {
        operator: wall,
        monotonic,
        api_server: context.api_server.at(monotonic),
        authority: snapshot.authority_clock.map(|offset| offset.apply(monotonic)),
    }
}

/// The backups that are there, where they are looked for.
async fn backup(acting: Result<&Acting, &String>, object: &CodeUpgrade, desired: &Desired) -> BackupFacts {
    if !looks::backups(desired) {
        return BackupFacts::default();
    }
    match acting {
        Ok(acting) => snapshot::read(&acting.client, &acting.account.namespace, &object.name_any()).await,
        Err(why) => BackupFacts { unreadable: Some(why.clone()), ..BackupFacts::default() },
    }
}
