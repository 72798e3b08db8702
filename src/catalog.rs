//! What the vendor documents about server releases: which versions exist, what upgrades from what, which
//! device apps each release accepts and bundles, how long to wait after it.
//!
//! Input: releases, already parsed from `CodeRelease` objects or files. Pure: no Kubernetes, no runtime, no
//! clock, no environment. Nothing here may guess: where the public record has no fact there is no value.

pub(crate) mod as_text;
pub mod merge;
pub mod path;
pub mod pattern;
pub mod release;
pub mod version;

use std::collections::BTreeMap;
use std::ops::Bound;

pub use merge::{Contradiction, Origin, merge};
pub use pattern::Pattern;
pub use release::{Acceptance, AcceptedVersion, CompatibilityRow, Os, Product, Release, Risk, Support};
pub use version::Version;

/// Every known release, by version.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Catalog {
    releases: BTreeMap<Version, Release>,
}

impl Catalog {
    /// A catalog of these releases; of two about one version the later wins. Use [`merge()`] where several
    /// sources may speak of one version.
    pub fn new(releases: impl IntoIterator<Item = Release>) -> Self {
        Self { releases: releases.into_iter().map(|release| (release.version, release)).collect() }
    }

    /// The release of exactly this version.
    pub fn release(&self, version: Version) -> Option<&Release> {
        self.releases.get(&version)
    }

    /// All releases, oldest first.
    pub fn releases(&self) -> impl Iterator<Item = &Release> {
        self.releases.values()
    }

    /// The releases above one version, up to another and with it, oldest first.
    pub fn above(&self, from: Version, to: Version) -> impl Iterator<Item = &Release> {
        // A range that begins behind its end is no range.
        let end = to.max(from);
        self.releases.range((Bound::Excluded(from), Bound::Included(end))).map(|(_, release)| release)
    }

    /// Whether a documented edge leads from one version straight to another.
    pub fn has_edge(&self, from: Version, to: Version) -> bool {
        self.release(to).is_some_and(|release| release.upgrades_from_version(from))
    }
}
