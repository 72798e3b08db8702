//! What must be so in every rollout, whatever devices, people and processes do: small random fleets, minute by minute.
//!
//! The fleet here is its own: it knows who was told to upgrade and what became of that, and shares nothing with the planner that is
//! judged by it.

#[path = "rollouts/fleet.rs"]
mod fleet;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use self::fleet::{BEGIN, Case, DAY, Disturbance, Habit, Hours, Laptop, RELEASE, RETRY, minutes, some_case};
use codeupgrade::api::CodeUpgrade;
use codeupgrade::catalog::merge::Layer;
use codeupgrade::catalog::{Catalog, Os, Product, Version};
use codeupgrade::fleet::devices::Devices;
use codeupgrade::fleet::{DevicesBuilder, Rank, Server, ServerRole, Streak, Watch};
use codeupgrade::planner::check::{Grounds, check};
use codeupgrade::planner::observed::{
    Access, AuthorityFacts, Edition, ServersFacts, SettingsFacts, Switch, Witnesses,
};
use codeupgrade::planner::rollout::{Surveys, carried};
use codeupgrade::planner::step::Step;
use codeupgrade::planner::{Decision, Desired, Memory, Observed, Reason, decide};
use codeupgrade::translate;
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;
use serde_json::json;

/// Most first devices that are tried before one of them has moved.
const MOST_FIRST: usize = 3;

/// Most times that one process tells a device, and most processes that tell those which another one may have told: five, and one more
/// for each day of a week.
const MOST_TELLS: u32 = 3;
const MOST_TELLERS: u32 = 12;

/// An environment that is where it should be, but for its laptops.
struct Run {
    case: Case,
    catalog: Catalog,
    desired: Desired,
    target: Version,
    /// The time as it is, and how far the operator's clock is ahead of it.
    second: i64,
    ahead: i64,
    /// How far the monotonic clock is ahead, which follows the operator's when a process begins.
    monotonic_ahead: i64,
    laptops: Vec<Laptop>,
    joined: u64,
    memory: Memory,
    watch: Watch,
    surveys: Arc<Surveys>,
    listed: Option<Arc<Devices>>,
    dies_in_between: bool,
    /// What was seen of each device by this process: when it was told, for how long it was connected since, by its listings.
    seen: BTreeMap<u64, Seen>,
    /// Who was told in the last minute, by any process.
    told: Vec<i64>,
    /// From which group on nobody may be told any more, since when, and who was up by then.
    stopped: Option<(usize, i64, BTreeSet<u64>)>,
    reason: Option<Reason>,
}

