//! A simulated environment as a person writes it down: one YAML file.
//!
//! Input only: what a scenario says is where a [`World`](super::World) begins.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::settings::Settings;
use crate::catalog::{Os, Product, Version};
use crate::fleet::{DeviceState, Guid, ServerName};

/// Most devices that one scenario may have.
pub const MAX_DEVICES: u32 = 1_000_000;

/// A simulated environment at its beginning.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Scenario {
    /// The time at which it begins.
    pub start: Timestamp,
    /// The same seed gives the same course of events.
    #[serde(default)]
    pub seed: u64,
    /// How far the authority's and the devices' time of day is ahead of UTC.
    #[serde(default)]
    pub utc_offset_hours: i8,
    /// The authority.
    pub authority: ScenarioServer,
    /// Own storage servers.
    #[serde(default)]
    pub storage: Vec<ScenarioServer>,
    /// Provider destinations: storage that the vendor runs.
    #[serde(default)]
    pub providers: Vec<ScenarioServer>,
    /// The organisations, as a tree.
    #[serde(default)]
    pub organisations: Vec<ScenarioOrganisation>,
    /// The devices.
    #[serde(default)]
    pub devices: Vec<DeviceGroup>,
    /// The authority's settings.
    #[serde(default)]
    pub settings: Settings,
    /// How long a server migrates its database after an upgrade.
    #[serde(default)]
    pub migration: Minutes,
    /// The edition of the environment.
    #[serde(default)]
    pub cluster: ClusterType,
}

/// A server at the beginning.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ScenarioServer {
    /// Its name.
    pub name: ServerName,
    /// Its identity; drawn where the scenario gives none.
    #[serde(default)]
    pub guid: Option<Guid>,
    /// Its version; `None` for a storage server that is registered and has never connected.
    #[serde(default)]
    pub version: Option<Version>,
    /// Whether it runs.
    #[serde(default)]
    pub power: Power,
}

/// Whether a server runs at the beginning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Power {
    /// It runs.
    #[default]
    On,
    /// It does not.
    Off,
}

/// An organisation and what is below it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ScenarioOrganisation {
    /// Its name.
    pub name: String,
    /// Organisations below it.
    #[serde(default)]
    pub children: Vec<ScenarioOrganisation>,
}

/// Devices that are alike.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DeviceGroup {
    /// How many.
    pub count: u32,
    /// Their app.
    #[serde(default = "crash_plan")]
    pub product: Product,
    /// Their operating system.
    pub os: Os,
    /// The version that they run.
    pub version: Version,
    /// Their organisation: names from the top of the tree, joined with `/`; the first of the tree where absent.
    #[serde(default)]
    pub organisation: Option<String>,
    /// In how many of a hundred days (of working days, for [`Hours::Office`]) each of them is on.
    #[serde(default = "always")]
    pub online_percent: u8,
    /// When they are on in a day.
    #[serde(default)]
    pub hours: Hours,
    /// Whether they take part at all.
    #[serde(default = "active")]
    pub state: DeviceState,
    /// What they do when they are to upgrade.
    #[serde(default)]
    pub behaviour: Behaviour,
    /// Every so many of them do something else; the first that applies counts.
    #[serde(default)]
    pub exceptions: Vec<Exception>,
}

/// What every n-th device of a group does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Exception {
    /// Every so many.
    pub every: u32,
    /// Does this.
    pub behaviour: Behaviour,
}

/// When a device is on in a day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Hours {
    /// All day.
    #[default]
    Always,
    /// In office hours of working days: laptops that sleep otherwise.
    Office,
}

