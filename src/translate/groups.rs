//! Which group a device belongs to.

mod organisations;

use std::collections::BTreeSet;

use md5::{Digest, Md5};

pub use self::organisations::Organisation;
use self::organisations::Tree;
use super::reading::Reading;
use crate::api::code_upgrade::{DeviceGroupSpec, DevicesSpec};
use crate::catalog::{Os, Product};
use crate::fleet::devices::UNMATCHED;
use crate::planner::desired::{Problem, glob};

/// What groups look at in a device.
#[derive(Clone, Copy, Debug)]
pub struct DeviceTraits<'a> {
    /// The id of its organisation.
    pub organisation: u32,
    /// Its operating system.
    pub os: Os,
    /// Its product.
    pub product: Product,
    /// Its name.
    pub name: &'a str,
    /// Its guid.
    pub guid: u64,
}

/// Puts devices into the groups of a spec.
#[derive(Clone, Debug)]
pub struct GroupMatcher {
    groups: Vec<Matches>,
}

/// What one group matches: keys are joined by and, the items of one by or; an absent key matches everything.
#[derive(Clone, Debug, Default)]
struct Matches {
    organisations: Option<BTreeSet<u32>>,
    os: Option<BTreeSet<Os>>,
    products: Option<BTreeSet<Product>>,
    names: Option<Vec<String>>,
    guids: Option<BTreeSet<u64>>,
}

impl GroupMatcher {
    /// Resolves the groups of a spec against the organisations that exist.
    ///
    /// An organisation that does not exist, or of which there are several, matches no device and is told. While there is such a problem
    /// devices may fall through to a later group, so whoever releases devices must treat it like any other problem of the spec.
    pub fn new(spec: Option<&DevicesSpec>, organisations: &[Organisation]) -> (Self, Vec<Problem>) {
        let mut reading = Reading::default();
        let tree = Tree::new(organisations);
        let specs = groups_of(spec);
        let groups = specs.iter().enumerate();
        let groups = groups
            .map(|(index, group)| {
                resolve(&mut reading, &format!("spec.devices.groups[{index}]"), group, &tree)
            })
            .collect();
        (Self { groups }, reading.into_problems())
    }

    /// Whether any group of a spec speaks of organisations, so that they must be read.
    pub fn needs_organisations(spec: Option<&DevicesSpec>) -> bool {
        groups_of(spec).iter().any(|group| group.orgs.is_some())
    }

    /// The index of the first group that matches a device, in the order of [`crate::planner::desired::DevicePolicy::groups`]; else
    /// [`UNMATCHED`].
    pub fn group_of(&self, device: &DeviceTraits<'_>) -> u16 {
        let index = self.groups.iter().position(|group| group.match_device(device));
        index.and_then(|index| u16::try_from(index).ok()).unwrap_or(UNMATCHED)
    }
}

impl Matches {
    fn match_device(&self, device: &DeviceTraits<'_>) -> bool {
        let Self { organisations, os, products, names, guids } = self;
        organisations.as_ref().is_none_or(|ids| ids.contains(&device.organisation))
            && os.as_ref().is_none_or(|systems| systems.contains(&device.os))
            && products.as_ref().is_none_or(|products| products.contains(&device.product))
            && guids.as_ref().is_none_or(|guids| guids.contains(&device.guid))
            && names.as_ref().is_none_or(|patterns| patterns.iter().any(|pattern| glob(pattern, device.name)))
    }
}

fn resolve(reading: &mut Reading, field: &str, group: &DeviceGroupSpec, tree: &Tree) -> Matches {
    let organisations = group.orgs.as_ref().map(|orgs| {
        let mut ids = BTreeSet::new();
        for (index, org) in orgs.iter().enumerate() {
            match tree.resolve(org) {
                Ok(found) => ids.extend(found),
                Err((message, mend)) => reading.note(format!("{field}.orgs[{index}]"), message, mend),
            }
        }
        ids
    });
    let guids = group.guids.as_ref().map(|guids| guids.iter().filter_map(|guid| guid.parse().ok()).collect());
    Matches {
        organisations,
        os: group.os.as_ref().map(|systems| systems.iter().copied().collect()),
        products: group.products.as_ref().map(|products| products.iter().copied().collect()),
        names: group.names.clone(),
        guids,
    }
}

/// A digest of what a group matches and of nothing else: the same whatever the order of its items and on every machine.
pub fn matches(group: &DeviceGroupSpec) -> u64 {
    let mut digest = Md5::new();
    let mut key = |name: &str, items: Option<Vec<String>>| {
        let Some(mut items) = items else { return };
        items.sort();
        items.dedup();
        digest.update(name.as_bytes());
        for item in items {
            digest.update([0]);
            digest.update(item.as_bytes());
        }
        digest.update([1]);
    };
    let texts = |items: &Option<Vec<String>>| items.clone();
    key("all", group.all.then(Vec::new));
    key("orgs", texts(&group.orgs));
    key("os", group.os.as_ref().map(|systems| systems.iter().map(|os| os.name().to_owned()).collect()));
    key(
        "products",
        group.products.as_ref().map(|all| all.iter().map(|product| product.name().to_owned()).collect()),
    );
    key("names", texts(&group.names));
    key("guids", texts(&group.guids));
    let mut first = [0; 8];
    first.copy_from_slice(&digest.finalize()[..8]);
    u64::from_be_bytes(first)
}

