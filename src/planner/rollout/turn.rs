//! One group's turn in a look: what is known of it, and when its next wave may open.

use jiff::Timestamp;

use super::evidence::Examiner;
use super::survey::Survey;
use super::tally::Tally;
use super::targets::Targets;
use crate::catalog::Version;
use crate::fleet::instants;
use crate::fleet::{Devices, Wave};
use crate::planner::desired::Group;
use crate::planner::facts::Facts;
use crate::planner::memory::Rollout;

/// One group's turn.
pub(super) struct Turn<'a> {
    pub(super) facts: &'a Facts<'a>,
    pub(super) devices: &'a Devices,
    pub(super) targets: &'a Targets,
    pub(super) examiner: &'a Examiner<'a>,
    pub(super) release: Version,
    pub(super) group: &'a Group,
    pub(super) index: usize,
    /// The devices by rank, counted before this look changed anything.
    pub(super) survey: &'a Survey,
    pub(super) tally: &'a Tally,
    /// Whether devices were released in a group before this one.
    pub(super) follows_another: bool,
}

impl Turn<'_> {
    /// The time by which pauses and deadlines are over: no clock must show less.
    pub(super) fn granted(&self) -> Timestamp {
        self.facts.observed.witnesses.granted()
    }

    /// The time that is written down for what became so now: no clock must show more, or a pause after it would seem shorter.
    pub(super) fn noted(&self) -> Timestamp {
        self.facts.observed.witnesses.latest()
    }

    /// When the operator's clock will show that every clock shows an instant.
    pub(super) fn shown_at(&self, at: Timestamp) -> Timestamp {
        let behind = self.facts.now.duration_since(self.granted());
        instants::after(at, behind)
    }

    pub(super) fn is_last_wave(&self, rollout: &Rollout) -> bool {
        !rollout.cut_short && rollout.wave.place() + 1 >= self.group.waves.len().max(1)
    }

    /// Whether the last wave was complete.
    pub(super) fn went_through(&self, rollout: &Rollout) -> bool {
        rollout.wave_completed_at.is_some() && self.is_last_wave(rollout)
    }

    /// When the next wave may open, by the operator's clock, if the present one is complete and there is one.
    pub(super) fn next_wave_at(&self, rollout: &Rollout) -> Option<Timestamp> {
        let completed = rollout.wave_completed_at.filter(|_| !self.is_last_wave(rollout))?;
        Some(self.shown_at(instants::after(completed, self.group.pause)))
    }

    /// The wave that is to open now: the first, or the next one after the pause.
    pub(super) fn due_wave(&self, rollout: &Rollout) -> Option<Wave> {
        if rollout.threshold.is_none() {
            return rollout.wave_opened_at.is_none().then_some(Wave::FIRST);
        }
        let at = self.next_wave_at(rollout)?;
        let next = if rollout.cut_short { rollout.wave } else { rollout.wave.next() };
        (self.facts.now >= at).then_some(next)
    }
}
