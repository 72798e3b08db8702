//! What must be so in every rollout, whatever devices, people and processes do: small random fleets, minute by minute.
//!
//! The fleet here is its own: it knows who was told to upgrade and what became of that, and shares nothing with the planner that is
//! judged by it.

#[path = "rollouts/fleet.rs"]
mod fleet;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use self::fleet::{
    BEGIN, BEHIND, Case, DAY, Disturbance, Habit, Hours, Laptop, RELEASE, RETRY, minutes, some_case,
};
use codeupgrade::api::CodeUpgrade;
use codeupgrade::catalog::merge::Layer;
use codeupgrade::catalog::{Catalog, Os, Product, Version};
use codeupgrade::fleet::devices::Devices;
use codeupgrade::fleet::{DevicesBuilder, Rank, Server, ServerRole, Streak};
use codeupgrade::planner::check::{Grounds, check};
use codeupgrade::planner::observed::{
    Access, AuthorityFacts, Edition, Flags, ServersFacts, SettingsFacts, Switch, Witnesses,
};
use codeupgrade::planner::step::Step;
use codeupgrade::planner::{Decision, Desired, Memory, Observed, Reason, decide};
use codeupgrade::translate;
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;
use serde_json::json;

/// An environment that is where it should be, but for its laptops.
struct Run {
    case: Case,
    catalog: Catalog,
    desired: Desired,
    target: Version,
    second: i64,
    laptops: Vec<Laptop>,
    joined: u64,
    memory: Memory,
    flags: Flags,
    listed: Option<Arc<Devices>>,
    dies_in_between: bool,
    /// Who was told in the last minute, by any process.
    told: Vec<i64>,
    /// From which group on nobody may be told any more, since when, and who was up by then.
    stopped: Option<(usize, i64, BTreeSet<u64>)>,
    reason: Option<Reason>,
}

impl Run {
    fn begin(case: Case) -> Self {
        let (catalog, _) = translate::catalog::catalog_from(
            translate::catalog::shipped()
                .into_iter()
                .map(|release| (Layer::Shipped, release))
                .collect::<Vec<_>>(),
        );
        let group = |name: &str, held: bool| {
            json!({
                "name": name, "guids": ["1"], "waves": case.waves, "pause": "1h",
                "maxFailures": case.max_failures, "hold": held,
            })
        };
        let mut last = group("everyone", false);
        last["all"] = true.into();
        last.as_object_mut().unwrap().remove("guids");
        let spec = json!({
            "version": RELEASE,
            "authority": {"url": "https://code42.example:4285", "credentials": "code42-api", "statefulSet": "authority"},
            "backup": {"none": "a property"},
            "devices": {
                "upgrade": "Bundled", "maxInFlight": case.max_in_flight, "ratePerMinute": case.rate,
                "groups": [group("first", case.held), last],
            },
        });
        let desired =
            translate::desired::desired(&CodeUpgrade::new("property", serde_json::from_value(spec).unwrap()));
        let target = catalog.release(RELEASE).unwrap().bundled(Product::CrashPlan, Os::Windows).unwrap();
        let laptops = case.laptops.iter().zip(1_u64..).map(|(kind, guid)| Laptop::new(guid, *kind)).collect();
        let begin = Timestamp::from_second(BEGIN).unwrap();
        Self {
            joined: case.laptops.len() as u64,
            case,
            catalog,
            desired,
            target,
            second: BEGIN,
            laptops,
            memory: Memory::default(),
            flags: Flags::none(begin),
            listed: None,
            dies_in_between: false,
            told: Vec::new(),
            stopped: None,
            reason: None,
        }
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_second(self.second).unwrap()
    }

    fn disturb(&mut self, disturbance: Disturbance) {
        match disturbance {
            Disturbance::Crash => self.restart(),
            Disturbance::CrashInBetween => self.dies_in_between = true,
            Disturbance::Pause => self.desired.paused = Some("somebody".to_owned()),
            Disturbance::Resume => self.desired.paused = None,
            Disturbance::Join(group, habit, hours) => {
                self.joined += 1;
                self.laptops.push(Laptop::new(self.joined, (group, habit, hours)));
            }
            Disturbance::Leave(place) if place < self.laptops.len() => drop(self.laptops.remove(place)),
            Disturbance::Leave(_) => {}
        }
    }

    fn restart(&mut self) {
        self.flags = Flags::none(self.now());
        self.listed = None;
    }

    /// The list of devices, in the order given.
    fn list(&self, laptops: impl Iterator<Item = Laptop>) -> Devices {
        let now = self.now();
        let mut builder = DevicesBuilder::new(now, self.desired.devices.arrangement(Some(RELEASE)), 0);
        laptops.for_each(|laptop| builder.push(laptop.row()));
        builder.finish(now)
    }

