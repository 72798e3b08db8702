//! The one page where everything is decided.

use jiff::{SignedDuration, Timestamp};

use super::aim::aim_of;
use super::claim::{Owner, owner};
use super::draft::Draft;
use super::facts::Facts;
use super::observed::{Access, Definition, Ending};
use super::order::Order;
use super::standing::{Standing, settle};
use super::{
    Decision, Desired, Memory, Observed, Telling, backup, baseline, catch, done, events, failing, files,
    finalizer, gates, hooks, hop, narrate, next_hop, orders, retarget, rollout, wants, way_out,
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
    if !memory.is_readable() || observed.definition == Definition::Drops {
        return narrate::nothing_to_remember_by(&facts, draft);
    }
    if is_blind(&facts) {
        // Nothing was read yet: nothing is decided, and what was said before stands.
        return Decision {
            memory: memory.clone(),
            events: Vec::new(),
            files: Vec::new(),
            telling: Telling::NothingRead,
            ..conclude(&facts, draft)
        };
    }
    // 1. Whose environment it is, how its versions stand, what people said, and what the servers are to do next.
    let owner = owner(observed, desired, memory);
    if owner == Owner::This {
        retarget::set_aside(&facts, &mut draft);
        draft.standing = settle(&facts, &mut draft.memory);
    }
    orders::take(&facts, &mut draft);
    hooks::retry::follow(&facts, &mut draft);
    backup::retry(&facts, &mut draft);
    (draft.aim, draft.findings.path) = aim_of(&facts, &draft.memory, &draft.standing);
    orders::refuse_strays(&facts, &mut draft);
    way_out::forget(&mut draft, desired);
    way_out::follow(&facts, &mut draft, &owner);
    // 2. What holds whatever the step.
    let everything = gates::of_everything(&draft.view(&facts));
    draft.findings.add(everything);
    if owner == Owner::This {
        decide_steps(&facts, &mut draft);
    }
    draft.findings.overview = narrate::overview(&draft.view(&facts), &draft.findings);
    if owner == Owner::This {
        done::note(&facts, &mut draft);
    }
    finalizer::hold(&facts, &mut draft);
    draft.findings.failing = failing::first(&facts, &draft);
    conclude(&facts, draft)
}

/// What is done in an environment that is this object's.
fn decide_steps(facts: &Facts<'_>, draft: &mut Draft) {
    let may_act =
        facts.observed.ending == Ending::No && !facts.desired.deleted && facts.desired.target.is_some();
    let unrefused = gates::all_pass(&draft.findings.gates);
    if may_act || draft.memory.hop.is_some() {
        files::follow(facts, draft);
    }
    if draft.memory.hop.is_some() {
        // 3. A hop in flight is finished before anything else; only what concerns its servers holds it.
        finish_hop(facts, draft);
    } else if may_act {
        backup::note(facts, draft);
        // 4. Otherwise the next hop, when all its gates have passed.
        next_hop::approach(facts, draft, unrefused);
    }
    if draft.set_aside.take().is_some() {
        // It did not begin anew: nothing was interrupted.
        draft.memory.baseline = None;
    }
    baseline::note(facts, draft);
    match (may_act, &draft.memory.hop) {
        (true, None) => {
            // 5. Devices follow, where servers rest.
            rollout::follow(facts, draft, unrefused);
            // 6. At rest no one can roll a server by accident, and what is looked after no more is anybody's again.
            catch::hold(facts, draft);
        }
        (false, None) => catch::give_back(facts, draft),
        (true | false, Some(_)) => {}
    }
}

/// Takes the hop in flight further, and ends it when all its servers are verified.
fn finish_hop(facts: &Facts<'_>, draft: &mut Draft) {
    if matches!(draft.standing, Standing::RestoredByHand { .. }) {
        // Whatever becomes of the hop, no server of it is left to roll by accident meanwhile.
        catch::hold(facts, draft);
        return;
    }
    let files = draft.memory.files.clone();
    let retries: Vec<&Order> = orders::open(facts.observed, &draft.memory).collect();
    if let Some(hop) = &mut draft.memory.hop {
        hop::unseen::note(facts, hop);
        hop::job::note(facts, hop);
        hop::lost::follow(facts, hop);
        let followed = hop::job::retry(facts, hop, retries.into_iter());
        hop::correction::follow(facts, &files, hop);
        for uid in followed {
            draft.memory.consume(uid);
        }
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
    Decision {
        steps: draft.steps,
        memory: draft.memory,
        report,
        events,
        wants,
        files: draft.files,
        wake_at,
        telling: Telling::Tell,
    }
}

/// For so long a new process may read nothing before that is news.
const SILENT_FOR: SignedDuration = SignedDuration::from_mins(5);

/// Whether a process that has just begun knows nothing but what is remembered. A restart is no event for people.
fn is_blind(facts: &Facts<'_>) -> bool {
    let is_new = facts.now.duration_since(facts.observed.watch.since) < SILENT_FOR;
    let has_read_nothing = facts.observed.access == Access::NotYet && facts.observed.servers.is_none();
    let has_known = facts.remembered.settled.is_some() || facts.remembered.hop.is_some();
    is_new && has_read_nothing && has_known
}
