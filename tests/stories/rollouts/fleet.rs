//! Small random fleets, and what people and processes do to them. A laptop here knows who told it to upgrade and what became of that.

use codeupgrade::catalog::{Os, Product, Version};
use codeupgrade::fleet::Rank;
use codeupgrade::fleet::devices::{Device, DeviceState};
use proptest::prelude::*;
use serde_json::json;

pub(super) const RELEASE: Version = Version::new([4, 3, 5, 3]);
pub(super) const BEHIND: Version = Version::new([4, 2, 0, 0]);
/// A Tuesday morning.
pub(super) const BEGIN: i64 = 1_456_819_200;

pub(super) const fn minutes(minutes: i64) -> i64 {
    minutes * 60
}
pub(super) const DAY: i64 = minutes(24 * 60);
/// How long an app retries by itself (FACTS.md, device-retry).
pub(super) const RETRY: i64 = minutes(90);

/// What a laptop does when it is told to upgrade.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Habit {
    /// It is up after so many minutes of connection.
    Moves(i64),
    /// It stays as it is.
    Fails,
    /// It is never heard of again.
    Bricks,
    /// Its record disappears from the list.
    Vanishes,
    /// It reports something that is no version.
    Lies,
    /// It is up after ten minutes of connection, and back at its old app after so many more.
    FallsBack(i64),
}

/// When a laptop is online.
#[derive(Clone, Copy, Debug)]
pub(super) enum Hours {
    Always,
    /// Eight hours of each day, from this one on, with an hour for lunch.
    From(i64),
    /// The same from Monday to Friday.
    Office(i64),
    /// Five minutes of each hour.
    Naps,
    Never,
}

impl Hours {
    pub(super) fn is_online(self, second: i64) -> bool {
        let at_work = |hour: i64| {
            let since = (second / 3600 - hour).rem_euclid(24);
            since < 8 && since != 4
        };
        // 1970 began on a Thursday.
        let is_workday = !matches!((second / DAY).rem_euclid(7), 2 | 3);
        match self {
            Self::Always => true,
            Self::From(hour) => at_work(hour),
            Self::Office(hour) => is_workday && at_work(hour),
            Self::Naps => second.rem_euclid(3600) < minutes(5),
            Self::Never => false,
        }
    }
}

#[derive(Clone, Debug)]
pub(super) struct Laptop {
    pub(super) guid: u64,
    pub(super) group: u16,
    pub(super) habit: Habit,
    pub(super) hours: Hours,
    /// `None` where it reports nothing that is one.
    pub(super) version: Option<Version>,
    pub(super) last_connected: i64,
    pub(super) told_at: Option<i64>,
    pub(super) tells: u32,
    /// For how long it was connected since it was told.
    pub(super) connected: i64,
    /// Whether it was ever up.
    pub(super) has_moved: bool,
    pub(super) is_dead: bool,
    pub(super) is_listed: bool,
}

impl Laptop {
    pub(super) fn new(guid: u64, (group, habit, hours): (u16, Habit, Hours)) -> Self {
        Self {
            guid,
            group,
            habit,
            hours,
            version: Some(BEHIND),
            last_connected: i64::MIN,
            told_at: None,
            tells: 0,
            connected: 0,
            has_moved: false,
            is_dead: false,
            is_listed: true,
        }
    }

    /// Lives for a minute at most: what lies between two calls it was as it is now.
    pub(super) fn live(&mut self, second: i64, passed: i64, target: Version) {
        if self.is_dead || !self.hours.is_online(second) {
            return;
        }
        self.last_connected = second;
        if self.told_at.is_none() {
            return;
        }
        self.connected += passed;
        match self.habit {
            Habit::Moves(takes) if self.connected >= minutes(takes) => self.is_up(target),
            Habit::FallsBack(after) if self.connected >= minutes(10 + after) => {
                (self.version, self.told_at) = (Some(BEHIND), None);
            }
            Habit::FallsBack(_) if self.connected >= minutes(10) => self.is_up(target),
            Habit::Bricks => self.is_dead = true,
            Habit::Vanishes => (self.is_dead, self.is_listed) = (true, false),
            Habit::Lies => self.version = None,
            Habit::Moves(_) | Habit::FallsBack(_) | Habit::Fails => {}
        }
    }

    fn is_up(&mut self, target: Version) {
        (self.version, self.has_moved) = (Some(target), true);
    }

    pub(super) fn is_behind(&self) -> bool {
        self.version == Some(BEHIND)
    }

