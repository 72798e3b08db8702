//! A simulated environment inside a real cluster: its REST API on loopback, its workloads in a namespace, and the player
//! that turns their pods into its servers.
//!
//! For the demo and the cluster tests. Input: a scenario, the releases, and the time to follow. The operator must find nothing
//! here that a team's own namespace would not have.

use jiff::Timestamp;
use kube::Client;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::rest::{self, Account, Serving};
use super::simulation::{Simulation, TimeSource};
use super::tls::Identity;
use super::{player, stage};
use crate::catalog::{Catalog, Version};
use crate::simulator::{Scenario, World};

/// How the servers of a site are run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Workloads {
    /// Each as a `StatefulSet` of its own name.
    StatefulSets,
    /// Outside the cluster.
    None,
}

/// Why a site could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The scenario is no environment.
    #[error("the environment cannot be simulated: {0}")]
    Scenario(String),
    /// The REST API cannot be served.
    #[error("the simulated authority cannot be served: {0}")]
    Serve(#[from] std::io::Error),
    /// An object was refused.
    #[error(transparent)]
    Stage(#[from] stage::Error),
}

/// A simulated environment that runs until it is dropped.
pub struct Site {
    /// The environment itself, to be looked at and disturbed past the operator.
    pub simulation: Simulation,
    /// Its namespace.
    pub namespace: String,
    /// Where its authority answers.
    pub url: String,
    /// Who may ask it.
    pub account: Account,
    storage: Vec<String>,
    client: Client,
    _serving: Serving,
    player: JoinHandle<()>,
}

impl Drop for Site {
    fn drop(&mut self) {
        self.player.abort();
    }
}

impl Site {
    /// Sets an environment up in a namespace, which is created if missing.
    ///
    /// # Errors
    /// The scenario is no environment, or the API server refuses one of its objects.
    pub async fn set_up(
        client: &Client,
        namespace: &str,
        scenario: &Scenario,
        catalog: Catalog,
        time: TimeSource,
        workloads: Workloads,
        identity: Option<&Identity>,
    ) -> Result<Self, Error> {
        let world = World::new(scenario, catalog).map_err(|error| Error::Scenario(error.to_string()))?;
        let servers: Vec<(String, Version)> = match workloads {
            Workloads::None => Vec::new(),
            Workloads::StatefulSets => world
                .servers()
                .into_iter()
                .filter_map(|server| Some((server.name.0, server.version?)))
                .collect(),
        };
        let simulation = Simulation::new(world, time);
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let account = Account { username: "admin".to_owned(), password: "a simulated secret".to_owned() };
        let serving = rest::serve(simulation.clone(), account.clone(), listener, identity)?;
        let scheme = if identity.is_some() { "https" } else { "http" };
        let url = format!("{scheme}://{}", serving.address());
        stage::place_environment(client, namespace, &url, &account, &servers).await?;
        let played =
            player::play(client.clone(), simulation.clone(), player::Scope::Namespace(namespace.to_owned()));
        let player = tokio::spawn(async move {
            let Err(error) = played.await;
            tracing::error!(%error, "the pods are not played any more");
        });
        let storage = scenario.storage.iter().map(|server| server.name.0.clone()).collect();
        let namespace = namespace.to_owned();
        let client = client.clone();
        Ok(Self { simulation, namespace, url, account, storage, client, _serving: serving, player })
    }

    /// A spec that only watches it: every server by its `StatefulSet`, whose image the operator sets.
    pub fn observing(&self) -> Value {
        let server = |name: &String| json!({"name": name, "statefulSet": name, "imageFrom": "Operator"});
        json!({
            "authority": {
                "url": self.url,
                "credentials": stage::CREDENTIALS,
                "statefulSet": "authority",
                "imageFrom": "Operator",
            },
            "storage": self.storage.iter().map(server).collect::<Vec<_>>(),
        })
    }

    /// The same spec, with a release that it is to reach.
    pub fn wanting(&self, release: Version) -> Value {
        let mut spec = self.observing();
        spec["version"] = release.to_string().into();
        spec["sources"] = json!([{"release": release.to_string(), "image": stage::image(release)}]);
        spec["backup"] = json!({"none": "a simulated environment"});
        spec
    }

    /// Commits a `CodeUpgrade` with this spec: what the spec leaves out is gone from the object.
    ///
    /// # Errors
    /// The API server refuses it.
    pub async fn commit(&self, name: &str, spec: Value) -> Result<(), stage::Error> {
        let object = json!({"metadata": {"name": name}, "spec": spec});
        stage::apply::<crate::api::CodeUpgrade>(&self.client, Some(&self.namespace), object).await
    }

    /// The time in the environment.
    pub fn now(&self) -> Timestamp {
        self.simulation.at_present(|world| world.now())
    }

    /// What a server says it runs; `None` while it does not answer, or where there is none of this name.
    pub fn version_of(&self, server: &str) -> Option<Version> {
        self.simulation.at_present(|world| {
            let found = world.servers().into_iter().find(|one| one.name.0 == server && one.online)?;
            found.version
        })
    }

    /// The servers that do not answer as this release.
    pub fn servers_not_at(&self, release: Version) -> Vec<String> {
        self.simulation.at_present(|world| {
            let is_elsewhere = |server: &crate::simulator::server::ListedServer| {
                server.version != Some(release) || !server.online
            };
            world.servers().into_iter().filter(is_elsewhere).map(|server| server.name.0).collect()
        })
    }
}
