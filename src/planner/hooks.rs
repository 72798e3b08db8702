//! Hooks: jobs whose end is an answer. With 0 it goes on, with 75 they are asked again later, and anything else is a no, which a
//! person answers.
//!
//! The hooks are those of the spec as it stands: taking one out is always a way on.

pub(super) mod before;
pub(super) mod of_hops;
pub(super) mod retry;

use jiff::{SignedDuration, Timestamp};

use super::desired::Hook;
use super::observed::{HookRun, Observed};
use crate::fleet::digest::first_eight_bytes_of;

/// A hook that wants to be asked again is asked again after this long.
pub(super) const ASK_AGAIN_AFTER: SignedDuration = SignedDuration::from_mins(15);

/// What the hooks of one moment say together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Go on.
    Pass,
    /// Not all have said yes.
    NotYet {
        /// The first that has not; `None` while all are let rest.
        hook: Option<String>,
        /// When they are asked again, where one of them wanted that.
        again_at: Option<Timestamp>,
    },
    /// One has said no.
    No {
        /// Which.
        hook: String,
        /// How it ended, as the end of a sentence.
        how: String,
    },
}

/// One time of asking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Round {
    /// How often they were asked before: each time is a `Job` of its own.
    pub attempt: u32,
    /// When they are asked again, where one of them wanted that.
    pub again_at: Option<Timestamp>,
}

/// Asks hooks at one moment. `run` names the time of asking: the same name each time, so that a job that is there already is the one
/// that was meant. Whom nobody asked yet, `ask` is told.
pub(super) fn ask<'a>(
    observed: &Observed,
    hooks: impl Iterator<Item = &'a Hook>,
    round: &mut Round,
    run: impl Fn(&Hook, u32) -> String,
    mut ask: impl FnMut(&Hook, String),
) -> Answer {
    let granted = observed.witnesses.granted();
    if round.again_at.is_some_and(|at| granted >= at) {
        *round = Round { attempt: round.attempt + 1, again_at: None };
    }
    if round.again_at.is_some() {
        return Answer::NotYet { hook: None, again_at: round.again_at };
    }
    let mut awaited = None;
    for hook in hooks {
        let run = run(hook, round.attempt);
        match observed.hook_runs.get(&run) {
            Some(HookRun::Passed) => continue,
            Some(HookRun::Running) => {}
            Some(HookRun::AskAgain) => {
                round.again_at = observed.witnesses.operator.checked_add(ASK_AGAIN_AFTER).ok();
            }
            Some(HookRun::Failed(how)) => return Answer::No { hook: hook.name.clone(), how: how.clone() },
            None => ask(hook, run),
        }
        awaited.get_or_insert_with(|| hook.name.clone());
    }
    match awaited {
        None => Answer::Pass,
        hook => Answer::NotYet { hook, again_at: round.again_at },
    }
}

/// Sixteen hexadecimal digits that are the same for the same time of asking.
pub(super) fn run_of(names: &[&str]) -> String {
    format!("{:016x}", first_eight_bytes_of(&names.join("|")))
}
