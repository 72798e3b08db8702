//! What one line of `kubectl get` says, and what a gate makes of it.

use jiff::{SignedDuration, Timestamp};

use crate::fleet::instants;
use crate::planner::Reason;
use crate::planner::draft::View;
use crate::planner::hooks::Awaited;
use crate::planner::report::{Gate, Needs, Phase, Verdict};

/// Facts that are missing for longer stall (ARCHITECTURE.md, health).
pub(in crate::planner) const UNKNOWN_STALLS_AFTER: SignedDuration = SignedDuration::from_mins(30);

/// Phase, reason, sentence, mend and time: what one line of `kubectl get` says.
#[derive(Clone, Debug)]
pub(super) struct Headline {
    pub(super) phase: Phase,
    pub(super) reason: Reason,
    pub(super) message: String,
    pub(super) mend: Option<String>,
    pub(super) until: Option<Timestamp>,
}

impl Headline {
    pub(super) fn new(phase: Phase, reason: Reason, message: impl Into<String>) -> Self {
        Self { phase, reason, message: message.into(), mend: None, until: None }
    }

    /// Hooks are asked in the middle of something; that they put it off for ever is for a person.
    pub(super) fn of_hooks(awaited: &Awaited, under_way: Phase, message: String) -> Self {
        let mend = awaited.mend();
        let phase = if mend.is_some() { Phase::Suspended } else { under_way };
        Self { mend, until: awaited.again_at, ..Self::new(phase, Reason::HookAwaited, message) }
    }
}

/// What one gate makes of the phase.
pub(super) fn held_by(view: &View<'_>, gate: &Gate) -> Headline {
    match &gate.verdict {
        Verdict::Pass => Headline::new(Phase::Waiting, Reason::NotYetObserved, ""),
        Verdict::Refuse { reason, message, mend } => {
            Headline { mend: Some(mend.clone()), ..Headline::new(Phase::Stalled, *reason, message.clone()) }
        }
        Verdict::Unknown { reason, message, since } => {
            let stalls_at = since.map(|since| instants::after(since, UNKNOWN_STALLS_AFTER));
            let phase = match stalls_at {
                Some(stalls_at) if view.monotonic() >= stalls_at => Phase::Stalled,
                Some(_) | None => Phase::Checking,
            };
            let mend =
                (phase == Phase::Stalled).then(|| "look at the authority and the network to it".to_owned());
            Headline { mend, ..Headline::new(phase, *reason, message.clone()) }
        }
        Verdict::Hold { reason, message, until, needs } => {
            let (phase, mend) = match needs {
                Needs::Person(mend) => (Phase::Suspended, Some(mend.clone())),
                Needs::Time if *reason == Reason::NotYetObserved => (Phase::Checking, None),
                Needs::Time => (Phase::Waiting, None),
            };
            Headline { until: *until, mend, ..Headline::new(phase, *reason, message.clone()) }
        }
    }
}
