//! ARCHITECTURE.md, rule 1: a hop is the authority and all own storage from one release to the next, as one unit.
//!
//! Begun by [`begin`], taken further by [`advance`] at every look, ended by [`finish_if_complete`]. What each way to
//! upgrade a server needs is in a file of its own (`workload`, `manual`).

mod advance;
mod begin;
mod finish;
pub(super) mod lost;
mod manual;
mod means;
mod trouble;
mod workload;

use jiff::{SignedDuration, Timestamp};

pub(super) use self::advance::{Storage, advance};
pub(super) use self::begin::begin;
pub(super) use self::finish::finish_if_complete;
pub use self::trouble::Trouble;
use super::memory::{Hop, Means};
use super::observed::Observed;
use super::report::ServerState;
use super::step::Step;
use crate::fleet::{Guid, ServerName, ServerRole, Verification};

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

/// Whether the hop can still be given up: a person was asked to upgrade the authority and has not.
pub fn is_asked_in_vain(hop: &Hop, observed: &Observed) -> bool {
    let Some(authority) = hop.servers.first() else { return true };
    !hop.adopted
        && authority.role == ServerRole::Authority
        && matches!(authority.means, Means::Manual(_))
        && authority.verified_at.is_none()
        && observed
            .server(&authority.guid)
            .is_some_and(|server| server.verification(hop.to) == Verification::Below(hop.from))
}
