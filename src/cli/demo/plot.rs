//! The environment of the demo: what it is at the beginning, and what is committed about it.

use std::sync::Arc;

use jiff::Timestamp;
use kube::Client;
use serde_json::{Value, json};

use crate::catalog::version::ParseError;
use crate::catalog::{Catalog, Product, Version};
use crate::operator::clock::Clock;
use crate::playground::simulation::TimeSource;
use crate::playground::site::{Site, Workloads};
use crate::simulator::Scenario;
use crate::simulator::device::{ListedDevice, ReportedVersion};
use crate::translate;

/// The namespace of the environment.
pub(super) const NAMESPACE: &str = "code42";
/// The object of the environment.
pub(super) const UPGRADE: &str = "production";
/// Where it is to go.
pub(super) const TARGET: &str = "4.3.5.3";

/// An environment as the vendor's article has it (FACTS.md, matrix-4.3.5.3): one authority, three storage
/// servers, and devices of every kind that the matrix knows.
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

/// The simulated environment, and what is committed about it.
pub(super) struct Environment {
    site: Site,
    catalog: Catalog,
    target: Version,
}

impl Environment {
    /// Starts the simulated servers and devices, their REST API, and the player of their pods.
    pub(super) async fn start(client: &Client, clock: &Clock) -> Result<Self, String> {
        let scenario = Scenario::from_yaml(SCENARIO).map_err(|error| error.to_string())?;
        let target = TARGET.parse().map_err(|error: ParseError| error.to_string())?;
        let catalog = translate::shipped_catalog();
        let time: TimeSource = {
            let clock = clock.clone();
            Arc::new(move || clock.now())
        };
        let workloads = Workloads::StatefulSets;
        let site = Site::set_up(client, NAMESPACE, &scenario, catalog.clone(), time, workloads, None)
            .await
            .map_err(|error| error.to_string())?;
        Ok(Self { site, catalog, target })
    }

    /// Commits the object as it is at first: the environment is only watched.
    pub(super) async fn commit_without_version(&self) -> Result<(), String> {
        self.commit(self.site.observing()).await
    }

    /// Commits the version that it is to reach.
    pub(super) async fn commit_target(&self) -> Result<(), String> {
        self.commit(self.site.wanting(self.target)).await
    }

    async fn commit(&self, mut spec: Value) -> Result<(), String> {
        spec["devices"] = json!({
            "upgrade": "Bundled",
            "groups": [
                {"name": "it", "orgs": ["IT"], "waves": [1, "100%"], "pause": "1h"},
                {"name": "everyone", "all": true, "waves": ["25%", "100%"], "pause": "2h"},
            ],
        });
        self.site.commit(UPGRADE, spec).await.map_err(|error| error.to_string())
    }

    /// Whether the environment itself, asked past the operator, is where it was to go: every server, and every device whose app
    /// the servers push.
    pub(super) fn is_there(&self) -> Result<(), String> {
        let elsewhere = self.site.servers_not_at(self.target);
        if !elsewhere.is_empty() {
            return Err(format!("{} not at {}", elsewhere.join(", "), self.target));
        }
        let release = self.catalog.release(self.target);
        let release = release.ok_or_else(|| format!("{} is not described", self.target))?;
        let behind = self.site.simulation.at_present(|world| {
            let is_behind = |device: &ListedDevice| match (device.product, device.version) {
                (Product::SharePlanMobile, _) => false,
                (_, ReportedVersion::Nonsense) => true,
                (product, ReportedVersion::Version(version)) => {
                    release.bundled(product, device.os).is_some_and(|target| version < target)
                }
            };
            world.devices().filter(is_behind).count()
        });
        if behind > 0 {
            Err(format!("{behind} devices are behind what {} bundles", self.target))
        } else {
            Ok(())
        }
    }
}
