//! ARCHITECTURE.md, rule 1: every hop has a way out. What ends one before its point of no return, and what lets go of one
//! that cannot end by itself.

use super::Desired;
use super::claim::Owner;
use super::draft::Draft;
use super::facts::Facts;
use super::hop::{self, Trouble};
use super::memory::{GivenUp, Hop};
use super::narrate::headline::UNKNOWN_STALLS_AFTER;
use super::observed::{Access, Ending};
use super::order::{Action, Order};
use super::orders;
use super::standing::adopting_order;
use crate::catalog::Version;

/// Follows orders to abandon, each with an answer, and lets go of a hop of which nothing can be reached any more.
pub(super) fn follow(facts: &Facts<'_>, draft: &mut Draft, owner: &Owner) {
    let abandoning: Vec<&Order> =
        orders::open(facts.observed, &draft.memory).filter(|order| order.action == Action::Abandon).collect();
    for order in abandoning {
        abandon(facts, draft, owner, order);
    }
    let is_taken_back =
        |hop: &Hop| matches!(hop::first_trouble(facts, hop), Some(Trouble::ImageTakenBack(..)));
    if draft.memory.hop.as_ref().is_some_and(is_taken_back)
        && let Some(uid) = adopting_order(&draft.memory, facts.observed).map(str::to_owned)
    {
        // What a person has put back is the new beginning.
        draft.memory.consume(uid);
        give_up(draft);
    }
    let goes = facts.observed.ending == Ending::WithItsNamespace;
    let is_gone = |hop: &Hop| goes || (facts.desired.deleted && hop::is_gone(facts, hop));
    if draft.memory.hop.as_ref().is_some_and(is_gone) {
        give_up(draft);
    }
}

/// Does what the order says, or refuses it with the reason.
fn abandon(facts: &Facts<'_>, draft: &mut Draft, owner: &Owner, order: &Order) {
    let next = draft.set_aside.as_ref().map(|hop| (hop.from, hop.to)).or(draft.aim.between());
    match given_up_by_order(facts, draft.memory.hop.as_ref(), next, owner) {
        Ok((from, to)) => {
            let at = Some(order.given_at);
            draft.memory.given_up = Some(GivenUp { from, to, order: order.name.clone(), at });
            draft.memory.consume(order.uid.clone());
            give_up(draft);
        }
        Err(why) => draft.memory.refuse(order.uid.clone(), why),
    }
}

/// The hop that an order to abandon gives up: one that has begun and cannot end by itself, or the next.
///
/// # Errors
/// Why there is nothing to give up, as a sentence.
pub(super) fn given_up_by_order(
    facts: &Facts<'_>,
    begun: Option<&Hop>,
    next: Option<(Version, Version)>,
    owner: &Owner,
) -> Result<(Version, Version), String> {
    match (begun, next) {
        (Some(hop), _) if cannot_end(facts, hop, owner) => Ok((hop.from, hop.to)),
        (Some(hop), _) => Err(format!(
            "the authority is past its point of no return to {}: the hop is finished first; order Pause with now to hold storage",
            hop.to
        )),
        (None, Some(next)) => Ok(next),
        (None, None) => Err("no hop is in flight or due: there is nothing to give up".to_owned()),
    }
}

/// Ends the hop where it is: what its servers are at then is read from their answers.
fn give_up(draft: &mut Draft) {
    draft.memory.hop = None;
    draft.set_aside = None;
    draft.memory.cleared = None;
    draft.memory.hop_hooks = None;
    draft.memory.baseline = None;
}

/// Whether a hop does not end by itself: something is wrong with it, or with what it is about.
fn cannot_end(facts: &Facts<'_>, hop: &Hop, owner: &Owner) -> bool {
    let access = &facts.observed.access;
    let is_out_of_sight = match access.silent_since() {
        Some(since) => facts.monotonic().duration_since(since) >= UNKNOWN_STALLS_AFTER,
        None => matches!(access, Access::Failed { .. }),
    };
    *owner != Owner::This
        || is_out_of_sight
        || facts.remembered.restored.is_some()
        || hop::first_trouble(facts, hop).is_some()
}

/// Forgets that a hop was given up once something else is wanted.
pub(super) fn forget(draft: &mut Draft, desired: &Desired) {
    let is_wanted_still = |given_up: &GivenUp| desired.target.is_some_and(|target| target >= given_up.to);
    if draft.memory.given_up.as_ref().is_some_and(|given_up| !is_wanted_still(given_up)) {
        draft.memory.given_up = None;
    }
}
