//! Which images no server may run yet: what the catch means, told to those who can refuse a pod (ARCHITECTURE.md, rule 13).

use super::claim::{Owner, owner};
use super::draft::View;
use crate::catalog::Version;

/// Most images that are told: those of the releases that come next.
const MOST: usize = 8;

/// The images of releases that are newer than where the servers are; those that a hop has ordered stand in memory. None where nothing
/// is known, nothing is wanted or the object goes: then nothing is held.
pub(super) fn list(view: &View<'_>) -> Vec<String> {
    // Whose the environment is not holds nothing in it: its word would keep the pods of the one whose it is from coming up.
    if let Owner::AnotherObject(_) = owner(view.observed, view.desired, view.memory) {
        return Vec::new();
    }
    let at = view.memory.hop.as_ref().map(|hop| hop.from);
    let at = at.or(view.memory.settled.as_ref().map(|settled| settled.release)).or(view.situation.at());
    let Some(at) = at.filter(|_| view.desired.target.is_some() && !view.desired.deleted) else {
        return Vec::new();
    };
    let mut newer: Vec<(Version, &str)> = Vec::new();
    let mut current: Vec<&str> = Vec::new();
    for source in &view.desired.sources {
        match source.image.as_deref() {
            Some(image) if source.release > at => newer.push((source.release, image)),
            Some(image) => current.push(image),
            None => {}
        }
    }
    newer.sort_unstable();
    // One image for two releases is held for neither.
    newer.retain(|(_, image)| !current.contains(image));
    newer.into_iter().take(MOST).map(|(_, image)| image.to_owned()).collect()
}
