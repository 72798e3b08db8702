//! Attempts at steps: what failed, since when, and when it is tried again.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use crate::fleet::instants;
use crate::planner::Step;
use crate::planner::observed::FailingStep;

/// A step that failed is tried again after this time, and after twice as long each time it fails again.
const FIRST_PAUSE: SignedDuration = SignedDuration::from_secs(15);

/// At most this long: what was mended is seen soon.
const LONGEST_PAUSE: SignedDuration = SignedDuration::from_mins(5);

/// The steps that failed when they were last tried. Forgotten when the process ends: each is tried at once then.
#[derive(Clone, Debug, Default)]
pub struct Attempts {
    failing: BTreeMap<String, Failing>,
}

#[derive(Clone, Debug)]
struct Failing {
    step: FailingStep,
    next_at: Timestamp,
}

impl Attempts {
    /// Which of the steps that are due are tried now; the failures of those that are not due any more are forgotten.
    pub fn begin<'a>(&mut self, due: &'a [Step], now: Timestamp) -> Vec<&'a Step> {
        let purposes: BTreeSet<String> = due.iter().map(Step::purpose).collect();
        self.failing.retain(|purpose, _| purposes.contains(purpose));
        due.iter().filter(|step| self.is_tried(step, now)).collect()
    }

    fn is_tried(&self, step: &Step, now: Timestamp) -> bool {
        match step {
            // Each batch names other devices, and has a pace of its own.
            Step::FlagDevices { .. } => true,
            Step::HoldFinalizer
            | Step::ReleaseFinalizer
            | Step::HoldCatch { .. }
            | Step::OpenCatch { .. }
            | Step::UpgradeServer { .. }
            | Step::RunUpgradeJob { .. }
            | Step::TakeBackup { .. }
            | Step::TurnOffDeviceAutoUpgrade
            | Step::RunHook { .. } => {
                self.failing.get(&step.purpose()).is_none_or(|failing| now >= failing.next_at)
            }
        }
    }

    /// Notes what came of an attempt.
    pub fn note(&mut self, step: &Step, outcome: Result<(), String>, now: Timestamp) {
        let purpose = step.purpose();
        let Err(why) = outcome else {
            self.failing.remove(&purpose);
            return;
        };
        let known = self.failing.remove(&purpose).map(|failing| failing.step);
        let (since, before) = known.map_or((now, 0), |known| (known.since, known.attempts));
        let pause = FIRST_PAUSE.saturating_mul(2_i32.saturating_pow(before)).min(LONGEST_PAUSE);
        let step = FailingStep { why, since, attempts: before.saturating_add(1) };
        self.failing.insert(purpose, Failing { step, next_at: instants::after(now, pause) });
    }

    /// Every step that does not come about, by its purpose.
    pub fn failing(&self) -> BTreeMap<String, FailingStep> {
        self.failing.iter().map(|(purpose, failing)| (purpose.clone(), failing.step.clone())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fails_is_tried_ever_more_seldom_and_forgotten_when_it_is_not_due() {
        let start: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let at = |seconds| instants::after(start, SignedDuration::from_secs(seconds));
        let due = [Step::TurnOffDeviceAutoUpgrade];
        let mut attempts = Attempts::default();
        let mut tried = Vec::new();
        for seconds in 0..2_000 {
            for step in attempts.begin(&due, at(seconds)) {
                tried.push(seconds);
                attempts.note(step, Err("refused".to_owned()), at(seconds));
            }
        }
        assert_eq!(tried, [0, 15, 45, 105, 225, 465, 765, 1065, 1365, 1665, 1965]);
        let failing = attempts.failing();
        let known = failing.values().next().unwrap();
        assert_eq!((known.since, known.attempts), (start, 11));

        assert!(attempts.begin(&[], at(2_000)).is_empty());
        assert_eq!(attempts.begin(&due, at(2_000)).len(), 1, "it was not due in between");
        attempts.note(&due[0], Ok(()), at(2_000));
        assert!(attempts.failing().is_empty());
    }
}
