//! What the operator answers about the devices of an environment. No object of the cluster: a list of a million devices is read
//! in pages, by those who may `get codeupgrades/devices`.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::catalog::{Os, Product, Version};

/// The header that carries the token of whoever asks. `Authorization` does not get through the API server's proxy.
pub const TOKEN_HEADER: &str = "codeupgrade-token";

/// The audience for which that token is made: nobody else takes it.
pub const TOKEN_AUDIENCE: &str = "codeupgrade.dev";

/// The subresource of a `CodeUpgrade` that stands for its devices in RBAC.
pub const SUBRESOURCE: &str = "devices";

/// Devices on a page where nothing else is asked.
pub const DEFAULT_LIMIT: usize = 500;

/// Most devices on a page.
pub const MAX_LIMIT: usize = 5_000;

/// Most devices on a page with names.
pub const MAX_NAMED: usize = 100;

/// Which devices are asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DeviceQuery {
    /// Only these verdicts, joined by commas.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// Only this group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Only this device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guid: Option<u64>,
    /// Only devices whose guid is larger: where the last page ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<u64>,
    /// Most devices to answer with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
    /// Whether their names are wanted. The authority is asked for each of them, so that a page with names is short.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub names: bool,
}

/// One page of devices, by guid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DevicePage {
    /// The release that they are judged by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release: Option<Version>,
    /// When the authority's list was read to its end.
    pub listed_at: Timestamp,
    /// How many devices match, on all pages.
    pub matching: u64,
    /// How many devices there are by group, app and state, over all that match.
    pub counts: Vec<DeviceCount>,
    /// The devices.
    pub items: Vec<DeviceItem>,
    /// Where the next page begins, if there is one: to be asked for as `after`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// How many devices there are of one kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeviceCount {
    /// The group; absent where none matches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// The app.
    pub product: Product,
    /// The operating system.
    pub os: Os,
    /// The version; absent where none can be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<Version>,
    /// The verdict.
    pub state: String,
    /// How many.
    pub devices: u64,
}

/// One device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeviceItem {
    /// Its guid. A text, since it has more digits than some readers of JSON keep.
    pub guid: String,
    /// Its name, where that was asked for and the authority said it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its number at the authority.
    pub computer_id: u64,
    /// Its app.
    pub product: Product,
    /// Its operating system.
    pub os: Os,
    /// The version it runs; absent where it reports none that can be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<Version>,
    /// What it is to run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<Version>,
    /// The verdict.
    pub state: String,
    /// Why it is judged so, as a sentence.
    pub reason: String,
    /// Its group; absent where none matches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Its organisation's id at the authority.
    pub organisation: u32,
    /// Its place in the rollout: the first 16 digits of `md5sum` of `guid/release`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rank: Option<String>,
    /// When it was last connected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_connected: Option<Timestamp>,
    /// When it was released.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub released_at: Option<Timestamp>,
    /// When it was told to upgrade by the process that answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flagged_at: Option<Timestamp>,
}
