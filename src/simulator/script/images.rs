//! The images of a story: pinned, and the same in every one.

use std::collections::{BTreeMap, BTreeSet};

use crate::catalog::Version;

/// What is odd about some images.
#[derive(Clone, Debug, Default)]
pub(super) struct Images {
    withheld: BTreeSet<Version>,
    software: BTreeMap<Version, Version>,
}

impl Images {
    /// The image of a version cannot be pulled any more.
    pub(super) fn withhold(&mut self, version: Version) {
        self.withheld.insert(version);
    }

    /// It can be pulled again.
    pub(super) fn give(&mut self, version: Version) {
        self.withheld.remove(&version);
    }

    /// The image of a version holds another one.
    pub(super) fn hold(&mut self, version: Version, software: Version) {
        self.software.insert(version, software);
    }

    pub(super) fn can_be_pulled(&self, version: Version) -> bool {
        !self.withheld.contains(&version)
    }

    /// What the image of a version holds.
    pub(super) fn software(&self, version: Version) -> Version {
        self.software.get(&version).copied().unwrap_or(version)
    }
}

/// The image of a server version.
pub(super) fn name(version: Version) -> String {
    format!(
        "registry.example/code42-server:{version}@sha256:{:064x}",
        u128::from(u64::from_be_bytes(packed(version)))
    )
}

fn packed(version: Version) -> [u8; 8] {
    let mut bytes = [0; 8];
    for (index, part) in version.parts().into_iter().enumerate() {
        bytes[index * 2..index * 2 + 2].copy_from_slice(&part.to_be_bytes());
    }
    bytes
}

/// The version of an image made by [`name`].
pub(super) fn version_of(image: &str) -> Option<Version> {
    let tag = image.rsplit_once("/code42-server:")?.1;
    tag.split('@').next()?.parse().ok()
}
