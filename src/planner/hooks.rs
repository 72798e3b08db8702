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
use super::words;
use crate::fleet::digest::first_eight_bytes_of;

/// A hook that wants to be asked again is asked again after this long.
pub(super) const ASK_AGAIN_AFTER: SignedDuration = SignedDuration::from_mins(15);

/// What the hooks of one moment say together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Go on.
    Pass,
    /// Not all have said yes.
    NotYet(Awaited),
    /// One has said no.
    No {
        /// Which.
        hook: String,
        /// How it ended, as the end of a sentence.
        how: String,
    },
}

/// A hook that puts it off as often as this does so for a day, and a person looks at it.
pub(super) const MANY_TIMES: u32 = 96;

/// What hooks that have not all said yes are waited for with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Awaited {
    /// The first that has not, where its job still says so.
    pub hook: Option<String>,
    /// When they are asked again, where one of them wanted that.
    pub again_at: Option<Timestamp>,
    /// How often they were asked before.
    pub asked_before: u32,
}

impl Awaited {
    /// Who is asked, and when again; `occasion` is the end of the sentence.
    pub fn message(&self, occasion: &str) -> String {
        let who = self.hook.as_ref().map_or_else(|| "hooks".to_owned(), |hook| format!("hook {hook}"));
        let is = if self.hook.is_some() { "is" } else { "are" };
        match self.again_at {
            Some(at) if self.is_endless() => {
                let (times, at) = (self.asked_before, words::instant(at));
                format!("{who} put it off {times} times {occasion}; asked again {at}")
            }
            Some(at) => format!("{who} {is} asked again {} {occasion}", words::instant(at)),
            None => format!("{who} {is} asked {occasion}"),
        }
    }

    /// What a person does about hooks that put it off for ever.
    pub fn mend(&self) -> Option<String> {
        let which = self.hook.as_deref().unwrap_or("it");
        self.is_endless()
            .then(|| format!("see in its job what hook {which} waits for, or take it out of spec.hooks"))
    }

    fn is_endless(&self) -> bool {
        self.asked_before >= MANY_TIMES
    }
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
    mut hooks: impl Iterator<Item = &'a Hook>,
    round: &mut Round,
    run: impl Fn(&Hook, u32) -> String,
    mut ask: impl FnMut(&Hook, String),
) -> Answer {
    let granted = observed.witnesses.granted();
    if round.again_at.is_some_and(|at| granted >= at) {
        *round = Round { attempt: round.attempt + 1, again_at: None };
    }
    let Round { attempt, again_at } = *round;
    if again_at.is_some() {
        let puts_off = |hook: &&Hook| observed.hook_runs.get(&run(hook, attempt)) == Some(&HookRun::AskAgain);
        let hook = hooks.find(puts_off).map(|hook| hook.name.clone());
        return Answer::NotYet(Awaited { hook, again_at, asked_before: attempt });
    }
    let mut awaited = None;
    for hook in hooks {
        let run = run(hook, attempt);
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
        hook => Answer::NotYet(Awaited { hook, again_at: round.again_at, asked_before: attempt }),
    }
}

/// Sixteen hexadecimal digits that are the same for the same time of asking.
pub(super) fn run_of(names: &[&str]) -> String {
    format!("{:016x}", first_eight_bytes_of(&names.join("|")))
}
