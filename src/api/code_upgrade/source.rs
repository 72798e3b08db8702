//! Where the software of a release comes from.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use super::server::ServerOs;
use crate::api::text::{ImageText, Md5Text, NameText, ObjectText, Sha256Text, UrlText, VersionText};

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

/// One upgrade file. The certificates of `authority.ca` are trusted for its mirrors, too.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[x_kube(validation = (
    "has(self.md5) || has(self.sha256) || has(self.checksums)",
    "a file needs what it is held against: write md5, sha256 or checksums, as the vendor publishes them"
))]
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
    /// Where else it is, in the order in which that is tried.
    #[schemars(with = "Vec<UrlText>", length(max = 8))]
    #[x_kube(validation = (
        r"self.all(url, url.matches('^https?://[^/@\\s]+/[^#\\s]*$'))",
        "each of mirrors must be such as https://mirror.example/file: http or https, without user and password"
    ))]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mirrors: Vec<String>,
    /// Its MD5 sum, as the vendor publishes it.
    #[schemars(with = "Option<Md5Text>")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub md5: Option<String>,
    /// Its SHA-256 sum.
    #[schemars(with = "Option<Sha256Text>")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// Its size in bytes.
    #[schemars(range(min = 1))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<i64>,
    /// A list of checksums that names it: the lines of `md5sum`, `sha256sum` or BSD's `md5`. It is found by the last part of `url`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checksums: Option<ChecksumsSpec>,
}

/// Where a list of checksums is.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[x_kube(validation = (
    "has(self.url) != has(self.configMap)",
    "checksums needs exactly one of url and configMap"
))]
#[serde(rename_all = "camelCase")]
pub struct ChecksumsSpec {
    /// The vendor's list.
    #[schemars(with = "Option<UrlText>")]
    #[x_kube(validation = (
        r"self.matches('^https?://[^/@\\s]+/[^#\\s]*$')",
        "url must be such as https://mirror.example/MD5SUMS: http or https, without user and password"
    ))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// A ConfigMap that holds it.
    #[schemars(with = "Option<ObjectText>")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config_map: Option<String>,
    /// The key in the ConfigMap; `checksums` where it is absent.
    #[schemars(with = "Option<NameText>")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}