/// The group of all devices, where the spec lists none.
fn all_devices() -> DeviceGroupSpec {
    DeviceGroupSpec { name: "all".to_owned(), all: true, ..DeviceGroupSpec::default() }
}

/// The groups of a spec as they count: those listed, or else the one of all devices.
pub(super) fn groups_of(spec: Option<&DevicesSpec>) -> Vec<DeviceGroupSpec> {
    match spec {
        Some(spec) if !spec.groups.is_empty() => spec.groups.clone(),
        Some(_) | None => vec![all_devices()],
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn spec(groups: &Value) -> DevicesSpec {
        serde_json::from_value(json!({"upgrade": "Bundled", "groups": groups})).unwrap()
    }

    fn organisations() -> Vec<Organisation> {
        let organisation = |id, name: &str, parent| Organisation { id, name: name.to_owned(), parent };
        vec![
            organisation(2, "IT", None),
            organisation(3, "Helpdesk", Some(2)),
            organisation(4, "Board", None),
            organisation(5, "Assistants", Some(4)),
            organisation(6, "Sales", None),
            organisation(7, "Helpdesk", Some(6)),
        ]
    }

    fn laptop(organisation: u32) -> DeviceTraits<'static> {
        DeviceTraits { organisation, os: Os::Windows, product: Product::CrashPlan, name: "laptop-7", guid: 7 }
    }

    #[test]
    fn the_first_matching_group_takes_a_device() {
        let spec = spec(&json!([
            {"name": "board", "orgs": ["Board/*"], "hold": true},
            {"name": "it", "orgs": ["IT"], "os": ["Windows"]},
            {"name": "lab", "names": ["lab-*"], "products": ["CrashPlan"]},
            {"name": "pinned", "guids": ["600624121205752065"]},
        ]));
        let (matcher, problems) = GroupMatcher::new(Some(&spec), &organisations());
        assert_eq!(problems, []);
        for (device, group) in [
            (laptop(2), 1),
            (laptop(3), 1),
            (laptop(4), UNMATCHED),
            (laptop(5), 0),
            (DeviceTraits { os: Os::Mac, ..laptop(2) }, UNMATCHED),
            (DeviceTraits { name: "lab-3", ..laptop(6) }, 2),
            (DeviceTraits { name: "lab-3", product: Product::SharePlan, ..laptop(6) }, UNMATCHED),
            (DeviceTraits { guid: 600_624_121_205_752_065, ..laptop(6) }, 3),
            (laptop(99), UNMATCHED),
        ] {
            assert_eq!(matcher.group_of(&device), group, "{device:?}");
        }
    }

    #[test]
    fn without_groups_all_devices_are_one() {
        for spec in [None, Some(&spec(&json!([])))] {
            let (matcher, problems) = GroupMatcher::new(spec, &[]);
            assert_eq!((matcher.group_of(&laptop(99)), problems), (0, vec![]));
            assert!(!GroupMatcher::needs_organisations(spec));
        }
    }

    #[test]
    fn unknown_and_ambiguous_organisations_are_told_and_match_nothing() {
        let spec = spec(
            &json!([{"name": "a", "orgs": ["Legal", "Helpdesk", "IT/Helpdesk", "9"]}, {"name": "rest", "all": true}]),
        );
        let (matcher, problems) = GroupMatcher::new(Some(&spec), &organisations());
        let texts: Vec<String> = problems
            .iter()
            .map(|problem| format!("{}: {}; {}", problem.field, problem.message, problem.mend))
            .collect();
        assert_eq!(
            texts,
            [
                "spec.devices.groups[0].orgs[0]: there is no organisation Legal; write the path of an organisation, such as IT or Sales/Berlin, or its id",
                "spec.devices.groups[0].orgs[1]: Helpdesk could be /IT/Helpdesk or /Sales/Helpdesk; write one of them, or its id",
                "spec.devices.groups[0].orgs[3]: there is no organisation with id 9; write the path of an organisation, such as IT or Sales/Berlin, or its id",
            ]
        );
        assert_eq!([2, 3, 7].map(|id| matcher.group_of(&laptop(id))), [1, 0, 1]);
    }

    #[test]
    fn the_digest_is_of_what_is_matched_alone() {
        let of = |group: Value| matches(&serde_json::from_value(group).unwrap());
        let one = of(json!({"name": "a", "orgs": ["IT", "Sales"], "os": ["Mac", "Windows"]}));
        assert_eq!(
            one,
            of(
                json!({"name": "b", "orgs": ["Sales", "IT", "IT"], "os": ["Windows", "Mac"], "pause": "1h", "hold": true})
            )
        );
        for other in [
            json!({"name": "a", "orgs": ["IT", "Sales"]}),
            json!({"name": "a", "names": ["IT", "Sales"], "os": ["Mac", "Windows"]}),
            json!({"name": "a", "all": true}),
        ] {
            assert_ne!(one, of(other));
        }
        // Stored in the objects of running clusters: a new value would begin every rollout anew.
        assert_eq!(of(json!({"name": "all", "all": true})), PINNED);
    }

    const PINNED: u64 = 3_618_119_478_106_136_298;
}
