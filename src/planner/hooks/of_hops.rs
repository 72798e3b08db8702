//! Hooks about a hop and its servers: asked, and remembered while they are open.

use jiff::Timestamp;

use super::{Answer, Round, ask, run_of};
use crate::catalog::Version;
use crate::fleet::ServerName;
use crate::planner::desired::{Hook, HookMoment};
use crate::planner::facts::Facts;
use crate::planner::memory::{HookHold, HookRefusal, HopHooks};
use crate::planner::step::{Occasion, Step};

/// What hooks are asked about.
#[derive(Clone, Copy, Debug)]
pub(in crate::planner) struct Question<'a> {
    /// At which moment.
    pub when: HookMoment,
    /// From this release.
    pub from: Version,
    /// To this one.
    pub to: Version,
    /// The server, where it is about one.
    pub server: Option<&'a ServerName>,
    /// Which hop it is, of several between the same releases.
    pub since: Timestamp,
}

impl Question<'_> {
    /// What it is about, for the job.
    pub(in crate::planner) fn occasion(&self) -> Occasion {
        let Self { when, from, to, .. } = *self;
        match self.server {
            Some(server) => Occasion::Server { when, server: server.clone(), from, to },
            None => Occasion::Hop { when, from, to },
        }
    }

    fn run(&self, hook: &Hook, attempt: u32) -> String {
        let server = self.server.map_or("", |server| &server.0);
        let hop = format!("{}->{} {}", self.from, self.to, self.since);
        run_of(&[&hop, self.when.name(), server, &hook.name, &attempt.to_string()])
    }
}

/// Asks the hooks of a question. `hold` is what is remembered of it while it is open: nothing where all goes well.
pub(in crate::planner) fn put(
    facts: &Facts<'_>,
    question: &Question<'_>,
    hold: &mut Option<HookHold>,
    steps: &mut Vec<Step>,
) -> Answer {
    let known = hold.take().filter(|known| known.when == question.when);
    // Deleting an object kills no upgrade, and leaves none half-way for a job that went with it.
    let mut hooks = facts.desired.hooks_at(question.when).peekable();
    if facts.desired.deleted || hooks.peek().is_none() {
        return Answer::Pass;
    }
    if let Some(refusal) = known.as_ref().and_then(|known| refused_by(facts, known)) {
        let HookRefusal { hook, how, .. } = refusal.clone();
        *hold = known;
        return Answer::No { hook, how };
    }
    let (attempt, again_at) = known.map_or((0, None), |known| (known.attempt, known.again_at));
    let mut round = Round { attempt, again_at };
    let answer = ask(
        facts.observed,
        hooks,
        &mut round,
        |hook, attempt| question.run(hook, attempt),
        |hook, run| {
            let occasion = question.occasion();
            steps.push(Step::RunHook { hook: hook.name.clone(), template: hook.job.clone(), run, occasion });
        },
    );
    let refusal = match &answer {
        Answer::No { hook, how } => {
            let at = facts.observed.witnesses.operator;
            Some(HookRefusal { hook: hook.clone(), how: how.clone(), at })
        }
        Answer::Pass | Answer::NotYet(_) => None,
    };
    let Round { attempt, again_at } = round;
    let is_as_at_first = attempt == 0 && again_at.is_none() && refusal.is_none();
    *hold = (!is_as_at_first).then_some(HookHold { when: question.when, attempt, again_at, refusal });
    answer
}

/// The no that holds, as long as the spec has the hook.
pub(in crate::planner) fn refused_by<'a>(facts: &Facts<'_>, hold: &'a HookHold) -> Option<&'a HookRefusal> {
    let refusal = hold.refusal.as_ref()?;
    let is_asked = facts.desired.hooks_at(hold.when).any(|hook| hook.name == refusal.hook);
    (is_asked && !facts.desired.deleted).then_some(refusal)
}

/// Asks about a whole hop.
pub(in crate::planner) fn put_about(
    facts: &Facts<'_>,
    question: &Question<'_>,
    hooks: &mut HopHooks,
    steps: &mut Vec<Step>,
) -> Answer {
    let place = hooks.holds.iter().position(|hold| hold.when == question.when);
    let mut hold = place.map(|place| hooks.holds.remove(place));
    let mut answer = put(facts, question, &mut hold, steps);
    hooks.holds.extend(hold);
    if let Answer::NotYet(awaited) = &mut answer {
        awaited.asked_before = awaited.asked_before.saturating_add(hooks.put_off);
    }
    answer
}

impl HopHooks {
    /// Nobody was asked about a hop yet.
    pub(in crate::planner) fn nothing_asked(from: Version, to: Version) -> Self {
        Self { from, to, since: None, put_off: 0, holds: Vec::new() }
    }
}
