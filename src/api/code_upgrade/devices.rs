//! How devices are brought along.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::share::CountOrPercent;
use crate::api::text::{
    DurationText, GroupText, GuidText, NameText, OrganisationText, ReasonText, VersionText,
};
use crate::catalog::{Os, Product};
use crate::planner::desired::{AutoUpgradeSwitch, DeviceUpgrade};

/// How devices are brought along.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[x_kube(
    validation = (
        "(self.upgrade == 'ServerOffered') == (has(self.offered) && size(self.offered) > 0)",
        "devices.offered says what was added at the authority: write it with upgrade: ServerOffered, and leave it out otherwise"
    )
)]
#[serde(rename_all = "camelCase")]
pub struct DevicesSpec {
    /// To what they are brought.
    pub upgrade: DeviceUpgrade,
    /// The apps that were added at the authority under App Downloads, which releases from 5.3 on need: no answer of the authority
    /// lists them. Adding one turns the authority's auto-upgrade switch off.
    #[schemars(length(max = 18))]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub offered: Vec<OfferedAppSpec>,
    /// What the authority's own auto-upgrade switch, which moves the whole fleet at its next restart, must read before a hop.
    #[serde(default)]
    pub auto_upgrade_switch: AutoUpgradeSwitch,
    /// Devices that a hop may cut off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leave_behind: Option<LeaveBehindSpec>,
    /// Most devices in the environment that are flagged and not yet done; 200 where absent.
    #[schemars(range(min = 1, max = 100_000))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_in_flight: Option<u32>,
    /// Most devices in the environment that are flagged in a minute; 20 where absent.
    #[schemars(range(min = 1, max = 10_000))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate_per_minute: Option<u32>,
    /// The cumulative waves of each group that has none of its own; all at once where absent.
    #[schemars(length(min = 1, max = 10))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waves: Option<Vec<CountOrPercent>>,
    /// The pause after a wave; 1d where absent.
    #[schemars(with = "Option<DurationText>")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pause: Option<String>,
    /// Failures that halt a group, after at least 20 verdicts where it is a share; 2% where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_failures: Option<CountOrPercent>,
    /// The groups, in order: the first that matches a device takes it, and a device that none matches is held. Without any, all
    /// devices are one group named `all`.
    #[schemars(length(max = 32))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<DeviceGroupSpec>,
}

/// An app that was added at the authority.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct OfferedAppSpec {
    /// The app; `CrashPlan` where absent.
    #[serde(default = "crash_plan")]
    pub product: Product,
    /// The operating system that it was added for; all where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub os: Option<Os>,
    /// The version that was added.
    #[schemars(with = "VersionText")]
    pub version: String,
}

const fn crash_plan() -> Product {
    Product::CrashPlan
}

/// A group of devices. Keys are joined by and, the items of one key by or.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[x_kube(
    validation = (
        "(has(self.all) && self.all) != [has(self.orgs), has(self.os), has(self.products), has(self.names), has(self.guids)]\
         .exists(given, given)",
        "a group needs at least one of orgs, os, products, names and guids, or else all: true, and not both"
    )
)]
#[serde(rename_all = "camelCase")]
pub struct DeviceGroupSpec {
    /// Its name.
    #[schemars(with = "GroupText")]
    pub name: String,
    /// Every device that no earlier group took.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub all: bool,
    /// Organisations: `IT` is that organisation and all below, `Board/*` all below only, `/IT` one at the top; digits are an id.
    #[schemars(with = "Option<Vec<OrganisationText>>", length(min = 1, max = 64))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub orgs: Option<Vec<String>>,
    /// Operating systems.
    #[schemars(length(min = 1, max = 6))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub os: Option<Vec<Os>>,
    /// Apps of these products only.
    #[schemars(length(min = 1, max = 3))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub products: Option<Vec<Product>>,
    /// Names of devices, or globs in which `*` stands for any characters.
    #[schemars(with = "Option<Vec<NameText>>", length(min = 1, max = 64))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub names: Option<Vec<String>>,
    /// Guids of devices.
    #[schemars(with = "Option<Vec<GuidText>>", length(min = 1, max = 64))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guids: Option<Vec<String>>,
    /// Nothing in it is released.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub hold: bool,
    /// Its cumulative waves, instead of the common ones.
    #[schemars(length(min = 1, max = 10))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waves: Option<Vec<CountOrPercent>>,
    /// Its pause after a wave, instead of the common one.
    #[schemars(with = "Option<DurationText>")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pause: Option<String>,
    /// Failures that halt it, instead of the common ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_failures: Option<CountOrPercent>,
}

/// Devices that a hop may cut off.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct LeaveBehindSpec {
    /// A device silent for longer is stale: no gate counts it; 30d where absent.
    #[schemars(with = "Option<DurationText>")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unseen_for: Option<String>,
    /// How many live devices a hop may cut off; none where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_most: Option<CountOrPercent>,
    /// Devices that no gate counts.
    #[schemars(length(max = 64))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["guid".into()]))]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exempt: Vec<ExemptSpec>,
}

/// A device that no gate counts.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct ExemptSpec {
    /// Its guid.
    #[schemars(with = "GuidText")]
    pub guid: String,
    /// Why no gate may count it.
    #[schemars(with = "ReasonText")]
    pub reason: String,
}
