//! What the parts of a decision find on their way, for the report.

use super::hop::progress::Progress;
use super::report::Gate;
use super::rollout;
use crate::catalog::path::Path;

/// What the parts of a decision have found, for the report.
#[derive(Debug, Default)]
pub struct Findings {
    /// The gates of the next step of the servers.
    pub gates: Vec<Gate>,
    /// The gates of releasing more devices, where that is due.
    pub rollout_gates: Vec<Gate>,
    /// How far the hop in flight is.
    pub hop: Option<Progress>,
    /// How far the rollout is.
    pub rollout: Option<rollout::Progress>,
    /// All devices, counted once for everything that is said of them.
    pub overview: Option<rollout::Overview>,
    /// A step that is due and fails.
    pub failing: Option<Failing>,
    /// The path, of which the next hop is the first part.
    pub path: Option<Path>,
}

/// A step that is due and fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failing {
    /// What it was to bring about.
    pub purpose: String,
    /// Why it does not.
    pub why: String,
    /// What a person can do.
    pub mend: &'static str,
}

impl Findings {
    /// Adds gates of servers, each name once: of two with one name the one that does not pass.
    pub fn add(&mut self, gates: Vec<Gate>) {
        join(&mut self.gates, gates);
    }

    /// The gates of servers and devices, each name once.
    pub fn every_gate(&self) -> Vec<Gate> {
        let mut gates = self.gates.clone();
        join(&mut gates, self.rollout_gates.clone());
        gates
    }
}

fn join(gates: &mut Vec<Gate>, more: Vec<Gate>) {
    for gate in more {
        match gates.iter_mut().find(|known| known.name == gate.name) {
            None => gates.push(gate),
            Some(known) if known.verdict.passes() => *known = gate,
            Some(_) => {}
        }
    }
}
