//! Which of several objects may act on one environment (ARCHITECTURE.md, rule 2).

use jiff::Timestamp;

use crate::planner::observed::Claim;

/// One object that has seen an authority.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claimant {
    /// The object, `namespace/name`.
    pub object: String,
    /// Its uid.
    pub uid: String,
    /// When it was created.
    pub created_at: Timestamp,
    /// The guid of the authority that it has pinned.
    pub guid: String,
    /// Whether it has a hop in flight.
    pub in_hop: bool,
    /// Whether it is being deleted.
    pub deleted: bool,
}

/// Whether an object holds the claim to the authority of this guid, among all that have pinned it.
///
/// A claim is a pinned guid, and the oldest object that has one holds it. But a hop in flight is never left without its object, and an object that is being deleted
/// gives way unless it still has one.
pub fn claim(uid: &str, guid: Option<&str>, all: &[Claimant]) -> Claim {
    let Some(guid) = guid else { return Claim::Held };
    let rank =
        |claimant: &Claimant| (!claimant.in_hop, claimant.deleted, claimant.created_at, claimant.uid.clone());
    let holder = all.iter().filter(|claimant| claimant.guid == guid).min_by_key(|claimant| rank(claimant));
    match holder {
        Some(holder) if holder.uid != uid => Claim::HeldBy(holder.object.clone()),
        Some(_) | None => Claim::Held,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claimant(name: &str, second: i64) -> Claimant {
        Claimant {
            object: format!("team/{name}"),
            uid: name.to_owned(),
            created_at: Timestamp::from_second(second).unwrap(),
            guid: "7".into(),
            in_hop: false,
            deleted: false,
        }
    }

    #[test]
    fn the_oldest_holds_the_claim() {
        let by = |name: &str| Claim::HeldBy(format!("team/{name}"));
        let (old, new, twin) = (claimant("old", 1), claimant("new", 2), claimant("zwin", 1));
        let in_hop = Claimant { in_hop: true, ..new.clone() };
        let deleted = Claimant { deleted: true, ..old.clone() };
        let deleted_in_hop = Claimant { in_hop: true, ..deleted.clone() };
        let other = Claimant { guid: "8".into(), ..old.clone() };
        for (name, uid, all, expected) in [
            ("alone", "new", vec![new.clone()], Claim::Held),
            ("older", "old", vec![new.clone(), old.clone()], Claim::Held),
            ("younger", "new", vec![new.clone(), old.clone()], by("old")),
            ("same second", "zwin", vec![twin, old.clone()], by("old")),
            ("not yet pinned", "third", vec![new.clone()], by("new")),
            ("a hop in flight", "old", vec![old.clone(), in_hop], by("new")),
            ("the older is being deleted", "new", vec![deleted, new.clone()], Claim::Held),
            ("and is in a hop", "new", vec![deleted_in_hop, new.clone()], by("old")),
            ("another environment", "new", vec![other, new.clone()], Claim::Held),
        ] {
            assert_eq!(claim(uid, Some("7"), &all), expected, "{name}");
        }
        assert_eq!(claim("new", None, &[old]), Claim::Held);
    }
}
