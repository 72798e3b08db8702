//! The backup before a hop: there is no downgrade.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use crate::api::text::{DurationText, ObjectText, ReasonText};

/// The backup before each hop: a snapshot, a hook, or none with the reason.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[x_kube(
    validation = (
        "[has(self.volumeSnapshotClass), has(self.hook), has(self.none)].filter(given, given).size() == 1",
        "backup needs exactly one of volumeSnapshotClass, hook or none: \"<reason>\""
    ),
    validation = (
        "!(has(self.none) && has(self.maxAge))",
        "no backup has no age: remove maxAge, or write volumeSnapshotClass or hook instead of none"
    )
)]
#[serde(rename_all = "camelCase")]
pub struct BackupSpec {
    /// Every volume of the authority is snapshot by this `VolumeSnapshotClass`.
    #[schemars(with = "Option<ObjectText>")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volume_snapshot_class: Option<String>,
    /// A `Job` from this `PodTemplate` makes the backup.
    #[schemars(with = "Option<ObjectText>")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hook: Option<String>,
    /// There is none, with the reason: the accepted risk `NoBackup`.
    #[schemars(with = "Option<ReasonText>")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub none: Option<String>,
    /// Oldest backup that still counts; 4h where absent.
    #[schemars(with = "Option<DurationText>")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_age: Option<String>,
}
