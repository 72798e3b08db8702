//! Running a story: the world, the cluster and the people around the one `decide`.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::Script;
use super::cluster::{Ailment, Cluster};
use super::object::Object;
use super::timeline::Timeline;
use super::verb::{Expectation, Line, Proven, Until, Verb};
use crate::api::{CodeRelease, CodeReleaseSpec};
use crate::catalog::merge::Layer;
use crate::catalog::{Catalog, Product, Version};
use crate::fleet::{Devices, Guid};
use crate::planner::check::{Grounds, check};
use crate::planner::desired::{ImageFrom, Method, Problem, StorageRole, WorkloadRef};
use crate::planner::observed::{
    Access, AccessFailure, AuthorityFacts, BackupFacts, Catch, Claim, Finalizer, Proof, ProofFinding,
    ServersFacts, SettingsFacts, Witnesses,
};
use crate::planner::order::Order;
use crate::planner::report::{PlanWhat, Report, Verdict};
use crate::planner::step::Step;
use crate::planner::{Decision, Desired, Observed, Reason, Wants, decide};
use crate::simulator::fault::Fault;
use crate::simulator::observation;
use crate::simulator::scenario::{
    ClusterType, DeviceGroup, Minutes, Power, Scenario, ScenarioOrganisation, ScenarioServer,
};
use crate::simulator::settings::{Settings, SettingsChange};
use crate::simulator::world::World;
use crate::translate;
use crate::translate::{DeviceTraits, GroupMatcher, Organisation};

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

/// How long after its last verb the end of a story is looked at.
const AFTERMATH: SignedDuration = SignedDuration::from_hours(24);

/// Devices are listed this often when nothing asks for a listing: nothing is decided by it.
const IDLE_LISTING: SignedDuration = SignedDuration::from_hours(24);

/// What the operator's process holds and loses when it ends.
#[derive(Clone, Debug, Default)]
struct Process {
    access: Option<(AccessFailure, Timestamp)>,
    /// When servers were last read, in the world's time; what they say carries the operator's.
    read: Option<Timestamp>,
    authority: Option<AuthorityFacts>,
    servers: Option<ServersFacts>,
    settings: Option<SettingsFacts>,
    devices: Option<Arc<Devices>>,
    flagged: BTreeMap<u64, Timestamp>,
    group_problems: Vec<Problem>,
    wants: Option<Wants>,
}

/// Offsets of the clocks from the world's time.
#[derive(Clone, Copy, Debug, Default)]
struct Clocks {
    operator: SignedDuration,
    monotonic: SignedDuration,
    api: Option<SignedDuration>,
    authority: Option<SignedDuration>,
}

/// How long a backup takes.
const BACKUP_TAKES: SignedDuration = SignedDuration::from_mins(10);

/// The backups of a story.
#[derive(Clone, Debug, Default)]
struct Backups {
    names: BTreeMap<String, Timestamp>,
    failure: Option<String>,
}

impl Backups {
    /// What is found of them at a moment.
    fn facts(&self, now: Timestamp) -> BackupFacts {
        let done = |begun: &Timestamp| begun.saturating_add(BACKUP_TAKES).ok().filter(|done| *done <= now);
        BackupFacts {
            newest: self.names.values().filter(|begun| done(begun).is_some()).max().copied(),
            in_progress: self.names.values().find(|begun| done(begun).is_none()).copied(),
            failure: self.failure.clone().filter(|_| !self.names.is_empty()),
        }
    }
}

