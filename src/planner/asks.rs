//! What a person may usefully order now: exactly what the planner would follow, and that changes something.
//!
//! First what answers that which holds, then what is merely possible. Whether an order is followed is said where it is followed; every
//! story gives each of these orders to a copy of its object and sees what comes of it.

use super::aim::Aim;
use super::claim::owner;
use super::desired::Backup;
use super::draft::View;
use super::findings::Findings;
use super::hop::{self, Trouble, job};
use super::memory::{Hop, HopServer};
use super::observed::{Definition, Ending};
use super::order::{Action, PauseReach, Subject};
use super::reason::Reason;
use super::report::{Ask, GateName, GroupReport, GroupState, Health, Phase};
use super::standing::{Standing, is_seen_restored};
use super::{backup_facts, way_out, words};
use crate::fleet::Wave;

/// Most orders that are named: what a person can choose among.
const MOST: usize = 8;

/// The orders that are useful now, those that answer a hold first.
pub(super) fn list(view: &View<'_>, findings: &Findings, phase: Phase) -> Vec<Ask> {
    let observed = view.observed;
    let hears_nobody = !view.memory.is_readable() || observed.definition == Definition::Drops;
    if hears_nobody || observed.ending == Ending::WithItsNamespace {
        return Vec::new();
    }
    let mut asks = Asks(Vec::new());
    resume(view, &mut asks);
    approve(view, findings, &mut asks);
    groups(findings, &mut asks);
    try_again(view, findings, &mut asks);
    adopt(view, findings, &mut asks);
    abandon(view, &mut asks);
    pause(view, phase, &mut asks);
    asks.0.truncate(MOST);
    asks.0
}

/// The orders found so far, each once.
struct Asks(Vec<Ask>);

impl Asks {
    fn add(&mut self, action: Action, text: impl Into<String>) {
        if self.0.iter().all(|ask| ask.action != action) {
            self.0.push(Ask { action, text: words::bounded(text.into()) });
        }
    }
}

fn resume(view: &View<'_>, asks: &mut Asks) {
    if let Some(paused) = &view.memory.paused {
        asks.add(Action::Resume, format!("end the pause of order {}", paused.order));
    }
    if let (Some(given_up), Some(to)) = (&view.memory.given_up, view.to())
        && given_up.to == to
    {
        asks.add(Action::Retry(Subject::Anything), format!("try the hop to {to} again, which was given up"));
    }
}

/// Approvals that the spec asks for.
fn approve(view: &View<'_>, findings: &Findings, asks: &mut Asks) {
    let is_asked = |gates: &[super::report::Gate]| {
        gates.iter().any(|gate| {
            gate.name == GateName::Approval && gate.verdict.reason() == Some(Reason::ApprovalNeeded)
        })
    };
    if let (true, Some((from, to))) = (is_asked(&findings.gates), view.aim.between()) {
        let action = Action::Approve(Subject::Hop { from, to });
        asks.add(action, format!("let the servers go from {from} to {to}, once nothing else holds them"));
    }
    if let (true, Some(settled)) = (is_asked(&findings.rollout_gates), &view.memory.settled) {
        let release = settled.release;
        asks.add(
            Action::Approve(Subject::Devices { release }),
            format!("let the devices follow to {release}"),
        );
    }
}

/// Groups that do not go on by themselves.
fn groups(findings: &Findings, asks: &mut Asks) {
    for group in findings.rollout.iter().flat_map(|rollout| &rollout.groups) {
        let GroupReport { name, wave, state, .. } = group;
        let wave = wave.map_or(0, Wave::number);
        let subject = || Subject::Group(name.clone());
        match state {
            GroupState::Halted => {
                let text = format!("let group {name} go on: what halted it is mended, and is looked at anew");
                asks.add(Action::Retry(subject()), text);
            }
            GroupState::Overdue => {
                let text =
                    format!("take wave {wave} of group {name} as complete, and go on without the rest");
                asks.add(Action::Approve(subject()), text);
                asks.add(
                    Action::Retry(subject()),
                    format!("give wave {wave} of group {name} another 7 days"),
                );
            }
            GroupState::Stuck => {
                let text = format!("begin wave {wave} of group {name} again, with others first");
                asks.add(Action::Retry(subject()), text);
            }
            GroupState::Waiting
            | GroupState::Releasing
            | GroupState::Pausing
            | GroupState::Asking
            | GroupState::Complete
            | GroupState::Held => {}
        }
    }
}

