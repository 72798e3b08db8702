//! Hooks between waves: jobs that look at the devices that moved, and say whether the next wave may open.
//!
//! A hook that ends with 0 says yes, with 75 that it is to be asked again later, and with anything else no, which halts the group.

use super::progress::{Asked, Progress};
use super::turn::Turn;
use crate::fleet::Wave;
use crate::planner::desired::{Hook, HookMoment};
use crate::planner::hooks::{self, Answer, Round};
use crate::planner::memory::{HookRound, Rollout};
use crate::planner::observed::HookRun;
use crate::planner::step::{Occasion, Step};

/// Asks every hook before a wave, unless nothing was released before it.
pub(super) fn ask_hooks(
    turn: &Turn<'_>,
    rollout: &mut Rollout,
    wave: Wave,
    progress: &mut Progress,
) -> Answer {
    let mut hooks = turn.facts.desired.hooks_at(HookMoment::BetweenWaves).peekable();
    if hooks.peek().is_none() || (wave == Wave::FIRST && !turn.follows_another) {
        return Answer::Pass;
    }
    let known = rollout.hooks.take().filter(|round| round.wave == wave);
    let (attempt, again_at) = known.map_or((0, None), |round| (round.attempt, round.again_at));
    let mut round = Round { attempt, again_at };
    let group = &turn.group.name;
    let answer = hooks::ask(
        turn.facts.observed,
        hooks,
        &mut round,
        |hook, attempt| run_of(rollout, &hook.name, wave, attempt),
        |hook: &Hook, run| {
            let occasion = Occasion::Wave { group: group.clone(), wave, release: turn.release };
            let (hook, template) = (hook.name.clone(), hook.job.clone());
            progress.steps.push(Step::RunHook { hook, template, run, occasion });
        },
    );
    match &answer {
        Answer::Pass => {}
        Answer::NotYet(awaited) => {
            progress.asked.get_or_insert(Asked { group: group.clone(), wave, awaited: awaited.clone() });
        }
        Answer::No { hook, .. } => {
            rollout.halted_at = Some(turn.granted());
            rollout.halted_by_hook = Some(hook.clone());
        }
    }
    rollout.hooks = Some(HookRound { wave, attempt: round.attempt, again_at: round.again_at });
    answer
}

impl Turn<'_> {
    /// How a hook ended that said no, as far as its job is still there.
    pub(super) fn how_hook_ended(&self, rollout: &Rollout, hook: &str) -> String {
        let run = rollout.hooks.as_ref().map(|round| run_of(rollout, hook, round.wave, round.attempt));
        match run.and_then(|run| self.facts.observed.hook_runs.get(&run)) {
            Some(HookRun::Failed(how)) => how.clone(),
            Some(HookRun::Running | HookRun::Passed | HookRun::AskAgain) | None => "said no".to_owned(),
        }
    }
}

fn run_of(rollout: &Rollout, hook: &str, wave: Wave, attempt: u32) -> String {
    let (wave, attempt) = (wave.place().to_string(), attempt.to_string());
    hooks::run_of(&[&rollout.group, &rollout.id, hook, &wave, &attempt])
}
