//! The one page where everything is decided.

use jiff::{SignedDuration, Timestamp};

use super::desired::{AutoUpgradeSwitch, Backup, DeviceUpgrade};
use super::findings::Findings;
use super::gates::{self, Context};
use super::intent::{Intent, Travellers, intend};
use super::memory::{Cleared, Done, FORMAT_VERSION, PausedByOrder};
use super::observed::{Catch, Finalizer, Switch, WorkloadReading};
use super::order::{Action, PauseReach};
use super::report::{Gate, GateName, Verdict};
use super::rollout;
use super::settle::{Standing, consume_adoption, settle};
use super::situation::Situation;
use super::step::Step;
use super::{Decision, Desired, Memory, Observed, Wants, backups, events, hop, narrate};
use crate::catalog::Catalog;

/// Servers are listed this often in a hop.
const SERVERS_IN_A_HOP: SignedDuration = SignedDuration::from_secs(15);
/// Servers are listed this often otherwise.
const SERVERS_AT_REST: SignedDuration = SignedDuration::from_secs(60);
/// Devices are listed this often in a rollout.
const DEVICES_IN_A_ROLLOUT: SignedDuration = SignedDuration::from_mins(5);
/// Devices are listed this often otherwise.
const DEVICES_AT_REST: SignedDuration = SignedDuration::from_mins(30);

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
    let before = memory;
    let mut memory = memory.clone();
    let mut steps = Vec::new();
    let mut findings = Findings::default();
    let situation = Situation::read(observed, desired, now);
    if memory.format_version > FORMAT_VERSION {
        return narrate::unreadable_memory(observed, desired, catalog, before, &situation, now);
    }
    let trusted = is_trusted(observed, desired, &memory);
    let standing = match trusted {
        Trust::Ours => settle(&mut memory, observed, desired, &situation, now),
        Trust::NotOurs => Standing::Unsure,
    };
    let given = take_orders(&mut memory, observed, now);
    let travellers = Travellers::count(observed, desired);
    let (intent, path) = intend(&standing, observed, desired, catalog, &memory, &travellers);
    findings.path = path;

    let known = memory.clone();
    let context = Context {
        observed,
        desired,
        catalog,
        memory: &known,
        situation: &situation,
        standing: &standing,
        intent: &intent,
        travellers: &travellers,
        now,
    };

    // 1. What holds whatever the step.
    findings.gates = gates::of_everything(&context);
    let unrefused = gates::all_pass(&findings.gates);
    let may_act = !desired.deleted && desired.target.is_some();

    if trusted == Trust::Ours {
        if memory.hop.is_some() {
            // 2. A hop in flight is finished before anything else; only what concerns its servers holds it.
            finish_hop(&context, &mut memory, &mut steps, &mut findings, given);
        } else if may_act {
            // 3. Otherwise the next hop, when all its gates have passed.
            next_hop(&context, &mut memory, &mut steps, &mut findings, unrefused);
        }
        backups::note(&context, &mut memory);
        // 4. Devices follow, where servers rest.
        if may_act && memory.hop.is_none() {
            let known = memory.clone();
            let context = Context { memory: &known, ..context };
            follow_devices(&context, &mut memory, &mut steps, &mut findings, unrefused);
        }
        findings.overview = narrate::overview(&Context { memory: &memory, ..context }, &findings);
        note_done(&mut memory, desired, &findings, observed);
        // 5. At rest no one can roll a server by accident.
        if may_act && unrefused && memory.hop.is_none() {
            hold_catches(observed, &situation, desired, &mut steps);
        }
    } else {
        findings.overview = narrate::overview(&context, &findings);
    }
    hold_finalizer(observed, &memory, &mut steps);
    let wants = wants(&context, &memory, &findings);
    let context = Context { memory: &memory, ..context };
    let report = narrate::report(&context, &findings);
    let wake_at = wake_at(&context, &findings, &report);
    let events = events::since(before, &memory);
    let flags_over = findings.rollout.map_or_else(Vec::new, |rollout| rollout.over);
    Decision { steps, memory, report, events, wants, wake_at, flags_over }
}

