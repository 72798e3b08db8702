//! The course of a story: observe, decide, write, act, and on to the next moment at which something may be different.

use jiff::{SignedDuration, Timestamp};

use super::asks;
use super::outcome::CrashPoint;
use super::process::Process;
use super::situation::Situation;
use super::state::{Run, shifted};
use crate::planner::cadence::SERVERS_AT_REST;
use crate::planner::check::{Grounds, check};
use crate::planner::observed::{Access, Finalizer};
use crate::planner::step::Step;
use crate::planner::{Decision, decide};
use crate::simulator::script::expectation::Until;
use crate::simulator::script::verb::Line;
use crate::simulator::settings::SettingsChange;
use crate::translate;

/// How long a run waits for something before it gives up.
const PATIENCE: SignedDuration = SignedDuration::from_hours(24 * 90);

/// Where nothing was news for so long, whatever is read says the same as before.
const STILL_AFTER: SignedDuration = SignedDuration::from_hours(1);

/// It is looked at this often all the same.
const STILL_LOOKS: SignedDuration = SignedDuration::from_mins(10);

/// More decisions than this at one instant are a loop.
const MOST_DECISIONS: usize = 1_000;

impl Run {
    pub(super) fn run_until(&mut self, line: &Line, what: &Until) -> Result<(), String> {
        if let Until::Time(at) = what {
            return self.run_to(*at, |_| false).map(drop);
        }
        let limit = self.now.checked_add(PATIENCE).map_err(|error| error.to_string())?;
        self.events.clear();
        let met = self.run_to(limit, |run| run.is_met(what))?;
        if !met {
            self.failures.push(format!("line {}: {}: not within 90 days", line.number, line.text));
        }
        Ok(())
    }

    fn is_met(&self, what: &Until) -> bool {
        let Some(decision) = &self.last else { return false };
        match what {
            Until::Time(at) => self.now >= *at,
            Until::Phase(phase) => decision.report.phase.name() == phase,
            Until::Reason(reason) => decision.report.reason.name() == reason,
            Until::Event(reason, word) => self.events.iter().any(|(name, note)| {
                name == reason && word.as_ref().is_none_or(|word| note.contains(word.as_str()))
            }),
        }
    }

    /// Runs on to an instant, or until something is so.
    pub(super) fn run_to(&mut self, until: Timestamp, met: impl Fn(&Self) -> bool) -> Result<bool, String> {
        loop {
            self.decide_once()?;
            if met(self) {
                return Ok(true);
            }
            if self.now >= until {
                return Ok(false);
            }
            self.advance_to(self.next_moment().min(until));
        }
    }

    /// When something may be different. Where nothing changes, readings are left out: they would all say the same.
    fn next_moment(&self) -> Timestamp {
        let soon = self.now.saturating_add(SignedDuration::from_secs(1)).unwrap_or(Timestamp::MAX);
        let Some(decision) = &self.last else { return soon };
        let wake = decision.wake_at.map(|at| self.in_world_time(at)).filter(|at| *at > self.now);
        let listing = self.in_physical_time(self.process.listings.due(&decision.wants));
        let ends = [
            self.hooks.next_end(self.now),
            self.jobs.next_end(self.now),
            self.process.files.next_end(self.now),
        ];
        let moments = [wake, Some(listing), self.next_reading(decision)].into_iter().chain(ends);
        moments.flatten().min().unwrap_or(soon).max(soon)
    }

    /// When the next reading that may say anything new is due.
    fn next_reading(&self, decision: &Decision) -> Option<Timestamp> {
        let due = self.in_physical_time(self.process.readings.due(&decision.wants));
        let event = [self.process.news, self.world.next_event()].into_iter().flatten().min();
        if self.is_quiet(decision) {
            return event.map(|at| at.max(due));
        }
        if self.now.duration_since(self.news_at) < STILL_AFTER {
            return Some(due);
        }
        let look = self.now.saturating_add(STILL_LOOKS).unwrap_or(Timestamp::MAX);
        Some(event.map_or(look, |at| at.min(look)).max(due))
    }

    /// The world's time at which the operator's clock shows an instant.
    fn in_world_time(&self, at: Timestamp) -> Timestamp {
        at.saturating_sub(self.clocks.operator).unwrap_or(at)
    }

    /// The world's time at which the monotonic witness, by which readings are paced, shows an instant.
    fn in_physical_time(&self, at: Timestamp) -> Timestamp {
        at.saturating_sub(self.clocks.monotonic).unwrap_or(at)
    }

    fn is_quiet(&self, decision: &Decision) -> bool {
        let known = &self.process.known;
        let verified =
            known.servers.iter().flat_map(|facts| &facts.list).all(|server| server.streak.verifies());
        let backups_back =
            decision.memory.baseline.as_ref().is_none_or(|baseline| baseline.back_at.is_some());
        // What was told last may await a reading that is later than itself.
        let news_at = self.disturbed_at.max(Some(self.news_at));
        let is_seen = self.process.read.is_some_and(|read| news_at < Some(read));
        is_seen
            && decision.steps.is_empty()
            && verified
            && backups_back
            && known.access == Access::Good
            && decision.wants.servers_every == SERVERS_AT_REST
            && decision.memory.cleared.is_none()
    }

