//! The end of a hop: every server verified, its catch closed, and the hooks after it content; the wait of the new release begins.

use crate::fleet::Verification;
use crate::fleet::instants;
use crate::planner::desired::HookMoment;
use crate::planner::draft::Draft;
use crate::planner::facts::Facts;
use crate::planner::hooks::Answer;
use crate::planner::hooks::of_hops::{self, Question};
use crate::planner::memory::{Hop, HopHooks, Memory, Settled, Wait, WaitEvidence};

/// Ends the hop in flight if it is complete.
pub(in crate::planner) fn finish_if_complete(facts: &Facts<'_>, draft: &mut Draft) {
    let Some(hop) = draft.memory.hop.take() else { return };
    if is_complete(facts, &hop) && is_let_go(facts, draft, &hop) {
        finish(facts, &mut draft.memory, &hop);
    } else {
        draft.memory.hop = Some(hop);
    }
}

/// Whether the hooks after the hop say yes. Asking them is the last that is done in it.
fn is_let_go(facts: &Facts<'_>, draft: &mut Draft, hop: &Hop) -> bool {
    let Hop { from, to, started_at: since, .. } = *hop;
    let question = Question { when: HookMoment::AfterHop, from, to, server: None, since };
    let known = draft.memory.hop_hooks.take().filter(|known| (known.from, known.to) == (from, to));
    let mut hooks = known.unwrap_or(HopHooks::nothing_asked(from, to));
    hooks.put_off = 0;
    let answer = of_hops::put_about(facts, &question, &mut hooks, &mut draft.steps);
    draft.memory.hop_hooks = Some(hooks).filter(|hooks| !hooks.holds.is_empty());
    if let Some(progress) = &mut draft.findings.hop {
        progress.note(&question, answer.clone());
    }
    answer == Answer::Pass
}

/// Whether every server of the hop is verified, and nothing is left to do about it: nothing else would close its catch for
/// an object that is deleted, or only observes by then.
fn is_complete(facts: &Facts<'_>, hop: &Hop) -> bool {
    hop.servers
        .iter()
        .all(|entry| entry.verified_at.is_some() && entry.means.way().is_at_rest(facts.observed))
}

/// Ends a hop whose servers are all verified: the wait of the new release starts now.
fn finish(facts: &Facts<'_>, memory: &mut Memory, hop: &Hop) {
    let Facts { observed, situation, now, .. } = facts;
    let now = *now;
    let verified_at = hop.servers.iter().filter_map(|entry| entry.verified_at).max().unwrap_or(now);
    // Whichever clock is wrong: the wait must not seem to have begun before it did.
    let ahead = observed.witnesses.latest().duration_since(now);
    let started_at = instants::after(verified_at, ahead);
    // A server that joined meanwhile was never at this release: it is not measured by it.
    let verified = situation.own().filter(|server| {
        hop.servers.iter().any(|entry| entry.guid == server.guid)
            || server.verification(hop.to) == Verification::Verified
    });
    let resets = memory.wait.as_ref().map_or(0, |wait| wait.resets);
    let evidence = WaitEvidence::Completed;
    memory.settled = Some(Settled::new(hop.to, verified_at, verified.map(|server| &server.guid)));
    memory.wait =
        Some(Wait { release: hop.to, started_at, evidence, down_seconds: 0, down_since: None, resets });
    memory.high_water_mark = memory.high_water_mark.max(Some(hop.to));
    if let Some(baseline) = &mut memory.baseline {
        baseline.finished_at = Some(now);
    }
    memory.rollouts.clear();
    memory.cleared = None;
    memory.hop_hooks = None;
    memory.done = None;
    memory.hop = None;
}
