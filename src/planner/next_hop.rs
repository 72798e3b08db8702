//! The next hop: asks its gates, and begins it when all have passed, the last of them on facts gathered after the others.

use jiff::SignedDuration;

use super::aim::Aim;
use super::desired::AutoUpgradeSwitch;
use super::draft::Draft;
use super::facts::Facts;
use super::hooks::before;
use super::memory::Cleared;
use super::observed::Switch;
use super::standing::consume_adoption;
use super::step::Step;
use super::{backup, gates, hop, retarget, words};

/// Asks the gates of the next hop; begins it when all have passed.
pub(super) fn approach(facts: &Facts<'_>, draft: &mut Draft, unrefused: bool) {
    let Some((from, to)) = draft.aim.between() else {
        draft.memory.cleared = None;
        draft.memory.hop_hooks = None;
        if matches!(draft.aim, Aim::NoWay(_)) {
            let first = gates::of_a_hop(&draft.view(facts));
            draft.findings.add(first);
        }
        return;
    };
    let first = gates::of_a_hop(&draft.view(facts));
    let first_pass = unrefused && gates::all_pass(&first);
    turn_off_switch(facts, draft, unrefused && gates::nothing_refuses(&first));
    draft.findings.add(first);
    let is_cleared = draft.memory.cleared.as_ref().is_some_and(|cleared| {
        cleared.from == from && cleared.to == to && !is_listing_old(facts, draft, cleared)
    });
    match (first_pass, is_cleared) {
        (true, true) => {}
        // By the latest clock: a listing or a reading that is stamped by another must not pass for a later one.
        (true, false) => {
            draft.memory.cleared = Some(Cleared { from, to, at: facts.observed.witnesses.latest() });
        }
        (false, _) => {
            draft.memory.cleared = None;
            before::forget(draft);
        }
    }
    let last = gates::of_the_last_moment(&draft.view(facts));
    let all_pass = first_pass && gates::all_pass(&last);
    draft.findings.add(last);
    // A hop that a hook does not let begin needs no backup.
    if first_pass && before::ask_before(facts, draft) {
        backup::take(facts, draft);
    }
    if all_pass {
        begin(facts, draft);
    }
}

/// Begins the hop: the order to the authority is written. While that is not carried out, this is decided anew at every look.
fn begin(facts: &Facts<'_>, draft: &mut Draft) {
    let Some((mut hop, baseline)) = hop::begin(&draft.view(facts)) else { return };
    let view = draft.view(facts);
    let approval = gates::approval::of_servers(&view);
    hop.approved_by = approval.map(|order| order.uid.clone());
    hop.grounds.approved_by = approval.map(|order| words::bounded(order.by.clone()));
    if hop.adopted {
        consume_adoption(&mut draft.memory, facts.observed);
    }
    if !retarget::resume(draft, &mut hop) || draft.memory.baseline.is_none() {
        draft.memory.baseline = Some(baseline);
    }
    hop.name_jobs();
    draft.memory.done = None;
    draft.memory.hop = Some(hop);
    hop::advance(facts, draft, hop::Storage::GoesOn);
}

/// A list of devices is worth this much time: what is older is asked for again before the authority is ordered.
const LISTING_GOOD_FOR: SignedDuration = SignedDuration::from_hours(1);

/// Whether the list of devices that the gates were cleared with is too old by now. A person who was asked already is not
/// asked anew for it.
fn is_listing_old(facts: &Facts<'_>, draft: &Draft, cleared: &Cleared) -> bool {
    let is_asked = draft.set_aside.as_ref().is_some_and(hop::is_by_hand);
    !is_asked
        && facts.observed.devices.as_ref().is_some_and(|devices| {
            devices.began > cleared.at
                && facts.monotonic().duration_since(devices.finished) > LISTING_GOOD_FOR
        })
}

/// The switch is turned off only when nothing but the switch itself, time or a person holds the hop: never for an
/// object that may not act.
pub(super) fn turn_off_switch(facts: &Facts<'_>, draft: &mut Draft, unrefused: bool) {
    let is_on = facts.observed.settings.is_some_and(|settings| settings.device_auto_upgrade == Switch::On);
    let wanted = facts.desired.devices.auto_upgrade_switch == AutoUpgradeSwitch::TurnOff;
    let is_paused = facts.desired.paused.is_some() || draft.memory.paused.is_some();
    // What was read before it was turned off says nothing new.
    let read_at = facts.observed.settings.map(|settings| settings.read_at);
    let is_news = draft.memory.switch_off_at.is_none_or(|at| read_at.is_some_and(|read_at| read_at > at));
    if is_on && wanted && unrefused && !is_paused && is_news {
        draft.memory.switch_off_at = Some(facts.observed.witnesses.latest());
        draft.steps.push(Step::TurnOffDeviceAutoUpgrade);
    }
}
