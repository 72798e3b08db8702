//! A story at one moment: the world, the cluster, the object, the operator's process, and the people around them.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::backups::Backups;
use super::hooks::Hooks;
use super::jobs::Jobs;
use super::outcome::CrashPoint;
use super::process::{Clocks, Process};
use super::record::Record;
use super::situation::Situation;
use crate::catalog::Catalog;
use crate::planner::Decision;
use crate::planner::observed::{AccessFailure, Finalizer, ProofFinding};
use crate::planner::report::Ask;
use crate::simulator::script::cluster::Cluster;
use crate::simulator::script::mirrors::Mirrors;
use crate::simulator::script::object::Object;
use crate::simulator::script::timeline::Timeline;
use crate::simulator::world::World;

/// Everything that a story consists of.
pub(super) struct Run {
    pub(super) now: Timestamp,
    pub(super) world: World,
    pub(super) catalog: Catalog,
    pub(super) catalog_problems: Vec<String>,
    pub(super) cluster: Cluster,
    pub(super) object: Object,
    pub(super) process: Process,
    pub(super) clocks: Clocks,
    /// An older object that has pinned the same authority.
    pub(super) rival: Option<String>,
    pub(super) backup: Backups,
    pub(super) hooks: Hooks,
    pub(super) jobs: Jobs,
    pub(super) mirrors: Mirrors,
    pub(super) proofs: BTreeMap<String, ProofFinding>,
    pub(super) wrong_access: Option<AccessFailure>,
    pub(super) finalizer: Finalizer,
    pub(super) timeline: Timeline,
    pub(super) failures: Vec<String>,
    pub(super) boundaries: usize,
    pub(super) crash_at: Option<CrashPoint>,
    /// Whether the process was killed since the last verb.
    pub(super) was_killed: bool,
    pub(super) last: Option<Decision>,
    /// What was asked of people last.
    pub(super) asked: Vec<Ask>,
    pub(super) events: Vec<(&'static str, String)>,
    pub(super) record: Record,
    pub(super) situations: Vec<Situation>,
    /// Decisions since the world's time moved.
    pub(super) decisions: usize,
    /// When something was last new: a verb, a step, what is told or remembered, what happened in the environment.
    pub(super) news_at: Timestamp,
    /// When a verb last changed something: polls see it.
    pub(super) disturbed_at: Option<Timestamp>,
}

impl Run {
    /// What the operator's clock shows.
    pub(super) fn operators_now(&self) -> Timestamp {
        shifted(self.now, self.clocks.operator)
    }

    /// What facts are stamped with: the monotonic witness, which no step of a wall clock moves.
    pub(super) fn stamp(&self) -> Timestamp {
        shifted(self.now, self.clocks.monotonic)
    }

    /// The world goes on to an instant, and with it what controllers and kubelets do.
    pub(super) fn advance_to(&mut self, instant: Timestamp) {
        self.now = self.now.max(instant);
        self.world.advance_to(self.now);
        self.settle();
        self.decisions = 0;
    }

    /// Controllers and kubelets do what is left to do, and what happened is written down.
    pub(super) fn settle(&mut self) {
        self.jobs.play(&mut self.world, &mut self.cluster, self.now);
        self.cluster.reconcile(&mut self.world);
        let happened = self.world.take_journal();
        if !happened.is_empty() {
            self.news_at = self.now;
        }
        self.record.world(happened);
    }
}

pub(super) fn shifted(now: Timestamp, offset: SignedDuration) -> Timestamp {
    now.saturating_add(offset).unwrap_or(now)
}