struct Run {
    now: Timestamp,
    world: World,
    catalog: Catalog,
    catalog_problems: Vec<String>,
    cluster: Cluster,
    object: Object,
    process: Process,
    clocks: Clocks,
    claim: Claim,
    backup: Backups,
    proofs: BTreeMap<String, ProofFinding>,
    wrong_access: Option<AccessFailure>,
    finalizer: Finalizer,
    timeline: Timeline,
    failures: Vec<String>,
    boundaries: usize,
    crash_at: Option<CrashPoint>,
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

/// The verbs that set the stage, before the first that plays.
struct Setting {
    scenario: Scenario,
    releases: Vec<String>,
    shipped: bool,
}

impl Setting {
    fn read(script: &Script) -> Result<(Self, &[Line]), String> {
        let mut scenario = Scenario {
            start: "2016-03-01T08:00:00Z".parse().map_err(|error: jiff::Error| error.to_string())?,
            seed: 1,
            utc_offset_hours: 0,
            authority: server("authority", None),
            storage: Vec::new(),
            providers: Vec::new(),
            organisations: vec![ScenarioOrganisation { name: "Default".into(), children: Vec::new() }],
            devices: Vec::new(),
            settings: Settings::default(),
            migration: Minutes::default(),
            cluster: ClusterType::Enterprise,
        };
        scenario.settings.device_auto_upgrade = false;
        scenario.settings.auto_upgrade = false;
        let mut setting = Self { scenario, releases: Vec::new(), shipped: true };
        for (index, line) in script.lines.iter().enumerate() {
            if !setting.take(&line.verb) {
                return Ok((setting, &script.lines[index..]));
            }
        }
        Ok((setting, &[]))
    }

    fn take(&mut self, verb: &Verb) -> bool {
        let scenario = &mut self.scenario;
        match verb {
            Verb::Start(at) => scenario.start = *at,
            Verb::Seed(seed) => scenario.seed = *seed,
            Verb::Authority(name, version) => scenario.authority = server(name, Some(*version)),
            Verb::Storage(name, version) => scenario.storage.push(server(name, Some(*version))),
            Verb::Provider(name, version) => scenario.providers.push(server(name, Some(*version))),
            Verb::Organisation(name) => {
                scenario
                    .organisations
                    .push(ScenarioOrganisation { name: name.clone(), children: Vec::new() });
            }
            Verb::Devices(devices) => scenario.devices.push(group(devices)),
            Verb::Edition(edition) => scenario.cluster = *edition,
            Verb::Offset(hours) => scenario.utc_offset_hours = *hours,
            Verb::Migration(minutes) => scenario.migration = *minutes,
            Verb::NoCatalog => self.shipped = false,
            Verb::Release(body) => self.releases.push(body.clone()),
            _ => return false,
        }
        true
    }

