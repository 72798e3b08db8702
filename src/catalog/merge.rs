//! Several descriptions of releases become one catalog: field by field, a user's over the shipped one.

use std::collections::BTreeMap;

use super::{Catalog, Release, Version};

/// Who describes a release.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Layer {
    /// The project itself.
    Shipped,
    /// A user, whose fields win over the shipped ones.
    User,
}

/// Where a description comes from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Origin {
    /// Whose it is.
    pub layer: Layer,
    /// The object's name, or the file's.
    pub object: String,
}

/// Two descriptions of one layer that say different things about one field. Neither may silently win, so the
/// release keeps no value for the field: an absent fact is unknown, and what is unknown never passes a gate.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Contradiction {
    /// The release.
    pub version: Version,
    /// The field, as the API names it.
    pub field: &'static str,
    /// The objects that disagree, sorted.
    pub objects: [String; 2],
}

/// One field's value so far, and whose it is.
struct Field<T> {
    name: &'static str,
    value: Option<(Origin, T)>,
    contradicted: Option<Layer>,
}

impl<T: PartialEq> Field<T> {
    fn new(name: &'static str) -> Self {
        Self { name, value: None, contradicted: None }
    }

    /// Descriptions arrive with the shipped ones first and by name within a layer.
    fn offer(&mut self, version: Version, origin: &Origin, value: Option<T>, found: &mut Vec<Contradiction>) {
        let Some(value) = value else { return };
        match &self.value {
            Some((held, known)) if held.layer == origin.layer => {
                if *known != value {
                    let objects = [held.object.clone(), origin.object.clone()];
                    found.push(Contradiction { version, field: self.name, objects });
                    self.contradicted = Some(origin.layer);
                }
            }
            Some(_) | None => {
                self.value = Some((origin.clone(), value));
                self.contradicted = None;
            }
        }
    }

    fn take(self) -> Option<T> {
        match self.contradicted {
            Some(_) => None,
            None => self.value.map(|(_, value)| value),
        }
    }
}

/// Merges descriptions into one catalog. The order of the input does not matter.
pub fn merge(descriptions: impl IntoIterator<Item = (Origin, Release)>) -> (Catalog, Vec<Contradiction>) {
    let mut by_version: BTreeMap<Version, Vec<(Origin, Release)>> = BTreeMap::new();
    for (origin, release) in descriptions {
        by_version.entry(release.version).or_default().push((origin, release));
    }
    let mut contradictions = Vec::new();
    let releases: Vec<Release> = by_version
        .into_iter()
        .map(|(version, mut descriptions)| {
            descriptions.sort_by(|one, other| one.0.cmp(&other.0));
            merge_one(version, descriptions, &mut contradictions)
        })
        .collect();
    (Catalog::new(releases), contradictions)
}

fn merge_one(
    version: Version,
    descriptions: Vec<(Origin, Release)>,
    found: &mut Vec<Contradiction>,
) -> Release {
    let mut upgrades_from = Field::new("upgradesFrom");
    let mut wait = Field::new("postUpgradeWait");
    let mut compatibility = Field::new("compatibility");
    let mut components = Field::new("components");
    let mut risks = Field::new("risks");
    for (origin, description) in descriptions {
        // Without `..`, so that a new field cannot be forgotten here.
        let Release {
            version: _,
            upgrades_from: edges,
            post_upgrade_wait,
            compatibility: matrix,
            components: changed,
            risks: named,
        } = description;
        upgrades_from.offer(version, &origin, (!edges.is_empty()).then_some(edges), found);
        wait.offer(version, &origin, post_upgrade_wait, found);
        compatibility.offer(version, &origin, matrix, found);
        components.offer(version, &origin, changed, found);
        risks.offer(version, &origin, (!named.is_empty()).then_some(named), found);
    }
    Release {
        version,
        upgrades_from: upgrades_from.take().unwrap_or_default(),
        post_upgrade_wait: wait.take(),
        compatibility: compatibility.take(),
        components: components.take(),
        risks: risks.take().unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    fn origin(layer: Layer, object: &str) -> Origin {
        Origin { layer, object: object.into() }
    }

    fn release(edges: &[&str], wait_hours: Option<i64>) -> Release {
        let mut release = Release::bare("4.2.3.1".parse().unwrap());
        release.upgrades_from = edges.iter().map(|text| text.parse().unwrap()).collect();
        release.post_upgrade_wait = wait_hours.map(SignedDuration::from_hours);
        release
    }

    #[test]
    fn a_users_field_wins_and_the_rest_stays_as_shipped() {
        let shipped = (origin(Layer::Shipped, "4.2.3.1"), release(&["4.2.3"], Some(24)));
        let user = (origin(Layer::User, "ours"), release(&[], Some(48)));
        for order in [[shipped.clone(), user.clone()], [user, shipped]] {
            let (catalog, contradictions) = merge(order);
            assert_eq!(contradictions, []);
            let merged = catalog.release("4.2.3.1".parse().unwrap()).unwrap();
            assert_eq!(*merged, release(&["4.2.3"], Some(48)));
        }
    }

    #[test]
    fn two_users_who_disagree_leave_the_fact_unknown_and_are_named() {
        let one = (origin(Layer::User, "b"), release(&["4.2.3"], Some(48)));
        let other = (origin(Layer::User, "a"), release(&["4.2.3"], Some(12)));
        let (catalog, contradictions) = merge([one, other]);
        let version = "4.2.3.1".parse().unwrap();
        assert_eq!(
            contradictions,
            [Contradiction { version, field: "postUpgradeWait", objects: ["a".into(), "b".into()] }]
        );
        assert_eq!(*catalog.release(version).unwrap(), release(&["4.2.3"], None));
    }
}
