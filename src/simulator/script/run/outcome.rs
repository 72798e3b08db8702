//! How a story ended.

use std::collections::BTreeMap;

use super::record::Sighting;
use super::situation::Situation;
use crate::fleet::Guid;

/// A boundary between a write and an effect at which the process ends: the n-th of the story, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CrashPoint(pub usize);

/// How a story ended.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The timeline.
    pub timeline: String,
    /// What was not as expected, or broke a rule.
    pub failures: Vec<String>,
    /// Boundaries between a write and an effect that were passed.
    pub boundaries: usize,
    /// Where everything ended.
    pub end: End,
    /// What was seen up to the last line, in order.
    pub seen: Vec<Sighting>,
    /// What the object came to say up to the last line: of each phase and reason the last.
    pub situations: Vec<Situation>,
    /// The servers that the story began with, by guid.
    pub servers: BTreeMap<Guid, String>,
}

/// Where a story ended: what must be the same wherever the process was killed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct End {
    /// The phase.
    pub phase: String,
    /// Each server's version, by name.
    pub servers: BTreeMap<String, String>,
    /// How often each server was ordered.
    pub orders: BTreeMap<String, u64>,
    /// Devices by product, operating system and version.
    pub devices: BTreeMap<String, u64>,
    /// Whether each workload's catch holds, by name.
    pub catches: BTreeMap<String, bool>,
}
