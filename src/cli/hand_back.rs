//! `codeupgrade hand-back`: before the operator is removed, it gives back what it holds. Run by the chart before it goes, or by a person.
//!
//! The operator itself does so, when its lease says that it is to be removed: only one process ever acts. This asks it, waits until
//! no object bears its finalizer any more, then stops it and deletes the lease. A hop in flight is not left: then nothing is stopped.

use std::process::ExitCode;
use std::time::Duration;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::coordination::v1::Lease;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams};
use kube::core::DeserializeGuard;
use kube::{Api, Client, ResourceExt};
use serde_json::{Value, json};

use super::output::{fail, print, tell};
use crate::api::problem::said;
use crate::api::{CodeUpgrade, FINALIZER, HANDING_BACK_ANNOTATION};
use crate::operator::clock;

/// The name of the operator's lease and Deployment.
const OPERATOR: &str = "codeupgrade";

/// Between two looks, in real time.
const PAUSE: Duration = Duration::from_secs(2);

/// Options of `hand-back`.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The namespace of the operator.
    #[arg(long, env = "CODEUPGRADE_NAMESPACE", default_value = "codeupgrade")]
    namespace: String,
    /// How many seconds to wait until everything is given back.
    #[arg(long, default_value_t = 240)]
    patience: u64,
}

pub(super) fn main(arguments: &Arguments) -> ExitCode {
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return fail(format!("no runtime could be started: {error}"), None),
    };
    match runtime.block_on(hand_back(arguments)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            fail(error, Some("the operator goes on; kubectl get codeupgrades -A says how things stand"))
        }
    }
}

async fn hand_back(arguments: &Arguments) -> Result<(), String> {
    let config = kube::Config::infer().await.map_err(|error| format!("no cluster is configured: {error}"))?;
    let client = Client::try_from(config).map_err(|error| said(&error))?;
    let leases: Api<Lease> = Api::namespaced(client.clone(), &arguments.namespace);
    if let Some(busy) = left(&client).await?.into_iter().find(|left| left.in_hop) {
        return Err(format!("{} is in the middle of a hop: wait for its end, or order Abandon", busy.name));
    }
    mark(&leases, &json!("true")).await?;
    let outcome = wait_until_given_back(&client, arguments.patience).await;
    if let Err(error) = outcome {
        mark(&leases, &Value::Null).await?;
        return Err(error);
    }
    print("what the operator held is given back, and no object waits for it\n");
    stop(&client, arguments, &leases).await
}

/// An object that waits for the operator.
struct Left {
    name: String,
    in_hop: bool,
}

/// The objects that bear the operator's finalizer.
async fn left(client: &Client) -> Result<Vec<Left>, String> {
    let upgrades: Api<DeserializeGuard<CodeUpgrade>> = Api::all(client.clone());
    let found = upgrades
        .list(&ListParams::default())
        .await
        .map_err(failed("the CodeUpgrades could not be listed"))?;
    let bears =
        |object: &DeserializeGuard<CodeUpgrade>| object.finalizers().iter().any(|name| name == FINALIZER);
    let left = found.items.iter().filter(|object| bears(object)).map(|object| Left {
        name: format!("CodeUpgrade {}/{}", object.namespace().unwrap_or_default(), object.name_any()),
        in_hop: object.0.as_ref().is_ok_and(|object| {
            let memory = object.status.as_ref().and_then(|status| status.memory.as_ref());
            memory.is_some_and(|memory| memory.hop.is_some())
        }),
    });
    Ok(left.collect())
}

/// Says on the lease that the operator is to be removed, or takes that back. Where there is no lease no operator ever acted.
async fn mark(leases: &Api<Lease>, value: &Value) -> Result<(), String> {
    let body = json!({"metadata": {"annotations": {HANDING_BACK_ANNOTATION: value}}});
    match leases.patch(OPERATOR, &PatchParams::default(), &Patch::Merge(body)).await {
        Ok(_) => Ok(()),
        Err(kube::Error::Api(status)) if status.is_not_found() => Ok(()),
        Err(error) => Err(failed("the lease could not be marked")(error)),
    }
}

async fn wait_until_given_back(client: &Client, patience: u64) -> Result<(), String> {
    let mut waiting = String::new();
    for _ in 0..=patience / PAUSE.as_secs() {
        match left(client).await?.first() {
            None => return Ok(()),
            Some(first) => waiting.clone_from(&first.name),
        }
        clock::sleep(PAUSE).await;
    }
    Err(format!("{waiting} still waits for the operator after {patience} s: does it run?"))
}

/// Stops the operator, where its Deployment is here, and deletes the lease that it gives back.
async fn stop(client: &Client, arguments: &Arguments, leases: &Api<Lease>) -> Result<(), String> {
    let deployments: Api<Deployment> = Api::namespaced(client.clone(), &arguments.namespace);
    let none = json!({"spec": {"replicas": 0}});
    match deployments.patch_scale(OPERATOR, &PatchParams::default(), &Patch::Merge(none)).await {
        Ok(_) => {}
        Err(kube::Error::Api(status)) if status.is_not_found() => {
            tell("there is no Deployment of the operator here: stop it, then delete its lease");
            return Ok(());
        }
        Err(error) => return Err(failed("the operator could not be stopped")(error)),
    }
    for _ in 0..=arguments.patience / PAUSE.as_secs() {
        let found =
            deployments.get_opt(OPERATOR).await.map_err(failed("the operator could not be looked for"))?;
        let running = found.and_then(|deployment| deployment.status?.replicas).unwrap_or(0);
        if running == 0 {
            break;
        }
        clock::sleep(PAUSE).await;
    }
    match leases.delete(OPERATOR, &DeleteParams::default()).await {
        Ok(_) => Ok(()),
        Err(kube::Error::Api(status)) if status.is_not_found() => Ok(()),
        Err(error) => Err(failed("the lease could not be deleted")(error)),
    }
}

fn failed(what: &'static str) -> impl Fn(kube::Error) -> String {
    move |error| format!("{what}: {}", said(&error))
}
