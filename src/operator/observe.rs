//! Everything that is known at one moment, gathered for one decision.
//!
//! Input: the object, the collector's snapshot, the stores. The only waiting is for the object's own workloads, which
//! are read as the acting account; no listing of an authority is waited for.

mod hooks;
mod others;
mod workloads;

pub(super) use self::others::{in_clock_time, order_objects};

use std::sync::Arc;

use kube::ResourceExt;

use super::account::{self, Account, Acting};
use super::clock::Both;
use super::collect::Snapshot;
use super::context::{Context, KnownCatalog};
use super::environment::Environment;
use crate::api::{CodeUpgrade, FINALIZER};
use crate::methods::snapshot;
use crate::planner::desired::{Backup, Method, Problem};
use crate::planner::observed::{BackupFacts, Finalizer, Witnesses};
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
    let workloads = workloads::read(environment, acting.as_ref(), &desired, &memory).await;
    let backup = backup(acting.as_ref(), object, &desired).await;
    let hooks = hooks::read(environment, acting.as_ref(), object, &desired).await;
    let observed = Observed {
        // Last: what was read before must not look younger than it is.
        witnesses: witnesses(context, &snapshot),
        access: snapshot.access.clone(),
        authority: snapshot.authority.clone(),
        servers: snapshot.servers.clone(),
        settings: snapshot.settings,
        devices: snapshot.devices.clone(),
        workloads,
        backup,
        claims: others::claims(context, object),
        orders: others::orders(context, object, &desired),
        proofs: others::proofs(context, &desired, &memory, &catalog.catalog),
        watch: environment.watch_of(snapshot.devices.as_ref()),
        hooks: hooks.readings,
        hook_runs: hooks.runs,
        catalog_problems: catalog.problems.clone(),
        group_problems: group_problems(&snapshot, &desired),
        finalizer: if object.finalizers().iter().any(|finalizer| finalizer == FINALIZER) {
            Finalizer::Present
        } else {
            Finalizer::Absent
        },
        failing: environment.failing(),
    };
    Grounds { observed, desired, catalog, memory, acting }
}

/// What is wrong with the groups, which shows only where the organisations are known: told of these groups alone.
fn group_problems(snapshot: &Snapshot, desired: &Desired) -> Vec<Problem> {
    let groups = snapshot.devices.as_ref().map(|devices| devices.arrangement.groups);
    if groups == Some(desired.devices.arrangement(None).groups) {
        snapshot.group_problems.clone()
    } else {
        Vec::new()
    }
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

/// Backups are only looked for where the spec asks for snapshots and a hop may come.
async fn backup(acting: Result<&Acting, &String>, object: &CodeUpgrade, desired: &Desired) -> BackupFacts {
    let workload = desired.authority.method.as_ref().and_then(Method::workload);
    let (Backup::VolumeSnapshot { .. }, Some(_), Some(_)) = (&desired.backup, desired.target, workload)
    else {
        return BackupFacts::default();
    };
    match acting {
        Ok(acting) => snapshot::read(&acting.client, &acting.account.namespace, &object.name_any()).await,
        Err(why) => BackupFacts { unreadable: Some(why.clone()), ..BackupFacts::default() },
    }
}
