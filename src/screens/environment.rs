//! One environment as it was read: the one value behind every screen, and what `-o json` prints.

use jiff::{SignedDuration, Timestamp};
use kube::ResourceExt as _;
use serde::Serialize;

use super::paper::Tone;
use crate::api::code_upgrade_order::OrderAction;
use crate::api::status::AskStatus;
use crate::api::{CodeUpgrade, CodeUpgradeStatus};
use crate::planner::report::Phase;
use crate::planner::words;

/// What people type in front of a subcommand.
pub const PROGRAM: &str = "kubectl codeupgrade";

/// One environment as it was read.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Environment {
    /// The namespace of the object.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// How it stands, in one word.
    pub outcome: Outcome,
    /// Whether the operator has looked at the spec as it is by now.
    pub observed: bool,
    /// What the operator says, without what it remembers for itself.
    pub status: CodeUpgradeStatus,
}

/// How an environment stands: the worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Outcome {
    /// It cannot go on as it is: a person must mend something.
    Stalled,
    /// A person is asked; nothing is broken.
    Suspended,
    /// It is on its way by itself.
    UnderWay,
    /// It is as wanted.
    Well,
}

impl Outcome {
    /// The exit code of a command that asks how things stand (the table in `--help`).
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Well => 0,
            Self::Stalled => 3,
            Self::Suspended => 4,
            Self::UnderWay => 5,
        }
    }

    /// How it is meant.
    pub(super) const fn tone(self) -> Tone {
        match self {
            Self::Stalled => Tone::Bad,
            Self::Suspended => Tone::Asking,
            Self::UnderWay => Tone::Busy,
            Self::Well => Tone::Good,
        }
    }
}

impl Environment {
    /// An environment as its object says.
    pub fn of(object: &CodeUpgrade) -> Self {
        let mut status = object.status.clone().unwrap_or_default();
        status.memory = None;
        let observed = status.observed_generation.is_some()
            && status.observed_generation == object.metadata.generation
            && !status.phase.is_empty();
        let outcome = outcome(&status.phase, observed);
        let namespace = object.namespace().unwrap_or_default();
        Self { namespace, name: object.name_any(), outcome, observed, status }
    }

    /// The word for its phase; before the first look there is none.
    pub fn phase(&self) -> &str {
        if self.status.phase.is_empty() { "Unseen" } else { &self.status.phase }
    }

    /// The sentence that every screen says.
    pub fn message(&self) -> &str {
        if self.status.phase.is_empty() {
            return "the operator has not looked at it yet: does it run? (kubectl codeupgrade doctor)";
        }
        &self.status.message
    }

    /// From where to where.
    pub(super) fn versions(&self) -> String {
        let at = self.status.versions.authority.map_or_else(|| "?".to_owned(), |at| at.to_string());
        match self.status.versions.target {
            Some(target) if at == target.to_string() => at,
            Some(target) => format!("{at} -> {target}"),
            None => format!("{at} (observed only)"),
        }
    }

    /// The command that gives an order.
    pub fn command(&self, ask: &AskStatus) -> String {
        let verb = verb(ask.action);
        let subject = ask.r#for.as_ref().map_or_else(String::new, |text| format!(" --for \"{text}\""));
        format!("{PROGRAM} {verb} {} -n {}{subject}", self.name, self.namespace)
    }

    /// The orders that answer what holds, and those that are merely possible.
    pub(super) fn asks(&self) -> (Vec<&AskStatus>, Vec<&AskStatus>) {
        self.status.asks.iter().partition(|ask| match ask.action {
            OrderAction::Approve | OrderAction::Resume | OrderAction::Retry | OrderAction::Adopt => true,
            OrderAction::Abandon => self.outcome == Outcome::Stalled,
            OrderAction::Pause => false,
        })
    }
}

/// The subcommand that gives an order.
pub const fn verb(action: OrderAction) -> &'static str {
    match action {
        OrderAction::Approve => "approve",
        OrderAction::Pause => "pause",
        OrderAction::Resume => "resume",
        OrderAction::Retry => "retry",
        OrderAction::Adopt => "adopt",
        OrderAction::Abandon => "abandon",
    }
}

/// A spec that was not looked at yet is on its way, whatever was so before.
fn outcome(phase: &str, observed: bool) -> Outcome {
    let is = |wanted: Phase| wanted.name() == phase;
    if !observed {
        Outcome::UnderWay
    } else if is(Phase::Stalled) {
        Outcome::Stalled
    } else if is(Phase::Suspended) {
        Outcome::Suspended
    } else if is(Phase::Done) || is(Phase::Observing) {
        Outcome::Well
    } else {
        Outcome::UnderWay
    }
}

/// An instant with how far it is from now: `2026-11-26 03:00 UTC (in 2 h)`.
pub(super) fn when(at: Timestamp, now: Timestamp) -> String {
    if at > now {
        return format!("{} (in {})", words::instant(at), minutes(at.duration_since(now)));
    }
    format!("{} ({} ago)", words::past(at), minutes(now.duration_since(at)))
}

/// For how long something lasts, without seconds where there are minutes.
pub(super) fn minutes(length: SignedDuration) -> String {
    let seconds = length.as_secs().max(0);
    words::duration(SignedDuration::from_secs(if seconds >= 60 { seconds - seconds % 60 } else { seconds }))
}
