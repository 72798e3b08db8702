//! What people order about groups: `Retry` where one is halted or overdue, `Approve` where a wave is overdue.

use jiff::Timestamp;

use super::judge::{is_released, overdue_since};
use super::turn::Turn;
use crate::planner::facts::Facts;
use crate::planner::memory::{Memory, Rollout};
use crate::planner::order::{Action, Order, Subject};
use crate::planner::orders;

/// Follows the orders that are about groups, each once.
pub(super) fn follow(memory: &mut Memory, facts: &Facts<'_>) {
    let witnesses = &facts.observed.witnesses;
    let now = Now { granted: witnesses.granted(), latest: witnesses.latest() };
    let open: Vec<&Order> = orders::open(facts.observed, memory).collect();
    for order in open {
        let follow_one: fn(&mut Rollout, &Order, Now) -> Followed = match &order.action {
            Action::Retry(_) => retry,
            Action::Approve(_) => approve,
            Action::Pause(_) | Action::Resume | Action::Adopt | Action::Abandon => continue,
        };
        let mut followed = Followed::No;
        for rollout in memory.rollouts.iter_mut().filter(|rollout| speaks_of(order, rollout)) {
            if follow_one(rollout, order, now) == Followed::Yes {
                followed = Followed::Yes;
            }
        }
        if followed == Followed::Yes {
            memory.consume(order.uid.clone());
        }
    }
}

/// The present, by the clock that shows least and by the one that shows most.
#[derive(Clone, Copy)]
struct Now {
    granted: Timestamp,
    latest: Timestamp,
}

/// Whether an order had anything to do.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Followed {
    Yes,
    No,
}

fn speaks_of(order: &Order, rollout: &Rollout) -> bool {
    match &order.action {
        Action::Retry(Subject::Anything) => true,
        Action::Retry(Subject::Group(name)) | Action::Approve(Subject::Group(name)) => *name == rollout.group,
        Action::Retry(_) | Action::Approve(_) => false,
        Action::Pause(_) | Action::Resume | Action::Adopt | Action::Abandon => false,
    }
}

/// Whether an order speaks of something that was so when it was given: a trouble that came later is not what it meant.
fn knew_of(order: &Order, since: Timestamp) -> bool {
    order.given_at >= since
}

/// A halted group goes on, and one that is overdue gets its time once more; the clocks of its devices start again.
fn retry(rollout: &mut Rollout, order: &Order, now: Now) -> Followed {
    let overdue = overdue_since(rollout).filter(|since| now.granted >= *since);
    if !rollout.halted_at.or(overdue).is_some_and(|since| knew_of(order, since)) {
        return Followed::No;
    }
    rollout.halted_at = None;
    rollout.halted_by = None;
    // A hook that said no is asked anew, by a job of its own; no device has failed.
    if rollout.halted_by_hook.take().is_some() {
        if let Some(round) = &mut rollout.hooks {
            round.attempt += 1;
            round.again_at = None;
        }
        return Followed::Yes;
    }
    rollout.first = None;
    rollout.counted = None;
    rollout.sample.clear();
    rollout.told_anew = 0;
    // Whoever was told before is told again.
    rollout.started_at = now.granted;
    rollout.marks.iter_mut().for_each(|mark| mark.at = now.latest);
    Followed::Yes
}

/// A wave that is overdue is taken as complete; the pause begins.
fn approve(rollout: &mut Rollout, order: &Order, now: Now) -> Followed {
    let overdue = overdue_since(rollout).filter(|since| is_released(rollout) && now.granted >= *since);
    if !overdue.is_some_and(|since| knew_of(order, since)) {
        return Followed::No;
    }
    rollout.wave_completed_at = Some(now.latest);
    // Whoever lets the group go on lets it go on without the device that is awaited.
    rollout.first = rollout.first.take().filter(|first| first.moved_at.is_some());
    Followed::Yes
}

impl Turn<'_> {
    /// Whether the open wave is overdue by now.
    pub(super) fn is_overdue(&self, rollout: &Rollout) -> bool {
        overdue_since(rollout).is_some_and(|since| self.granted() >= since)
    }
}
