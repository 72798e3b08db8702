//! The servers that are wanted, and how each gets a new version.

use crate::catalog::Os;
use crate::fleet::Guid;

/// The wanted authority.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WantedAuthority {
    /// Its identity, if the spec pins it.
    pub guid: Option<Guid>,
    /// How it is upgraded; `None` where the spec only observes.
    pub method: Option<Method>,
    /// Whether it is a Code42 managed appliance.
    pub appliance: Appliance,
}

/// Whether the authority is a Code42 managed appliance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Appliance {
    /// It is not: a workload of this cluster, or the spec says so.
    SelfManaged,
    /// It is: only the vendor may upgrade it.
    Managed,
    /// The spec does not say, and it is no workload here.
    Unstated,
}

/// One entry of `spec.storage`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WantedStorage {
    /// A name, or a glob with `*`.
    pub name: String,
    /// The server's identity, where the spec pins it.
    pub guid: Option<Guid>,
    /// What is to happen with it.
    pub role: StorageRole,
}

/// What is to happen with a storage server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StorageRole {
    /// It is upgraded by this method.
    Upgraded(Method),
    /// It is gone for good, with the reason given: no gate counts it.
    Retired(String),
}

/// How a server gets a new version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Method {
    /// A `StatefulSet` in the object's namespace.
    StatefulSet(Workload),
    /// A `Deployment` in the object's namespace.
    Deployment(Workload),
    /// A `Job` runs the upgrade file.
    Job {
        /// The `PodTemplate` that the `Job` is made from.
        template: String,
        /// The server's operating system: which file.
        os: Os,
    },
    /// A person installs the upgrade file.
    Manual {
        /// The server's operating system: which file.
        os: Os,
    },
}

impl Method {
    /// The workload, if the server is one.
    pub fn workload(&self) -> Option<WorkloadRef> {
        match self {
            Self::StatefulSet(workload) => Some(WorkloadRef::stateful_set(&workload.name)),
            Self::Deployment(workload) => Some(WorkloadRef::deployment(&workload.name)),
            Self::Job { .. } | Self::Manual { .. } => None,
        }
    }

    /// The operating system of a server that is upgraded from a file.
    pub fn file_for(&self) -> Option<Os> {
        match self {
            Self::Job { os, .. } | Self::Manual { os } => Some(*os),
            Self::StatefulSet(_) | Self::Deployment(_) => None,
        }
    }
}

/// A workload that runs one server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workload {
    /// Its name.
    pub name: String,
    /// The server's container; `None` where there is only one.
    pub container: Option<String>,
    /// Who writes its image; `None` leaves it to the field's owner on the server.
    pub image_from: Option<ImageFrom>,
}

/// Who writes the image of a workload.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    serde::Serialize,
    serde::Deserialize,
    schemars::JsonSchema,
)]
pub enum ImageFrom {
    /// The commit that changes the version changes the image as well; the operator only opens the catch.
    Git,
    /// The operator writes it.
    Operator,
}

/// Which workload.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "camelCase")]
pub struct WorkloadRef {
    /// Its kind.
    pub kind: WorkloadKind,
    /// Its name, in the object's namespace.
    pub name: String,
}

impl WorkloadRef {
    /// A `StatefulSet`.
    pub fn stateful_set(name: &str) -> Self {
        Self { kind: WorkloadKind::StatefulSet, name: name.to_owned() }
    }

    /// A `Deployment`.
    pub fn deployment(name: &str) -> Self {
        Self { kind: WorkloadKind::Deployment, name: name.to_owned() }
    }
}

impl std::fmt::Display for WorkloadRef {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} {}", self.kind.name(), self.name)
    }
}

/// A kind of workload.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    serde::Serialize,
    serde::Deserialize,
    schemars::JsonSchema,
)]
pub enum WorkloadKind {
    /// A `StatefulSet`; its catch is the partition.
    StatefulSet,
    /// A `Deployment`; its catch is the pause.
    Deployment,
}

impl WorkloadKind {
    /// The Kubernetes kind.
    pub const fn name(self) -> &'static str {
        match self {
            Self::StatefulSet => "StatefulSet",
            Self::Deployment => "Deployment",
        }
    }
}

/// How many storage servers upgrade at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
pub struct AtOnce {
    /// Until the first ones are verified.
    pub first: u32,
    /// After that: lagging servers are cut off anyway, so the rest go in parallel.
    pub then: u32,
}

impl Default for AtOnce {
    fn default() -> Self {
        Self { first: 1, then: 4 }
    }
}
