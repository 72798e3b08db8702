//! What was seen of a story, in order: for those who judge it from outside, by other means than the planner's.

use jiff::Timestamp;

use crate::planner::Reason;
use crate::planner::report::{ConditionName, Phase, Report, Truth};
use crate::planner::step::Step;
use crate::simulator::journal::{Entry, Happening};

/// Something that was seen.
#[derive(Clone, Debug, PartialEq)]
pub struct Sighting {
    /// When, in the world's time.
    pub at: Timestamp,
    /// What.
    pub what: Sight,
}

/// What was seen.
#[derive(Clone, Debug, PartialEq)]
pub enum Sight {
    /// A line of the story was played, by its number.
    Line(usize),
    /// The object said something else than before.
    Told(Told),
    /// The operator did something.
    Step(Step),
    /// Something happened in the environment.
    World(Happening),
}

/// What an object says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// Its phase.
    pub phase: Phase,
    /// Its reason.
    pub reason: Reason,
    /// Its message.
    pub message: String,
    /// What a person can do.
    pub mend: Option<String>,
    /// Until when.
    pub until: Option<Timestamp>,
    /// The condition `Ready`.
    pub ready: Option<Truth>,
}

impl Told {
    fn of(report: &Report) -> Self {
        let ready = report.conditions.iter().find(|condition| condition.name == ConditionName::Ready);
        Self {
            phase: report.phase,
            reason: report.reason,
            message: report.message.clone(),
            mend: report.mend.clone(),
            until: report.until,
            ready: ready.map(|condition| condition.truth),
        }
    }
}

/// Everything that was seen.
#[derive(Clone, Debug, Default)]
pub(super) struct Record {
    seen: Vec<Sighting>,
    told: Option<Told>,
}

impl Record {
    pub(super) fn line(&mut self, at: Timestamp, number: usize) {
        self.seen.push(Sighting { at, what: Sight::Line(number) });
    }

    pub(super) fn step(&mut self, at: Timestamp, step: &Step) {
        self.seen.push(Sighting { at, what: Sight::Step(step.clone()) });
    }

    /// Says whether something else is told than before.
    pub(super) fn report(&mut self, at: Timestamp, report: &Report) -> bool {
        let told = Told::of(report);
        let is_news = self.told.as_ref() != Some(&told);
        if is_news {
            self.seen.push(Sighting { at, what: Sight::Told(told.clone()) });
            self.told = Some(told);
        }
        is_news
    }

    /// What happened in the environment.
    pub(super) fn world(&mut self, entries: Vec<Entry>) {
        self.seen.extend(
            entries.into_iter().map(|entry| Sighting { at: entry.at, what: Sight::World(entry.what) }),
        );
    }

    pub(super) fn into_seen(self) -> Vec<Sighting> {
        self.seen
    }
}
