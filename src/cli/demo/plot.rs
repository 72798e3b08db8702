//! The environment of the demo: what it is at the beginning, and what is committed about it.

use std::sync::Arc;

use jiff::Timestamp;
use kube::Client;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::api::CodeUpgrade;
use crate::catalog::Version;
use crate::operator::clock::Clock;
use crate::simulator::rest::{self, Account, Serving};
use crate::simulator::simulation::Simulation;
use crate::simulator::{Scenario, World, player, stage};
use crate::translate;

/// The namespace of the environment.
pub(super) const NAMESPACE: &str = "code42";
/// The object of the environment.
pub(super) const UPGRADE: &str = "production";
/// Where it is to go.
pub(super) const TARGET: &str = "4.3.5.3";

/// The article's environment: one authority, three storage servers, and devices of every kind that the matrix knows.
const SCENARIO: &str = r#"
start: 2016-03-01T08:00:00Z
seed: 42
authority: {name: authority, guid: "600624193549107457", version: 4.2.3.1}
storage:
- {name: storage-01, version: 4.2.3.1}
- {name: storage-02, version: 4.2.3.1}
- {name: storage-03, version: 4.2.3.1}
organisations: [{name: IT}, {name: Sales}]
devices:
- {count: 4, os: Windows, version: 4.2.0, organisation: IT}
- {count: 20, os: Windows, version: 4.2.0, organisation: Sales}
- {count: 10, os: Mac, version: 4.3.1, organisation: Sales}
- {count: 3, os: Mac, product: SharePlan, version: 4.2.0, organisation: Sales}
- {count: 3, os: Windows, product: SharePlan, version: 4.2.0, organisation: Sales}
- {count: 2, os: iOS, product: SharePlanMobile, version: 4.3.1, organisation: Sales}
settings: {dailyAccountingTime: "02:01"}
"#;

/// When the story begins.
pub(super) fn begins() -> Timestamp {
    Scenario::from_yaml(SCENARIO).map_or(Timestamp::UNIX_EPOCH, |scenario| scenario.start)
}

/// The simulated environment, with everything that plays it.
pub(super) struct Environment {
    client: Client,
    simulation: Simulation,
    url: String,
    storage: Vec<String>,
    _serving: Serving,
    player: JoinHandle<()>,
}

impl Drop for Environment {
    fn drop(&mut self) {
        self.player.abort();
    }
}

impl Environment {
    /// Starts the simulated servers and devices, their REST API, and the player of their pods.
    pub(super) async fn start(client: &Client, clock: &Clock) -> Result<Self, String> {
        let scenario = Scenario::from_yaml(SCENARIO).map_err(|error| error.to_string())?;
        let shipped =
            translate::shipped().into_iter().map(|release| (translate::layer_of(&release), release));
        let (catalog, _) = translate::catalog_from(shipped.collect());
        let world = World::new(&scenario, catalog).map_err(|error| error.to_string())?;
        let servers: Vec<(String, Version)> =
            world.servers().into_iter().filter_map(|server| Some((server.name.0, server.version?))).collect();
        let simulation = {
            let clock = clock.clone();
            Simulation::new(world, Arc::new(move || clock.now()))
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.map_err(|error| error.to_string())?;
        let account = Account { username: "admin".to_owned(), password: "a simulated secret".to_owned() };
        let serving = rest::serve(simulation.clone(), account.clone(), listener, None)
            .map_err(|error| error.to_string())?;
        let url = format!("http://{}", serving.address());
        stage::place_environment(client, NAMESPACE, &url, &account, &servers)
            .await
            .map_err(|error| error.to_string())?;
        let (played, scope) = (simulation.clone(), player::Scope::Namespace(NAMESPACE.to_owned()));
        let kubelet = client.clone();
        let player = tokio::spawn(async move {
            let Err(error) = player::play(kubelet, played, scope).await;
            tracing::error!(%error, "the pods are not played any more");
        });
        let storage = scenario.storage.iter().map(|server| server.name.0.clone()).collect();
        Ok(Self { client: client.clone(), simulation, url, storage, _serving: serving, player })
    }

    /// What a commit changes: with a version the environment is brought there, without it is only watched.
    pub(super) async fn commit(&self, version: Option<&str>) -> Result<(), String> {
        stage::apply::<CodeUpgrade>(&self.client, Some(NAMESPACE), self.object(version))
            .await
            .map_err(|error| error.to_string())
    }

    fn object(&self, version: Option<&str>) -> Value {
        let server = |name: &str| json!({"name": name, "statefulSet": name, "imageFrom": "Operator"});
        let mut spec = json!({
            "authority": {
                "url": self.url,
                "credentials": stage::CREDENTIALS,
                "statefulSet": "authority",
                "imageFrom": "Operator",
            },
            "storage": self.storage.iter().map(|name| server(name)).collect::<Vec<_>>(),
            "devices": {
                "upgrade": "Bundled",
                "groups": [
                    {"name": "it", "orgs": ["IT"], "waves": [1, "100%"], "pause": "1h"},
                    {"name": "everyone", "all": true, "waves": ["25%", "100%"], "pause": "2h"},
                ],
            },
        });
        if let Some(target) = version.and_then(|version| version.parse().ok()) {
            spec["version"] = version.into();
            spec["sources"] = json!([{"release": version, "image": stage::image(target)}]);
            spec["backup"] = json!({"none": "a simulated environment"});
        }
        json!({"metadata": {"name": UPGRADE}, "spec": spec})
    }

    /// Whether the environment itself, asked past the operator, is where it was to go.
    pub(super) fn is_there(&self) -> Result<(), String> {
        let target: Version =
            TARGET.parse().map_err(|error: crate::catalog::version::ParseError| error.to_string())?;
        self.simulation.at_present(|world| {
            for server in world.servers() {
                if server.version != Some(target) || !server.online {
                    return Err(format!("{} is at {:?}, not at {target}", server.name, server.version));
                }
            }
            Ok(())
        })
    }
}
