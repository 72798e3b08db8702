//! Which group a device belongs to, and by what the rows of a listing are arranged.

use std::collections::BTreeSet;

use md5::{Digest, Md5};

use super::digest::first_eight_bytes;
use super::glob::glob;
use super::organisations::{Organisation, Tree};
use crate::catalog::{Os, Product};

/// The group of devices that no wanted group matches: they are held.
pub const UNMATCHED: u16 = u16::MAX;

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

/// What a group asks of its devices: keys are joined by and, the items of one by or; an absent key asks nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupKeys {
    /// Organisations, by path or id: `IT` with all below, `Board/*` all below only, `/IT` one at the top.
    pub organisations: Option<Vec<String>>,
    /// Operating systems.
    pub os: Option<Vec<Os>>,
    /// Apps of these products only.
    pub products: Option<Vec<Product>>,
    /// Names, or globs.
    pub names: Option<Vec<String>>,
    /// These devices only, by guid.
    pub guids: Option<Vec<u64>>,
}

/// What one group matches. Two rules that match the same are equal, whatever the order of their items.
#[derive(Clone, Debug)]
pub struct GroupRule {
    keys: GroupKeys,
    digest: u64,
}

impl PartialEq for GroupRule {
    fn eq(&self, other: &Self) -> bool {
        self.digest == other.digest
    }
}

impl Eq for GroupRule {}

impl GroupRule {
    /// A group with these keys.
    pub fn new(keys: GroupKeys) -> Self {
        let digest = digest(&keys);
        Self { keys, digest }
    }

    /// A group of all devices.
    pub fn all() -> Self {
        Self::new(GroupKeys::default())
    }

    /// Whether it names devices, by guid or by name: then it is meant to have some.
    pub fn names_devices(&self) -> bool {
        self.keys.guids.is_some() || self.keys.names.is_some()
    }

    /// A digest of what it matches and of nothing else: the same on every machine. Part of a rollout's identity.
    pub fn digest(&self) -> u64 {
        self.digest
    }
}

/// A digest of the keys, the same whatever the order of their items.
fn digest(keys: &GroupKeys) -> u64 {
    let GroupKeys { organisations, os, products, names, guids } = keys;
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
    key("all", (*keys == GroupKeys::default()).then(Vec::new));
    key("orgs", organisations.clone());
    key("os", os.as_ref().map(|systems| systems.iter().map(|os| os.name().to_owned()).collect()));
    key("products", products.as_ref().map(|all| all.iter().map(|one| one.name().to_owned()).collect()));
    key("names", names.clone());
    key("guids", guids.as_ref().map(|guids| guids.iter().map(u64::to_string).collect()));
    first_eight_bytes(digest)
}

/// An organisation that a group names and nobody can tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unresolved {
    /// The index of the group.
    pub group: usize,
    /// The index among the organisations that it names.
    pub item: usize,
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub mend: String,
}

/// Puts devices into groups.
#[derive(Clone, Debug)]
pub struct GroupMatcher {
    groups: Vec<Matches>,
}

/// The keys of one group, resolved.
#[derive(Clone, Debug)]
struct Matches {
    organisations: Option<BTreeSet<u32>>,
    os: Option<BTreeSet<Os>>,
    products: Option<BTreeSet<Product>>,
    names: Option<Vec<String>>,
    guids: Option<BTreeSet<u64>>,
}

impl GroupMatcher {
    /// Resolves groups against the organisations that exist.
    ///
    /// An organisation that does not exist, or of which there are several, matches no device and is told. While there is such a problem
    /// devices may fall through to a later group, so whoever releases devices must treat it like any other problem of the spec.
    pub fn new(rules: &[GroupRule], organisations: &[Organisation]) -> (Self, Vec<Unresolved>) {
        let tree = Tree::new(organisations);
        let mut unresolved = Vec::new();
        let groups = rules.iter().enumerate();
        let groups = groups.map(|(group, rule)| resolve(&rule.keys, group, &tree, &mut unresolved)).collect();
        (Self { groups }, unresolved)
    }

    /// Whether any group speaks of organisations, so that they must be read.
    pub fn needs_organisations(rules: &[GroupRule]) -> bool {
        rules.iter().any(|rule| rule.keys.organisations.is_some())
    }

