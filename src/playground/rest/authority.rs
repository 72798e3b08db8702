//! The authority that is served, and the one account that it knows.

use super::tokens::Tokens;
use crate::playground::simulation::Simulation;

/// The local account that the simulated authority knows.
#[derive(Clone)]
pub struct Account {
    /// Its name.
    pub username: String,
    /// Its password.
    pub password: String,
}

impl std::fmt::Debug for Account {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Account").field("username", &self.username).finish_non_exhaustive()
    }
}

/// The authority of a simulation, as it answers over HTTP.
#[derive(Clone)]
pub(super) struct Authority {
    pub(super) simulation: Simulation,
    pub(super) account: Account,
    pub(super) tokens: Tokens,
}
