//! The settings of a cluster: `/api/serverSettings/{clusterServerId}` (FACTS.md, api-settings). What is
//! called undocumented here is FACTS.md, unknown-server-switches.

use reqwest::Method;
use serde::{Serialize, Serializer};

use super::call::Call;
use super::client::{Answer, Client};
use super::error::{Error, Mismatch};
use super::identity::{ClusterServerId, ServerId};
use super::record::Record;

/// A switch in the settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Switch {
    /// The setting reads true.
    On,
    /// The setting reads false.
    Off,
}

impl From<bool> for Switch {
    fn from(on: bool) -> Self {
        if on { Self::On } else { Self::Off }
    }
}

impl Serialize for Switch {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bool(*self == Self::On)
    }
}

/// The settings that matter to an upgrade. Texts are bounded and escaped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerSettings {
    /// The id that the settings are kept under.
    pub server_id: Option<ServerId>,
    /// The name of the cluster.
    pub name: Option<String>,
    /// When the daily services run, which also dump the database: `HH:MM` in the authority's own time zone.
    pub daily_accounting_time: Option<String>,
    /// `autoUpgrade`, whose meaning is undocumented: to be shown, not to be decided on.
    pub auto_upgrade: Option<Switch>,
    /// "Auto-upgrade devices": while it is on, a restart of the authority moves every device
    /// (FACTS.md, auto-upgrade-switch).
    pub device_auto_upgrade: Switch,
    /// `serverUpgraded`, whose meaning is undocumented.
    pub server_upgraded: Option<bool>,
    /// `clientUpgradeAvailable`, whose meaning is undocumented.
    pub client_upgrade_available: Option<bool>,
}

/// What to change in the settings; what is `None` stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SettingsUpdate {
    /// The name of the cluster.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// "Auto-upgrade devices".
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device_auto_upgrade: Option<Switch>,
}

impl Client {
    /// Reads the settings of a cluster.
    ///
    /// # Errors
    /// Any [`Error`]; [`Error::Unexpected`] where the state of the auto-upgrade switch is not said.
    pub async fn server_settings(&self, id: ClusterServerId) -> Result<Answer<ServerSettings>, Error> {
        self.record(&Call::get("serverSettings").segment(id), ServerSettings::read).await
    }

    /// Changes settings of a cluster. The authority answers nothing: whether it took is known by reading again.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn update_server_settings(
        &self,
        id: ClusterServerId,
        update: &SettingsUpdate,
    ) -> Result<(), Error> {
        let body = serde_json::to_string(update)
            .map_err(|error| Error::Misconfigured { what: "the settings", problem: error.to_string() })?;
        let call = Call::new(Method::PUT, "serverSettings").segment(id).body(body);
        self.send(&call).await?;
        Ok(())
    }

    /// Turns "Auto-upgrade devices" off, and nothing else.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn turn_off_device_auto_upgrade(&self, id: ClusterServerId) -> Result<(), Error> {
        let update = SettingsUpdate { device_auto_upgrade: Some(Switch::Off), ..SettingsUpdate::default() };
        self.update_server_settings(id, &update).await
    }
}

impl ServerSettings {
    fn read(record: &Record) -> Result<Self, Mismatch> {
        Ok(Self {
            server_id: record.optional_number("serverId").map(ServerId),
            name: record.optional_text("name"),
            daily_accounting_time: record.optional_text("dailyAccountingTime"),
            auto_upgrade: record.optional_flag("autoUpgrade").map(Switch::from),
            device_auto_upgrade: record.flag("deviceAutoUpgrade")?.into(),
            server_upgraded: record.optional_flag("serverUpgraded"),
            client_upgrade_available: record.optional_flag("clientUpgradeAvailable"),
        })
    }
}
