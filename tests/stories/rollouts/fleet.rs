//! Small random fleets, and what people and processes do to them. A laptop here knows who told it to upgrade and what became of that.

use codeupgrade::catalog::{Os, Product, Version};
use codeupgrade::fleet::Rank;
use codeupgrade::fleet::devices::{Device, DeviceState};
use proptest::prelude::*;
use serde_json::json;

pub(super) const RELEASE: Version = Version::new([4, 3, 5, 3]);
pub(super) const BEHIND: Version = Version::new([4, 2, 0, 0]);
pub(super) const BEGIN: i64 = 1_456_819_200;

pub(super) const fn minutes(minutes: i64) -> i64 {
    minutes * 60
}
pub(super) const DAY: i64 = minutes(24 * 60);
/// How long an app retries by itself (FACTS.md, device-retry).
pub(super) const RETRY: i64 = minutes(90);

/// What a laptop does when it is told to upgrade.
#[derive(Clone, Copy, Debug)]
pub(super) enum Habit {
    /// It is up so many minutes later, or when it is next online.
    Moves(i64),
    /// It stays as it is.
    Fails,
    /// It is never heard of again.
    Bricks,
}

/// When a laptop is online.
#[derive(Clone, Copy, Debug)]
pub(super) enum Hours {
    Always,
    /// Eight hours of each day, from this one on.
    From(i64),
    Never,
}

impl Hours {
    pub(super) fn is_online(self, second: i64) -> bool {
        match self {
            Self::Always => true,
            Self::From(hour) => (second / 3600 - hour).rem_euclid(24) < 8,
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
    pub(super) version: Version,
    pub(super) last_connected: i64,
    pub(super) told_at: Option<i64>,
    pub(super) dead: bool,
}

impl Laptop {
    pub(super) fn new(guid: u64, (group, habit, hours): (u16, Habit, Hours)) -> Self {
        let (version, told_at, dead) = (BEHIND, None, false);
        Self { guid, group, habit, hours, version, last_connected: i64::MIN, told_at, dead }
    }

    pub(super) fn live(&mut self, second: i64, target: Version) {
        if self.dead || !self.hours.is_online(second) {
            return;
        }
        self.last_connected = second;
        match (self.habit, self.told_at) {
            (Habit::Moves(takes), Some(told)) if second >= told + minutes(takes) => self.version = target,
            (Habit::Bricks, Some(_)) => self.dead = true,
            (Habit::Moves(_) | Habit::Fails | Habit::Bricks, _) => {}
        }
    }

    /// Told within a day, and neither up nor connected for so long since that it failed.
    pub(super) fn is_under_way(&self, second: i64) -> bool {
        self.version == BEHIND
            && self.told_at.is_some_and(|told| second - told < DAY && self.last_connected < told + RETRY)
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
}

pub(super) fn some_hours() -> impl Strategy<Value = Hours> {
    prop_oneof![3 => Just(Hours::Always), 2 => (0_i64..24).prop_map(Hours::From), 1 => Just(Hours::Never)]
}

pub(super) fn some_habit() -> impl Strategy<Value = Habit> {
    prop_oneof![8 => (1_i64..80).prop_map(Habit::Moves), 1 => Just(Habit::Fails), 1 => Just(Habit::Bricks)]
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
    (laptops, waves, 1_u32..12, 1_u32..8, 0_u64..5, prop::bool::weighted(0.1), disturbances).prop_map(
        |(laptops, waves, max_in_flight, rate, max_failures, held, mut disturbances)| {
            disturbances.sort_by_key(|(after, _)| *after);
            Case { laptops, waves, max_in_flight, rate, max_failures, held, disturbances }
        },
    )
}
