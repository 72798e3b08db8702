//! ARCHITECTURE.md, rule 1: a hop is the authority and all own storage from one release to the next, as one unit.
//!
//! Begun by [`begin`], taken further by [`advance`] at every look, ended by [`finish_if_complete`]. What each way to
//! upgrade a server needs is in a file of its own (`workload`, `job`, `manual`).

mod advance;
mod begin;
pub(super) mod correction;
mod finish;
pub(super) mod job;
pub(super) mod lost;
mod manual;
mod means;
pub(super) mod progress;
pub(super) mod trouble;
pub(super) mod unseen;
mod workload;

pub(super) use self::advance::{Storage, advance, first_trouble};
pub(super) use self::begin::begin;
pub(super) use self::finish::finish_if_complete;
use self::means::CarriedOut;
pub use self::progress::{AskedOfHop, Progress, ServerProgress};
pub use self::trouble::Trouble;
use super::facts::Facts;
use super::memory::{Hop, Means};
use crate::fleet::ServerRole;

/// Whether the hop is past its point of no return, or may be: the authority has its order. One that nobody can look at may
/// have it.
pub(super) fn is_begun(facts: &Facts<'_>, hop: &Hop) -> bool {
    let Some(authority) = hop.servers.first().filter(|entry| entry.role == ServerRole::Authority) else {
        return true;
    };
    hop.adopted
        || authority.carried_out_at.is_some()
        || authority.verified_at.is_some()
        || authority.means.way().carried_out(hop, authority, facts.observed) != CarriedOut::No
}

/// Whether a person upgrades the authority.
pub(super) fn is_by_hand(hop: &Hop) -> bool {
    hop.servers.first().is_some_and(|entry| matches!(entry.means, Means::Manual(_)))
}

/// Whether nothing of the hop can be reached any more: of every server that is not verified, what runs it is gone, or is
/// nothing of ours.
pub(super) fn is_gone(facts: &Facts<'_>, hop: &Hop) -> bool {
    let mut left = hop.servers.iter().filter(|entry| entry.verified_at.is_none());
    left.all(|entry| entry.means.way().is_gone(facts.observed))
}
