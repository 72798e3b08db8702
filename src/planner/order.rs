//! What people said at one moment: orders, as the planner reads them.

use jiff::Timestamp;

use crate::catalog::Version;

/// One order that was not yet consumed, refused or expired.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// The object's name.
    pub name: String,
    /// The object's uid, by which memory knows that it was consumed.
    pub uid: String,
    /// When it was given.
    pub given_at: Timestamp,
    /// When it ceases to count.
    pub expires_at: Option<Timestamp>,
    /// What it says.
    pub action: Action,
    /// Who gave it.
    pub by: String,
    /// The reason that its giver wrote; empty where none was.
    pub reason: String,
}

impl Order {
    /// Whether it still counts.
    pub fn is_alive(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|expires| now < expires)
    }
}

/// What an order says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// The subject may begin.
    Approve(Subject),
    /// Nothing new begins.
    Pause(PauseReach),
    /// Ends a pause.
    Resume,
    /// What failed is tried again.
    Retry(Subject),
    /// Versions that came about from outside are taken as they are.
    Adopt,
    /// A hop that has not begun is given up.
    Abandon,
}

/// How far a pause reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PauseReach {
    /// The hop under way is finished.
    NextHop,
    /// Storage is held too, although it then cannot take backups.
    Now,
}

/// What an order is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// The servers' part of one hop.
    Hop {
        /// From this release.
        from: Version,
        /// To this one.
        to: Version,
    },
    /// The devices' part at one release, after the hop.
    Devices {
        /// The release.
        release: Version,
    },
    /// One group of devices.
    Group(String),
    /// One server, by name.
    Server(String),
    /// The order names nothing.
    Anything,
}
