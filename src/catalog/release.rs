//! One server release and what the vendor documents about it.

use std::collections::BTreeSet;
use std::fmt;

use jiff::SignedDuration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Pattern, Version};

/// An app that runs on devices.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Product {
    /// The backup app (later called the Code42 app).
    CrashPlan,
    /// The file-sharing app for desktops.
    SharePlan,
    /// The file-sharing app for phones: comes from app stores, so it is reported and never pushed.
    SharePlanMobile,
}

impl Product {
    /// Every product.
    pub const ALL: [Self; 3] = [Self::CrashPlan, Self::SharePlan, Self::SharePlanMobile];

    /// The name as the API writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::CrashPlan => "CrashPlan",
            Self::SharePlan => "SharePlan",
            Self::SharePlanMobile => "SharePlanMobile",
        }
    }
}

impl fmt::Display for Product {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}

/// The operating system of a device or a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Os {
    /// Microsoft Windows.
    Windows,
    /// OS X and macOS.
    Mac,
    /// Any Linux distribution.
    Linux,
    /// Android phones and tablets (SharePlan).
    Android,
    /// Apple's phones and tablets.
    #[serde(rename = "iOS")]
    Ios,
    /// Anything else that a device reports, such as Solaris.
    Other,
}

impl Os {
    /// Every operating system.
    pub const ALL: [Self; 6] = [Self::Windows, Self::Mac, Self::Linux, Self::Android, Self::Ios, Self::Other];

    /// The name as the API writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Windows => "Windows",
            Self::Mac => "Mac",
            Self::Linux => "Linux",
            Self::Android => "Android",
            Self::Ios => "iOS",
            Self::Other => "Other",
        }
    }
}

impl fmt::Display for Os {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}

/// How well an accepted app version works with a release.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Support {
    /// Everything works.
    #[default]
    Full,
    /// It runs, with a loss that the release names.
    Degraded,
}

/// One entry of a matrix row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AcceptedVersion {
    /// Which versions.
    pub pattern: Pattern,
    /// Whether the release carries this version for devices to upgrade to (FACTS.md, matrix-bundled).
    pub bundled: bool,
    /// How well they work.
    pub support: Support,
}

/// A row of the matrix: what one product may run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompatibilityRow {
    /// The product.
    pub product: Product,
    /// The operating systems it speaks of; empty means all.
    pub os: BTreeSet<Os>,
    /// The accepted versions; entries may overlap, any match accepts.
    pub versions: Vec<AcceptedVersion>,
}

impl CompatibilityRow {
    fn speaks_of(&self, product: Product, os: Os) -> bool {
        self.product == product && (self.os.is_empty() || self.os.contains(&os))
    }
}

/// Something a release does that people must know and accept before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Risk {
    /// The name by which it is accepted.
    pub name: String,
    /// What happens.
    pub message: String,
    /// Where the vendor says so.
    pub url: Option<String>,
    /// The versions from which the upgrade carries it; empty means all.
    pub from: Vec<Pattern>,
}

/// Which components a release changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Components {
    /// Components with a new version in this release.
    pub upgraded: Vec<String>,
    /// Components that stay as they are.
    pub not_upgraded: Vec<String>,
}

/// What a release says of one app version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Acceptance {
    /// The release names the version, and bundles it.
    Bundled,
    /// The release names the version.
    Accepted,
    /// The version runs with a named loss.
    Degraded,
    /// The matrix is known and no row accepts it.
    Refused,
    /// The release's matrix is not known.
    Unknown,
}

/// One server release. Absent facts are unknown facts.
#[derive(Clone, Debug, PartialEq)]
pub struct Release {
    /// Its version.
    pub version: Version,
    /// Versions it upgrades from, each a documented edge.
    pub upgrades_from: Vec<Pattern>,
    /// How long all servers must have been at it before the next hop.
    pub post_upgrade_wait: Option<SignedDuration>,
    /// The matrix; `None` where it is not published.
    pub compatibility: Option<Vec<CompatibilityRow>>,
    /// What it changes; `None` where the vendor's table is not legible.
    pub components: Option<Components>,
    /// Named risks.
    pub risks: Vec<Risk>,
}

impl Release {
    /// A release of which nothing but its existence is known.
    pub fn bare(version: Version) -> Self {
        Self {
            version,
            upgrades_from: Vec::new(),
            post_upgrade_wait: None,
            compatibility: None,
            components: None,
            risks: Vec::new(),
        }
    }

    /// Whether the vendor documents an upgrade from this version straight to this release.
    pub fn upgrades_from_version(&self, from: Version) -> bool {
        from != self.version && self.upgrades_from.iter().any(|pattern| pattern.matches(from))
    }

