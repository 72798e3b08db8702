//! The settings of an authority that matter to an upgrade.

use serde::{Deserialize, Serialize};

/// The settings, named as the API names them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Settings {
    /// The name of the cluster.
    pub name: String,
    /// When it is on, every device upgrades after the authority's next restart
    /// (FACTS.md, auto-upgrade-switch).
    pub device_auto_upgrade: bool,
    /// What it does is undocumented (FACTS.md, unknown-server-switches); here it does nothing.
    pub auto_upgrade: bool,
    /// When the nightly services begin, with the database dump among them, in the authority's time of day.
    pub daily_accounting_time: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            name: "CrashPlan PROe Server".to_owned(),
            device_auto_upgrade: false,
            auto_upgrade: false,
            daily_accounting_time: "02:01".to_owned(),
        }
    }
}

/// A change of some settings: what is absent stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SettingsChange {
    /// See [`Settings::name`].
    pub name: Option<String>,
    /// See [`Settings::device_auto_upgrade`].
    pub device_auto_upgrade: Option<bool>,
    /// See [`Settings::auto_upgrade`].
    pub auto_upgrade: Option<bool>,
    /// See [`Settings::daily_accounting_time`].
    pub daily_accounting_time: Option<String>,
}

impl Settings {
    pub(super) fn change(&mut self, change: SettingsChange) {
        let SettingsChange { name, device_auto_upgrade, auto_upgrade, daily_accounting_time } = change;
        self.name = name.unwrap_or_else(|| std::mem::take(&mut self.name));
        self.device_auto_upgrade = device_auto_upgrade.unwrap_or(self.device_auto_upgrade);
        self.auto_upgrade = auto_upgrade.unwrap_or(self.auto_upgrade);
        self.daily_accounting_time =
            daily_accounting_time.unwrap_or_else(|| std::mem::take(&mut self.daily_accounting_time));
    }
}
