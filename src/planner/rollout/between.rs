//! Hooks between waves: jobs that look at the devices that moved, and say whether the next wave may open.
//!
//! A hook that ends with 0 says yes, with 75 that it is to be asked again later, and with anything else no, which halts the group.

use jiff::SignedDuration;

use super::progress::{Asked, Progress};
use super::turn::Turn;
use crate::fleet::Wave;
use crate::fleet::digest::first_eight_bytes_of;
use crate::planner::desired::HookMoment;
use crate::planner::memory::{HookRound, Rollout};
use crate::planner::observed::HookRun;
use crate::planner::step::Step;

/// A hook that wants to be asked again is asked again after this long.
const ASK_AGAIN_AFTER: SignedDuration = SignedDuration::from_mins(15);

/// What the hooks say together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// The wave may open.
    Pass,
    /// Not all have said yes.
    NotYet,
    /// One has said no: the group is halted.
    No,
}

/// Asks every hook before a wave, unless nothing was released before it.
pub(super) fn ask_hooks(
    turn: &Turn<'_>,
    rollout: &mut Rollout,
    wave: Wave,
    progress: &mut Progress,
) -> Answer {
    let (now, granted) = (turn.facts.now, turn.granted());
    let mut hooks = turn.facts.desired.hooks_at(HookMoment::BetweenWaves).peekable();
    if hooks.peek().is_none() || (wave == Wave::FIRST && !turn.follows_another) {
        return Answer::Pass;
    }
    let mut round = match rollout.hooks.take() {
        Some(round) if round.wave == wave => round,
        Some(_) | None => HookRound { wave, attempt: 0, again_at: None },
    };
    if round.again_at.is_some_and(|at| granted >= at) {
        round = HookRound { wave, attempt: round.attempt + 1, again_at: None };
    }
    let mut answer = if round.again_at.is_some() { Answer::NotYet } else { Answer::Pass };
    let mut awaited = None;
    let is_resting = round.again_at.is_some();
    for hook in hooks.filter(|_| !is_resting) {
        let run = run_of(&[&rollout.group, &rollout.id, &hook.name], &round);
        match turn.facts.observed.hook_runs.get(&run) {
            Some(HookRun::Passed) => {}
            Some(HookRun::Running) => answer = Answer::NotYet,
            Some(HookRun::AskAgain) => {
                round.again_at = now.checked_add(ASK_AGAIN_AFTER).ok();
                answer = Answer::NotYet;
            }
            Some(HookRun::Failed(_)) => {
                rollout.halted_at = Some(granted);
                rollout.halted_by_hook = Some(hook.name.clone());
                answer = Answer::No;
                break;
            }
            None => {
                // The same name each time: a job that is there already is the one that was meant.
                progress.steps.push(Step::RunHook {
                    hook: hook.name.clone(),
                    template: hook.job.clone(),
                    run,
                    group: turn.group.name.clone(),
                    wave,
                    release: turn.release,
                });
                answer = Answer::NotYet;
            }
        }
        if answer == Answer::NotYet {
            awaited.get_or_insert_with(|| hook.name.clone());
        }
    }
    if answer == Answer::NotYet {
        let group = turn.group.name.clone();
        progress.asked.get_or_insert(Asked { group, wave, hook: awaited, again_at: round.again_at });
    }
    rollout.hooks = Some(round);
    answer
}

impl Turn<'_> {
    /// How a hook ended that said no, as far as its job is still there.
    pub(super) fn how_hook_ended(&self, rollout: &Rollout, hook: &str) -> String {
        let run = rollout.hooks.as_ref().map(|round| run_of(&[&rollout.group, &rollout.id, hook], round));
        match run.and_then(|run| self.facts.observed.hook_runs.get(&run)) {
            Some(HookRun::Failed(how)) => how.clone(),
            Some(HookRun::Running | HookRun::Passed | HookRun::AskAgain) | None => "said no".to_owned(),
        }
    }
}

/// Sixteen hexadecimal digits that are the same for the same time of asking.
fn run_of(names: &[&str], round: &HookRound) -> String {
    let identity = format!("{}|{}|{}", names.join("|"), round.wave.place(), round.attempt);
    format!("{:016x}", first_eight_bytes_of(&identity))
}
