//! `CodeRelease`: what the vendor documents about one server release.

use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::text::{DurationText, PascalText, PatternText, ReleaseVersionText, UrlText};
use crate::catalog::{Os, Product, Support};

/// Facts about one server release, as the vendor documents them. Where the public record has no fact there is no field.
///
/// Object names are free. Several objects about one version are merged field by field, a user's over the shipped one.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[kube(
    group = "codeupgrade.dev",
    version = "v1alpha1",
    kind = "CodeRelease",
    plural = "codereleases",
    shortname = "crel",
    category = "code42",
    derive = "PartialEq",
    doc = "What the vendor documents about one Code42 server release.",
    printcolumn(name = "Version", type_ = "string", json_path = ".spec.version"),
    printcolumn(name = "From", type_ = "string", json_path = ".spec.upgradesFrom"),
    printcolumn(name = "Wait", type_ = "string", json_path = ".spec.postUpgradeWait"),
    printcolumn(
        name = "Instructions",
        type_ = "string",
        json_path = ".spec.links.instructions",
        priority = 1
    ),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[serde(rename_all = "camelCase")]
pub struct CodeReleaseSpec {
    /// The version: two to four numeric parts.
    #[schemars(with = "ReleaseVersionText")]
    pub version: String,
    /// The versions it upgrades from, or series such as `4.2.x`: each a documented edge.
    #[schemars(with = "Vec<PatternText>", length(max = 64))]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub upgrades_from: Vec<String>,
    /// How long after the last server reached it the next upgrade must wait; only where the vendor says so.
    #[schemars(with = "Option<DurationText>")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub post_upgrade_wait: Option<String>,
    /// Which app versions it accepts and bundles. Absent: unknown. What no row matches is refused.
    #[schemars(length(max = 16))]
    #[x_kube(validation = (
        "self.all(row, !row.versions.exists(entry, has(entry.bundled) && entry.bundled) || self.exists_one(other, \
         other.product == row.product && other.versions.exists(entry, has(entry.bundled) && entry.bundled) && \
         (!has(other.os) || !has(row.os) || other.os.exists(os, os in row.os))))",
        "two rows bundle a version for the same product and os: keep bundled: true in one of them"
    ))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compatibility: Option<Vec<CompatibilityRowSpec>>,
    /// Which components it changes; absent where the vendor's table is not legible.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub components: Option<ComponentsSpec>,
    /// What it does that people must know and accept before it.
    #[schemars(length(max = 32))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub risks: Vec<RiskSpec>,
    /// Where these facts were read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub links: Option<LinksSpec>,
}

/// A row of the matrix: what one product may run.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[x_kube(validation = (
    "self.versions.filter(entry, has(entry.bundled) && entry.bundled).size() <= 1",
    "a release bundles at most one version of a product for an os: keep bundled: true at one entry, or split the row by os"
))]
#[serde(rename_all = "camelCase")]
pub struct CompatibilityRowSpec {
    /// The product.
    pub product: Product,
    /// The operating systems it speaks of; absent: all.
    #[schemars(length(min = 1, max = 6))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub os: Option<Vec<Os>>,
    /// The accepted versions; entries may overlap, any match accepts.
    #[schemars(length(min = 1, max = 32))]
    pub versions: Vec<AcceptedVersionSpec>,
}

/// One entry of a row.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[x_kube(validation = (
    "!has(self.bundled) || !self.bundled || !self.match.endsWith('x')",
    "a series cannot be bundled: write the one version that the release carries beside bundled: true"
))]
#[serde(rename_all = "camelCase")]
pub struct AcceptedVersionSpec {
    /// A version, or a series such as `4.3.x`.
    #[schemars(with = "PatternText")]
    pub r#match: String,
    /// Whether the release carries this version for devices to upgrade to.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub bundled: bool,
    /// How well it works: `Degraded` runs with a loss, and needs an accepted risk.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub support: Option<Support>,
}

/// Which components a release changes.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[x_kube(validation = (
    "!has(self.upgraded) || !has(self.notUpgraded) || !self.upgraded.exists(name, name in self.notUpgraded)",
    "a component is either upgraded or not: remove it from upgraded or from notUpgraded"
))]
#[serde(rename_all = "camelCase")]
pub struct ComponentsSpec {
    /// Components with a new version in this release.
    #[schemars(with = "Vec<PascalText>", length(max = 16))]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub upgraded: Vec<String>,
    /// Components that stay as they are.
    #[schemars(with = "Vec<PascalText>", length(max = 16))]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_upgraded: Vec<String>,
}

/// Something a release does that people must know and accept before it.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct RiskSpec {
    /// The name by which it is accepted, in PascalCase.
    #[schemars(with = "PascalText")]
    pub name: String,
    /// What happens.
    #[schemars(length(min = 1, max = 512))]
    pub message: String,
    /// Where the vendor says so.
    #[schemars(with = "Option<UrlText>")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The versions from which the upgrade carries it; absent: all.
    #[schemars(with = "Vec<PatternText>", length(max = 32))]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub from: Vec<String>,
}

/// Where facts about a release were read.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct LinksSpec {
    /// The release notes.
    #[schemars(with = "Option<UrlText>")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release_notes: Option<String>,
    /// The upgrade instructions.
    #[schemars(with = "Option<UrlText>")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instructions: Option<String>,
    /// Where its files are.
    #[schemars(with = "Option<UrlText>")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub downloads: Option<String>,
    /// Where else the release is seen to exist.
    #[schemars(with = "Option<UrlText>")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<String>,
}