/// What a device does when it is to upgrade. Only the retry after an hour is on record
/// (FACTS.md, device-retry); the others are what administrators reported or what a rollout must survive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Behaviour {
    /// It downloads, installs and comes back with the new version.
    #[default]
    Upgrades,
    /// Its first try fails; the retry after an hour succeeds.
    FailsFirst,
    /// Every try fails; it retries each hour.
    Fails,
    /// It never connects again after it installed.
    Bricks,
    /// It installs, and reports something that is no version.
    Lies,
    /// It upgrades, and is back at its old version the next time that its computer starts.
    FallsBack,
    /// It takes the flag and is never seen again.
    Vanishes,
    /// It never connects again after the authority's first restart.
    NeverReturns,
    /// It has been silent since long before the beginning, and stays so.
    Silent,
}

/// A range of minutes, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Minutes {
    /// At least.
    pub from: u32,
    /// At most.
    pub to: u32,
}

impl Default for Minutes {
    /// What the vendor calls typical for one server (FACTS.md, upgrade-duration).
    fn default() -> Self {
        Self { from: 5, to: 10 }
    }
}

/// The edition of an environment, as `ServerEnv` states it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ClusterType {
    /// The enterprise edition, for which the vendor's instructions are (FACTS.md, enterprise-only).
    #[default]
    Enterprise,
    /// The edition for small businesses.
    Business,
    /// The edition for homes.
    Consumer,
}

/// Why a scenario cannot be played.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScenarioError {
    /// The text is not a scenario.
    #[error("not a scenario: {0}")]
    Unreadable(String),
    /// The authority has no version.
    #[error("authority {0} has no version")]
    AuthorityWithoutVersion(ServerName),
    /// Two servers share a name or a guid.
    #[error("two servers are called {0}")]
    DuplicateServer(String),
    /// Devices are in an organisation that is not in the tree.
    #[error("devices are in organisation {0}, which is not among the organisations")]
    UnknownOrganisation(String),
    /// There are too many devices.
    #[error("more than {MAX_DEVICES} devices")]
    TooManyDevices,
}

impl Scenario {
    /// Reads a scenario from YAML.
    pub fn from_yaml(text: &str) -> Result<Self, ScenarioError> {
        serde_saphyr::from_str(text).map_err(|error| ScenarioError::Unreadable(error.to_string()))
    }
}

impl DeviceGroup {
    /// What the device at this place, from 0, does when it is to upgrade.
    pub(super) fn behaviour_at(&self, place: u32) -> Behaviour {
        self.exceptions
            .iter()
            .find(|exception| exception.every > 0 && (place + 1).is_multiple_of(exception.every))
            .map_or(self.behaviour, |exception| exception.behaviour)
    }
}

const fn crash_plan() -> Product {
    Product::CrashPlan
}

const fn always() -> u8 {
    100
}

const fn active() -> DeviceState {
    DeviceState::Active
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scenario_reads_as_a_person_writes_it() {
        let scenario = Scenario::from_yaml(
            r#"
start: 2016-03-01T08:00:00Z
seed: 7
authority: {name: authority, guid: "600624193549107457", version: 4.2.3.1}
storage:
- {name: storage-01, version: 4.2.3.1}
- {name: storage-02}
organisations:
- {name: IT}
- {name: Board, children: [{name: Berlin}]}
devices:
- {count: 10, os: Windows, version: 4.2.0, organisation: IT, exceptions: [{every: 5, behaviour: Bricks}]}
- {count: 5, os: Mac, product: SharePlan, version: "4.2", organisation: Board/Berlin, onlinePercent: 80, hours: Office}
settings: {deviceAutoUpgrade: true}
"#,
        )
        .unwrap();
        assert_eq!(scenario.authority.version, Some("4.2.3.1".parse().unwrap()));
        assert_eq!(scenario.storage[1].version, None);
        assert_eq!(scenario.devices[1].version, "4.2.0".parse().unwrap());
        assert!(scenario.settings.device_auto_upgrade);
        let bricks = (0..10).filter(|place| scenario.devices[0].behaviour_at(*place) == Behaviour::Bricks);
        assert_eq!(bricks.collect::<Vec<_>>(), [4, 9]);
        assert!(matches!(Scenario::from_yaml("start: never"), Err(ScenarioError::Unreadable(_))));
    }
}
