//! ARCHITECTURE.md, rule 12: the object outlives the server steps in flight and the catches that are held for it, and nothing
//! else keeps it.

use jiff::SignedDuration;

use super::draft::Draft;
use super::facts::Facts;
use super::observed::{Ending, Finalizer, Revisions, Rights, WorkloadReading};
use super::step::Step;

/// An object that is deleted waits for so long until its catches are open: who may not open them may not be waited for. It counts from when
/// somebody was there to open them.
const GIVING_BACK_FOR: SignedDuration = SignedDuration::from_mins(10);

/// So many attempts to open a catch are enough to give it up; one may meet somebody else's write.
const ATTEMPTS: u32 = 3;

/// For so long it waits for the controller of a workload to look at it: without that controller nothing in the cluster goes on.
const UNSEEN_FOR: SignedDuration = SignedDuration::from_hours(24);

/// For so long it waits for a workload that cannot be read: mostly its account has gone before it, and comes back no more.
const UNREAD_FOR: SignedDuration = SignedDuration::from_mins(2);

/// Holds the finalizer while a hop is in flight or a catch is held, and lets it go after.
pub(super) fn hold(facts: &Facts<'_>, draft: &mut Draft) {
    match (is_needed(facts, draft), facts.observed.finalizer) {
        // Before the order itself: the finalizer is the first effect.
        (Need::Is, Finalizer::Absent) if facts.observed.ending == Ending::No => {
            draft.steps.insert(0, Step::HoldFinalizer);
        }
        // After everything else: the catch is closed before the object may go.
        (Need::IsNot, Finalizer::Present) => draft.steps.push(Step::ReleaseFinalizer),
        (Need::Is | Need::IsNot | Need::Unknown, Finalizer::Present | Finalizer::Absent) => {}
    }
}

/// Whether the finalizer is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Need {
    Is,
    IsNot,
    /// Something could not be read: it stays as it is.
    Unknown,
}

fn is_needed(facts: &Facts<'_>, draft: &Draft) -> Need {
    let opens = draft.steps.iter().any(|step| matches!(step, Step::OpenCatch { .. }));
    // What its controller has not looked at yet is given back once it has.
    let is_unseen = facts.observed.workloads.values().any(is_held_unseen);
    let gives_back = opens || is_unseen;
    let holds = draft.steps.iter().any(|step| matches!(step, Step::HoldCatch { .. }));
    if draft.memory.hop.is_some() {
        return Need::Is;
    }
    match facts.observed.ending {
        Ending::WithItsNamespace => Need::IsNot,
        Ending::WithoutTheOperator => {
            if gives_back {
                Need::Is
            } else {
                Need::IsNot
            }
        }
        Ending::Alone(since) => {
            let waited = facts.now.duration_since(since.max(facts.observed.watch.since));
            let is_opened = opens && (waited <= GIVING_BACK_FOR || !is_given_up(facts, draft));
            let may_be_seen = is_unseen && waited <= UNSEEN_FOR;
            let may_be_read = waited <= UNREAD_FOR && facts.observed.workloads.values().any(is_unreadable);
            if is_opened || may_be_seen || may_be_read { Need::Is } else { Need::IsNot }
        }
        Ending::No => {
            let mut readings = facts.observed.workloads.values();
            if holds || gives_back || readings.clone().any(is_held) {
                Need::Is
            } else if readings.any(is_unreadable) {
                Need::Unknown
            } else {
                Need::IsNot
            }
        }
    }
}

/// Whether every catch that is still to be opened was tried often enough, or may not be opened.
fn is_given_up(facts: &Facts<'_>, draft: &Draft) -> bool {
    draft.steps.iter().all(|step| {
        let Step::OpenCatch { workload } = step else { return true };
        let failing = facts.observed.failing.get(&step.purpose());
        let is_denied = facts
            .observed
            .workload(workload)
            .is_some_and(|workload| matches!(workload.rights, Rights::Denied(_)));
        is_denied || failing.is_some_and(|failing| failing.attempts >= ATTEMPTS)
    })
}

fn is_unreadable(reading: &WorkloadReading) -> bool {
    match reading {
        WorkloadReading::Unreadable(_) => true,
        WorkloadReading::Read(_) | WorkloadReading::Missing => false,
    }
}

fn is_held_unseen(reading: &WorkloadReading) -> bool {
    match reading {
        WorkloadReading::Read(facts) => facts.is_held_by_us() && facts.revisions == Revisions::Unseen,
        WorkloadReading::Missing | WorkloadReading::Unreadable(_) => false,
    }
}

fn is_held(reading: &WorkloadReading) -> bool {
    match reading {
        WorkloadReading::Read(facts) => facts.is_held_by_us(),
        WorkloadReading::Missing | WorkloadReading::Unreadable(_) => false,
    }
}
