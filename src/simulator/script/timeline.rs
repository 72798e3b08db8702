//! The timeline of a story: one line a decision that people would notice, small enough to review.

use std::fmt::Write as _;

use jiff::Timestamp;

use crate::planner::report::Phase;
use crate::planner::step::Step;
use crate::planner::{Decision, Event, Reason};

/// What was printed.
#[derive(Clone, Debug, Default)]
pub(super) struct Timeline {
    text: String,
    begun: Option<Timestamp>,
    last: Option<(Phase, Reason, String)>,
    flags: Option<(Timestamp, u64)>,
}

impl Timeline {
    pub(super) fn begin(&mut self, at: Timestamp) {
        self.begun = Some(at);
    }

    /// `+1d 02:03`, from the beginning of the story.
    fn stamp(&self, now: Timestamp) -> String {
        let begun = self.begun.unwrap_or(now);
        let minutes = now.duration_since(begun).as_mins();
        format!("{:>3}d {:02}:{:02}", minutes / 1_440, minutes / 60 % 24, minutes % 60)
    }

    pub(super) fn line(&mut self, now: Timestamp, what: &str, text: &str) {
        let stamp = self.stamp(now);
        let _ = writeln!(self.text, "{stamp}  {what:<8}{text}");
    }

    /// A verb of the story, so that the timeline reads alone.
    pub(super) fn verb(&mut self, now: Timestamp, text: &str) {
        self.flush();
        self.line(now, ">", text);
    }

    /// What one decision says, and which of its steps are tried.
    pub(super) fn decision(&mut self, now: Timestamp, decision: &Decision, tried: &[Step]) {
        for event in &decision.events {
            self.event(now, event);
        }
        for step in tried {
            match step {
                Step::FlagDevices { devices, .. } => {
                    let (_, flags) = self.flags.get_or_insert((now, 0));
                    *flags += devices.len() as u64;
                }
                Step::HoldFinalizer | Step::ReleaseFinalizer => {}
                other => {
                    self.flush();
                    self.line(now, "step", &words(other));
                }
            }
        }
        let report = &decision.report;
        // The same phase and reason with other counts is no news.
        let is_news = self.last.as_ref().is_none_or(|(phase, reason, message)| {
            (*phase, *reason) != (report.phase, report.reason)
                || (!counts(report.phase) && *message != report.message)
        });
        if is_news {
            self.flush();
            let mend = report.mend.as_ref().map_or_else(String::new, |mend| format!(" [{mend}]"));
            let text = format!("{} {}: {}{mend}", report.phase.name(), report.reason.name(), report.message);
            self.line(now, "status", &text);
            self.last = Some((report.phase, report.reason, report.message.clone()));
        }
    }

    fn event(&mut self, now: Timestamp, event: &Event) {
        self.flush();
        self.line(now, "event", &format!("{}: {}", event.reason, event.note));
    }

    /// Devices are flagged by the hundred: they are told together.
    fn flush(&mut self) {
        if let Some((begun, flags)) = self.flags.take() {
            self.line(begun, "step", &format!("flag {}", crate::planner::words::count(flags, "device")));
        }
    }

    pub(super) fn into_text(mut self) -> String {
        self.flush();
        self.text
    }
}

/// Whether the message of a phase is mostly counts.
fn counts(phase: Phase) -> bool {
    match phase {
        Phase::RollingOut | Phase::Upgrading | Phase::Done | Phase::Observing => true,
        Phase::Checking | Phase::Waiting | Phase::Suspended | Phase::Stalled => false,
    }
}

fn words(step: &Step) -> String {
    match step {
        Step::HoldFinalizer => "hold the finalizer".into(),
        Step::ReleaseFinalizer => "release the finalizer".into(),
        Step::HoldCatch { server, workload } => format!("close the catch of {server} ({workload})"),
        Step::OpenCatch { workload } => format!("give back the catch of {workload}"),
        Step::UpgradeServer { server, from, to, image_from, .. } => {
            format!("upgrade {server} {from} -> {to} (image from {image_from:?})")
        }
        Step::RunUpgradeJob { server, from, to, attempt, .. } => {
            format!("run job {attempt} of {server} {from} -> {to}")
        }
        Step::TakeBackup { name, .. } => format!("take backup {name}"),
        Step::TurnOffDeviceAutoUpgrade => "turn off auto-upgrade devices".into(),
        Step::RunHook { hook, occasion, .. } => format!("ask hook {hook} {occasion}"),
        Step::FlagDevices { group, devices, .. } => {
            format!("flag {} devices of group {group}", devices.len())
        }
    }
}
