//! The one page where everything is decided.

use jiff::Timestamp;

use super::claim::{Owner, owner};
use super::draft::Draft;
use super::facts::Facts;
use super::intent::intend;
use super::memory::FORMAT_VERSION;
use super::orders::Given;
use super::settle::{Standing, settle};
use super::{
    Decision, Desired, Memory, Observed, baseline, catch, done, events, finalizer, gates, hop, narrate,
    next_hop, orders, retarget, rollout, wants,
};
use crate::catalog::Catalog;

/// Decides what to do next.
///
/// Total and deterministic: the same arguments give the same decision, and deciding again on the memory it returns
/// with nothing changed gives the same steps and no further change of memory.
pub fn decide(
    observed: &Observed,
    desired: &Desired,
    catalog: &Catalog,
    memory: &Memory,
    now: Timestamp,
) -> Decision {
    let facts = Facts::gather(observed, desired, catalog, memory, now);
    let mut draft = Draft::begin(memory);
    if memory.format_version > FORMAT_VERSION {
        return narrate::unreadable_memory(&facts, draft);
    }
    // 1. Whose environment it is, how its versions stand, what people said, and what the servers are to do next.
    let is_ours = owner(observed, desired, memory) == Owner::This;
    if is_ours {
        draft.standing = settle(&facts, &mut draft.memory);
    }
    let given = orders::take(&facts, &mut draft);
    (draft.intent, draft.findings.path) = intend(&facts, &draft);
    // 2. What holds whatever the step.
    draft.findings.gates = gates::of_everything(&draft.view(&facts));
    if is_ours {
        decide_steps(&facts, &mut draft, given);
    }
    draft.findings.overview = narrate::overview(&draft.view(&facts), &draft.findings);
    if is_ours {
        done::note(&facts, &mut draft);
    }
    finalizer::hold(&facts, &mut draft);
    conclude(&facts, draft)
}

/// What is done in an environment that is this object's.
fn decide_steps(facts: &Facts<'_>, draft: &mut Draft, given: Given) {
    let may_act = !facts.desired.deleted && facts.desired.target.is_some();
    let unrefused = gates::all_pass(&draft.findings.gates);
    if draft.memory.hop.is_some() {
        // 3. A hop in flight is finished before anything else; only what concerns its servers holds it.
        finish_hop(facts, draft, given);
    } else if may_act {
        // 4. Otherwise the next hop, when all its gates have passed.
        next_hop::approach(facts, draft);
    }
    baseline::note(facts, draft);
    if may_act && draft.memory.hop.is_none() {
        // 5. Devices follow, where servers rest.
        rollout::follow(facts, draft, unrefused);
        // 6. At rest no one can roll a server by accident.
        if unrefused {
            catch::hold(facts, draft);
        }
    }
}

/// Takes the hop in flight further, and ends it when all its servers are verified.
fn finish_hop(facts: &Facts<'_>, draft: &mut Draft, given: Given) {
    if matches!(draft.standing, Standing::RestoredByHand { .. }) {
        return;
    }
    retarget::end_hop(facts, draft, given);
    if let Some(hop) = &mut draft.memory.hop {
        hop::lost::follow(facts, hop);
    }
    let held_now = draft.memory.paused.as_ref().is_some_and(|paused| paused.now);
    hop::advance(facts, draft, if held_now { hop::Storage::IsHeld } else { hop::Storage::GoesOn });
    hop::finish_if_complete(facts, draft);
}

/// The decision that the draft has become, with everything that is said of it.
fn conclude(facts: &Facts<'_>, draft: Draft) -> Decision {
    let wants = wants::wants(facts, &draft);
    let report = narrate::report(&draft.view(facts), &draft.findings);
    let wake_at = wants::wake_at(facts, &draft, &report);
    let events = events::since(facts.remembered, &draft.memory);
    let flags_over = draft.findings.rollout.map_or_else(Vec::new, |rollout| rollout.over);
    Decision { steps: draft.steps, memory: draft.memory, report, events, wants, wake_at, flags_over }
}
