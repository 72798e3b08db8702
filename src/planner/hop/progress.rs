//! How far a hop is: what taking it further found out about each server.

use jiff::Timestamp;

use super::trouble::Trouble;
use crate::fleet::{Guid, ServerName, ServerRole};
use crate::planner::report::ServerState;
use crate::planner::step::Step;

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