    /// What the matrix says of an app version. The best matching entry counts: rows may overlap.
    pub fn acceptance(&self, product: Product, os: Os, version: Version) -> Acceptance {
        let Some(rows) = &self.compatibility else { return Acceptance::Unknown };
        rows.iter()
            .filter(|row| row.speaks_of(product, os))
            .flat_map(|row| &row.versions)
            .filter(|accepted| accepted.pattern.matches(version))
            .map(|accepted| match (accepted.support, accepted.bundled) {
                (Support::Degraded, _) => Acceptance::Degraded,
                (Support::Full, true) => Acceptance::Bundled,
                (Support::Full, false) => Acceptance::Accepted,
            })
            .min()
            .unwrap_or(Acceptance::Refused)
    }

    /// The app version that this release carries for a product on an operating system, if the matrix says.
    pub fn bundled(&self, product: Product, os: Os) -> Option<Version> {
        self.compatibility
            .iter()
            .flatten()
            .filter(|row| row.speaks_of(product, os))
            .flat_map(|row| &row.versions)
            .filter(|accepted| accepted.bundled)
            .filter_map(|accepted| accepted.pattern.exact())
            .max()
    }

    /// The risks that an upgrade from this version carries.
    pub fn risks_from(&self, from: Version) -> impl Iterator<Item = &Risk> {
        self.risks
            .iter()
            .filter(move |risk| risk.from.is_empty() || risk.from.iter().any(|pattern| pattern.matches(from)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepted(text: &str, bundled: bool) -> AcceptedVersion {
        AcceptedVersion { pattern: text.parse().unwrap(), bundled, support: Support::Full }
    }

    fn row(product: Product, os: &[Os], versions: &[(&str, bool)]) -> CompatibilityRow {
        CompatibilityRow {
            product,
            os: os.iter().copied().collect(),
            versions: versions.iter().map(|(text, bundled)| accepted(text, *bundled)).collect(),
        }
    }

    /// FACTS.md, matrix-4.3.5.3.
    fn article() -> Release {
        let mut release = Release::bare("4.3.5.3".parse().unwrap());
        release.compatibility = Some(vec![
            row(Product::CrashPlan, &[], &[("4.3.5", true), ("4.3.x", false), ("4.2.x", false)]),
            row(Product::SharePlan, &[Os::Windows], &[("4.2.0", true)]),
            row(Product::SharePlan, &[Os::Mac], &[("4.3.0", true), ("4.2.0", false)]),
            row(Product::SharePlanMobile, &[Os::Android], &[("4.2.1", true), ("4.2.0", false)]),
            row(Product::SharePlanMobile, &[Os::Ios], &[("4.3.1", false), ("4.3.0", true), ("4.2.0", false)]),
        ]);
        release
    }

    #[test]
    fn the_matrix_of_the_article_reads_as_printed() {
        use Acceptance::{Accepted, Bundled, Refused};
        let release = article();
        for (product, os, version, expected) in [
            (Product::CrashPlan, Os::Linux, "4.3.5", Bundled),
            (Product::CrashPlan, Os::Windows, "4.3.1", Accepted),
            (Product::CrashPlan, Os::Mac, "4.2.9", Accepted),
            (Product::CrashPlan, Os::Mac, "4.1.5", Refused),
            (Product::CrashPlan, Os::Mac, "3.7", Refused),
            (Product::SharePlan, Os::Windows, "4.2.0", Bundled),
            (Product::SharePlan, Os::Windows, "4.3.0", Refused),
            (Product::SharePlan, Os::Mac, "4.3.0", Bundled),
            (Product::SharePlan, Os::Mac, "4.2", Accepted),
            (Product::SharePlan, Os::Linux, "4.2.0", Refused),
            (Product::SharePlanMobile, Os::Android, "4.2.1", Bundled),
            (Product::SharePlanMobile, Os::Ios, "4.3.1", Accepted),
            (Product::SharePlanMobile, Os::Ios, "4.3.0", Bundled),
        ] {
            let version: Version = version.parse().unwrap();
            assert_eq!(release.acceptance(product, os, version), expected, "{product} {version} on {os}");
        }
    }

    #[test]
    fn what_is_bundled_differs_by_operating_system() {
        let release = article();
        let version = |text: &str| Some(text.parse().unwrap());
        assert_eq!(release.bundled(Product::CrashPlan, Os::Mac), version("4.3.5"));
        assert_eq!(release.bundled(Product::SharePlan, Os::Windows), version("4.2.0"));
        assert_eq!(release.bundled(Product::SharePlan, Os::Mac), version("4.3.0"));
        assert_eq!(release.bundled(Product::SharePlan, Os::Linux), None);
    }

    #[test]
    fn an_unpublished_matrix_is_unknown_not_refused() {
        let release = Release::bare("4.2.3.1".parse().unwrap());
        let version = "4.2.0".parse().unwrap();
        assert_eq!(release.acceptance(Product::CrashPlan, Os::Mac, version), Acceptance::Unknown);
    }
}
