//! What to do next, and why not more: the only place where anything is decided.
//!
//! Input: what was observed, what is wanted, what the vendor documents, what is remembered, and the time. Output: a
//! [`Decision`]. Pure, total and deterministic: no Kubernetes, no runtime, no clock, no environment, no randomness.

pub mod aim;
mod asks;
mod backup;
pub mod backup_facts;
mod baseline;
pub mod cadence;
mod catch;
pub mod check;
pub mod claim;
pub mod decide;
pub mod desired;
mod done;
pub mod draft;
pub mod durations;
pub mod events;
pub mod facts;
pub mod failing;
pub mod files;
mod finalizer;
pub mod findings;
pub mod gates;
mod held_images;
pub mod hooks;
pub mod hop;
pub mod memory;
mod narrate;
mod next_hop;
pub mod observed;
pub mod order;
pub mod orders;
pub mod plan;
pub mod reason;
pub mod report;
mod retarget;
pub mod rollout;
pub mod situation;
pub mod standing;
pub mod step;
mod travellers;
mod wants;
mod way_out;
pub mod window;
pub mod words;

use jiff::{SignedDuration, Timestamp};

pub use decide::decide;
use desired::Artifact;
pub use desired::Desired;
pub use memory::Memory;
pub use observed::Observed;
pub use reason::Reason;
pub use report::Report;
pub use step::Step;

use crate::catalog::Version;
use crate::fleet::Arrangement;

/// What to do next.
#[must_use = "a decision that is neither written nor executed is lost"]
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// Operations, to be carried out only after `memory` was written.
    pub steps: Vec<Step>,
    /// What to remember; written before any step.
    pub memory: Memory,
    /// What to say.
    pub report: Report,
    /// What became so since the last decision, for people who follow along.
    pub events: Vec<Event>,
    /// What the collector should read, and how often.
    pub wants: Wants,
    /// Upgrade files that are to be read from their mirrors and held against what is known of them.
    pub files: Vec<Artifact>,
    /// When to decide again at the latest, even if nothing happens.
    pub wake_at: Option<Timestamp>,
    /// Whether the report says anything that is worth hearing.
    pub telling: Telling,
}

/// Whether a report is worth hearing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Telling {
    /// It is made of what was observed.
    Tell,
    /// A process that has just begun has read nothing yet: what was said before it stands.
    NothingRead,
}

/// Something that became so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// How serious it is.
    pub severity: Severity,
    /// Its reason, PascalCase.
    pub reason: &'static str,
    /// What happened.
    pub note: String,
}

/// How serious an event is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// As it should be.
    Normal,
    /// Somebody should look.
    Warning,
}

/// What the collector should read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wants {
    /// How often to list the servers.
    pub servers_every: SignedDuration,
    /// How often to list the devices.
    pub devices_every: SignedDuration,
    /// A listing that began after this instant is needed now.
    pub devices_since: Option<Timestamp>,
    /// How the devices are to be arranged.
    pub arrangement: Arrangement,
    /// The release to which workloads may be brought next: that change is tried by a dry run. `None` where none may come.
    pub trial: Option<Version>,
}
