//! Plays the kubelet where none runs: pods of the real controllers become servers of a simulated environment.
//!
//! Input: a client with full rights and a simulation. It registers one node, binds pending pods to it, lets pods run and
//! end, and writes their status. Decides nothing that a real kubelet would not; must never run in a cluster with nodes.
//!
//! A pod whose template has the annotation [`SERVER`] is that server: a new pod starts it with the version in its image's
//! tag, and is ready when the server is up; a pod that goes stops it. Every other pod runs at once; pods of Jobs succeed.

mod annotations;
mod part;
mod status;

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::time::Duration;

use futures::{StreamExt as _, TryStreamExt as _};
use k8s_openapi::api::core::v1::{Node, Pod};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Status;
use kube::api::{DeleteParams, Patch, PatchParams, PostParams, Preconditions};
use kube::runtime::{WatchStreamExt as _, reflector, watcher};
use kube::{Api, Client, ResourceExt as _};
use serde_json::json;
use tokio::time::{MissedTickBehavior, interval};

pub use self::annotations::{CONTAINER, DRAINED, FAILS, SERVER, SERVER_VARIABLE, VERSION_VARIABLE};
use self::part::{Part, Turn};
use super::simulation::Simulation;
use crate::catalog::Version;
use crate::simulator::server::ServerState;

/// The node that all pods run on.
pub const NODE: &str = "simulator";

/// How often the world is compared with the pods, in real time: simulated time may run hundreds of times faster.
const TICK: Duration = Duration::from_millis(100);

/// Ticks to sit out after the API server refused something.
const REST: u32 = 10;

/// Which pods are played.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Those of every namespace.
    All,
    /// Those of one namespace.
    Namespace(String),
}

/// Why the player stops.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The node could not be registered.
    #[error("failed to register node {NODE}")]
    Node(#[source] kube::Error),
    /// The pods can no longer be watched.
    #[error("the watch on pods ended")]
    WatchEnded,
}

/// Plays until it is dropped.
pub async fn play(client: Client, simulation: Simulation, scope: Scope) -> Result<Infallible, Error> {
    register_node(&client).await.map_err(Error::Node)?;
    let pods: Api<Pod> = match &scope {
        Scope::All => Api::all(client.clone()),
        Scope::Namespace(namespace) => Api::namespaced(client.clone(), namespace),
    };
    let (reader, writer) = reflector::store();
    let mut events = watcher(pods, watcher::Config::default())
        .default_backoff()
        .reflect(writer)
        .inspect_err(|error| tracing::debug!(%error, "watching pods"))
        .boxed();
    let mut player = Player {
        client,
        simulation,
        cast: BTreeMap::new(),
        ordered: BTreeSet::new(),
        drained: BTreeMap::new(),
    };
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut complete = false;
    let mut resting = 0;
    loop {
        tokio::select! {
            event = events.next() => match event {
                Some(Ok(watcher::Event::InitDone)) => complete = true,
                Some(_) => {}
                None => return Err(Error::WatchEnded),
            },
            _ = ticks.tick() => {
                // Before the first complete list a pod that is only not known yet would be taken for gone.
                if complete && resting == 0 {
                    let pods: Vec<_> = reader.state();
                    if let Err(error) = player.play_all(&pods).await {
                        tracing::warn!(%error, "playing pods");
                        resting = REST;
                    }
                } else {
                    resting = resting.saturating_sub(1);
                }
            }
        }
    }
}

async fn register_node(client: &Client) -> Result<(), kube::Error> {
    let nodes: Api<Node> = Api::all(client.clone());
    let mine = PatchParams::apply("codeupgrade-simulator").force();
    let node = json!({
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": { "name": NODE, "labels": { "kubernetes.io/hostname": NODE, "kubernetes.io/os": "linux" } },
        "spec": {},
    });
    nodes.patch(NODE, &mine, &Patch::Apply(node)).await?;
    let resources = json!({ "cpu": "64", "memory": "256Gi", "pods": "500" });
    let status = json!({
        "apiVersion": "v1",
        "kind": "Node",
        "status": {
            "capacity": resources,
            "allocatable": resources,
            "conditions": [{ "type": "Ready", "status": "True", "reason": "Simulated", "message": "no kubelet runs" }],
        },
    });
    nodes.patch_status(NODE, &mine, &Patch::Apply(status)).await?;
    Ok(())
}

struct Player {
    client: Client,
    simulation: Simulation,
    /// Which pod, by uid, is which server now, by the server's name.
    cast: BTreeMap<String, String>,
    /// The pods of Jobs, by uid, whose order to a server was given.
    ordered: BTreeSet<String>,
    /// The first pods of Jobs that are drained, by the Job's uid.
    drained: BTreeMap<String, String>,
}

impl Player {
    async fn play_all(&mut self, pods: &[std::sync::Arc<Pod>]) -> Result<(), kube::Error> {
        self.dismiss(|uid| !pods.iter().any(|pod| pod.uid().as_deref() == Some(uid)));
        // Those that go before those that come: a server is never two pods.
        let (leaving, staying): (Vec<_>, Vec<_>) =
            pods.iter().partition(|pod| pod.metadata.deletion_timestamp.is_some());
        for pod in leaving {
            self.let_go(pod).await?;
        }
        for pod in staying {
            self.play_one(pod).await?;
        }
        Ok(())
    }

