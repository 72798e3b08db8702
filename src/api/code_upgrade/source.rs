//! Where the software of a release comes from.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use super::server::ServerOs;
use crate::api::text::{ImageText, Md5Text, Sha256Text, UrlText, VersionText};

/// Where the software of one release comes from.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[x_kube(validation = (
    "has(self.image) || (has(self.artifacts) && self.artifacts.size() > 0)",
    "a source needs image for servers that are workloads, or artifacts with one upgrade file for each server os"
))]
#[serde(rename_all = "camelCase")]
pub struct SourceSpec {
    /// The release.
    #[schemars(with = "VersionText")]
    pub release: String,
    /// The container image, for servers that are workloads; best with its digest.
    #[schemars(with = "Option<ImageText>")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// The upgrade files, for servers upgraded by `job` or by hand.
    #[schemars(length(max = 3))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["os".into()]))]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub artifacts: Vec<ArtifactSpec>,
}

/// One upgrade file.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct ArtifactSpec {
    /// The server operating system that it is for.
    pub os: ServerOs,
    /// Where it is.
    #[schemars(with = "UrlText")]
    #[x_kube(validation = (
        r"self.matches('^https?://[^/@\\s]+/[^#\\s]*$')",
        "url must be such as https://mirror.example/file: http or https, without user and password"
    ))]
    pub url: String,
    /// Its MD5 sum, from the vendor's list.
    #[schemars(with = "Md5Text")]
    pub md5: String,
    /// Its SHA-256 sum.
    #[schemars(with = "Option<Sha256Text>")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
}
