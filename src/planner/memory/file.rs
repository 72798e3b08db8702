//! An upgrade file that was read to its end and is what it should be.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::catalog::{Os, Version};
use crate::planner::desired::{Artifact, Checksums, name_in};

/// An upgrade file that was read to its end and is what it should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct VerifiedFile {
    /// The release that it installs.
    pub release: Version,
    /// The server operating system that it is for.
    pub os: Os,
    /// The url that gave it.
    pub mirror: String,
    /// In bytes.
    pub size: u64,
    /// Its MD5 sum.
    pub md5: String,
    /// Its SHA-256 sum.
    pub sha256: String,
    /// The list at a url that told the sums, where one was named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub list: Option<String>,
    /// When it was read to its end.
    pub at: Timestamp,
}

impl VerifiedFile {
    /// Its name.
    pub fn name(&self) -> &str {
        name_in(&self.mirror)
    }

    /// Whether it is what the spec asks for by now: of one of its urls, and with every sum that is given. A corrected sum or url asks
    /// for another.
    pub fn fits(&self, artifact: &Artifact) -> bool {
        let Artifact { os, urls, md5, sha256, size, checksums } = artifact;
        let list = match checksums {
            None => None,
            Some(Checksums::Url(url)) => Some(url),
            // Its sums are to be read out of it first.
            Some(Checksums::ConfigMap { .. }) => return false,
        };
        self.os == *os
            && urls.contains(&self.mirror)
            && md5.as_ref().is_none_or(|md5| *md5 == self.md5)
            && sha256.as_ref().is_none_or(|sha256| *sha256 == self.sha256)
            && size.is_none_or(|size| size == self.size)
            && self.list.as_ref() == list
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_corrected_sum_or_url_asks_for_another_file() {
        let verified = VerifiedFile {
            release: "4.3.5.3".parse().unwrap(),
            os: Os::Linux,
            mirror: "https://m.example/a/server.upgrade?x=1".into(),
            size: 7,
            md5: "a".repeat(32),
            sha256: "b".repeat(64),
            list: None,
            at: Timestamp::UNIX_EPOCH,
        };
        assert_eq!(verified.name(), "server.upgrade");
        let wanted = Artifact {
            os: Os::Linux,
            urls: vec!["https://other.example/f".into(), verified.mirror.clone()],
            md5: Some("a".repeat(32)),
            sha256: None,
            size: None,
            checksums: None,
        };
        assert!(verified.fits(&wanted));
        assert!(verified.fits(&Artifact { sha256: Some("b".repeat(64)), size: Some(7), ..wanted.clone() }));
        let list = Checksums::ConfigMap { name: "sums".into(), key: "checksums".into() };
        for (name, other) in [
            ("another url", Artifact { urls: vec!["https://m.example/b".into()], ..wanted.clone() }),
            ("another sum", Artifact { md5: Some("c".repeat(32)), ..wanted.clone() }),
            ("another second sum", Artifact { sha256: Some("c".repeat(64)), ..wanted.clone() }),
            ("another size", Artifact { size: Some(8), ..wanted.clone() }),
            (
                "a list",
                Artifact { checksums: Some(Checksums::Url("https://m.example/l".into())), ..wanted.clone() },
            ),
            ("a list that is not read", Artifact { checksums: Some(list), ..wanted.clone() }),
            ("another system", Artifact { os: Os::Windows, ..wanted }),
        ] {
            assert!(!verified.fits(&other), "{name}");
        }
    }
}
