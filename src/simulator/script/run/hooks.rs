//! Hooks of a story: jobs that take two minutes and end with the code that the story says, or are ended after an hour.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::observing::looks;
use crate::planner::observed::{HookReading, HookRun};
use crate::planner::{Desired, Memory, backup_facts};
use crate::simulator::script::verb::HookEnd;

/// How long a hook takes.
const TAKES: SignedDuration = SignedDuration::from_mins(2);

/// How long a job may take before Kubernetes ends it.
const DEADLINE: SignedDuration = SignedDuration::from_hours(1);

fn takes(end: HookEnd) -> SignedDuration {
    match end {
        HookEnd::Code(_) | HookEnd::NoTemplate => TAKES,
        HookEnd::Never => DEADLINE,
    }
}

/// The hooks of a story, which outlive the operator's process.
#[derive(Clone, Debug, Default)]
pub(super) struct Hooks {
    ends: BTreeMap<String, HookEnd>,
    asked: BTreeMap<String, (String, Timestamp, HookEnd)>,
}

impl Hooks {
    /// From now on a hook ends so.
    pub(super) fn set(&mut self, hook: &str, end: HookEnd) {
        self.ends.insert(hook.to_owned(), end);
    }

    /// A job is made, unless it is there.
    pub(super) fn ask(&mut self, hook: &str, run: &str, now: Timestamp) {
        let end = self.ends.get(hook).copied().unwrap_or(HookEnd::Code(0));
        self.asked.entry(run.to_owned()).or_insert_with(|| (hook.to_owned(), now, end));
    }

    /// Whether jobs can be made for the hooks of the spec.
    pub(super) fn readings(&self, desired: &Desired, memory: &Memory) -> BTreeMap<String, HookReading> {
        let reading = |name: &str| match self.ends.get(name) {
            Some(HookEnd::NoTemplate) => HookReading::Unfit("its PodTemplate does not exist".to_owned()),
            Some(HookEnd::Code(_) | HookEnd::Never) | None => HookReading::Ready,
        };
        let hooks = desired.hooks.iter().map(|hook| (&hook.job, &hook.name));
        let template = |name: &str| {
            let unfit = hooks.clone().filter(|(job, _)| *job == name).map(|(_, hook)| reading(hook));
            unfit.max_by_key(|reading| *reading != HookReading::Ready).unwrap_or(reading(backup_facts::HOOK))
        };
        let looks = looks::templates(desired, memory);
        looks.into_iter().map(|name| (name.to_owned(), template(name))).collect()
    }

    /// How far they are.
    pub(super) fn runs(&self, now: Timestamp) -> BTreeMap<String, HookRun> {
        let run = |(hook, begun, end): &(String, Timestamp, HookEnd)| match end {
            end if now.duration_since(*begun) < takes(*end) => HookRun::Running,
            HookEnd::Never => HookRun::Failed(format!("took longer than an hour (job {hook})")),
            HookEnd::Code(0) => HookRun::Passed,
            HookEnd::Code(75) => HookRun::AskAgain,
            HookEnd::Code(_) | HookEnd::NoTemplate => HookRun::Failed(format!("said no (job {hook})")),
        };
        self.asked.iter().map(|(name, asked)| (name.clone(), run(asked))).collect()
    }

    /// When the next of them ends.
    pub(super) fn next_end(&self, now: Timestamp) -> Option<Timestamp> {
        let ends = self.asked.values().filter_map(|(_, begun, end)| begun.checked_add(takes(*end)).ok());
        ends.filter(|end| *end > now).min()
    }
}