    fn begin(self, crash_at: Option<CrashPoint>) -> Result<Run, String> {
        let (catalog, catalog_problems) = read_catalog(self.shipped, &self.releases)?;
        let world = World::new(&self.scenario, catalog.clone()).map_err(|error| error.to_string())?;
        let storage: Vec<String> = self.scenario.storage.iter().map(|server| server.name.0.clone()).collect();
        let mut cluster = Cluster::default();
        for listed in world.servers() {
            if let Some(version) = listed.version {
                cluster.add(&listed.name.0, listed.guid, version);
            }
        }
        let object = Object::new(&self.scenario.authority.name.0, &storage, &catalog);
        let mut timeline = Timeline::default();
        timeline.begin(self.scenario.start);
        Ok(Run {
            now: self.scenario.start,
            world,
            catalog,
            catalog_problems,
            cluster,
            object,
            process: Process::default(),
            clocks: Clocks::default(),
            claim: Claim::Held,
            backup: Backups::default(),
            proofs: BTreeMap::new(),
            wrong_access: None,
            finalizer: Finalizer::Absent,
            timeline,
            failures: Vec::new(),
            boundaries: 0,
            crash_at,
            last: None,
            events: Vec::new(),
            decisions: 0,
            disturbed_at: None,
        })
    }
}

fn server(name: &str, version: Option<Version>) -> ScenarioServer {
    ScenarioServer { name: name.into(), guid: None, version, power: Power::On }
}

fn group(devices: &super::verb::Devices) -> DeviceGroup {
    DeviceGroup {
        count: devices.count,
        product: devices.product,
        os: devices.os,
        version: devices.version,
        organisation: devices.organisation.clone(),
        online_percent: devices.online_percent,
        hours: devices.hours,
        state: crate::fleet::DeviceState::Active,
        behaviour: devices.behaviour,
        exceptions: devices.exceptions.clone(),
    }
}

fn read_catalog(shipped: bool, own: &[String]) -> Result<(Catalog, Vec<String>), String> {
    let mut objects: Vec<(Layer, CodeRelease)> = Vec::new();
    if shipped {
        objects.extend(translate::catalog::shipped().into_iter().map(|release| (Layer::Shipped, release)));
    }
    for (index, body) in own.iter().enumerate() {
        let spec: CodeReleaseSpec = serde_saphyr::from_str(body).map_err(|error| error.to_string())?;
        objects.push((Layer::User, CodeRelease::new(&format!("story-{index}"), spec)));
    }
    Ok(translate::catalog::catalog_from(objects))
}

impl Run {
    fn play(&mut self, line: &Line) -> Result<(), String> {
        match &line.verb {
            Verb::Expect(expectation) => {
                self.decide_once()?;
                if let Some(found) = self.unmet(expectation) {
                    self.failures.push(format!("line {}: {}: {found}", line.number, line.text));
                }
                return Ok(());
            }
            Verb::Run(_) | Verb::RunUntil(_) => {}
            _ => {
                self.timeline.verb(self.now, &line.text);
                self.disturbed_at = Some(self.now);
            }
        }
        let named = |run: &Self, name: &str| {
            run.world.server_guid(name).ok_or_else(|| format!("line {}: no server {name}", line.number))
        };
        let told = |outcome: Result<(), crate::simulator::world::CommandError>| {
            outcome.map_err(|error| format!("line {}: {error}", line.number))
        };
        match &line.verb {
            Verb::Run(length) => {
                let until = self.now.checked_add(*length).map_err(|error| error.to_string())?;
                self.run_to(until, |_| false)?;
            }
            Verb::RunUntil(what) => self.run_until(line, what)?,
            Verb::Want(version) => self.object.want(Some(version)),
            Verb::WantNothing => self.object.want(None),
            Verb::Set(path, value) => {
                let value = serde_saphyr::from_str(value).map_err(|error| error.to_string())?;
                self.object.set(path, value);
            }
            Verb::Unset(path) => self.object.unset(path),
            Verb::Delete => self.object.deleted = true,
            Verb::Waited => {
                let release = self.world.authority().version.map_or_else(String::new, |at| at.to_string());
                let finished_at = shifted(self.now, SignedDuration::from_hours(-24 * 30)).to_string();
                let last = serde_json::json!({"release": release, "finishedAt": finished_at});
                self.object.set("lastUpgrade", last);
            }
            Verb::Recreate => {
                self.object.memory = crate::planner::Memory::default();
                self.object.orders.clear();
                self.finalizer = Finalizer::Absent;
                self.process = Process::default();
            }
            Verb::Pause(what) => self.object.paused = Some(what.clone()),
            Verb::Unpause => self.object.paused = None,
            Verb::ServerSwitch(on) => {
                self.world
                    .set_setting(SettingsChange { auto_upgrade: Some(*on), ..SettingsChange::default() });
            }
            Verb::Backup(failure) => self.backup.failure.clone_from(failure),
            Verb::Proof(name, proven) => {
                let finding = match proven {
                    Proven::Nothing => ProofFinding::NotYet,
                    Proven::Unreadable => ProofFinding::Unreadable("it may not be read".into()),
                    Proven::Release(release, devices) => {
                        ProofFinding::Proven { release: *release, since: self.now, devices: *devices }
                    }
                };
                self.proofs.insert(name.clone(), finding);
            }
            Verb::Order(action, subject) => self.give_order(action, subject.as_deref())?,
            Verb::Restore(name, to) => {
                told(self.world.restore(&named(self, name)?, *to).map(drop))?;
                self.cluster.set_by_hand(name, *to);
            }
            Verb::Hand(name, to) => {
                told(self.world.upgrade_by_hand(&named(self, name)?, *to).map(drop))?;
                self.cluster.set_by_hand(name, *to);
            }
            Verb::Offline(name) => told(self.world.take_offline(&named(self, name)?))?,
            Verb::Online(name) => told(self.world.bring_back(&named(self, name)?))?,
            Verb::Rename(name, new) => {
                told(self.world.rename_server(&named(self, name)?, new.as_str().into()))?;
            }
            Verb::Replace(name) => {
                let guid = named(self, name)?;
                let new = Guid(format!("9{}", &guid.0[1..]));
                told(self.world.replace_guid(&guid, new.clone()))?;
                self.cluster.replace(name, new);
            }
            Verb::Switch(on) => {
                self.world.set_setting(SettingsChange {
                    device_auto_upgrade: Some(*on),
                    ..SettingsChange::default()
                });
            }
            Verb::Dump(at) => {
                let daily = Some(at.clone());
                self.world.set_setting(SettingsChange {
                    daily_accounting_time: daily,
                    ..SettingsChange::default()
                });
            }
            Verb::Fault(resource, kind) => {
                let fault: Fault = serde_json::from_value(serde_json::Value::from(kind.as_str()))
                    .map_err(|error| format!("line {}: {error}", line.number))?;
                self.world.faults_mut().set((resource != "all").then_some(resource.as_str()), fault);
            }
            Verb::Heal => {
                self.world.faults_mut().clear_all();
                self.wrong_access = None;
            }
            Verb::Access(failure) => self.wrong_access = Some(access_failure(failure)?),
            Verb::ClaimedBy(other) => self.claim = Claim::HeldBy(other.clone()),
            Verb::Workload(name, state) => self.cluster.ail(name, ailment(state)?),
            Verb::Commit(name, version) => self.cluster.commit(name, *version),
            Verb::Clock(witness, by) => self.shift(witness, *by)?,
            Verb::Crash => self.process = Process::default(),
            Verb::Release(body) => self.learn(body)?,
            Verb::Devices(devices) => told(self.world.add_devices(&group(devices)))?,
            Verb::Start(_)
            | Verb::Seed(_)
            | Verb::Authority(..)
            | Verb::Storage(..)
            | Verb::Provider(..)
            | Verb::Organisation(_)
            | Verb::Edition(_)
            | Verb::Offset(_)
            | Verb::Migration(_)
            | Verb::NoCatalog => {
                return Err(format!("line {}: this belongs before the first verb that plays", line.number));
            }
            Verb::Expect(_) => {}
        }
        Ok(())
    }

