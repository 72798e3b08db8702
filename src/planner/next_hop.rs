//! The next hop: asks its gates, and begins it when all have passed, the last of them on facts gathered after the others.

use super::desired::AutoUpgradeSwitch;
use super::draft::Draft;
use super::facts::Facts;
use super::intent::Intent;
use super::memory::Cleared;
use super::observed::Switch;
use super::report::{Gate, GateName, Verdict};
use super::settle::consume_adoption;
use super::step::Step;
use super::{backup, gates, hop};

/// Asks the gates of the next hop; begins it when all have passed.
pub(super) fn approach(facts: &Facts<'_>, draft: &mut Draft) {
    let Some((from, to)) = draft.intent.between() else {
        draft.memory.cleared = None;
        if matches!(draft.intent, Intent::NoWay(_)) {
            let first = gates::of_a_hop(&draft.view(facts));
            draft.findings.gates.extend(first);
        }
        return;
    };
    let unrefused = gates::all_pass(&draft.findings.gates);
    let first = gates::of_a_hop(&draft.view(facts));
    let first_pass = unrefused && gates::all_pass(&first);
    turn_off_switch(facts, draft, unrefused && nothing_refuses(&first));
    draft.findings.gates.extend(first);
    let is_cleared =
        draft.memory.cleared.as_ref().is_some_and(|cleared| cleared.from == from && cleared.to == to);
    match (first_pass, is_cleared) {
        (true, true) => {}
        (true, false) => draft.memory.cleared = Some(Cleared { from, to, at: facts.now }),
        (false, _) => draft.memory.cleared = None,
    }
    let last = gates::of_the_last_moment(&draft.view(facts));
    let all_pass = first_pass && gates::all_pass(&last);
    draft.findings.gates.extend(last);
    if first_pass {
        backup::take(facts, draft);
    }
    if all_pass {
        begin(facts, draft);
    }
}

/// Begins the hop: the order to the authority is written.
fn begin(facts: &Facts<'_>, draft: &mut Draft) {
    let Some((hop, baseline)) = hop::begin(&draft.view(facts)) else { return };
    let approval = gates::approval::of_servers(&draft.view(facts)).map(|order| order.uid.clone());
    if let Some(uid) = approval {
        draft.memory.consume(uid);
    }
    if hop.adopted {
        consume_adoption(&mut draft.memory, facts.observed);
    }
    draft.memory.baseline = Some(baseline);
    draft.memory.cleared = None;
    draft.memory.done = None;
    draft.memory.hop = Some(hop);
    hop::advance(facts, draft, hop::Storage::GoesOn);
}

/// The switch is turned off only when nothing but the switch itself, time or a person holds the hop: never for an
/// object that may not act.
fn turn_off_switch(facts: &Facts<'_>, draft: &mut Draft, unrefused: bool) {
    let is_on = facts.observed.settings.is_some_and(|settings| settings.device_auto_upgrade == Switch::On);
    let wanted = facts.desired.devices.auto_upgrade_switch == AutoUpgradeSwitch::TurnOff;
    let is_paused = facts.desired.paused.is_some() || draft.memory.paused.is_some();
    if is_on && wanted && unrefused && !is_paused {
        draft.steps.push(Step::TurnOffDeviceAutoUpgrade);
    }
}

/// Whether time or a person alone holds these gates, the switch itself aside.
fn nothing_refuses(gates: &[Gate]) -> bool {
    gates.iter().filter(|gate| gate.name != GateName::AutoUpgradeSwitch).all(|gate| match gate.verdict {
        Verdict::Pass | Verdict::Hold { .. } => true,
        Verdict::Unknown { .. } | Verdict::Refuse { .. } => false,
    })
}