    /// Told within a day, and neither up nor gone nor connected for so long since that it failed.
    pub(super) fn is_under_way(&self, second: i64) -> bool {
        self.is_listed
            && self.is_behind()
            && self.told_at.is_some_and(|told| second - told < DAY)
            && self.connected < RETRY
    }

    pub(super) fn row(&self) -> Device {
        Device {
            guid: self.guid,
            computer_id: self.guid,
            product: Product::CrashPlan,
            os: Os::Windows,
            version: self.version,
            state: DeviceState::Active,
            last_connected: self.last_connected,
            organisation: 1,
            group: self.group,
            rank: Rank::of(&self.guid.to_string(), RELEASE),
        }
    }
}

/// What somebody or something does.
#[derive(Clone, Copy, Debug)]
pub(super) enum Disturbance {
    /// Another process takes over.
    Crash,
    /// The process ends after the next write, before its effect.
    CrashInBetween,
    Pause,
    Resume,
    /// A device comes.
    Join(u16, Habit, Hours),
    /// The device of this place in the list leaves.
    Leave(usize),
    /// The operator's clock shows so many hours more than it should.
    Clock(i64),
}

#[derive(Clone, Debug)]
pub(super) struct Case {
    pub(super) laptops: Vec<(u16, Habit, Hours)>,
    pub(super) waves: serde_json::Value,
    pub(super) max_in_flight: u32,
    pub(super) rate: u32,
    pub(super) max_failures: u64,
    pub(super) held: bool,
    /// After so many minutes.
    pub(super) disturbances: Vec<(i64, Disturbance)>,
    /// Every so many minutes another process takes over.
    pub(super) restarts_every: Option<i64>,
}

impl Case {
    /// One group of all, in the waves given; nothing disturbs it.
    pub(super) fn of(laptops: Vec<(u16, Habit, Hours)>, waves: serde_json::Value) -> Self {
        Self {
            laptops,
            waves,
            max_in_flight: 200,
            rate: 20,
            max_failures: 0,
            held: false,
            disturbances: Vec::new(),
            restarts_every: None,
        }
    }
}

pub(super) fn some_hours() -> impl Strategy<Value = Hours> {
    prop_oneof![
        4 => Just(Hours::Always),
        2 => (0_i64..24).prop_map(Hours::From),
        2 => (0_i64..24).prop_map(Hours::Office),
        1 => Just(Hours::Naps),
        1 => Just(Hours::Never),
    ]
}

pub(super) fn some_habit() -> impl Strategy<Value = Habit> {
    prop_oneof![
        8 => (1_i64..80).prop_map(Habit::Moves),
        1 => Just(Habit::Fails),
        1 => Just(Habit::Bricks),
        1 => Just(Habit::Vanishes),
        1 => Just(Habit::Lies),
        1 => (10_i64..2_000).prop_map(Habit::FallsBack),
    ]
}

pub(super) fn some_disturbance() -> impl Strategy<Value = Disturbance> {
    prop_oneof![
        Just(Disturbance::Crash),
        Just(Disturbance::CrashInBetween),
        Just(Disturbance::Pause),
        Just(Disturbance::Resume),
        (0_u16..2, some_habit(), some_hours())
            .prop_map(|(group, habit, hours)| Disturbance::Join(group, habit, hours)),
        (0_usize..60).prop_map(Disturbance::Leave),
        (-50_i64..50).prop_map(Disturbance::Clock),
        Just(Disturbance::Clock(0)),
    ]
}

pub(super) fn some_case() -> impl Strategy<Value = Case> {
    let waves = prop_oneof![
        Just(json!([1, "50%", "100%"])),
        Just(json!(["5%", "50%", "100%"])),
        Just(json!([3, 9, "100%"])),
        Just(json!(["100%"])),
    ];
    let laptops = prop::collection::vec((0_u16..2, some_habit(), some_hours()), 0..60);
    let disturbances = prop::collection::vec((0_i64..minutes(24), some_disturbance()), 0..8);
    let restarts = prop::option::weighted(0.2, 45_i64..120);
    (laptops, waves, 1_u32..12, 1_u32..8, 0_u64..5, prop::bool::weighted(0.1), disturbances, restarts)
        .prop_map(
            |(laptops, waves, max_in_flight, rate, max_failures, held, mut disturbances, restarts_every)| {
                disturbances.sort_by_key(|(after, _)| *after);
                Case { laptops, waves, max_in_flight, rate, max_failures, held, disturbances, restarts_every }
            },
        )
}
