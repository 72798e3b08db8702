//! `CodeRelease` objects become the catalog; and the releases that ship with the project.

use kube::ResourceExt;

use super::release::release;
use crate::api::{CodeRelease, SHIPPED_LABEL};
use crate::catalog::merge::Layer;
use crate::catalog::{Catalog, Contradiction, Origin, merge};

/// Includes the shipped releases by their versions.
macro_rules! shipped_files {
    ($($version:literal)+) => {
        /// The shipped releases: version and YAML.
        const SHIPPED: &[(&str, &str)] = &[$((
            $version,
            include_str!(concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/charts/codeupgrade/files/releases/",
                $version,
                ".yaml"
            )),
        )),+];
    };
}

shipped_files! {
    "3.6.1.3" "4.1.3" "4.1.5.1" "4.1.6" "4.1.6.3" "4.1.8"
    "4.2.0" "4.2.1" "4.2.2" "4.2.3" "4.2.3.1"
    "4.3.0" "4.3.5.2" "4.3.5.3"
    "5.2.1" "5.3.0" "5.3.2" "5.4.5"
    "6.0.5" "6.5.2" "6.7.2" "6.7.3" "6.7.4" "6.8.4" "6.8.7" "6.8.8" "6.8.9"
    "7.0.0" "7.0.2" "7.0.3" "7.0.4" "7.0.5"
    "8.2.5" "8.2.6"
}

/// The releases that ship with the project, for work without a cluster. In a cluster only objects count.
pub fn shipped() -> Vec<CodeRelease> {
    // A file that does not parse is no release; a test sees to it that there is none.
    SHIPPED.iter().filter_map(|(_, text)| serde_saphyr::from_str(text).ok()).collect()
}

/// The catalog of the shipped releases alone.
pub fn shipped_catalog() -> Catalog {
    let layered = |release: CodeRelease| (layer_of(&release), release);
    // What is shipped has no problems; a test sees to it.
    catalog_from(shipped().into_iter().map(layered).collect()).0
}

/// Whose description an object is.
pub fn layer_of(object: &CodeRelease) -> Layer {
    if object.labels().get(SHIPPED_LABEL).is_some_and(|value| value == "true") {
        Layer::Shipped
    } else {
        Layer::User
    }
}

/// The catalog that objects describe, and what is wrong with them, as sentences. An object with a problem counts for nothing.
pub fn catalog_from(objects: Vec<(Layer, CodeRelease)>) -> (Catalog, Vec<String>) {
    let mut problems = Vec::new();
    let mut descriptions = Vec::new();
    for (layer, object) in objects {
        let name = object.name_any();
        match release(&object.spec) {
            Ok(release) => descriptions.push((Origin { layer, object: name }, release)),
            Err(found) => problems.extend(found.into_iter().map(|problem| {
                format!("CodeRelease {name}, {}: {}; {}", problem.field, problem.message, problem.mend)
            })),
        }
    }
    let (catalog, contradictions) = merge(descriptions);
    problems.extend(contradictions.iter().map(sentence));
    problems.sort();
    (catalog, problems)
}

