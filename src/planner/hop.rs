//! ARCHITECTURE.md, rule 1: a hop is the authority and all own storage from one release to the next, as one unit.
//!
//! Begun by [`begin`], taken further by [`advance`] at every look, ended by [`finish_if_complete`]. What each way to
//! upgrade a server needs is in a file of its own (`workload`, `manual`).

mod advance;
mod begin;
pub(super) mod correction;
mod finish;
pub(super) mod lost;
mod manual;
mod means;
mod trouble;
pub(super) mod unseen;
mod workload;

use jiff::{SignedDuration, Timestamp};

pub(super) use self::advance::{Storage, advance, first_trouble};
pub(super) use self::begin::begin;
pub(super) use self::finish::finish_if_complete;
use self::means::CarriedOut;
pub use self::trouble::Trouble;
use super::facts::Facts;
use super::memory::{Hop, Means};
use super::report::ServerState;
use super::step::Step;
use crate::fleet::{Guid, ServerName, ServerRole};

/// A server that takes longer is said to be slow.
pub const SLOW_AFTER: SignedDuration = SignedDuration::from_mins(30);

/// A server that takes longer stalls: a report, never a kill.
pub const DEADLINE: SignedDuration = SignedDuration::from_hours(2);

/// How far one server of a hop is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerProgress {
    /// Its identity.
    pub guid: Guid,
    /// Its name.
    pub name: ServerName,
    /// What it is.
    pub role: ServerRole,
    /// How far it is.
    pub state: ServerState,
    /// Since when.
    pub since: Option<Timestamp>,
    /// Why it does not go on, where that is known.
    pub trouble: Option<Trouble>,
}

/// How far a hop is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Operations for the executor.
    pub steps: Vec<Step>,
    /// The servers, the authority first.
    pub servers: Vec<ServerProgress>,
    /// When a server in flight will next be called slow or stalled.
    pub wake_at: Option<Timestamp>,
}

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