    fn shift(&mut self, witness: &str, by: SignedDuration) -> Result<(), String> {
        match witness {
            "operator" => self.clocks.operator += by,
            "monotonic" => self.clocks.monotonic += by,
            "api" => self.clocks.api = Some(self.clocks.api.unwrap_or_default() + by),
            "authority" => self.clocks.authority = Some(self.clocks.authority.unwrap_or_default() + by),
            other => return Err(format!("there is no witness {other}")),
        }
        Ok(())
    }

    /// A user's `CodeRelease` in the middle of a story.
    fn learn(&mut self, body: &str) -> Result<(), String> {
        let spec: CodeReleaseSpec = serde_saphyr::from_str(body).map_err(|error| error.to_string())?;
        let release = translate::release::release(&spec).map_err(|problems| format!("{problems:?}"))?;
        let version = release.version;
        let known = self.catalog.releases().cloned().map(|release| (shipped_origin(), release));
        let added = (crate::catalog::Origin { layer: Layer::User, object: "story".into() }, release);
        let (catalog, _) = crate::catalog::merge(known.chain([added]));
        self.catalog = catalog;
        self.world.set_catalog(self.catalog.clone());
        self.object.add_source(version);
        Ok(())
    }

    fn give_order(&mut self, action: &str, subject: Option<&str>) -> Result<(), String> {
        let number = self.object.orders.len() + 1;
        let mut spec =
            serde_json::json!({"upgrade": "story", "action": action, "reason": "a story", "by": "someone"});
        match subject {
            Some("now") => spec["now"] = true.into(),
            Some(subject) => spec["for"] = subject.into(),
            None => {}
        }
        let spec = serde_json::from_value(spec).map_err(|error| error.to_string())?;
        let mut object = crate::api::CodeUpgradeOrder::new(&format!("order-{number}"), spec);
        object.metadata.uid = Some(format!("order-{number}"));
        object.metadata.creation_timestamp =
            Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(self.now));
        let order: Order = translate::order::order(&object)?;
        self.object.orders.push(order);
        Ok(())
    }

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
        let is_asked = wants.devices_since.is_some_and(|since| since > devices.began);
        let is_rolling = wants.devices_every < SignedDuration::from_mins(30);
        let every = if is_rolling { wants.devices_every } else { IDLE_LISTING };
        let next = devices.finished.saturating_add(every).unwrap_or(Timestamp::MAX);
        if is_asked { self.now } else { self.in_world_time(next) }
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
        let (spec, desired) = self.object.desired()?;
        self.collect(&spec, &desired);
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
                self.process = Process::default();
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
            Step::FlagDevices { devices, .. } => {
                for device in devices {
                    let flagged = self.world.flag(crate::simulator::ComputerId(device.computer_id));
                    if flagged.is_ok() {
                        self.process.flagged.insert(device.guid, shifted(self.now, self.clocks.operator));
                    }
                }
            }
        }
    }

    /// The collector: everything is read at once, since it takes no time here.
    fn collect(&mut self, spec: &crate::api::CodeUpgradeSpec, desired: &Desired) {
        let read = match self.wrong_access {
            Some(failure) => Err(failure),
            None => self.read_servers(),
        };
        match read {
            Ok(()) => self.process.access = None,
            Err(failure) => {
                let since = self.process.access.map_or(self.operators_now(), |(_, since)| since);
                self.process.read = Some(self.now);
                self.process.access = Some((failure, since));
                return;
            }
        }
        let wants = self.process.wants;
        let is_due = wants.is_none_or(|wants| self.next_listing(&wants) <= self.now);
        if !is_due {
            return;
        }
        let organisations: Vec<Organisation> = self
            .world
            .organisations()
            .all()
            .iter()
            .map(|known| Organisation { id: known.id, name: known.name.clone(), parent: known.parent })
            .collect();
        let (matcher, problems) = GroupMatcher::new(spec.devices.as_ref(), &organisations);
        self.process.group_problems = problems;
        let ranked_for = wants.and_then(|wants| wants.rank_for);
        let digest = desired.devices.groups_digest();
        let listed = observation::devices(&self.world, ranked_for, digest, |device| {
            matcher.group_of(&DeviceTraits {
                organisation: device.organisation,
                os: device.os,
                product: device.product,
                name: &device.name(),
                guid: device.guid,
            })
        });
        if let Ok(mut devices) = listed {
            devices.began = self.operators_now();
            devices.finished = self.operators_now();
            self.process.devices = Some(Arc::new(devices));
        }
    }

    fn read_servers(&mut self) -> Result<(), AccessFailure> {
        let now = self.operators_now();
        let mut authority = observation::authority(&self.world)?;
        authority.read_at = now;
        let is_new = self.process.servers.is_none() || self.process.read.is_none_or(|read| read < self.now);
        if is_new {
            let mut facts = observation::servers(&self.world, None)?;
            facts.read_at = now;
            let before = self.process.servers.as_ref();
            for server in &mut facts.list {
                let known =
                    before.and_then(|facts| facts.list.iter().find(|known| known.guid == server.guid));
                server.continue_streak(known, now);
            }
            self.process.servers = Some(facts);
        }
        let mut settings = observation::settings(&self.world)?;
        settings.read_at = now;
        self.process.authority = Some(authority);
        self.process.settings = Some(settings);
        self.process.read = Some(self.now);
        Ok(())
    }

    /// What the operator's clock shows.
    fn operators_now(&self) -> Timestamp {
        shifted(self.now, self.clocks.operator)
    }

    fn observe(&self, desired: &Desired) -> Observed {
        let at = |offset| shifted(self.now, offset);
        let witnesses = Witnesses {
            operator: at(self.clocks.operator),
            monotonic: at(self.clocks.monotonic),
            api_server: self.clocks.api.map(at),
            authority: self.clocks.authority.map(at),
        };
        let authority = desired.authority.method.iter();
        let storage = desired.storage.iter().filter_map(|entry| match &entry.role {
            StorageRole::Upgraded(method) => Some(method),
            StorageRole::Retired(_) => None,
        });
        let references: Vec<(WorkloadRef, Option<ImageFrom>)> = authority
            .chain(storage)
            .filter_map(|method| match method {
                Method::StatefulSet(workload) | Method::Deployment(workload) => {
                    Some((method.workload()?, workload.image_from))
                }
                Method::Job(_) | Method::Manual => None,
            })
            .collect();
        Observed {
            access: match self.process.access {
                None => Access::Good,
                Some((failure, since)) => Access::Failed {
                    failure,
                    message: format!("the authority cannot be read ({failure:?})"),
                    since,
                },
            },
            authority: self.process.authority.clone(),
            servers: self.process.servers.clone(),
            settings: self.process.settings,
            devices: self.process.devices.clone(),
            workloads: self.cluster.read(&references, &self.world),
            claim: self.claim.clone(),
            backup: self.backup.facts(self.now),
            proofs: self.proofs.iter().filter_map(|(name, finding)| proof(name, finding)).collect(),
            orders: self.object.orders.clone(),
            flagged: Arc::new(self.process.flagged.clone()),
            catalog_problems: self.catalog_problems.clone(),
            group_problems: self.process.group_problems.clone(),
            finalizer: self.finalizer,
            ..Observed::nothing(witnesses)
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

    fn end(&self) -> End {
        let mut devices = BTreeMap::new();
        for device in self.world.devices() {
            let version = format!("{:?}", device.version);
            *devices.entry(format!("{} {} {version}", device.product, device.os)).or_default() += 1;
        }
        let servers = self.world.servers();
        let named = servers.iter().map(|server| {
            let version = server.version.map_or_else(|| "-".to_owned(), |version| version.to_string());
            (server.name.0.clone(), version)
        });
        let orders = servers
            .iter()
            .filter_map(|server| Some((server.name.0.clone(), self.cluster.get(&server.name.0)?.rolls)));
        let catches = servers.iter().filter_map(|server| {
            Some((server.name.0.clone(), self.cluster.get(&server.name.0)?.catch == Catch::Held))
        });
        End {
            catches: catches.collect(),
            phase: self.last.as_ref().map_or_else(String::new, |last| last.report.phase.name().to_owned()),
            orders: orders.collect(),
            servers: named.collect(),
            devices,
        }
    }

    /// What was found instead of what a story expects.
    fn unmet(&self, expectation: &Expectation) -> Option<String> {
        let decision = self.last.as_ref()?;
        let report = &decision.report;
        let unless = |met: bool, found: String| (!met).then(|| format!("found {found}"));
        match expectation {
            Expectation::Phase(phase) => unless(report.phase.name() == phase, report.phase.name().to_owned()),
            Expectation::Reason(reason) => {
                unless(report.reason.name() == reason, report.reason.name().to_owned())
            }
            Expectation::Message(text) => {
                unless(report.message.contains(text.as_str()), report.message.clone())
            }
            Expectation::Mend(text) => {
                let mend = report.mend.clone().unwrap_or_default();
                unless(mend.contains(text.as_str()), mend)
            }
            Expectation::Server(name, version) => {
                let found = report.servers.iter().find(|server| server.name.0 == *name);
                let found = found.and_then(|server| server.version);
                unless(found == Some(*version), format!("{found:?}"))
            }
            Expectation::Gate(name, verdict, reason) => {
                let gate = report.gates.iter().find(|gate| gate.name.name() == name);
                let found = gate.map_or("nothing", |gate| verdict_name(&gate.verdict));
                let why = gate.and_then(|gate| gate.verdict.reason()).map_or("", Reason::name);
                let met = found == verdict && reason.as_ref().is_none_or(|reason| reason == why);
                unless(met, format!("{found} {why}"))
            }
            Expectation::PhaseNot(phase) => {
                unless(report.phase.name() != phase, report.phase.name().to_owned())
            }
            Expectation::Until(at) => unless(report.until == Some(*at), format!("{:?}", report.until)),
            Expectation::Catch(name, state) => {
                let held = self.cluster.get(name).is_some_and(|workload| workload.catch == Catch::Held);
                let found = if held { "held" } else { "open" };
                unless(found == state, found.to_owned())
            }
            Expectation::Plan(text) => {
                let found = plan_line(report);
                unless(found == *text, found)
            }
            Expectation::Available(wanted) => {
                let found: Vec<String> =
                    report.available.iter().map(|found| found.release.to_string()).collect();
                unless(found == *wanted, found.join(" "))
            }
            Expectation::Devices(product, version, count) => {
                let found = self.devices_at(*product, *version);
                unless(found == *count, found.to_string())
            }
            Expectation::Orders(name, count) => {
                let found = self.cluster.get(name).map_or(0, |workload| workload.rolls);
                unless(found == *count, found.to_string())
            }
            Expectation::NoSteps => unless(decision.steps.is_empty(), format!("{:?}", decision.steps)),
        }
    }

    fn devices_at(&self, product: Product, version: Version) -> u64 {
        let wanted = crate::simulator::device::ReportedVersion::Version(version);
        self.world.devices().filter(|device| device.product == product && device.version == wanted).count()
            as u64
    }
}

fn proof(name: &str, finding: &ProofFinding) -> Option<Proof> {
    let (namespace, name) = name.split_once('/')?;
    Some(Proof { namespace: namespace.to_owned(), name: name.to_owned(), finding: finding.clone() })
}

fn shipped_origin() -> crate::catalog::Origin {
    crate::catalog::Origin { layer: Layer::Shipped, object: "catalog".into() }
}

fn shifted(now: Timestamp, offset: SignedDuration) -> Timestamp {
    now.saturating_add(offset).unwrap_or(now)
}

fn verdict_name(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "pass",
        Verdict::Hold { .. } => "hold",
        Verdict::Unknown { .. } => "unknown",
        Verdict::Refuse { .. } => "refuse",
    }
}