/// Takes the hop in flight further, and ends it when all its servers are verified.
fn finish_hop(
    context: &Context<'_>,
    memory: &mut Memory,
    steps: &mut Vec<Step>,
    findings: &mut Findings,
    given: Given,
) {
    if matches!(context.standing, Standing::RestoredByHand { .. }) {
        return;
    }
    let Some(mut hop) = memory.hop.take() else { return };
    let is_unwanted = given == Given::Abandon || hop::is_unwanted(&hop, context.desired);
    if is_unwanted && hop::is_asked_in_vain(&hop, context.observed) {
        memory.baseline = None;
        return;
    }
    if context.situation.fresh {
        hop::note_lost(&mut hop, context.observed, context.desired);
    }
    let held_now = memory.paused.as_ref().is_some_and(|paused| paused.now);
    let progress = hop::advance(&mut hop, context.observed, context.situation, held_now, context.now);
    steps.extend(progress.steps.iter().cloned());
    findings.hop = Some(progress);
    if hop::is_complete(&hop, context.observed) {
        hop::finish(memory, &hop, context.observed, context.situation, context.now);
    } else {
        memory.hop = Some(hop);
    }
}

/// Whether what is observed is about the environment of this object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trust {
    Ours,
    NotOurs,
}

fn is_trusted(observed: &Observed, desired: &Desired, memory: &Memory) -> Trust {
    let pinned = desired.authority.guid.as_ref().or(memory.authority_guid.as_ref());
    let is_other = match (pinned, &observed.authority) {
        (Some(pinned), Some(found)) => *pinned != found.guid,
        _ => false,
    };
    let claimed_by_another = matches!(observed.claim, super::observed::Claim::HeldBy(_));
    if is_other || claimed_by_another { Trust::NotOurs } else { Trust::Ours }
}

/// Whether an order gives up a hop that has not begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Given {
    Nothing,
    Abandon,
}

/// Pauses and resumes; the latest order counts.
fn take_orders(memory: &mut Memory, observed: &Observed, now: Timestamp) -> Given {
    let mut given = Given::Nothing;
    for order in &observed.orders {
        if memory.consumed_orders.contains(&order.uid) || !order.is_alive(now) {
            continue;
        }
        match &order.action {
            Action::Pause(reach) => {
                let since = order.given_at;
                memory.paused =
                    Some(PausedByOrder { order: order.name.clone(), since, now: *reach == PauseReach::Now });
            }
            Action::Resume => memory.paused = None,
            Action::Abandon => {
                memory.cleared = None;
                given = Given::Abandon;
            }
            Action::Approve(_) | Action::Retry(_) | Action::Adopt => continue,
        }
        memory.consume(order.uid.clone());
    }
    given
}

/// Asks the gates of the next hop; begins it when all have passed, the last of them on facts gathered after.
fn next_hop(
    context: &Context<'_>,
    memory: &mut Memory,
    steps: &mut Vec<Step>,
    findings: &mut Findings,
    unrefused: bool,
) {
    let Some((from, to)) = context.intent.between() else {
        memory.cleared = None;
        if matches!(context.intent, Intent::NoWay(_)) {
            findings.gates.extend(gates::of_a_hop(context));
        }
        return;
    };
    let first = gates::of_a_hop(context);
    let first_pass = unrefused && gates::all_pass(&first);
    turn_off_switch(context, steps, unrefused && nothing_refuses(&first));
    findings.gates.extend(first);
    let cleared = memory.cleared.as_ref().filter(|cleared| cleared.from == from && cleared.to == to);
    match (first_pass, cleared) {
        (true, Some(_)) => {}
        (true, None) => memory.cleared = Some(Cleared { from, to, at: context.now }),
        (false, _) => memory.cleared = None,
    }
    let known = memory.clone();
    let context = Context { memory: &known, ..*context };
    let last = gates::of_the_last_moment(&context);
    let all_pass = first_pass && gates::all_pass(&last);
    findings.gates.extend(last);
    if first_pass {
        take_backup(&context, memory, steps, findings);
    }
    if !all_pass {
        return;
    }
    let Some((mut hop, baseline)) = hop::begin(&context) else { return };
    if let Some(order) = gates::approval::of_servers(&context) {
        memory.consume(order.uid.clone());
    }
    if hop.adopted {
        consume_adoption(memory, context.observed);
    }
    memory.baseline = Some(baseline);
    memory.cleared = None;
    memory.done = None;
    let progress = hop::advance(&mut hop, context.observed, context.situation, false, context.now);
    steps.extend(progress.steps.iter().cloned());
    findings.hop = Some(progress);
    memory.hop = Some(hop);
}

