//! Running a story: the world, the cluster and the people around the one `decide`.

mod expectations;
mod hooks;
mod process;
mod setting;
mod verbs;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::catalog::Catalog;
use crate::planner::check::{Grounds, check};
use crate::planner::observed::{AccessFailure, Finalizer, ProofFinding};
use crate::planner::step::Step;
use crate::planner::{Decision, Wants, decide};
use crate::simulator::script::Script;
use crate::simulator::script::cluster::Cluster;
use crate::simulator::script::object::Object;
use crate::simulator::script::timeline::Timeline;
use crate::simulator::script::verb::{Line, Until};
use crate::simulator::settings::SettingsChange;
use crate::simulator::world::World;
use hooks::Hooks;
use process::{Backups, Clocks, Process, shifted};
use setting::Setting;

/// A boundary between a write and an effect at which the process ends: the n-th of the story, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CrashPoint(pub usize);

/// How a story ended.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The timeline.
    pub timeline: String,
    /// What was not as expected, or broke a rule.
    pub failures: Vec<String>,
    /// Boundaries between a write and an effect that were passed.
    pub boundaries: usize,
    /// Where everything ended.
    pub end: End,
}

/// Where a story ended: what must be the same wherever the process was killed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct End {
    /// The phase.
    pub phase: String,
    /// Each server's version, by name.
    pub servers: BTreeMap<String, String>,
    /// How often each server was ordered.
    pub orders: BTreeMap<String, u64>,
    /// Devices by product, operating system and version.
    pub devices: BTreeMap<String, u64>,
    /// Whether each workload's catch holds, by name.
    pub catches: BTreeMap<String, bool>,
}

/// How long a run waits for something before it gives up.
const PATIENCE: SignedDuration = SignedDuration::from_hours(24 * 90);

/// A process that was killed has read and verified everything again by then.
const BACK_AFTER: SignedDuration = SignedDuration::from_mins(4);

/// How long after its last verb the end of a story is looked at.
const AFTERMATH: SignedDuration = SignedDuration::from_hours(26);

/// Devices are listed this often when nothing asks for a listing: nothing is decided by it.
const IDLE_LISTING: SignedDuration = SignedDuration::from_hours(24);