/// The plan in one line: `wait 4.2.3.1, hop 4.2.3.1->4.3.5.3, rollout 4.3.5.3`.
fn plan_line(report: &Report) -> String {
    let items = report.plan.iter().map(|item| match &item.what {
        PlanWhat::Wait { at } => format!("wait {at}"),
        PlanWhat::Hop { from, to } => format!("hop {from}->{to}"),
        PlanWhat::Rollout { at } => format!("rollout {at}"),
    });
    items.collect::<Vec<_>>().join(", ")
}

fn access_failure(name: &str) -> Result<AccessFailure, String> {
    Ok(match name {
        "SecretMissing" => AccessFailure::SecretMissing,
        "SecretIncomplete" => AccessFailure::SecretIncomplete,
        "SecretForbidden" => AccessFailure::SecretForbidden,
        "CertificateAuthorityMissing" => AccessFailure::CertificateAuthorityMissing,
        "SecretForOtherHost" => AccessFailure::SecretForOtherHost,
        "AccountNotUsable" => AccessFailure::AccountNotUsable,
        "HostDenied" => AccessFailure::HostDenied,
        "Unreachable" => AccessFailure::Unreachable,
        "Untrusted" => AccessFailure::Untrusted,
        "Refused" => AccessFailure::Refused,
        "Forbidden" => AccessFailure::Forbidden,
        "Unexpected" => AccessFailure::Unexpected,
        other => return Err(format!("there is no access failure {other}")),
    })
}

fn ailment(name: &str) -> Result<Ailment, String> {
    Ok(match name {
        "well" => Ailment::Well,
        "broken" => Ailment::Broken,
        "missing" => Ailment::Missing,
        "unfit" => Ailment::Unfit,
        "denied" => Ailment::Denied,
        other => return Err(format!("a workload cannot be {other}")),
    })
}
