//! `CodeUpgrade`: what is wanted of one environment.

pub mod backup;
pub mod devices;
pub mod policy;
pub mod schedule;
pub mod server;
pub mod source;

use kube::{CustomResource, KubeSchema};
use serde::{Deserialize, Serialize};

pub use backup::BackupSpec;
pub use devices::{DeviceGroupSpec, DevicesSpec};
pub use policy::{
    AcceptedRiskSpec, ApprovalsSpec, HookSpec, LastUpgradeSpec, ProvenInSpec, StorageAtOnceSpec,
};
pub use schedule::WindowsSpec;
pub use server::{AuthoritySpec, StorageSpec};
pub use source::SourceSpec;

use super::DEFAULT_SERVICE_ACCOUNT;
use super::status::CodeUpgradeStatus;
use super::text::{ObjectText, VersionText};

/// What is wanted of one Code42 environment: the release that its servers and devices are brought to, and how.
///
/// Without `version` the environment is only watched: nothing in it is changed.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[kube(
    group = "codeupgrade.dev",
    version = "v1alpha1",
    kind = "CodeUpgrade",
    plural = "codeupgrades",
    namespaced,
    status = "CodeUpgradeStatus",
    shortname = "cu",
    category = "code42",
    derive = "PartialEq",
    doc = "A Code42 environment and the release that it is to reach.",
    printcolumn(name = "Version", type_ = "string", json_path = ".status.versions.authority"),
    printcolumn(name = "Target", type_ = "string", json_path = ".spec.version"),
    printcolumn(name = "Servers", type_ = "string", json_path = ".status.columns.servers"),
    printcolumn(name = "Devices", type_ = "string", json_path = ".status.columns.devices"),
    printcolumn(name = "Phase", type_ = "string", json_path = ".status.phase"),
    printcolumn(name = "Until", type_ = "string", json_path = ".status.columns.until"),
    printcolumn(
        name = "Ready",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].status"
    ),
    printcolumn(name = "Message", type_ = "string", json_path = ".status.message"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[x_kube(
    validation = (
        "!has(self.version) || [has(self.authority.statefulSet), has(self.authority.deployment), has(self.authority.job), \
         has(self.authority.manual)].exists(given, given) || (has(self.authority.managedAppliance) && self.authority.managedAppliance)",
        "authority needs a method to reach a version: write one of statefulSet, deployment, job or manual: {}, or leave version out to only watch"
    ),
    validation = (
        "!has(self.version) || has(self.authority.statefulSet) || has(self.authority.deployment) || has(self.authority.managedAppliance)",
        "authority is no workload of this cluster: write managedAppliance: false if you run the server yourselves, true if it is a Code42 managed appliance"
    ),
    validation = (
        "!has(self.version) || has(self.backup)",
        "a version needs a backup: write backup.volumeSnapshotClass, backup.hook, or backup.none with the reason why there is none"
    )
)]
#[serde(rename_all = "camelCase")]
pub struct CodeUpgradeSpec {
    /// The release that servers and devices are to reach. Without it the environment is only watched.
    #[schemars(with = "Option<VersionText>")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Releases that the path must visit, in this order.
    #[schemars(with = "Vec<VersionText>", length(max = 12))]
    #[x_kube(validation = (
        "self.all(release, self.exists_one(other, other == release))",
        "via names a release twice: name each once, in the order in which the path visits them"
    ))]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub via: Vec<String>,
    /// The authority server.
    pub authority: AuthoritySpec,
    /// Storage servers that the organisation runs; the first entry that matches a server counts.
    #[schemars(length(max = 256))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub storage: Vec<StorageSpec>,
    /// How many storage servers are upgraded at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage_at_once: Option<StorageAtOnceSpec>,
    /// Where the software of each release comes from.
    #[schemars(length(max = 32))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["release".into()]))]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<SourceSpec>,
    /// The backup before each hop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backup: Option<BackupSpec>,
    /// What waits for a person's order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approvals: Option<ApprovalsSpec>,
    /// Environments in which a release must have proven itself first.
    #[schemars(length(max = 8))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["namespace".into(), "name".into()]))]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub proven_in: Vec<ProvenInSpec>,
    /// Risks that are known and accepted, each for one release.
    #[schemars(length(max = 64))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["release".into(), "name".into()]))]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accepted_risks: Vec<AcceptedRiskSpec>,
    /// When something may start. They limit starts, never what already runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub windows: Option<WindowsSpec>,
    /// The last upgrade, if it happened before the operator came: it starts the post-upgrade wait.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_upgrade: Option<LastUpgradeSpec>,
    /// Jobs to run around steps.
    #[schemars(length(max = 16))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hooks: Vec<HookSpec>,
    /// How devices are brought along; without it they stay as they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub devices: Option<DevicesSpec>,
    /// Nothing new starts; a hop under way is finished.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub paused: bool,
    /// The `ServiceAccount` that the operator acts as, labelled `codeupgrade.dev/usable: "true"`; `codeupgrade` where absent.
    #[schemars(with = "Option<ObjectText>")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_account_name: Option<String>,
}

impl CodeUpgradeSpec {
    /// The account that the operator acts as.
    pub fn acting_account(&self) -> &str {
        self.service_account_name.as_deref().unwrap_or(DEFAULT_SERVICE_ACCOUNT)
    }
}