    /// The index of the first group that matches a device, in the order of the rules; else [`UNMATCHED`].
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

fn resolve(keys: &GroupKeys, group: usize, tree: &Tree, unresolved: &mut Vec<Unresolved>) -> Matches {
    let organisations = keys.organisations.as_ref().map(|named| {
        let mut ids = BTreeSet::new();
        for (item, organisation) in named.iter().enumerate() {
            match tree.resolve(organisation) {
                Ok(found) => ids.extend(found),
                Err((message, mend)) => unresolved.push(Unresolved { group, item, message, mend }),
            }
        }
        ids
    });
    Matches {
        organisations,
        os: keys.os.as_ref().map(|systems| systems.iter().copied().collect()),
        products: keys.products.as_ref().map(|products| products.iter().copied().collect()),
        names: keys.names.clone(),
        guids: keys.guids.as_ref().map(|guids| guids.iter().copied().collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
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
        let rules = [
            GroupKeys { organisations: Some(texts(&["Board/*"])), ..GroupKeys::default() },
            GroupKeys {
                organisations: Some(texts(&["IT"])),
                os: Some(vec![Os::Windows]),
                ..GroupKeys::default()
            },
            GroupKeys {
                names: Some(texts(&["lab-*"])),
                products: Some(vec![Product::CrashPlan]),
                ..GroupKeys::default()
            },
            GroupKeys { guids: Some(vec![600_624_121_205_752_065]), ..GroupKeys::default() },
        ];
        let (matcher, unresolved) = GroupMatcher::new(&rules.map(GroupRule::new), &organisations());
        assert_eq!(unresolved, []);
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
    fn a_group_of_all_asks_for_nothing() {
        let (matcher, unresolved) = GroupMatcher::new(&[GroupRule::all()], &[]);
        assert_eq!((matcher.group_of(&laptop(99)), unresolved), (0, vec![]));
        assert!(!GroupMatcher::needs_organisations(&[GroupRule::all()]));
    }

    #[test]
    fn unknown_and_ambiguous_organisations_are_told_and_match_nothing() {
        let named = texts(&["Legal", "Helpdesk", "IT/Helpdesk", "9"]);
        let rules = [
            GroupRule::new(GroupKeys { organisations: Some(named), ..GroupKeys::default() }),
            GroupRule::all(),
        ];
        let (matcher, unresolved) = GroupMatcher::new(&rules, &organisations());
        let texts: Vec<String> = unresolved
            .iter()
            .map(|one| format!("{}.{}: {}; {}", one.group, one.item, one.message, one.mend))
            .collect();
        assert_eq!(
            texts,
            [
                "0.0: there is no organisation Legal; write the path of an organisation, such as IT or Sales/Berlin, or its id",
                "0.1: Helpdesk could be /IT/Helpdesk or /Sales/Helpdesk; write one of them, or its id",
                "0.3: there is no organisation with id 9; write the path of an organisation, such as IT or Sales/Berlin, or its id",
            ]
        );
        assert_eq!([2, 3, 7].map(|id| matcher.group_of(&laptop(id))), [1, 0, 1]);
        assert!(GroupMatcher::needs_organisations(&rules));
    }

    #[test]
    fn the_digest_is_of_what_is_matched_alone() {
        let rule = |organisations: &[&str], os: &[Os]| {
            let (organisations, os) = (Some(texts(organisations)), Some(os.to_vec()));
            GroupRule::new(GroupKeys { organisations, os, ..GroupKeys::default() })
        };
        let one = rule(&["IT", "Sales"], &[Os::Mac, Os::Windows]);
        assert_eq!(one, rule(&["Sales", "IT", "IT"], &[Os::Windows, Os::Mac]));
        for other in [
            GroupKeys { organisations: Some(texts(&["IT", "Sales"])), ..GroupKeys::default() },
            GroupKeys {
                names: Some(texts(&["IT", "Sales"])),
                os: Some(vec![Os::Mac, Os::Windows]),
                ..GroupKeys::default()
            },
            GroupKeys::default(),
        ] {
            assert_ne!(one, GroupRule::new(other));
        }
        // Stored in the objects of running clusters: a new value would begin every rollout anew.
        assert_eq!(GroupRule::all().digest(), PINNED);
    }

    const PINNED: u64 = 3_618_119_478_106_136_298;
}