/// What this test's own eyes see from listing to listing.
#[derive(Clone, Copy)]
struct Seen {
    told_at: i64,
    connected: i64,
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
                "name": name, "os": ["Linux"], "waves": case.waves, "pause": "1h",
                "maxFailures": case.max_failures, "hold": held,
            })
        };
        let mut last = group("everyone", false);
        last["all"] = true.into();
        last.as_object_mut().unwrap().remove("os");
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
        Self {
            joined: case.laptops.len() as u64,
            case,
            catalog,
            desired,
            target,
            second: BEGIN,
            ahead: 0,
            monotonic_ahead: 0,
            laptops,
            memory: Memory::default(),
            watch: Watch::begin(at(BEGIN), BTreeMap::new()),
            surveys: Arc::default(),
            listed: None,
            dies_in_between: false,
            seen: BTreeMap::new(),
            told: Vec::new(),
            stopped: None,
            reason: None,
        }
    }

    /// What the operator's clock shows.
    fn now(&self) -> Timestamp {
        at(self.second + self.ahead)
    }

    /// What its monotonic clock shows.
    fn monotonic(&self) -> Timestamp {
        at(self.second + self.monotonic_ahead)
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
            Disturbance::Clock(hours) => self.ahead = minutes(hours * 60),
        }
    }

    fn restart(&mut self) {
        self.watch = Watch::begin(self.now(), carried(&self.memory.rollouts));
        self.monotonic_ahead = self.ahead;
        self.listed = None;
        self.seen.clear();
    }

    /// The list of devices, in the order given.
    fn list<'a>(&self, laptops: impl Iterator<Item = &'a Laptop>) -> Devices {
        let now = self.monotonic();
        let mut builder = DevicesBuilder::new(now, self.desired.devices.arrangement(Some(RELEASE)), 0);
        laptops.filter(|laptop| laptop.is_listed).for_each(|laptop| builder.push(laptop.row()));
        builder.finish(now)
    }

    fn observe(&self, devices: Arc<Devices>, watch: Watch) -> Observed {
        let now = self.monotonic();
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
        let witnesses = Witnesses {
            operator: self.now(),
            monotonic: now,
            api_server: Some(at(self.second)),
            authority: Some(at(self.second)),
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
            watch: Arc::new(watch),
            surveys: Arc::clone(&self.surveys),
            ..Observed::nothing(witnesses)
        }
    }

    /// A moment: the fleet lives, the operator decides, writes and acts.
    fn step(&mut self, passes: i64) -> TestCaseResult {
        for _ in 0..passes / 60 {
            self.second += 60;
            let (second, target) = (self.second, self.target);
            self.laptops.iter_mut().for_each(|laptop| laptop.live(second, 60, target));
        }
        let before = self.watch.clone();
        let monotonic = self.monotonic();
        let is_old = |listed: &Devices| {
            let age = monotonic.duration_since(listed.began);
            age.as_secs() >= minutes(5) || age.is_negative()
        };
        let (listed, is_new) = match self.listed.take() {
            Some(listed) if !is_old(&listed) => (listed, false),
            last => {
                let listed = Arc::new(self.list(self.laptops.iter()));
                self.see(last.as_deref(), &listed);
                self.watch.follow(&listed);
                (listed, true)
            }
        };
        self.listed = Some(Arc::clone(&listed));
        let observed = self.observe(Arc::clone(&listed), self.watch.clone());
        let decision = decide(&observed, &self.desired, &self.catalog, &self.memory, self.now());
        let (desired, catalog, memory) = (&self.desired, &self.catalog, &self.memory);
        let grounds = Grounds { observed: &observed, desired, catalog, memory, now: self.now() };
        prop_assert_eq!(check(&grounds, &decision), vec![]);
        let counted_anew = Observed { surveys: Arc::default(), ..observed.clone() };
        let same = decide(&counted_anew, desired, catalog, memory, self.now());
        prop_assert_eq!(&same, &decision, "what was counted before changes no decision");
        if is_new {
            self.judge_order(before, &decision)?;
            self.judge_halts(&listed, &decision)?;
        }
        self.judge_thresholds(&decision)?;
        let remembered = std::mem::replace(&mut self.memory, decision.memory.clone());
        self.reason = Some(decision.report.reason);
        if self.dies_in_between && !decision.steps.is_empty() {
            self.dies_in_between = false;
            self.restart();
        } else {
            self.act(&decision, &remembered)?;
        }
        self.judge_bounds()
    }

    /// Counts for itself how long each device was seen connected: online at two listings in a row.
    fn see(&mut self, last: Option<&Devices>, listed: &Devices) {
        let Some(last) = last else { return };
        let gap = listed.began.duration_since(last.began).as_secs();
        for (guid, seen) in &mut self.seen {
            let (Some(was), Some(is)) = (last.find(*guid), listed.find(*guid)) else { continue };
            let is_online = |at: &Devices, connected: i64| connected >= at.began.as_second() - minutes(15);
            if is_online(last, was.last_connected)
                && is_online(listed, is.last_connected)
                && gap <= minutes(60)
            {
                let told = listed.began.as_second() - seen.told_at;
                seen.connected += (is.last_connected - was.last_connected).clamp(0, gap.min(told).max(0));
            }
        }
    }

    fn act(&mut self, decision: &Decision, before: &Memory) -> TestCaseResult {
        let (now, second) = (self.now(), self.second);
        for step in &decision.steps {
            let Step::FlagDevices { group, devices, .. } = step else { continue };
            let is_halted = |memory: &Memory| {
                memory.rollouts.iter().any(|is| is.group == *group && is.halted_at.is_some())
            };
            prop_assert!(!is_halted(before) && !is_halted(&decision.memory), "{} is halted", group);
            prop_assert!(self.desired.paused.is_none(), "told while paused");
            prop_assert!(!(self.case.held && group == "first"), "told while held");
            prop_assert!(self.ahead.abs() <= 60, "told while clocks disagree");
            let rollout = decision.memory.rollouts.iter().find(|is| is.group == *group).unwrap();
            for device in devices {
                prop_assert!(rollout.threshold >= Some(Rank::of(&device.guid.to_string(), RELEASE)));
                self.watch.note_told(device.guid, now);
                let Some(laptop) = self.laptops.iter_mut().find(|laptop| laptop.guid == device.guid) else {
                    continue;
                };
                laptop.tells += 1;
                let told_at = now.as_second();
                // Told anew after it fell back, it begins anew.
                self.seen.insert(device.guid, Seen { told_at, connected: 0 });
                // A second order to the same device changes nothing.
                if laptop.is_behind() && laptop.told_at.is_none() {
                    (laptop.told_at, laptop.connected) = (Some(second), 0);
                    self.told.push(second);
                }
            }
        }
        self.judge_tells()
    }

    /// Nobody is told for ever; and before a device of a group has moved, no more than a few of it are told.
    fn judge_tells(&self) -> TestCaseResult {
        for laptop in &self.laptops {
            let most = MOST_TELLS * (MOST_TELLERS + 1);
            prop_assert!(laptop.tells <= most, "{} was told {} times", laptop.guid, laptop.tells);
        }
        for group in 0..2 {
            let told = || self.laptops.iter().filter(|laptop| laptop.group == group && laptop.tells > 0);
            let has_moved = told().any(|laptop| laptop.has_moved);
            prop_assert!(has_moved || told().count() <= MOST_FIRST, "{} were told first", told().count());
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
        let up = || self.laptops.iter().filter(|laptop| laptop.has_moved).map(|laptop| laptop.guid);
        let known = self.stopped.take().filter(|(known, _, _)| *known == from);
        let (_, since, up_before) =
            self.stopped.insert(known.unwrap_or_else(|| (from, second, up().collect())));
        // Who was away for a day after it was told does not count as under way: it moves when it comes back.
        let moved = self.laptops.iter().filter(|laptop| {
            laptop.has_moved
                && usize::from(laptop.group) >= from
                && !up_before.contains(&laptop.guid)
                && laptop.told_at.is_some_and(|told| *since - told < DAY)
        });
        let moved = moved.count();
        prop_assert!(moved <= self.case.max_in_flight as usize, "{} moved after a stop", moved);
        Ok(())
    }

    /// The same whatever order the authority lists devices in.
    fn judge_order(&self, mut watch: Watch, decision: &Decision) -> TestCaseResult {
        let listed = Arc::new(self.list(self.laptops.iter().rev()));
        watch.follow(&listed);
        let backwards = self.observe(listed, watch);
        let again = decide(&backwards, &self.desired, &self.catalog, &self.memory, self.now());
        prop_assert_eq!(&again.memory, &decision.memory);
        prop_assert_eq!(&again.steps, &decision.steps);
        Ok(())
    }

    /// More failures than allowed, of devices that this process told to upgrade and saw connected for long enough since, halt their
    /// group.
    fn judge_halts(&self, listed: &Devices, decision: &Decision) -> TestCaseResult {
        let mut failed: BTreeMap<u16, u64> = BTreeMap::new();
        for (guid, seen) in &self.seen {
            let Some(device) = listed.find(*guid).filter(|_| seen.connected >= RETRY) else { continue };
            if device.version.is_none_or(|version| version < self.target) {
                *failed.entry(device.group).or_default() += 1;
            }
        }
        for (group, failed) in failed {
            let Some(rollout) = decision.memory.rollouts.get(usize::from(group)) else { continue };
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
        self.laptops.iter().all(|laptop| laptop.version == Some(self.target))
    }

    fn is_halted(&self) -> bool {
        self.memory.rollouts.iter().any(|rollout| rollout.halted_at.is_some())
    }
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

/// Every few minutes for so many days, with what disturbs it.
fn play_for(case: &Case, days: i64) -> Result<Run, TestCaseError> {
    let mut run = Run::begin(case.clone());
    let mut waiting = case.disturbances.iter().peekable();
    let steps = [1, 1, 1, 2, 5, 5, 30].map(minutes);
    let mut restarted = 0;
    for passes in steps.into_iter().cycle() {
        let elapsed = run.second - BEGIN;
        if elapsed > days * DAY {
            break;
        }
        while let Some((_, disturbance)) = waiting.next_if(|(after, _)| *after * 60 <= elapsed) {
            run.disturb(*disturbance);
        }
        if let Some(every) = case.restarts_every.filter(|every| elapsed / minutes(*every) > restarted) {
            restarted = elapsed / minutes(every);
            run.restart();
        }
        run.step(passes)?;
    }
    Ok(run)
}

fn play(case: &Case) -> Result<Run, TestCaseError> {
    play_for(case, 2)
}

/// So many laptops of one kind.
fn many(count: usize, habit: Habit, hours: Hours) -> Vec<(u16, Habit, Hours)> {
    vec![(1, habit, hours); count]
}

/// One device fails early, and the threshold rises a hundred times after that: marks are merged, and its failure counts all the same.
#[test]
fn a_failure_counts_however_often_the_threshold_rises() {
    let mut laptops = many(150, Habit::Moves(1), Hours::Always);
    laptops.extend(many(5, Habit::Fails, Hours::Always));
    let case = Case { max_in_flight: 10, rate: 1, ..Case::of(laptops, json!(["100%"])) };
    let run = play(&case).unwrap();
    assert!(run.is_halted(), "{:?}", run.memory.rollouts[1]);
    assert!(!run.is_done());
}

/// No process lives long enough to see a device fail, and a third of them do: a sample shows it within the day.
#[test]
fn a_wave_halts_although_the_operator_restarts_every_hour() {
    for (count, waves, most) in
        [(60, json!(["100%"]), 3), (600, json!(["100%"]), 12), (600, json!([1, "50%", "100%"]), 30)]
    {
        let laptops = many(count, Habit::Moves(20), Hours::Always).into_iter().enumerate();
        let laptops =
            laptops.map(|(place, kind)| if place % 3 == 0 { (1, Habit::Fails, kind.2) } else { kind });
        let case =
            Case { max_failures: most, restarts_every: Some(60), ..Case::of(laptops.collect(), waves) };
        let run = play_for(&case, 1).unwrap();
        assert!(run.is_halted(), "{count}, {most} may fail: {:?}", run.memory.rollouts[1]);
        let size = serde_json::to_string(&run.memory.rollouts).unwrap().len();
        assert!(size < 4_096, "{size} bytes");
    }
}

/// Where all devices do well, hourly restarts stop nothing.
#[test]
fn a_healthy_fleet_gets_through_although_the_operator_restarts_every_hour() {
    let laptops = many(150, Habit::Moves(40), Hours::Always);
    let case = Case { restarts_every: Some(60), ..Case::of(laptops, json!([1, "50%", "100%"])) };
    let run = play(&case).unwrap();
    assert!(run.is_done() && !run.is_halted(), "{:?}", run.memory.rollouts[1]);
}

/// Whoever is never told again after a restart must have been told before it.
#[test]
fn whoever_comes_back_after_many_restarts_is_told() {
    let mut laptops = many(20, Habit::Moves(10), Hours::Always);
    laptops.extend(many(3, Habit::Moves(10), Hours::Never));
    let case = Case { restarts_every: Some(60), ..Case::of(laptops, json!(["100%"])) };
    let mut run = play_for(&case, 12).unwrap();
    for laptop in &mut run.laptops {
        laptop.hours = Hours::Always;
    }
    for hour in 0..72 {
        if hour % 24 == 0 {
            run.restart();
        }
        for _ in 0..12 {
            run.step(minutes(5)).unwrap();
        }
    }
    assert!(run.is_done(), "{:?}", run.memory.rollouts[1]);
}

/// A device falls back, is told once more, and is no failure while it has not failed again.
#[test]
fn who_fell_back_and_was_told_anew_has_not_failed_yet() {
    let mut laptops = vec![(0, Habit::Moves(1), Hours::Always); 29];
    laptops.extend([
        (0, Habit::FallsBack(175), Hours::Always),
        (0, Habit::Moves(1), Hours::Always),
        (0, Habit::Moves(1), Hours::Always),
        (0, Habit::Bricks, Hours::Always),
        (0, Habit::Moves(1), Hours::Always),
        (0, Habit::Moves(3), Hours::Naps),
        (0, Habit::Moves(38), Hours::Office(10)),
        (1, Habit::Moves(75), Hours::Office(16)),
        (0, Habit::Lies, Hours::Always),
        (0, Habit::Moves(53), Hours::Always),
        (0, Habit::Moves(53), Hours::Office(11)),
        (1, Habit::Vanishes, Hours::Always),
        (0, Habit::Moves(70), Hours::Always),
        (0, Habit::FallsBack(345), Hours::Always),
        (0, Habit::Fails, Hours::Office(6)),
        (0, Habit::Bricks, Hours::Office(14)),
        (1, Habit::Moves(71), Hours::Office(12)),
        (0, Habit::Moves(39), Hours::Always),
        (1, Habit::Moves(67), Hours::Office(9)),
        (0, Habit::Moves(58), Hours::From(10)),
        (0, Habit::Moves(41), Hours::Always),
        (0, Habit::FallsBack(1315), Hours::Always),
        (0, Habit::Moves(37), Hours::Never),
        (0, Habit::Vanishes, Hours::From(23)),
        (1, Habit::Bricks, Hours::From(13)),
        (0, Habit::Moves(11), Hours::Naps),
        (0, Habit::Moves(75), Hours::Always),
        (0, Habit::Lies, Hours::Always),
    ]);
    let case = Case {
        max_in_flight: 8,
        rate: 7,
        max_failures: 1,
        disturbances: vec![(754, Disturbance::Pause)],
        ..Case::of(laptops, json!(["5%", "50%", "100%"]))
    };
    play(&case).unwrap();
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
        run.ahead = 0;
        run.restart();
        let is_good = |laptop: &Laptop| {
            let comes = matches!(laptop.hours, Hours::Always | Hours::From(_) | Hours::Office(_));
            matches!(laptop.habit, Habit::Moves(_)) && comes
        };
        let all_good = run.laptops.iter().all(is_good) && !run.is_halted();
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

    /// People close their laptops in the evening, at lunch and for the weekend: as long as every device gets there after an hour or so
    /// of connection, nothing is halted, whoever restarts.
    #[test]
    fn office_hours_halt_nothing(
        laptops in prop::collection::vec((0_u16..2, 1_i64..75, 0_i64..24, any::<bool>()), 1..40),
        restarts_every in prop::option::of(50_i64..300),
        max_failures in 0_u64..2,
    ) {
        let laptops = laptops.into_iter().map(|(group, takes, hour, naps)| {
            (group, Habit::Moves(takes), if naps { Hours::From(hour) } else { Hours::Office(hour) })
        });
        let case = Case { max_failures, restarts_every, ..Case::of(laptops.collect(), json!([1, "30%", "100%"])) };
        let run = play_for(&case, 9)?;
        prop_assert!(!run.is_halted(), "{:?}", run.memory.rollouts);
    }
}
