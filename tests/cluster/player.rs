//! The simulator's player of pods: that the real controllers take it for a kubelet.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use codeupgrade::catalog::Catalog;
use codeupgrade::playground::Simulation;
use codeupgrade::playground::player::{self, Scope};
use codeupgrade::simulator::{Scenario, World};
use jiff::Timestamp;
use k8s_openapi::api::apps::v1::{Deployment, StatefulSet};
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::{Patch, PatchParams, PostParams};
use serde_json::{Value, json};

use super::case::{Case, Outcome, case};
use super::environment::{Environment, Error};
use super::wait::eventually;

pub(crate) fn cases() -> Vec<Case> {
    vec![
        case("player_rolls_a_server_as_a_stateful_set", rolls_a_stateful_set),
        case("player_lets_an_older_image_crash_and_a_missing_one_wait", refuses_images),
        case("player_runs_deployments_and_jobs", runs_deployments_and_jobs),
    ]
}

/// A simulated environment whose pods are played in one namespace, with a clock that only the test moves.
struct Stage {
    simulation: Simulation,
    second: Arc<AtomicI64>,
    playing: tokio::task::JoinHandle<()>,
    stateful_sets: Api<StatefulSet>,
    deployments: Api<Deployment>,
    jobs: Api<Job>,
    pods: Api<Pod>,
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.playing.abort();
    }
}

const SCENARIO: &str = "
start: 2016-03-01T10:00:00Z
authority: {name: authority, version: 4.2.3.1}
storage: [{name: storage-01, version: 4.2.3.1}]
";

impl Stage {
    async fn set(environment: &Environment, prefix: &str) -> Result<Self, Error> {
        let namespace = environment.namespace(prefix).await?;
        let scenario = Scenario::from_yaml(SCENARIO)?;
        let second = Arc::new(AtomicI64::new(scenario.start.as_second()));
        let clock = Arc::clone(&second);
        let time = move || Timestamp::from_second(clock.load(Ordering::Relaxed)).unwrap_or(Timestamp::MAX);
        let simulation = Simulation::new(World::new(&scenario, Catalog::default())?, Arc::new(time));
        let client = environment.client.clone();
        let played = player::play(client.clone(), simulation.clone(), Scope::Namespace(namespace.clone()));
        let playing = tokio::spawn(async move {
            let Err(error) = played.await;
            panic!("the player stopped: {error}");
        });
        Ok(Self {
            simulation,
            second,
            playing,
            stateful_sets: Api::namespaced(client.clone(), &namespace),
            deployments: Api::namespaced(client.clone(), &namespace),
            jobs: Api::namespaced(client.clone(), &namespace),
            pods: Api::namespaced(client, &namespace),
        })
    }

    fn pass(&self, minutes: i64) {
        self.second.fetch_add(minutes * 60, Ordering::Relaxed);
    }

    fn version(&self, server: &str) -> Option<String> {
        self.simulation.at_present(|world| {
            let found = world.servers().into_iter().find(|one| one.name.0 == server && one.online)?;
            found.version.map(|version| version.to_string())
        })
    }

    async fn create_authority(&self) -> Result<(), Error> {
        let stateful_set = json!({
            "metadata": { "name": "authority" },
            "spec": {
                "serviceName": "authority",
                "replicas": 1,
                "selector": { "matchLabels": { "app": "authority" } },
                "template": template("authority", "server:4.2.3.1", "authority", "Always"),
            },
        });
        self.stateful_sets.create(&PostParams::default(), &serde_json::from_value(stateful_set)?).await?;
        Ok(())
    }

    async fn set_image(&self, image: &str) -> Result<(), Error> {
        let containers = json!([{ "name": "server", "image": image }]);
        let patch = json!({ "spec": { "template": { "spec": { "containers": containers } } } });
        self.stateful_sets.patch("authority", &PatchParams::default(), &Patch::Strategic(patch)).await?;
        Ok(())
    }

    /// Waits until the authority's pod has this image and its server this state.
    async fn authority_pod(
        &self,
        what: &str,
        image: &str,
        wanted: impl Fn(&Value) -> bool,
    ) -> Result<Value, Error> {
        eventually(what, async || {
            let Some(pod) = self.pods.get_opt("authority-0").await? else { return Ok(None) };
            let pod = serde_json::to_value(pod)?;
            let runs = pod["spec"]["containers"][0]["image"] == image;
            Ok((runs && wanted(&pod["status"]["containerStatuses"][0])).then_some(pod))
        })
        .await
    }
}

fn template(app: &str, image: &str, server: &str, restart: &str) -> Value {
    json!({
        "metadata": { "labels": { "app": app }, "annotations": { player::SERVER: server } },
        "spec": { "restartPolicy": restart, "containers": [{ "name": "server", "image": image }] },
    })
}

fn is_ready(container: &Value) -> bool {
    container["ready"] == true
}

fn is_running_and_not_ready(container: &Value) -> bool {
    container["ready"] == false && container["state"]["running"].is_object()
}

