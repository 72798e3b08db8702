//! ARCHITECTURE.md, rule 2: whose environment this is. Pin, spec and claim are judged by one function, so that they never disagree in silence.

use super::observed::{Claims, Observed};
use super::{Desired, Memory};
use crate::fleet::Guid;

/// Whose environment answers at the url.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Owner {
    /// It is this object's, or nobody answered yet.
    This,
    /// Another authority answers than the one that this object is about.
    AnotherAuthority {
        /// The one that answers.
        found: Guid,
        /// The one that this object is about.
        pinned: Guid,
    },
    /// The spec names another authority than the one that this object has been about.
    Contradicted {
        /// The one of the spec.
        wanted: Guid,
        /// The one that was pinned.
        pinned: Guid,
    },
    /// Another object, `namespace/name`, claimed the authority before.
    AnotherObject(String),
}

/// Says whose environment it is: of the pinned authority, and of the object that holds the claim to it.
pub fn owner(observed: &Observed, desired: &Desired, memory: &Memory) -> Owner {
    if let (Some(wanted), Some(pinned)) = (&desired.authority.guid, &memory.authority_guid)
        && wanted != pinned
    {
        // Wait, high-water mark and claim in memory are those of the pinned one.
        return Owner::Contradicted { wanted: wanted.clone(), pinned: pinned.clone() };
    }
    let pinned = desired.authority.guid.as_ref().or(memory.authority_guid.as_ref());
    let found = observed.authority.as_ref().map(|authority| &authority.guid);
    if let (Some(pinned), Some(found)) = (pinned, found)
        && pinned != found
    {
        return Owner::AnotherAuthority { found: found.clone(), pinned: pinned.clone() };
    }
    let guid = memory.authority_guid.as_ref().or(found);
    match guid.and_then(|guid| holder(&observed.claims, guid)) {
        None => Owner::This,
        Some(other) => Owner::AnotherObject(other.to_owned()),
    }
}

/// The other object that holds the claim to an authority, if this one does not.
///
/// A claim is a pinned guid, and the oldest object that has one holds it. But a hop in flight is never left without its
/// object, and an object that is being deleted gives way unless it still has one.
fn holder<'a>(claims: &'a Claims, guid: &Guid) -> Option<&'a str> {
    let of_this = claims.all.iter().filter(|claimant| claimant.guid == *guid);
    let holder = of_this.min_by_key(|claimant| {
        (!claimant.in_hop, claimant.deleted, claimant.created_at, claimant.uid.as_str())
    })?;
    (holder.uid != claims.uid).then_some(holder.object.as_str())
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::planner::observed::Claimant;

    fn claimant(name: &str, second: i64) -> Claimant {
        Claimant {
            object: format!("team/{name}"),
            uid: name.to_owned(),
            created_at: Timestamp::from_second(second).unwrap(),
            guid: Guid("7".into()),
            in_hop: false,
            deleted: false,
        }
    }

    #[test]
    fn the_oldest_holds_the_claim() {
        let (old, new, twin) = (claimant("old", 1), claimant("new", 2), claimant("zwin", 1));
        let in_hop = Claimant { in_hop: true, ..new.clone() };
        let deleted = Claimant { deleted: true, ..old.clone() };
        let deleted_in_hop = Claimant { in_hop: true, ..deleted.clone() };
        let other = Claimant { guid: Guid("8".into()), ..old.clone() };
        for (name, uid, all, expected) in [
            ("nobody", "new", vec![], None),
            ("alone", "new", vec![new.clone()], None),
            ("older", "old", vec![new.clone(), old.clone()], None),
            ("younger", "new", vec![new.clone(), old.clone()], Some("team/old")),
            ("same second", "zwin", vec![twin, old.clone()], Some("team/old")),
            ("not yet pinned", "third", vec![new.clone()], Some("team/new")),
            ("a hop in flight", "old", vec![old.clone(), in_hop], Some("team/new")),
            ("the older is being deleted", "new", vec![deleted, new.clone()], None),
            ("and is in a hop", "new", vec![deleted_in_hop, new.clone()], Some("team/old")),
            ("another environment", "new", vec![other, new.clone()], None),
        ] {
            let claims = Claims { uid: uid.to_owned(), all };
            assert_eq!(holder(&claims, &Guid("7".into())), expected, "{name}");
        }
    }
}