struct Run {
    now: Timestamp,
    world: World,
    catalog: Catalog,
    catalog_problems: Vec<String>,
    cluster: Cluster,
    object: Object,
    process: Process,
    clocks: Clocks,
    /// An older object that has pinned the same authority.
    rival: Option<String>,
    backup: Backups,
    hooks: Hooks,
    proofs: BTreeMap<String, ProofFinding>,
    wrong_access: Option<AccessFailure>,
    finalizer: Finalizer,
    timeline: Timeline,
    failures: Vec<String>,
    boundaries: usize,
    crash_at: Option<CrashPoint>,
    /// Whether the process was killed since the last verb.
    was_killed: bool,
    last: Option<Decision>,
    events: Vec<(&'static str, String)>,
    decisions: usize,
    /// When a verb last changed something: polls see it.
    disturbed_at: Option<Timestamp>,
}

/// More decisions than this in one story are a loop.
const MOST_DECISIONS: usize = 200_000;

/// Runs a story, with the process killed at a boundary if one is given; expectations count only without.
pub fn run(script: &Script, crash_at: Option<CrashPoint>) -> Result<Outcome, String> {
    let (setting, rest) = Setting::read(script)?;
    let mut run = setting.begin(crash_at)?;
    for line in rest {
        run.play(line)?;
        if std::mem::take(&mut run.was_killed) {
            // An order that is not carried out may still be given up: what people do next comes when it is.
            let back_at = run.now.checked_add(BACK_AFTER).map_err(|error| error.to_string())?;
            run.run_to(back_at, |_| false)?;
        }
    }
    run.fixpoint()?;
    let (timeline, boundaries) = (run.timeline.clone().into_text(), run.boundaries);
    // A process that was killed may be some minutes behind; a day later it must not matter any more.
    let settled = run.now.checked_add(AFTERMATH).map_err(|error| error.to_string())?;
    run.run_to(settled, |_| false)?;
    let end = run.end();
    let failures = if crash_at.is_some() { Vec::new() } else { run.failures };
    Ok(Outcome { timeline, failures, boundaries, end })
}

impl Run {
    fn run_until(&mut self, line: &Line, what: &Until) -> Result<(), String> {
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
    fn run_to(&mut self, until: Timestamp, met: impl Fn(&Self) -> bool) -> Result<bool, String> {
        loop {
            self.decide_once()?;
            if met(self) {
                return Ok(true);
            }
            if self.now >= until {
                return Ok(false);
            }
            self.now = self.next_moment().min(until);
            self.world.advance_to(self.now);
            self.cluster.roll(&mut self.world);
        }
    }

    /// When something may be different. While nothing changes, polls are left out: they would say the same.
    fn next_moment(&self) -> Timestamp {
        let after = |length: SignedDuration| self.now.saturating_add(length).unwrap_or(Timestamp::MAX);
        let Some(decision) = &self.last else { return after(SignedDuration::from_secs(1)) };
        let poll = after(decision.wants.servers_every);
        let wake = decision.wake_at.filter(|at| *at > self.now).map(|at| self.in_world_time(at));
        let wake = [wake, self.hooks.next_end(self.now)].into_iter().flatten().min();
        // A listing that fails is tried again with the next poll.
        let listing = self.next_listing(&decision.wants).max(poll);
        if !self.is_quiet(decision) {
            return [Some(poll), wake, Some(listing)].into_iter().flatten().min().unwrap_or(poll);
        }
        let event = self.world.next_event().filter(|at| *at > self.now);
        [wake, event, Some(listing)]
            .into_iter()
            .flatten()
            .min()
            .unwrap_or(poll)
            .max(after(SignedDuration::from_secs(1)))
    }

    /// The world's time at which the operator's clock shows an instant.
    fn in_world_time(&self, at: Timestamp) -> Timestamp {
        at.saturating_sub(self.clocks.operator).unwrap_or(at)
    }

    fn next_listing(&self, wants: &Wants) -> Timestamp {
        let Some(devices) = &self.process.devices else { return self.now };
        let in_world = |at: Timestamp| at.saturating_sub(self.clocks.monotonic).unwrap_or(at);
        let began = in_world(devices.began);
        let is_asked = wants.devices_since.is_some_and(|since| self.in_world_time(since) > began);
        let is_rolling = wants.devices_every < crate::planner::cadence::DEVICES_AT_REST;
        let every = if is_rolling { wants.devices_every } else { IDLE_LISTING };
        let next = devices.finished.saturating_add(every).unwrap_or(Timestamp::MAX);
        if is_asked { self.now } else { in_world(next) }
    }

    fn is_quiet(&self, decision: &Decision) -> bool {
        let verified =
            self.process.servers.iter().flat_map(|facts| &facts.list).all(|server| server.streak.verifies());
        let backups_back =
            decision.memory.baseline.as_ref().is_none_or(|baseline| baseline.back_at.is_some());
        let is_seen = self.disturbed_at.is_none_or(|at| self.process.read.is_some_and(|read| at < read));
        is_seen
            && decision.steps.is_empty()
            && verified
            && backups_back
            && self.process.access.is_none()
            && decision.memory.settled.is_some()
            && decision.memory.hop.is_none()
            && decision.memory.cleared.is_none()
    }

    /// Observes, decides, writes and acts once.
    fn decide_once(&mut self) -> Result<(), String> {
        self.decisions += 1;
        if self.decisions > MOST_DECISIONS {
            return Err(format!("more than {MOST_DECISIONS} decisions: {:?}", self.last));
        }
        let desired = self.object.desired()?;
        self.collect(&desired);
        let now = shifted(self.now, self.clocks.operator);
        let observed = self.observe(&desired);
        let memory = self.object.memory.clone();
        let decision = decide(&observed, &desired, &self.catalog, &memory, now);
        if decide(&observed, &desired, &self.catalog, &memory, now) != decision {
            self.failures.push("deciding twice gives two decisions".into());
        }
        let grounds =
            Grounds { observed: &observed, desired: &desired, catalog: &self.catalog, memory: &memory, now };
        for violation in check(&grounds, &decision) {
            self.failures.push(format!("a rule is broken: {}", violation.0));
        }
        self.timeline.decision(self.now, &decision);
        self.events.extend(decision.events.iter().map(|event| (event.reason, event.note.clone())));
        self.object.memory = decision.memory.clone();
        self.process.wants = Some(decision.wants);
        let steps = decision.steps.clone();
        self.last = Some(decision);
        for step in steps {
            self.boundaries += 1;
            if self.crash_at == Some(CrashPoint(self.boundaries - 1)) {
                // The write is there, the effect is not, and the process forgets everything.
                self.process = Process::begin(self.operators_now(), &self.object.memory);
                self.was_killed = true;
                break;
            }
            self.act(&step);
        }
        self.cluster.roll(&mut self.world);
        Ok(())
    }

    fn act(&mut self, step: &Step) {
        match step {
            Step::HoldFinalizer => self.finalizer = Finalizer::Present,
            Step::ReleaseFinalizer => self.finalizer = Finalizer::Absent,
            Step::HoldCatch { workload, .. } => self.cluster.hold(workload),
            Step::UpgradeServer { workload, image, image_from, .. } => {
                self.cluster.upgrade(workload, image, *image_from);
            }
            Step::TakeBackup { name, .. } => {
                self.backup.names.entry(name.clone()).or_insert(self.now);
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
    }

    /// At the end nothing is left to do: deciding again neither acts nor remembers anything new.
    fn fixpoint(&mut self) -> Result<(), String> {
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
