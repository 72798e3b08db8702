//! The servers of an environment and how each gets a new version.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::text::{GuidText, LabelText, NameText, ObjectText, ReasonText, UrlText};
use crate::planner::desired::ImageFrom;

/// The authority server: where it is, who may ask it, and how it gets a new version.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[x_kube(
    validation = (
        "[has(self.statefulSet), has(self.deployment), has(self.job), has(self.manual)].filter(given, given).size() <= 1",
        "authority has more than one method: keep one of statefulSet, deployment, job and manual"
    ),
    validation = (
        "!(has(self.job) || has(self.manual)) || has(self.os)",
        "authority needs os for its upgrade file: write os: Linux, Windows or Mac"
    ),
    validation = (
        "!(has(self.container) || has(self.imageFrom)) || has(self.statefulSet) || has(self.deployment)",
        "container and imageFrom speak of a workload: write them beside statefulSet or deployment"
    ),
    validation = (
        "!(has(self.statefulSet) || has(self.deployment)) || !has(self.managedAppliance) || !self.managedAppliance",
        "a workload of this cluster is no managed appliance: remove managedAppliance, or the workload"
    ),
    validation = (
        "!has(oldSelf.guid) || !has(self.guid) || self.guid == oldSelf.guid",
        "guid is the identity of the environment and cannot change: write a CodeUpgrade of its own for another environment"
    )
)]
#[serde(rename_all = "camelCase")]
pub struct AuthoritySpec {
    /// The authority's guid, the identity of the environment. Without it the one that is first seen is kept.
    #[schemars(with = "Option<GuidText>")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guid: Option<String>,
    /// Where its console and API answer, such as `https://backup.example.com:4285`.
    #[schemars(with = "UrlText")]
    #[x_kube(validation = (
        r"self.matches('^https?://[^/@?#\\s]+(/[^@?#\\s]*)?$')",
        "url must be such as https://backup.example.com:4285: http or https, without user, password, query or fragment"
    ))]
    pub url: String,
    /// The Secret with `username` and `password`. Its annotation `codeupgrade.dev/authority-url` must be this url.
    #[schemars(with = "ObjectText")]
    pub credentials: String,
    /// The certificate authority that the server's certificate is verified by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<CertificateAuthoritySpec>,
    /// Its operating system: needed for `job` and `manual`, to choose the upgrade file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub os: Option<ServerOs>,
    /// Whether it is a Code42 managed appliance, which only the vendor may upgrade. Required unless it is a workload here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub managed_appliance: Option<bool>,
    /// It is this `StatefulSet`.
    #[schemars(with = "Option<ObjectText>")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stateful_set: Option<String>,
    /// It is this `Deployment`.
    #[schemars(with = "Option<ObjectText>")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployment: Option<String>,
    /// A `Job` from this `PodTemplate` upgrades it.
    #[schemars(with = "Option<ObjectText>")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<String>,
    /// A person upgrades it when asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manual: Option<Manual>,
    /// The server's container, where the pod has several.
    #[schemars(with = "Option<LabelText>")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<String>,
    /// Who writes the workload's image; absent: Git where another manager owns the image, else the operator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_from: Option<ImageFrom>,
}

/// One storage server, or all whose names match: how it gets a new version, or why it no longer counts.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[x_kube(
    validation = (
        "[has(self.statefulSet), has(self.deployment), has(self.job), has(self.manual), has(self.retired)].filter(given, given).size() == 1",
        "a storage server needs exactly one of statefulSet, deployment, job, manual: {} or retired: \"<reason>\""
    ),
    validation = (
        "!(has(self.job) || has(self.manual)) || has(self.os)",
        "a storage server with job or manual needs os for its upgrade file: write os: Linux, Windows or Mac"
    ),
    validation = (
        "!(has(self.container) || has(self.imageFrom)) || has(self.statefulSet) || has(self.deployment)",
        "container and imageFrom speak of a workload: write them beside statefulSet or deployment"
    ),
    validation = (
        "!(has(self.statefulSet) || has(self.deployment) || has(self.guid)) || !self.name.contains('*')",
        "name must be one server's name, without *, where statefulSet, deployment or guid means one server"
    )
)]
#[serde(rename_all = "camelCase")]
pub struct StorageSpec {
    /// The server's name in the environment, or a glob in which `*` stands for any characters.
    #[schemars(with = "NameText")]
    pub name: String,
    /// The server's guid, which outlives its name.
    #[schemars(with = "Option<GuidText>")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guid: Option<String>,
    /// Its operating system: needed for `job` and `manual`, to choose the upgrade file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub os: Option<ServerOs>,
    /// It is this `StatefulSet`.
    #[schemars(with = "Option<ObjectText>")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stateful_set: Option<String>,
    /// It is this `Deployment`.
    #[schemars(with = "Option<ObjectText>")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployment: Option<String>,
    /// A `Job` from this `PodTemplate` upgrades it.
    #[schemars(with = "Option<ObjectText>")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<String>,
    /// A person upgrades it when asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manual: Option<Manual>,
    /// It is gone for good, with the reason: no gate counts it.
    #[schemars(with = "Option<ReasonText>")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retired: Option<String>,
    /// The server's container, where the pod has several.
    #[schemars(with = "Option<LabelText>")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<String>,
    /// Who writes the workload's image; absent: Git where another manager owns the image, else the operator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_from: Option<ImageFrom>,
}

/// A person does it: there is nothing more to say.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Manual {}

/// Certificates that are trusted for this authority.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct CertificateAuthoritySpec {
    /// The ConfigMap that holds PEM certificates under `ca.crt`.
    #[schemars(with = "ObjectText")]
    pub config_map: String,
}

/// The operating system of a server.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServerOs {
    /// Any Linux distribution.
    Linux,
    /// Microsoft Windows.
    Windows,
    /// OS X and macOS.
    Mac,
}
