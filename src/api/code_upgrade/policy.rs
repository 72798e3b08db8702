//! Who and what must agree before something begins.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::text::{
    DurationText, InstantText, LabelText, ObjectText, PascalText, ReasonText, VersionText,
};
use crate::planner::desired::{Approval, HookMoment};

/// How many storage servers are upgraded at once: lagging ones are cut off anyway, so once one has proven the step the rest go in
/// parallel.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct StorageAtOnceSpec {
    /// Until these are verified no other starts.
    #[schemars(range(min = 1, max = 256))]
    #[serde(default = "first_alone")]
    pub first: u32,
    /// After that, so many at a time.
    #[schemars(range(min = 1, max = 256))]
    #[serde(default = "then_four")]
    pub then: u32,
}

fn first_alone() -> u32 {
    1
}

fn then_four() -> u32 {
    4
}

/// What waits for a person's order.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct ApprovalsSpec {
    /// Whether each hop waits for an approval.
    #[serde(default)]
    pub servers: Approval,
    /// Whether each rollout waits for an approval.
    #[serde(default)]
    pub devices: Approval,
}

/// An environment in which a release must have proven itself first.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct ProvenInSpec {
    /// The other object's namespace.
    #[schemars(with = "LabelText")]
    pub namespace: String,
    /// The other object's name.
    #[schemars(with = "ObjectText")]
    pub name: String,
    /// How long the release must have run there.
    #[schemars(with = "DurationText")]
    pub r#for: String,
    /// At least so many devices must be done there.
    #[schemars(range(max = 10_000_000))]
    #[serde(default)]
    pub min_devices: u32,
}

/// A risk that is known and accepted.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct AcceptedRiskSpec {
    /// The release that carries it.
    #[schemars(with = "VersionText")]
    pub release: String,
    /// Its name.
    #[schemars(with = "PascalText")]
    pub name: String,
    /// Why it is accepted.
    #[schemars(with = "ReasonText")]
    pub reason: String,
}

/// An upgrade that happened before the operator came.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct LastUpgradeSpec {
    /// The release that it ended at.
    #[schemars(with = "VersionText")]
    pub release: String,
    /// When the last server, authority or storage, was done.
    #[schemars(with = "InstantText")]
    pub finished_at: String,
}

/// A `Job` to run at some point.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct HookSpec {
    /// Its name.
    #[schemars(with = "LabelText")]
    pub name: String,
    /// When it runs.
    pub when: HookMoment,
    /// The `PodTemplate` that the `Job` is made from.
    #[schemars(with = "ObjectText")]
    pub job: String,
}
