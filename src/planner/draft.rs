//! What has been decided so far: the one value that the phases of a decision hand on.
//!
//! Each phase is a function of the [`Facts`], which nothing changes, and of the draft, which it takes further. Gates and
//! words see both through a [`View`], which is the draft as it stands at that moment and never a copy of it.

use std::ops::Deref;

use super::aim::Aim;
use super::desired::Artifact;
use super::facts::{Facts, Touched};
use super::findings::Findings;
use super::memory::{Hop, Memory};
use super::standing::Standing;
use super::step::Step;
use crate::catalog::Version;

/// What has been decided so far.
#[derive(Debug)]
pub struct Draft {
    /// What to remember.
    pub memory: Memory,
    /// Operations for the executor, in order.
    pub steps: Vec<Step>,
    /// Upgrade files that are to be read.
    pub files: Vec<Artifact>,
    /// What was found on the way, for the report.
    pub findings: Findings,
    /// How the versions stand.
    pub standing: Standing,
    /// What the servers are to do next.
    pub aim: Aim,
    /// A hop that was ordered and surely not carried out: it begins anew only when its gates still pass.
    pub set_aside: Option<Hop>,
}

impl Draft {
    /// Nothing decided yet.
    pub fn begin(remembered: &Memory) -> Self {
        Self {
            memory: remembered.clone(),
            steps: Vec::new(),
            files: Vec::new(),
            findings: Findings::default(),
            standing: Standing::Unsure,
            aim: Aim::Undecided,
            set_aside: None,
        }
    }

    /// Facts and draft as they stand, for gates and words.
    pub fn view<'a>(&'a self, facts: &'a Facts<'a>) -> View<'a> {
        View { facts, memory: &self.memory, standing: &self.standing, aim: &self.aim }
    }
}

/// Everything that a gate may read: the facts, and the draft as it stands.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// What the decision is made from.
    pub facts: &'a Facts<'a>,
    /// What is remembered by now.
    pub memory: &'a Memory,
    /// How the versions stand.
    pub standing: &'a Standing,
    /// What the servers are to do next.
    pub aim: &'a Aim,
}

impl<'a> Deref for View<'a> {
    type Target = Facts<'a>;

    fn deref(&self) -> &Facts<'a> {
        self.facts
    }
}

impl<'a> View<'a> {
    /// The release the next step of the servers leads to.
    pub fn to(&self) -> Option<Version> {
        self.aim.to()
    }

    /// The own servers that the next step touches: the authority first, then storage by name. Those of the spec
    /// without a method are left to the gate that refuses them.
    pub fn touched(&self) -> Vec<Touched<'a>> {
        let facts = self.facts;
        let authority = match (self.aim, facts.situation.authority, &facts.desired.authority.method) {
            (Aim::Hop(_), Some(server), Some(method)) => Some(Touched { server, method }),
            _ => None,
        };
        let storage = facts.situation.storage.iter().filter_map(|storage| {
            let behind = match self.aim {
                Aim::Hop(_) => true,
                Aim::Adopt { to, .. } => storage.server.version != Some(*to),
                Aim::Nothing | Aim::NoWay(_) | Aim::Undecided => false,
            };
            behind.then_some(Touched { server: storage.server, method: storage.method? })
        });
        authority.into_iter().chain(storage).collect()
    }
}