/// What failed, and is tried again only when somebody says so.
fn try_again(view: &View<'_>, findings: &Findings, asks: &mut Asks) {
    let hooks = view.memory.hop_hooks.as_ref();
    let refused = hooks.and_then(|hooks| hooks.holds.iter().find_map(|hold| hold.refusal.as_ref()));
    if let (Some(hooks), Some(refusal)) = (hooks, refused) {
        let subject = Subject::Hop { from: hooks.from, to: hooks.to };
        asks.add(Action::Retry(subject), format!("ask hook {} again, which said no", refusal.hook));
    }
    let makes_backups = match view.desired.backup {
        Backup::Hook { .. } | Backup::VolumeSnapshot { .. } => view.memory.backup.is_some(),
        Backup::None { .. } | Backup::Unstated => false,
    };
    if let (true, Some((from, to))) = (makes_backups, view.aim.between())
        && backup_facts::known(view.facts, view.memory).failure.is_some()
    {
        asks.add(Action::Retry(Subject::Hop { from, to }), "make the backup again, which failed");
    }
    for entry in view.memory.hop.iter().flat_map(|hop| &hop.servers) {
        let refusal = entry.hooks.as_ref().and_then(|hold| hold.refusal.as_ref());
        let trouble = findings
            .hop
            .iter()
            .flat_map(|progress| &progress.servers)
            .find_map(|progress| progress.trouble.as_ref().filter(|_| progress.guid == entry.guid));
        if let Some(text) = server_again(view, entry, refusal.map(|refusal| refusal.hook.as_str()), trouble) {
            asks.add(Action::Retry(Subject::Server(entry.name.0.clone())), text);
        }
    }
}

fn server_again(
    view: &View<'_>,
    entry: &HopServer,
    refused_by: Option<&str>,
    trouble: Option<&Trouble>,
) -> Option<String> {
    let name = &entry.name;
    if let Some(hook) = refused_by {
        return Some(format!("ask hook {hook} about {name} again, which said no"));
    }
    (trouble.is_some() && job::may_be_retried(view.facts, entry))
        .then(|| format!("run the job of {name} once more: nothing of the last one runs there now"))
}

/// Versions that somebody else brought about.
fn adopt(view: &View<'_>, findings: &Findings, asks: &mut Asks) {
    if view.desired.deleted {
        return;
    }
    let holds = |name| findings.gates.iter().any(|gate| gate.name == name && !gate.verdict.passes());
    let text = match view.standing {
        Standing::Mixed { authority, .. } if holds(GateName::Adoption) => {
            Some(format!("bring storage to {authority}, where the authority is"))
        }
        Standing::MovedFromOutside { to, .. } => {
            Some(format!("take {to} as the new beginning, with its wait"))
        }
        // After a restart of the operator its servers are verified anew before an order about them is followed.
        Standing::RestoredByHand { release, .. } if is_seen_restored(view.memory, &view.situation) => {
            Some(format!("take the restore to {release} as the new beginning"))
        }
        Standing::Mixed { .. }
        | Standing::RestoredByHand { .. }
        | Standing::InHop
        | Standing::Settled(_)
        | Standing::StorageAhead(_)
        | Standing::Unsure => None,
    };
    if let Some(text) = text {
        asks.add(Action::Adopt, text);
    }
    let is_taken_back =
        |hop: &&Hop| matches!(hop::first_trouble(view.facts, hop), Some(Trouble::ImageTakenBack(..)));
    if let Some(hop) = view.memory.hop.as_ref().filter(is_taken_back) {
        asks.add(
            Action::Adopt,
            format!("leave the servers as they are by now, and end the hop to {}", hop.to),
        );
    }
}

/// A hop that can still be given up, or that cannot end by itself.
fn abandon(view: &View<'_>, asks: &mut Asks) {
    let owner = owner(view.observed, view.desired, view.memory);
    let hop = view.memory.hop.as_ref();
    let (begun, next) = match hop {
        Some(hop) if hop::is_begun(view.facts, hop) => (Some(hop), None),
        Some(hop) => (None, Some((hop.from, hop.to))),
        None => (None, view.aim.between()),
    };
    let Ok((_, to)) = way_out::given_up_by_order(view.facts, begun, next, &owner) else { return };
    let is_known = view.memory.given_up.as_ref().is_some_and(|given_up| given_up.to == to);
    match hop {
        None if is_known || matches!(view.aim, Aim::Nothing) => {}
        None => asks.add(Action::Abandon, format!("give up the hop to {to} before it begins")),
        Some(_) => {
            asks.add(Action::Abandon, format!("give up the hop to {to}: its servers stay as they are"));
        }
    }
}

/// What goes on by itself may be held.
fn pause(view: &View<'_>, phase: Phase, asks: &mut Asks) {
    let is_on_its_way = view.desired.target.is_some() && phase.health() == Health::Reconciling;
    let is_paused = view.memory.paused.is_some() || view.desired.paused.is_some();
    if !is_on_its_way || is_paused || view.desired.deleted || view.observed.ending != Ending::No {
        return;
    }
    let text = match &view.memory.hop {
        Some(hop) => format!("hold what comes after the hop to {}; with now, storage too", hop.to),
        None => "begin nothing new until somebody orders Resume".to_owned(),
    };
    asks.add(Action::Pause(PauseReach::NextHop), text);
}