/// The switch is turned off only when nothing but the switch itself, time or a person holds the hop: never for an
/// object that may not act.
fn turn_off_switch(context: &Context<'_>, steps: &mut Vec<Step>, unrefused: bool) {
    let is_on = context.observed.settings.is_some_and(|settings| settings.device_auto_upgrade == Switch::On);
    let wanted = context.desired.devices.auto_upgrade_switch == AutoUpgradeSwitch::TurnOff;
    if is_on && wanted && unrefused && context.desired.paused.is_none() && context.memory.paused.is_none() {
        steps.push(Step::TurnOffDeviceAutoUpgrade);
    }
}

/// Whether time or a person alone holds these gates, the switch itself aside.
fn nothing_refuses(gates: &[Gate]) -> bool {
    gates.iter().filter(|gate| gate.name != GateName::AutoUpgradeSwitch).all(|gate| match gate.verdict {
        Verdict::Pass | Verdict::Hold { .. } => true,
        Verdict::Unknown { .. } | Verdict::Refuse { .. } => false,
    })
}

/// The backup before the hop is made when every other gate has passed.
fn take_backup(context: &Context<'_>, memory: &Memory, steps: &mut Vec<Step>, findings: &Findings) {
    let (Backup::VolumeSnapshot { class, .. }, Some(cleared)) = (&context.desired.backup, &memory.cleared)
    else {
        return;
    };
    let awaited = findings.gates.iter().any(|gate| gate.name == GateName::Backup && !gate.verdict.passes());
    let workload = context.desired.authority.method.as_ref().and_then(super::desired::Method::workload);
    let (Some(workload), true) = (workload, awaited) else { return };
    if context.observed.backup.in_progress.is_none() {
        let name = format!("before-{}-{}", cleared.to, cleared.at.as_second()).replace('.', "-");
        steps.push(Step::TakeBackup { name, workload, class: class.clone() });
    }
}

/// Devices follow to what the settled release bundles: at the target, or where the next release refuses them.
fn follow_devices(
    context: &Context<'_>,
    memory: &mut Memory,
    steps: &mut Vec<Step>,
    findings: &mut Findings,
    unrefused: bool,
) {
    let (Some(settled), Some(devices)) = (memory.settled.clone(), &context.observed.devices) else { return };
    let is_wanted = context.desired.devices.upgrade != DeviceUpgrade::None
        && match context.intent {
            Intent::Nothing => context.desired.target == Some(settled.release),
            Intent::Hop(leg) => leg.rollout_first,
            Intent::Adopt { .. } | Intent::NoWay(_) | Intent::Undecided => false,
        };
    if !is_wanted {
        // A retarget ends a rollout at once; what was released stays done.
        if context.desired.target != Some(settled.release) {
            memory.rollouts.clear();
        }
        return;
    }
    let matched = devices.matched_by == context.desired.devices.groups_digest();
    if devices.ranked_for != Some(settled.release) || !matched {
        return;
    }
    let gates = gates::of_a_rollout(context);
    let may_release = unrefused && gates::all_pass(&gates);
    let is_fresh = context.now.duration_since(devices.finished) <= rollout::ONLINE_WITHIN;
    findings.rollout_gates = gates;
    if !gates::facts::check_devices(context).passes() {
        // A list that cannot be the whole one completes nothing.
        return;
    }
    let progress = rollout::advance(context, memory, devices, settled.release, may_release && is_fresh);
    steps.extend(progress.steps.iter().cloned());
    findings.rollout = Some(progress);
}