    fn observe(&self, devices: Arc<Devices>) -> Observed {
        let now = self.now();
        let first = now.saturating_sub(SignedDuration::from_mins(10)).unwrap();
        let authority = Server {
            guid: "authority".into(),
            name: "authority".into(),
            role: ServerRole::Authority,
            version: Some(RELEASE),
            online: true,
            online_devices: 0,
            backup_sessions: 0,
            streak: Streak { first, last: now, answers: 11 },
        };
        Observed {
            access: Access::Good,
            authority: Some(AuthorityFacts {
                read_at: now,
                guid: "authority".into(),
                edition: Edition::Enterprise,
            }),
            servers: Some(ServersFacts { read_at: now, list: vec![authority] }),
            settings: Some(SettingsFacts {
                read_at: now,
                device_auto_upgrade: Switch::Off,
                server_auto_upgrade: Switch::Off,
                daily_services: None,
                utc_offset_seconds: Some(0),
            }),
            devices: Some(devices),
            flagged: Arc::new(self.flags.clone()),
            ..Observed::nothing(Witnesses::agreeing(now))
        }
    }

    /// A moment: the fleet lives, the operator decides, writes and acts.
    fn step(&mut self, passes: i64) -> TestCaseResult {
        self.second += passes;
        let (second, target) = (self.second, self.target);
        self.laptops.iter_mut().for_each(|laptop| laptop.live(second, target));
        let listed = match self.listed.take() {
            Some(listed) if self.now().duration_since(listed.began).as_secs() < minutes(5) => listed,
            Some(_) | None => Arc::new(self.list(self.laptops.iter().cloned())),
        };
        self.listed = Some(Arc::clone(&listed));
        let observed = self.observe(Arc::clone(&listed));
        let decision = decide(&observed, &self.desired, &self.catalog, &self.memory, self.now());
        let (desired, catalog, memory) = (&self.desired, &self.catalog, &self.memory);
        let grounds = Grounds { observed: &observed, desired, catalog, memory, now: self.now() };
        prop_assert_eq!(check(&grounds, &decision), vec![]);
        if listed.began == self.now() {
            self.judge_order(&decision)?;
            self.judge_halts(&listed, &decision)?;
        }
        self.judge_thresholds(&decision)?;
        let before = std::mem::replace(&mut self.memory, decision.memory.clone());
        self.reason = Some(decision.report.reason);
        for guid in &decision.flags_over {
            self.flags.given.remove(guid);
        }
        if self.dies_in_between && !decision.steps.is_empty() {
            self.dies_in_between = false;
            self.restart();
        } else {
            self.act(&decision, &before)?;
        }
        self.judge_bounds()
    }

    fn act(&mut self, decision: &Decision, before: &Memory) -> TestCaseResult {
        for step in &decision.steps {
            let Step::FlagDevices { group, devices, .. } = step else { continue };
            let is_halted = |memory: &Memory| {
                memory.rollouts.iter().any(|is| is.group == *group && is.halted_at.is_some())
            };
            prop_assert!(!is_halted(before) && !is_halted(&decision.memory), "{} is halted", group);
            prop_assert!(self.desired.paused.is_none(), "flagged while paused");
            prop_assert!(!(self.case.held && group == "first"), "flagged while held");
            let rollout = decision.memory.rollouts.iter().find(|is| is.group == *group).unwrap();
            for device in devices {
                prop_assert!(rollout.threshold >= Some(Rank::of(&device.guid.to_string(), RELEASE)));
                let now = self.now();
                self.flags.given.insert(device.guid, now);
                let Some(laptop) = self.laptops.iter_mut().find(|laptop| laptop.guid == device.guid) else {
                    continue;
                };
                // A second order to the same device changes nothing.
                if laptop.version == BEHIND && laptop.told_at.is_none() {
                    laptop.told_at = Some(self.second);
                    self.told.push(self.second);
                }
            }
        }
        Ok(())
    }

    /// Never more than `maxInFlight` at once, nor than the rate within a minute; and what moves after a stop was under way.
    fn judge_bounds(&mut self) -> TestCaseResult {
        let second = self.second;
        let under_way = self.laptops.iter().filter(|laptop| laptop.is_under_way(second)).count();
        prop_assert!(under_way <= self.case.max_in_flight as usize, "{} are under way", under_way);
        self.told.retain(|told| *told > second - 60);
        prop_assert!(self.told.len() <= self.case.rate as usize, "{} in a minute", self.told.len());
        let halted = self.memory.rollouts.iter().position(|rollout| rollout.halted_at.is_some());
        // A halted group stops itself and those after it.
        let Some(from) = self.desired.paused.as_ref().map(|_| 0).or(halted) else {
            self.stopped = None;
            return Ok(());
        };
        let up = || self.laptops.iter().filter(|laptop| laptop.version != BEHIND).map(|laptop| laptop.guid);
        let known = self.stopped.take().filter(|(known, _, _)| *known == from);
        let (_, since, up_before) =
            self.stopped.insert(known.unwrap_or_else(|| (from, second, up().collect())));
        // Who was away for a day after it was told does not count as under way: it moves when it comes back.
        let moved = self.laptops.iter().filter(|laptop| {
            laptop.version != BEHIND
                && usize::from(laptop.group) >= from
                && !up_before.contains(&laptop.guid)
                && laptop.told_at.is_some_and(|told| *since - told < DAY)
        });
        let moved = moved.count();
        prop_assert!(moved <= self.case.max_in_flight as usize, "{} moved after a stop", moved);
        Ok(())
    }

