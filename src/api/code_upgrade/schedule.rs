//! When something may start.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::text::{DateText, DurationText, ReasonText, TimeText, TimeZoneText};

/// When something may start. No window at all means always.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[x_kube(validation = (
    "!has(self.freezes) || (has(self.servers) && self.servers.size() > 0) || (has(self.devices) && self.devices.size() > 0) || \
     self.freezes.all(freeze, has(freeze.timeZone))",
    "freezes without windows need a timeZone of their own: write timeZone, such as Europe/Berlin, in each"
))]
#[serde(rename_all = "camelCase")]
pub struct WindowsSpec {
    /// When a hop may start; the whole hop must fit.
    #[schemars(length(max = 16))]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub servers: Vec<WindowSpec>,
    /// When devices may be released.
    #[schemars(length(max = 16))]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub devices: Vec<WindowSpec>,
    /// Whole days on which nothing starts.
    #[schemars(length(max = 32))]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub freezes: Vec<FreezeSpec>,
}

/// A weekly window.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct WindowSpec {
    /// The days on which it opens.
    #[schemars(length(min = 1, max = 7))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub days: Vec<Day>,
    /// When it opens, in its time zone.
    #[schemars(with = "TimeText")]
    pub start: String,
    /// How long it is open, over midnight if need be; at most 7d.
    #[schemars(with = "DurationText")]
    pub duration: String,
    /// Its IANA time zone, such as `Europe/Berlin`.
    #[schemars(with = "TimeZoneText")]
    pub time_zone: String,
}

/// Whole days on which nothing starts.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[x_kube(validation = (
    "self.from <= self.to",
    "a freeze must begin before it ends: write from with the first day and to with the last"
))]
#[serde(rename_all = "camelCase")]
pub struct FreezeSpec {
    /// The first day.
    #[schemars(with = "DateText")]
    pub from: String,
    /// The last day, which is frozen too.
    #[schemars(with = "DateText")]
    pub to: String,
    /// Why nothing may start then: shown while it holds.
    #[schemars(with = "ReasonText")]
    pub reason: String,
    /// The time zone of the days; absent: that of the first window.
    #[schemars(with = "Option<TimeZoneText>")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
}

/// A day of the week.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Day {
    /// Monday.
    Mon,
    /// Tuesday.
    Tue,
    /// Wednesday.
    Wed,
    /// Thursday.
    Thu,
    /// Friday.
    Fri,
    /// Saturday.
    Sat,
    /// Sunday.
    Sun,
}
