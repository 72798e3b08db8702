//! Hooks before the next hop, and before its authority: checks of the last moment.

use super::Answer;
use super::of_hops::{Question, put_about};
use crate::planner::aim::Aim;
use crate::planner::desired::HookMoment;
use crate::planner::draft::{Draft, View};
use crate::planner::facts::Facts;
use crate::planner::gates::backup;
use crate::planner::memory::HopHooks;
use crate::planner::step::Step;

/// What the hooks before the next hop and its authority say.
pub(in crate::planner) fn before_the_hop(view: &View<'_>) -> Answer {
    let mut known = view.memory.hop_hooks.clone();
    put_before(view, &mut known, &mut Vec::new()).1
}

/// Asks the hooks before the next hop, and when those have said yes and the backup is there, those before its authority. Says whether
/// the first of them hold it no more.
pub(in crate::planner) fn ask_before(facts: &Facts<'_>, draft: &mut Draft) -> bool {
    let mut known = draft.memory.hop_hooks.take();
    let mut steps = Vec::new();
    let (moment, answer) = put_before(&draft.view(facts), &mut known, &mut steps);
    draft.memory.hop_hooks = known;
    draft.steps.extend(steps);
    moment != HookMoment::BeforeHop || answer == Answer::Pass
}

/// The moment up to which hooks were asked, and what they say then.
fn put_before(view: &View<'_>, known: &mut Option<HopHooks>, steps: &mut Vec<Step>) -> (HookMoment, Answer) {
    let before = known.take();
    let (Aim::Hop(leg), Some(cleared)) = (view.aim, &view.memory.cleared) else {
        return (HookMoment::BeforeHop, Answer::Pass);
    };
    let is_asked = [HookMoment::BeforeHop, HookMoment::BeforeServer]
        .into_iter()
        .any(|when| view.desired.hooks_at(when).next().is_some());
    if !is_asked {
        return (HookMoment::BeforeHop, Answer::Pass);
    }
    let (from, to) = (leg.from, leg.to);
    // They are asked once for each time that all other checks have passed, whatever is listed anew meanwhile.
    let is_this = |hooks: &HopHooks| (hooks.from, hooks.to) == (from, to);
    let hooks = known.insert(before.filter(is_this).unwrap_or(HopHooks::nothing_asked(from, to)));
    let since = *hooks.since.get_or_insert(cleared.at);
    let question = Question { when: HookMoment::BeforeHop, from, to, server: None, since };
    let answer = put_about(view.facts, &question, hooks, steps);
    if answer != Answer::Pass || !backup::check(view).passes() {
        return (question.when, answer);
    }
    let server = view.situation.authority.map(|authority| &authority.name);
    let question = Question { when: HookMoment::BeforeServer, server, ..question };
    (question.when, put_about(view.facts, &question, hooks, steps))
}

/// Forgets that hooks let a hop begin which something else holds by now: they are asked anew. A no stays, and how often they put
/// it off.
pub(in crate::planner) fn forget(draft: &mut Draft) {
    let Some(hooks) = draft.memory.hop_hooks.take() else { return };
    let is_no = hooks.holds.iter().any(|hold| hold.refusal.is_some());
    if is_no {
        draft.memory.hop_hooks = Some(hooks);
        return;
    }
    let times = hooks.holds.iter().map(|hold| hold.attempt).max().unwrap_or(0);
    let put_off = hooks.put_off.saturating_add(times);
    let asked_anew = HopHooks { put_off, ..HopHooks::nothing_asked(hooks.from, hooks.to) };
    draft.memory.hop_hooks = Some(asked_anew).filter(|hooks| hooks.put_off > 0);
}