    /// The same whatever order the authority lists devices in.
    fn judge_order(&self, decision: &Decision) -> TestCaseResult {
        let backwards = self.observe(Arc::new(self.list(self.laptops.iter().rev().cloned())));
        let again = decide(&backwards, &self.desired, &self.catalog, &self.memory, self.now());
        prop_assert_eq!(&again.memory, &decision.memory);
        prop_assert_eq!(&again.steps, &decision.steps);
        Ok(())
    }

    /// More failures than allowed, of devices that this process told to upgrade, halt their group.
    fn judge_halts(&self, listed: &Devices, decision: &Decision) -> TestCaseResult {
        if self.desired.paused.is_some() {
            return Ok(());
        }
        let mut failed: BTreeMap<u16, u64> = BTreeMap::new();
        for (guid, told) in &self.flags.given {
            let Some(device) = listed.find(*guid) else { continue };
            if device.version == BEHIND && device.last_connected >= told.as_second() + RETRY {
                *failed.entry(device.group).or_default() += 1;
            }
        }
        for (group, failed) in failed {
            let rollout = &decision.memory.rollouts[usize::from(group)];
            let must_halt = failed > self.case.max_failures;
            prop_assert!(!must_halt || rollout.halted_at.is_some(), "{} failed: {:?}", failed, rollout);
        }
        Ok(())
    }

    fn judge_thresholds(&self, decision: &Decision) -> TestCaseResult {
        for was in &self.memory.rollouts {
            let is = decision.memory.rollouts.iter().find(|is| is.group == was.group && is.id == was.id);
            prop_assert!(is.is_some_and(|is| is.threshold >= was.threshold), "a threshold fell: {:?}", was);
        }
        Ok(())
    }

    fn is_done(&self) -> bool {
        self.laptops.iter().all(|laptop| laptop.version == self.target)
    }
}

/// Every few minutes for two days, with what disturbs it.
fn play(case: &Case) -> Result<Run, TestCaseError> {
    let mut run = Run::begin(case.clone());
    let mut waiting = case.disturbances.iter().peekable();
    let steps = [1, 1, 1, 2, 5, 5, 30].map(minutes);
    for passes in steps.into_iter().cycle() {
        let elapsed = run.second - BEGIN;
        if elapsed > 2 * DAY {
            break;
        }
        while let Some((_, disturbance)) = waiting.next_if(|(after, _)| *after * 60 <= elapsed) {
            run.disturb(*disturbance);
        }
        run.step(passes)?;
    }
    Ok(run)
}

/// One device fails early, and the threshold rises a hundred times after that: marks are merged, and its failure counts all the same.
#[test]
fn a_failure_counts_however_often_the_threshold_rises() {
    let mut laptops = vec![(0, Habit::Moves(1), Hours::Always); 150];
    laptops.extend([(0, Habit::Fails, Hours::Always); 5]);
    let (waves, disturbances) = (json!(["100%"]), Vec::new());
    let case =
        Case { laptops, waves, max_in_flight: 10, rate: 1, max_failures: 0, held: false, disturbances };
    let run = play(&case).unwrap();
    assert!(run.memory.rollouts[0].halted_at.is_some(), "{:?}", run.memory.rollouts[0]);
    assert!(!run.is_done());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_rollout_goes_beyond_what_was_allowed(case in some_case()) {
        play(&case)?;
    }

    /// Where nothing fails and everyone comes online sometime, all are up in the end; where something fails, it is said.
    #[test]
    fn no_rollout_stands_still_without_a_word(case in some_case()) {
        let mut run = play(&case)?;
        run.desired.paused = None;
        let is_good = |laptop: &Laptop| {
            matches!((laptop.habit, laptop.hours), (Habit::Moves(_), Hours::Always | Hours::From(_)))
        };
        let all_good = run.laptops.iter().all(is_good) && run.memory.rollouts.iter().all(|is| is.halted_at.is_none());
        for _ in 0..2_000 {
            if run.is_done() {
                break;
            }
            run.step(minutes(30))?;
        }
        let says = run.reason.map(Reason::name).unwrap_or_default();
        if all_good && !case.held {
            prop_assert!(run.is_done(), "{}: {:?}", says, run.memory.rollouts);
        }
        let told = ["GroupHalted", "WaveOverdue", "GroupHeld", "Done", "AtTarget"];
        prop_assert!(run.is_done() || told.contains(&says), "{}: {:?}", says, run.memory.rollouts);
    }
}