/// Remembers when everything wanted was first done; it stays so until the target changes.
fn note_done(memory: &mut Memory, desired: &Desired, findings: &Findings, observed: &Observed) {
    let at_target = memory.hop.is_none()
        && desired.target.is_some()
        && memory.settled.as_ref().map(|settled| settled.release) == desired.target;
    if !at_target {
        memory.done = None;
        return;
    }
    let (Some(release), None) = (desired.target, &memory.done) else { return };
    let devices_done = match desired.devices.upgrade {
        DeviceUpgrade::None => true,
        DeviceUpgrade::Bundled | DeviceUpgrade::ServerOffered => narrate::devices_are_done(findings),
    };
    let backups_back = memory.baseline.as_ref().is_none_or(|baseline| baseline.back_at.is_some());
    if devices_done && backups_back {
        memory.done = Some(Done { release, at: observed.witnesses.operator });
    }
}

/// Closes the catch of every workload that the spec names and no hop owns.
fn hold_catches(observed: &Observed, situation: &Situation<'_>, desired: &Desired, steps: &mut Vec<Step>) {
    let authority = situation.authority.zip(desired.authority.method.as_ref());
    let storage = situation.storage.iter().filter_map(|storage| Some((storage.server, storage.method?)));
    for (server, method) in authority.into_iter().chain(storage) {
        let Some(workload) = method.workload() else { continue };
        if let Some(WorkloadReading::Read(facts)) = observed.workloads.get(&workload)
            && facts.catch == Catch::Open
            && facts.misfits.is_empty()
            && !steps
                .iter()
                .any(|step| matches!(step, Step::HoldCatch { workload: held, .. } if *held == workload))
        {
            steps.push(Step::HoldCatch { server: server.name.clone(), workload });
        }
    }
}

/// The object must outlive server steps in flight.
fn hold_finalizer(observed: &Observed, memory: &Memory, steps: &mut Vec<Step>) {
    match (&memory.hop, observed.finalizer) {
        // Before the order itself: the finalizer is the first effect.
        (Some(_), Finalizer::Absent) => steps.insert(0, Step::HoldFinalizer),
        // After everything else: the catch is closed before the object may go.
        (None, Finalizer::Present) => steps.push(Step::ReleaseFinalizer),
        (Some(_), Finalizer::Present) | (None, Finalizer::Absent) => {}
    }
}

fn wants(context: &Context<'_>, memory: &Memory, findings: &Findings) -> Wants {
    let settled = memory.settled.as_ref().filter(|_| context.desired.target.is_some());
    let rank_for = settled.map(|settled| settled.release);
    let rolling = findings
        .rollout
        .as_ref()
        .is_some_and(|rollout| !rollout.complete || rollout.groups.iter().any(|group| group.in_flight > 0));
    // A listing made for another release or other groups says nothing about these.
    let is_for_these = context.observed.devices.as_ref().is_some_and(|devices| {
        devices.ranked_for == rank_for && devices.matched_by == context.desired.devices.groups_digest()
    });
    // What does not add up is read again soon.
    let odd = context.observed.devices.as_ref().is_some_and(|devices| devices.oddities.unaccounted() > 0)
        || !gates::facts::check_devices(context).passes();
    let is_sure = memory.settled.is_some() && memory.hop.is_none();
    Wants {
        servers_every: if is_sure { SERVERS_AT_REST } else { SERVERS_IN_A_HOP },
        devices_every: if rolling || odd { DEVICES_IN_A_ROLLOUT } else { DEVICES_AT_REST },
        devices_since: match &memory.cleared {
            Some(cleared) => Some(gates::compatibility::listing_since(context, cleared)),
            None if is_for_these => None,
            None => Some(context.now),
        },
        rank_for,
    }
}

fn wake_at(context: &Context<'_>, findings: &Findings, report: &super::Report) -> Option<Timestamp> {
    let gates = findings.gates.iter().chain(&findings.rollout_gates);
    let holds = gates.filter_map(|gate| match &gate.verdict {
        Verdict::Hold { until, .. } => *until,
        Verdict::Unknown { since, .. } => {
            since.and_then(|since| since.saturating_add(narrate::UNKNOWN_STALLS_AFTER).ok())
        }
        Verdict::Pass | Verdict::Refuse { .. } => None,
    });
    let parts = [
        findings.hop.as_ref().and_then(|hop| hop.wake_at),
        findings.rollout.as_ref().and_then(|rollout| rollout.wake_at),
        report.until,
    ];
    holds.chain(parts.into_iter().flatten()).filter(|at| *at > context.now).min()
}