    /// Stops the servers of pods that are gone.
    fn dismiss(&mut self, gone: impl Fn(&str) -> bool) {
        let simulation = &self.simulation;
        self.cast.retain(|server, uid| {
            let leaves = gone(uid);
            if leaves {
                simulation.at_present(|world| {
                    let stopped = world.server_guid(server).map(|guid| world.stop_server(&guid));
                    if !matches!(stopped, Some(Ok(()))) {
                        tracing::warn!(
                            server,
                            "a pod ended whose server is not in the simulated environment"
                        );
                    }
                });
            }
            !leaves
        });
    }

    async fn let_go(&mut self, pod: &Pod) -> Result<(), kube::Error> {
        let (Some(uid), Some(namespace)) = (pod.uid(), pod.namespace()) else { return Ok(()) };
        self.dismiss(|other| other == uid);
        let pods: Api<Pod> = Api::namespaced(self.client.clone(), &namespace);
        let now = DeleteParams {
            preconditions: Some(Preconditions { uid: Some(uid), resource_version: None }),
            ..DeleteParams::default().grace_period(0)
        };
        settled(pods.delete(&pod.name_any(), &now).await.map(|_| ()))
    }

    async fn play_one(&mut self, pod: &Pod) -> Result<(), kube::Error> {
        let Some(namespace) = pod.namespace() else { return Ok(()) };
        let pods: Api<Pod> = Api::namespaced(self.client.clone(), &namespace);
        let name = pod.name_any();
        if pod.spec.as_ref().is_none_or(|spec| spec.node_name.is_none()) {
            let binding = json!({
                "apiVersion": "v1",
                "kind": "Binding",
                "metadata": { "name": name },
                "target": { "apiVersion": "v1", "kind": "Node", "name": NODE },
            });
            let bound: Result<Status, _> =
                pods.create_subresource("binding", &name, &PostParams::default(), &binding).await;
            return settled(bound.map(|_| ()));
        }
        if status::is_finished(pod) {
            return Ok(());
        }
        let turn = self.turn(pod);
        match status::changed(pod, &turn) {
            Some(status) => {
                let patch = Patch::Merge(json!({ "metadata": { "uid": pod.uid() }, "status": status }));
                settled(pods.patch_status(&name, &PatchParams::default(), &patch).await.map(|_| ()))
            }
            None => Ok(()),
        }
    }

    /// What a pod does now.
    fn turn(&mut self, pod: &Pod) -> Turn {
        let uid = pod.uid().unwrap_or_default();
        match Part::of(pod) {
            Part::Extra => Turn::Runs,
            Part::Unpullable { image } => Turn::image_missing(&image),
            Part::Unclear { problem } => Turn::Fails { message: problem },
            Part::Task => Turn::Succeeds,
            Part::FailingTask { message } => Turn::Fails { message },
            Part::DrainedTask { job } => {
                let first = self.drained.entry(job).or_insert_with(|| uid.clone());
                if *first == uid { Turn::IsDrained } else { Turn::Succeeds }
            }
            Part::Server { name, version } => match self.cast.get(&name) {
                Some(other) if *other != uid => Turn::waits_for_volume(),
                known => {
                    let first = known.is_none();
                    let turn = self.simulation.at_present(|world| {
                        let Some(guid) = world.server_guid(&name) else { return Turn::server_missing(&name) };
                        // The first pod of a server that runs already is that server.
                        let runs = world.is_running(&guid, version);
                        if first && !runs && world.start_server(&guid, version).is_err() {
                            return Turn::server_missing(&name);
                        }
                        Turn::of_server(&name, world.state_of(&guid), version, world.database_of(&guid))
                    });
                    if first {
                        self.cast.insert(name, uid);
                    }
                    turn
                }
            },
            Part::InPlaceUpgrade { server, version } => self.upgrade_in_place(uid, &server, version),
        }
    }

    /// A Job's pod upgrades a server: it gives the order once, and ends when the server runs.
    fn upgrade_in_place(&mut self, uid: String, server: &str, version: Version) -> Turn {
        let first = self.ordered.insert(uid);
        self.simulation.at_present(|world| {
            let Some(guid) = world.server_guid(server) else { return no_such_server(server) };
            if first && !world.is_running(&guid, version) && world.upgrade_by_hand(&guid, version).is_err() {
                return no_such_server(server);
            }
            match world.state_of(&guid) {
                Some(ServerState::Running { .. }) => Turn::Succeeds,
                Some(ServerState::Starting { .. } | ServerState::Stopped) => Turn::Runs,
                Some(ServerState::Refusing) => {
                    Turn::Fails { message: format!("{server} does not start with {version}") }
                }
                None => no_such_server(server),
            }
        })
    }
}

fn no_such_server(name: &str) -> Turn {
    Turn::Fails { message: format!("there is no server {name} in the simulated environment") }
}

/// A pod that changed or went since it was seen is none of an error: the watch tells of it.
fn settled(result: Result<(), kube::Error>) -> Result<(), kube::Error> {
    match result {
        Err(kube::Error::Api(status)) if status.is_not_found() || status.is_conflict() => Ok(()),
        other => other,
    }
}