    /// Observes, decides, writes and acts once.
    pub(super) fn decide_once(&mut self) -> Result<(), String> {
        self.decisions += 1;
        if self.decisions > MOST_DECISIONS {
            return Err(format!("more than {MOST_DECISIONS} decisions at {}: {:?}", self.now, self.last));
        }
        let desired = self.object.desired()?;
        self.collect(&desired);
        let now = shifted(self.now, self.clocks.operator);
        let observed = self.observe(&desired);
        let memory = self.object.memory.clone();
        let decision = decide(&observed, &desired, &self.catalog, &memory, now);
        // Asked once in the whole story; killed ones only end.
        let is_whole = self.crash_at.is_none();
        if is_whole && decide(&observed, &desired, &self.catalog, &memory, now) != decision {
            self.failures.push("deciding twice gives two decisions".into());
        }
        let grounds =
            Grounds { observed: &observed, desired: &desired, catalog: &self.catalog, memory: &memory, now };
        for violation in check(&grounds, &decision) {
            self.failures.push(format!("a rule is broken: {}", violation.0));
        }
        if is_whole && self.asked != decision.report.asks {
            self.asked.clone_from(&decision.report.asks);
            self.failures.extend(asks::unfollowed(&grounds, &decision));
        }
        let monotonic = self.stamp();
        let attempts = self.process.attempts.begin(&decision.steps, monotonic);
        let steps: Vec<Step> = attempts.into_iter().cloned().collect();
        self.timeline.decision(self.now, &decision, &steps);
        let is_told = self.record.report(self.now, &decision.report);
        if is_whole && (is_told || decision.memory != memory) {
            self.note_situation(&decision, now);
        }
        if is_told || !steps.is_empty() || decision.memory != memory {
            self.news_at = self.now;
        }
        self.events.extend(decision.events.iter().map(|event| (event.reason, event.note.clone())));
        self.object.write(decision.memory.clone(), &desired, now);
        self.process.wants = Some(decision.wants);
        self.process.files.want(&decision.files, self.now);
        self.last = Some(decision);
        for step in &steps {
            self.boundaries += 1;
            if self.crash_at == Some(CrashPoint(self.boundaries - 1)) {
                // The write is there, the effect is not, and the process forgets everything.
                self.process = Process::begin(self.operators_now(), &self.object.memory);
                self.was_killed = true;
                break;
            }
            let outcome = self.act(step);
            if outcome.is_ok() {
                self.record.step(self.now, step);
            }
            self.process.attempts.note(step, outcome, monotonic);
            self.settle();
        }
        Ok(())
    }

    /// Notes what the object says now: of each phase and reason the last that was said.
    fn note_situation(&mut self, decision: &Decision, now: Timestamp) {
        let previous = self.situations.last().map(|situation| &situation.status);
        let status = translate::status(previous, decision, Some(self.object.generation()), now);
        let situation = Situation { at: now, status };
        self.situations.retain(|known| !known.is_like(&situation));
        self.situations.push(situation);
    }

    fn act(&mut self, step: &Step) -> Result<(), String> {
        match step {
            Step::HoldFinalizer => self.finalizer = Finalizer::Present,
            Step::ReleaseFinalizer => self.finalizer = Finalizer::Absent,
            Step::HoldCatch { workload, .. } => self.cluster.hold(workload)?,
            Step::OpenCatch { workload } => self.cluster.open(workload)?,
            Step::UpgradeServer { workload, image, image_from, .. } => {
                self.cluster.upgrade(workload, image, *image_from)?;
            }
            Step::RunUpgradeJob { server, guid, run, attempt, to, .. } => {
                self.jobs.make((&server.0, guid), (run, *attempt), *to, self.now);
            }
            Step::TakeBackup { name, .. } => {
                self.backup.take(name, self.now);
            }
            Step::TurnOffDeviceAutoUpgrade => {
                self.world.set_setting(SettingsChange {
                    device_auto_upgrade: Some(false),
                    ..SettingsChange::default()
                });
            }
            Step::RunHook { hook, run, .. } => self.hooks.ask(hook, run, self.now),
            Step::FlagDevices { devices, .. } => {
                for device in devices {
                    let flagged = self.world.flag(crate::simulator::ComputerId(device.computer_id));
                    if flagged.is_ok() {
                        let now = self.operators_now();
                        self.process.watch.note_told(device.guid, now);
                    }
                }
            }
        }
        Ok(())
    }

    /// At the end nothing is left to do: deciding again neither acts nor remembers anything new.
    pub(super) fn fixpoint(&mut self) -> Result<(), String> {
        let Some(last) = &self.last else { return Ok(()) };
        if !matches!(last.report.phase.name(), "Done" | "Stalled" | "Suspended" | "Observing") {
            return Ok(());
        }
        self.decide_once()?;
        let before = self.object.memory.clone();
        self.decide_once()?;
        let Some(last) = &self.last else { return Ok(()) };
        if !last.steps.is_empty() || last.memory != before {
            self.failures.push(format!("no fixpoint: {:?}", last.steps));
        }
        Ok(())
    }
}
