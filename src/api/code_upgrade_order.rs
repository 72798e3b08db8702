//! `CodeUpgradeOrder`: what a person said at one moment. An object of its own, never an edit of the spec.

use jiff::Timestamp;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::text::{DurationText, ObjectText, ReasonText};

/// What somebody orders. It cannot be edited: who changes their mind gives another order.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[kube(
    group = "codeupgrade.dev",
    version = "v1alpha1",
    kind = "CodeUpgradeOrder",
    plural = "codeupgradeorders",
    namespaced,
    status = "CodeUpgradeOrderStatus",
    shortname = "cuo",
    category = "code42",
    derive = "PartialEq",
    doc = "What a person ordered about a CodeUpgrade: to approve, pause, resume, retry, adopt or abandon.",
    printcolumn(name = "Upgrade", type_ = "string", json_path = ".spec.upgrade"),
    printcolumn(name = "Action", type_ = "string", json_path = ".spec.action"),
    printcolumn(name = "For", type_ = "string", json_path = ".spec.for"),
    printcolumn(name = "By", type_ = "string", json_path = ".spec.by"),
    printcolumn(name = "State", type_ = "string", json_path = ".status.state"),
    printcolumn(name = "Message", type_ = "string", json_path = ".status.message"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[x_kube(
    validation = ("self == oldSelf", "an order cannot be edited: create another one"),
    validation = (
        "self.action != 'Approve' || has(self.__for__)",
        "an approval needs for: write what may begin, such as \"4.2.3.1->4.3.5.3 servers\", \"4.3.5.3 devices\" or \"group it\""
    ),
    validation = (
        "!has(self.__for__) || self.action in ['Approve', 'Retry']",
        "for has a meaning only with Approve and Retry: remove it"
    ),
    validation = (
        "!has(self.now) || !self.now || self.action == 'Pause'",
        "now has a meaning only with Pause, where it holds storage servers in mid-hop too: remove it"
    )
)]
#[serde(rename_all = "camelCase")]
pub struct CodeUpgradeOrderSpec {
    /// The `CodeUpgrade` in this namespace that it is about.
    #[schemars(with = "ObjectText")]
    pub upgrade: String,
    /// What is ordered.
    pub action: OrderAction,
    /// What it is for: `4.2.3.1->4.3.5.3 servers`, `4.3.5.3 devices`, `group NAME` or `server NAME`.
    #[schemars(length(min = 1, max = 128))]
    #[x_kube(validation = (
        r"self.matches('^([0-9.]+ *-> *[0-9.]+ servers|[0-9.]+ devices|group [a-z0-9-]+|server \\S.*)$')",
        "for must be such as \"4.2.3.1->4.3.5.3 servers\", \"4.3.5.3 devices\", \"group NAME\" or \"server NAME\""
    ))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub r#for: Option<String>,
    /// Why it is given: kept in the history.
    #[schemars(with = "Option<ReasonText>")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Who gives it.
    #[schemars(length(min = 1, max = 253))]
    pub by: String,
    /// How long it may wait for the moment that it is for; where absent 1d, and an approval until the window closes that it is for.
    #[schemars(with = "Option<DurationText>")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_after: Option<String>,
    /// With `Pause`: storage is held too, although it then cannot take backups.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub now: bool,
}

/// What can be ordered.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderAction {
    /// Something may begin.
    Approve,
    /// Nothing new begins.
    Pause,
    /// Ends a pause.
    Resume,
    /// What failed is tried again.
    Retry,
    /// Versions that came about from outside are taken as they are.
    Adopt,
    /// A hop that has not begun is given up.
    Abandon,
}

impl OrderAction {
    /// The name as the API writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Approve => "Approve",
            Self::Pause => "Pause",
            Self::Resume => "Resume",
            Self::Retry => "Retry",
            Self::Adopt => "Adopt",
            Self::Abandon => "Abandon",
        }
    }
}

/// What became of an order.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct CodeUpgradeOrderStatus {
    /// What became of it.
    pub state: OrderState,
    /// Why, as a sentence.
    #[schemars(length(max = 512))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Since when that is so.
    pub at: Timestamp,
}

/// What became of an order.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderState {
    /// It waits for its moment.
    Pending,
    /// It was followed.
    Consumed,
    /// It cannot be followed.
    Refused,
    /// Its moment did not come in time.
    Expired,
}

impl OrderState {
    /// The name as the status writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::Consumed => "Consumed",
            Self::Refused => "Refused",
            Self::Expired => "Expired",
        }
    }
}