fn sentence(contradiction: &Contradiction) -> String {
    let Contradiction { version, field, objects: [one, other] } = contradiction;
    format!(
        "CodeReleases {one} and {other} disagree on {field} of {version}: correct one of them, or delete it"
    )
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use serde_json::json;

    use super::*;
    use crate::catalog::{Acceptance, Os, Product, Version};

    fn version(text: &str) -> Version {
        text.parse().unwrap()
    }

    fn object(name: &str, spec: &serde_json::Value) -> CodeRelease {
        serde_json::from_value(json!({
            "apiVersion": "codeupgrade.dev/v1alpha1",
            "kind": "CodeRelease",
            "metadata": {"name": name},
            "spec": spec,
        }))
        .unwrap()
    }

    fn shipped_catalog() -> Catalog {
        let (catalog, problems) =
            catalog_from(shipped().into_iter().map(|object| (layer_of(&object), object)).collect());
        assert_eq!(problems, <[String; 0]>::default());
        catalog
    }

    #[test]
    fn every_shipped_file_is_listed_parses_and_is_named_by_its_version() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("charts/codeupgrade/files/releases");
        let files: BTreeSet<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        let listed: BTreeSet<String> = SHIPPED.iter().map(|(version, _)| format!("{version}.yaml")).collect();
        assert_eq!(files, listed);
        for (version, text) in SHIPPED {
            let object: CodeRelease =
                serde_saphyr::from_str(text).unwrap_or_else(|error| panic!("{version}: {error}"));
            assert_eq!((object.name_any().as_str(), object.spec.version.as_str()), (*version, *version));
            assert_eq!(layer_of(&object), Layer::Shipped, "{version}");
            let canonical = object.spec.version.parse::<Version>().unwrap().to_string();
            assert_eq!(canonical, object.spec.version);
            assert!(object.spec.links.is_some(), "{version} says where it is documented");
        }
        assert_eq!(shipped().len(), SHIPPED.len());
    }

    #[test]
    fn the_shipped_edges_and_waits_are_the_documented_ones() {
        let catalog = shipped_catalog();
        let mut edges = Vec::new();
        let mut waits = Vec::new();
        for release in catalog.releases() {
            edges.extend(release.upgrades_from.iter().map(|from| format!("{from}->{}", release.version)));
            waits.extend(
                release.post_upgrade_wait.map(|wait| format!("{} {}h", release.version, wait.as_hours())),
            );
        }
        assert_eq!(
            edges,
            [
                "4.1.5.1->4.1.6",
                "4.2.0->4.2.3.1",
                "4.2.1->4.2.3.1",
                "4.2.2->4.2.3.1",
                "4.2.3->4.2.3.1",
                "4.2.3.1->4.3.5.3"
            ]
        );
        assert_eq!(waits, ["4.2.0 24h", "4.2.1 24h", "4.2.2 24h", "4.2.3 24h", "4.2.3.1 24h"]);
    }

    #[test]
    fn the_shipped_matrix_of_4_3_5_3_is_the_vendors() {
        use Acceptance::{Accepted, Bundled, Refused};
        let catalog = shipped_catalog();
        let release = catalog.release(version("4.3.5.3")).unwrap();
        for (product, os, app, expected) in [
            (Product::CrashPlan, Os::Linux, "4.3.5", Bundled),
            (Product::CrashPlan, Os::Windows, "4.3.1", Accepted),
            (Product::CrashPlan, Os::Mac, "4.2.9", Accepted),
            (Product::CrashPlan, Os::Mac, "4.1.6", Refused),
            (Product::SharePlan, Os::Windows, "4.2.0", Bundled),
            (Product::SharePlan, Os::Windows, "4.3.0", Refused),
            (Product::SharePlan, Os::Mac, "4.3.0", Bundled),
            (Product::SharePlan, Os::Mac, "4.2.0", Accepted),
            (Product::SharePlanMobile, Os::Android, "4.2.1", Bundled),
            (Product::SharePlanMobile, Os::Android, "4.2.0", Accepted),
            (Product::SharePlanMobile, Os::Ios, "4.3.1", Accepted),
            (Product::SharePlanMobile, Os::Ios, "4.3.0", Bundled),
            (Product::SharePlanMobile, Os::Ios, "4.2.0", Accepted),
        ] {
            assert_eq!(release.acceptance(product, os, version(app)), expected, "{product} {app} on {os}");
        }
    }

    #[test]
    fn custom_roles_that_gain_restore_are_a_risk_of_4_1_6() {
        let catalog = shipped_catalog();
        let release = catalog.release(version("4.1.6")).unwrap();
        let names: Vec<&str> =
            release.risks_from(version("4.1.5.1")).map(|risk| risk.name.as_str()).collect();
        assert_eq!(names, ["CustomRolesGainRestore"]);
        assert_eq!(release.bundled(Product::CrashPlan, Os::Windows), Some(version("3.7")));
        assert_eq!(release.acceptance(Product::CrashPlan, Os::Mac, version("3.6.4")), Acceptance::Accepted);
    }

    #[test]
    fn a_users_object_adds_to_a_shipped_one_and_a_broken_one_counts_for_nothing() {
        let shipped = object("4.2.3.1", &json!({"version": "4.2.3.1", "postUpgradeWait": "24h"}));
        let ours = object("ours", &json!({"version": "4.2.3.1", "upgradesFrom": ["4.1.x"]}));
        let broken =
            object("broken", &json!({"version": "4.2.3.1", "postUpgradeWait": "1s", "upgradesFrom": ["?"]}));
        let (catalog, problems) =
            catalog_from(vec![(Layer::User, broken), (Layer::User, ours), (Layer::Shipped, shipped)]);
        let release = catalog.release(version("4.2.3.1")).unwrap();
        assert_eq!(release.post_upgrade_wait.map(|wait| wait.as_hours()), Some(24));
        assert!(release.upgrades_from_version(version("4.1.8")));
        assert_eq!(
            problems,
            [
                "CodeRelease broken, spec.upgradesFrom[0]: \"?\" is not a version or pattern: '?' is not a digit at character 1; \
              write a version such as 4.2.3.1, or a series such as 4.2.x"
            ]
        );
    }

    #[test]
    fn users_who_disagree_are_named() {
        let one = object("a", &json!({"version": "5.2.1", "postUpgradeWait": "1h"}));
        let other = object("b", &json!({"version": "5.2.1", "postUpgradeWait": "2h"}));
        let (_, problems) = catalog_from(vec![(Layer::User, one), (Layer::User, other)]);
        assert_eq!(
            problems,
            ["CodeReleases a and b disagree on postUpgradeWait of 5.2.1: correct one of them, or delete it"]
        );
    }
}