async fn rolls_a_stateful_set(environment: Arc<Environment>) -> Outcome {
    let stage = Stage::set(&environment, "roll").await?;
    stage.create_authority().await?;
    let pod = stage.authority_pod("a ready pod", "server:4.2.3.1", is_ready).await?;
    assert_eq!(pod["spec"]["nodeName"], player::NODE);
    let starts = stage.simulation.at_present(|world| world.authority_starts());
    assert_eq!(starts, 0, "the first pod is the server that ran already");

    stage.set_image("server:4.3.5.3").await?;
    stage.authority_pod("a migrating pod", "server:4.3.5.3", is_running_and_not_ready).await?;
    assert_eq!(stage.version("authority"), None);
    stage.pass(11);
    let pod = stage.authority_pod("a migrated pod", "server:4.3.5.3", is_ready).await?;
    assert_eq!(stage.version("authority").as_deref(), Some("4.3.5.3"));
    let id = pod["status"]["containerStatuses"][0]["imageID"].as_str().unwrap_or_default();
    assert!(id.starts_with("server@sha256:"), "{id}");
    eventually("a rolled StatefulSet", async || {
        let status = stage.stateful_sets.get("authority").await?.status.unwrap_or_default();
        Ok((status.current_revision == status.update_revision && status.ready_replicas == Some(1))
            .then_some(()))
    })
    .await?;

    stage
        .stateful_sets
        .patch_scale(
            "authority",
            &PatchParams::default(),
            &Patch::Merge(json!({ "spec": { "replicas": 0 } })),
        )
        .await?;
    eventually("a server that stopped with its pod", async || {
        Ok(stage.version("authority").is_none().then_some(()))
    })
    .await?;
    Ok(())
}

async fn refuses_images(environment: Arc<Environment>) -> Outcome {
    let stage = Stage::set(&environment, "refuse").await?;
    stage.create_authority().await?;
    stage.authority_pod("a ready pod", "server:4.2.3.1", is_ready).await?;
    stage.set_image("server:4.3.5.3").await?;
    stage.authority_pod("a migrating pod", "server:4.3.5.3", is_running_and_not_ready).await?;
    stage.pass(11);
    stage.authority_pod("a migrated pod", "server:4.3.5.3", is_ready).await?;

    stage.set_image("server:4.2.3.1").await?;
    let crashes = |container: &Value| container["state"]["waiting"]["reason"] == "CrashLoopBackOff";
    let pod = stage.authority_pod("a crashing pod", "server:4.2.3.1", crashes).await?;
    let message = &pod["status"]["containerStatuses"][0]["state"]["waiting"]["message"];
    assert_eq!(*message, "server 4.2.3.1 does not start: its database is at 4.3.5.3");

    // The controller replaces no pod that never became ready: that is for a person.
    stage.set_image("server:latest").await?;
    stage.pods.delete("authority-0", &kube::api::DeleteParams::default()).await?;
    let waits = |container: &Value| container["state"]["waiting"]["reason"] == "ErrImagePull";
    stage.authority_pod("a pod without image", "server:latest", waits).await?;
    Ok(())
}

async fn runs_deployments_and_jobs(environment: Arc<Environment>) -> Outcome {
    let stage = Stage::set(&environment, "jobs").await?;
    let deployment = json!({
        "metadata": { "name": "storage" },
        "spec": {
            "strategy": { "type": "Recreate" },
            "selector": { "matchLabels": { "app": "storage" } },
            "template": template("storage", "server:4.2.3.1", "storage-01", "Always"),
        },
    });
    stage.deployments.create(&PostParams::default(), &serde_json::from_value(deployment)?).await?;
    eventually("an available Deployment", async || {
        let status = stage.deployments.get("storage").await?.status.unwrap_or_default();
        Ok((status.available_replicas == Some(1)).then_some(()))
    })
    .await?;

    let job = |name: &str, annotations: Value| {
        json!({
            "metadata": { "name": name },
            "spec": { "backoffLimit": 0, "template": {
                "metadata": { "annotations": annotations },
                "spec": { "restartPolicy": "Never", "containers": [{
                    "name": "task", "image": "task", "env": [{ "name": "TO", "value": "4.3.5.3" }],
                }]},
            }},
        })
    };
    for (name, annotations) in [
        ("backup", json!({})),
        ("broken", json!({ player::FAILS: "disk full" })),
        ("upgrade", json!({ player::SERVER: "authority", player::VERSION_VARIABLE: "TO" })),
    ] {
        stage.jobs.create(&PostParams::default(), &serde_json::from_value(job(name, annotations))?).await?;
    }
    let ended = async |name: &'static str, condition: &'static str| {
        eventually("an ended Job", async || {
            let conditions = stage.jobs.get(name).await?.status.unwrap_or_default().conditions;
            let holds = conditions.iter().flatten().any(|one| one.type_ == condition && one.status == "True");
            Ok(holds.then_some(()))
        })
        .await
    };
    ended("backup", "Complete").await?;
    ended("broken", "Failed").await?;
    eventually("a server that is being upgraded", async || {
        Ok(stage.version("authority").is_none().then_some(()))
    })
    .await?;
    stage.pass(11);
    ended("upgrade", "Complete").await?;
    assert_eq!(stage.version("authority").as_deref(), Some("4.3.5.3"));
    Ok(())
}
