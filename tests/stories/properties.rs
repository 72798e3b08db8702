//! What must be so for every input: paths against brute force, versions and patterns, windows, merging, waits, thresholds.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use codeupgrade::catalog::merge::Layer;
use codeupgrade::catalog::path::{Cost, DeviceClass, Leg, NoPath, Path, Question, Rollouts, find};
use codeupgrade::catalog::{
    Acceptance, AcceptedVersion, Catalog, CompatibilityRow, Origin, Os, Pattern, Product, Release, Support,
    Version, merge,
};
use codeupgrade::planner::memory::{Wait, WaitEvidence};
use codeupgrade::planner::window::{Freeze, Opening, Window, opening};
use codeupgrade::simulator::script::{Script, run};
use jiff::civil::{Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

/// A release of a small series: 4.0 to 4.7.
fn version(minor: u8) -> Version {
    Version::new([4, u16::from(minor), 0, 0])
}

/// An app version, between and at the releases.
fn app(number: u8) -> Version {
    Version::new([u16::from(3 + number / 8), u16::from(number % 8), 0, 0])
}

fn some_row() -> impl Strategy<Value = CompatibilityRow> {
    let product =
        prop_oneof![Just(Product::CrashPlan), Just(Product::SharePlan), Just(Product::SharePlanMobile)];
    let entry = (0_u8..16, any::<bool>(), 0_u8..4).prop_map(|(number, bundled, kind)| AcceptedVersion {
        pattern: match kind {
            0 => "4.x".parse().unwrap(),
            _ => Pattern::Exact(app(number)),
        },
        bundled: bundled && kind > 0,
        support: if kind == 1 { Support::Degraded } else { Support::Full },
    });
    let os = prop_oneof![Just(BTreeSet::new()), Just(BTreeSet::from([Os::Windows]))];
    (product, os, prop::collection::vec(entry, 0..4)).prop_map(|(product, os, versions)| CompatibilityRow {
        product,
        os,
        versions,
    })
}

fn some_release(minor: u8) -> impl Strategy<Value = Release> {
    let from = prop::collection::vec(0_u8..8, 0..4);
    let matrix = prop::option::weighted(0.8, prop::collection::vec(some_row(), 0..4));
    (from, matrix, 0_i64..3).prop_map(move |(from, compatibility, hours)| {
        let mut release = Release::bare(version(minor));
        release.upgrades_from = from.into_iter().map(|minor| Pattern::Exact(version(minor))).collect();
        release.compatibility = compatibility;
        release.post_upgrade_wait = (hours > 0).then(|| SignedDuration::from_hours(hours));
        release
    })
}

fn some_releases() -> impl Strategy<Value = Vec<Release>> {
    (0_u8..7).map(some_release).collect::<Vec<_>>()
}

fn some_devices() -> impl Strategy<Value = Vec<DeviceClass>> {
    let product = prop_oneof![3 => Just(Product::CrashPlan), 1 => Just(Product::SharePlan), 1 => Just(Product::SharePlanMobile)];
    let os = prop_oneof![Just(Os::Windows), Just(Os::Mac)];
    let class = (product, os, 0_u8..16, 1_u64..5);
    prop::collection::vec(class, 0..4).prop_map(|classes| {
        let mut classes: Vec<DeviceClass> = classes
            .into_iter()
            .map(|(product, os, number, live)| DeviceClass { product, os, version: app(number), live })
            .collect();
        classes.sort();
        classes.dedup_by_key(|class| (class.product, class.os, class.version));
        classes
    })
}

/// Every way there is, tried one after the other, with nothing clever about it.
struct BruteForce<'a> {
    question: &'a Question<'a>,
    anywhere: bool,
    best: Option<Cost>,
}

impl BruteForce<'_> {
    fn best(question: &Question<'_>) -> Option<Cost> {
        let tried = |anywhere| {
            let mut search = BruteForce { question, anywhere, best: None };
            let versions: Vec<Version> = question.devices.iter().map(|class| class.version).collect();
            search.walk(question.from, &versions, Cost::default());
            search.best
        };
        tried(false).or_else(|| if question.rollouts == Rollouts::Allowed { tried(true) } else { None })
    }

    fn walk(&mut self, at: Version, versions: &[Version], cost: Cost) {
        if at == self.question.to {
            self.best = Some(self.best.map_or(cost, |best| best.min(cost)));
            return;
        }
        let next: Vec<&Release> = self
            .question
            .catalog
            .releases()
            .filter(|next| next.version > at && next.version <= self.question.to)
            .filter(|next| self.question.catalog.has_edge(at, next.version))
            .collect();
        for next in next {
            let direct = self.hop(next, versions);
            if let Some((left, risks)) = direct {
                self.step(next, versions, cost, risks, 0);
                if left == 0 && !self.anywhere {
                    continue;
                }
            }
            let Some(here) = self.question.catalog.release(at) else { continue };
            if self.question.rollouts == Rollouts::Never {
                continue;
            }
            let moved: Vec<Version> = self
                .question
                .devices
                .iter()
                .zip(versions)
                .map(|(class, version)| match class.product {
                    Product::SharePlanMobile => *version,
                    _ => here
                        .bundled(class.product, class.os)
                        .map_or(*version, |bundled| bundled.max(*version)),
                })
                .collect();
            if moved != versions
                && let Some((_, risks)) = self.hop(next, &moved)
            {
                self.step(next, &moved, cost, risks, 1);
            }
        }
    }

    fn step(&mut self, next: &Release, versions: &[Version], mut cost: Cost, risks: u32, rollouts: u32) {
        cost.unaccepted_risks += risks;
        cost.rollouts += rollouts;
        cost.hops += 1;
        if next.version != self.question.to {
            cost.waiting_seconds += next.post_upgrade_wait.map_or(0, |wait| wait.as_secs());
        }
        self.walk(next.version, versions, cost);
    }

    /// Live devices left behind and unaccepted risks of a hop, unless it leaves too many.
    fn hop(&self, next: &Release, versions: &[Version]) -> Option<(u64, u32)> {
        let (mut left, mut names) = (0, BTreeSet::new());
        if next.compatibility.is_none() {
            names.insert("UnknownCompatibility");
        }
        for (class, version) in self.question.devices.iter().zip(versions) {
            match next.acceptance(class.product, class.os, *version) {
                Acceptance::Refused => left += class.live,
                Acceptance::Degraded => drop(names.insert("Degraded")),
                Acceptance::Bundled | Acceptance::Accepted | Acceptance::Unknown => {}
            }
        }
        if left > 0 {
            names.insert("DevicesLeftBehind");
        }
        let accepted = |name: &str| self.question.accepted.contains(&(next.version, name.to_owned()));
        let risks = names.into_iter().filter(|name| !accepted(name)).count();
        (left <= self.question.may_leave_behind).then(|| (left, u32::try_from(risks).unwrap()))
    }
}

/// Whether a path is one: connected, documented, and ends where it should.
fn is_sound(path: &Path, question: &Question<'_>) -> bool {
    let mut at = question.from;
    for Leg { from, to, .. } in &path.legs {
        if *from != at || !question.catalog.has_edge(*from, *to) {
            return false;
        }
        at = *to;
    }
    at == question.to && usize::try_from(path.cost.hops).unwrap() == path.legs.len()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_best_path_is_the_one_that_brute_force_finds(
        releases in some_releases(), devices in some_devices(), from in 0_u8..4, to in 3_u8..7,
        may_leave_behind in 0_u64..3, never in prop::bool::weighted(0.2), accept in any::<bool>(),
    ) {
        let catalog = Catalog::new(releases.clone());
        let names = ["UnknownCompatibility", "Degraded"];
        let accepted: BTreeSet<(Version, String)> = (0..7)
            .flat_map(|minor| names.map(|name| (version(minor), name.to_owned())))
            .filter(|_| accept)
            .collect();
        let ask = |catalog: &Catalog, devices: &[DeviceClass]| find(&Question {
            catalog, from: version(from), to: version(to), via: &[], devices, may_leave_behind,
            rollouts: if never { Rollouts::Never } else { Rollouts::Allowed }, accepted: &accepted,
        });
        let question = Question {
            catalog: &catalog, from: version(from), to: version(to), via: &[], devices: &devices, may_leave_behind,
            rollouts: if never { Rollouts::Never } else { Rollouts::Allowed }, accepted: &accepted,
        };
        let found = ask(&catalog, &devices);
        if from < to {
            prop_assert_eq!(found.as_ref().ok().map(|path| path.cost), BruteForce::best(&question));
        }
        if let Ok(path) = &found {
            prop_assert!(is_sound(path, &question));
        }
        // The same answer whatever the order of the inputs.
        let reversed = Catalog::new(releases.into_iter().rev().map(|mut release| {
            release.upgrades_from.reverse();
            release.compatibility.iter_mut().for_each(|rows| rows.reverse());
            release
        }));
        let backwards: Vec<DeviceClass> = devices.iter().rev().copied().collect();
        prop_assert_eq!(ask(&reversed, &backwards), found);
    }

    #[test]
    fn without_a_path_what_is_named_is_really_missing(releases in some_releases(), devices in some_devices()) {
        let catalog = Catalog::new(releases);
        let accepted = BTreeSet::new();
        let question = Question {
            catalog: &catalog, from: version(0), to: version(6), via: &[], devices: &devices, may_leave_behind: 0,
            rollouts: Rollouts::Allowed, accepted: &accepted,
        };
        match find(&question) {
            Err(NoPath::MissingEdge { from, to }) => {
                for to in to {
                    prop_assert!(!catalog.has_edge(from, to), "{} to {} is documented", from, to);
                }
            }
            Err(NoPath::MissingMatrixRow { from, to, refused, .. }) => {
                prop_assert!(catalog.has_edge(from, to));
                let release = catalog.release(to).unwrap();
                for class in refused {
                    let found = release.acceptance(class.product, class.os, class.version);
                    prop_assert_eq!(found, Acceptance::Refused);
                }
            }
            Err(NoPath::UnknownRelease { .. } | NoPath::Downgrade) => prop_assert!(false),
            Ok(_) => {}
        }
    }

    #[test]
    fn versions_and_patterns_are_read_as_they_are_written(
        parts in prop::collection::vec(any::<u16>(), 2..=4), other in prop::collection::vec(0_u16..3, 2..=4), fixed in 1_usize..4,
    ) {
        let text = parts.iter().map(u16::to_string).collect::<Vec<_>>().join(".");
        let version: Version = text.parse().unwrap();
        prop_assert_eq!(version.to_string().parse::<Version>().unwrap(), version);
        let exact: Pattern = text.parse().unwrap();
        prop_assert!(exact.matches(version));
        let fixed = fixed.min(parts.len());
        let series = parts[..fixed].iter().map(u16::to_string).collect::<Vec<_>>().join(".") + ".x";
        if let Ok(series) = series.parse::<Pattern>() {
            prop_assert!(series.matches(version));
            prop_assert_eq!(series.to_string().parse::<Pattern>().unwrap(), series);
            let other: Version = other.iter().map(u16::to_string).collect::<Vec<_>>().join(".").parse().unwrap();
            prop_assert_eq!(series.matches(other), other.parts()[..fixed] == version.parts()[..fixed]);
        }
        let mut padded = [0; 4];
        padded[..parts.len()].copy_from_slice(&parts);
        prop_assert_eq!(version.parts(), padded);
    }

    #[test]
    fn merging_does_not_mind_the_order(
        descriptions in prop::collection::vec((0_u8..3, some_release(2), any::<bool>()), 0..5), turn in 0_usize..5,
    ) {
        let described = |(object, release, is_user): (u8, Release, bool)| {
            let layer = if is_user { Layer::User } else { Layer::Shipped };
            (Origin { layer, object: format!("object-{object}") }, release)
        };
        let mut seen = BTreeSet::new();
        let mut all: Vec<(Origin, Release)> = descriptions.into_iter().map(described).collect();
        all.retain(|(origin, _)| seen.insert(format!("{origin:?}")));
        let straight = merge(all.clone());
        let middle = turn.min(all.len());
        all.rotate_left(middle);
        prop_assert_eq!(merge(all.clone()), straight.clone());
        all.reverse();
        prop_assert_eq!(merge(all), straight);
    }

    #[test]
    fn a_window_that_is_said_to_open_is_open_then_and_no_minute_before(
        days in prop::collection::btree_set(0_i8..7, 1..4), hour in 0_i8..24, minutes in 30_i64..3000,
        needs in 0_i64..180, now in 1_458_000_000_i64..1_480_000_000, frozen in any::<bool>(), berlin in any::<bool>(),
    ) {
        let zone = TimeZone::get(if berlin { "Europe/Berlin" } else { "America/Chicago" }).unwrap();
        let days = days.into_iter().map(|day| Weekday::from_monday_zero_offset(day).unwrap()).collect();
        let windows = [Window {
            days, start: Time::new(hour, 0, 0, 0).unwrap(),
            duration: SignedDuration::from_mins(minutes), time_zone: zone.clone(),
        }];
        let now = Timestamp::from_second(now).unwrap();
        let from = now.to_zoned(zone.clone()).date();
        let freezes: Vec<Freeze> = frozen
            .then(|| Freeze { from, to: from.tomorrow().unwrap(), reason: "a test".into(), time_zone: zone })
            .into_iter()
            .collect();
        let needs = SignedDuration::from_mins(needs);
        let ask = |at| opening(&windows, &freezes, needs, at);
        if let Opening::Closed { opens: Some(opens), .. } = ask(now) {
            prop_assert!(opens > now);
            let is_open = matches!(ask(opens), Opening::Open { .. });
            prop_assert!(is_open, "closed when it is said to open");
            let mut minute = now;
            while minute < opens {
                let is_closed = matches!(ask(minute), Opening::Closed { .. });
                prop_assert!(is_closed, "open before: {}", minute);
                minute = minute.saturating_add(SignedDuration::from_hours(7)).unwrap();
            }
            let before = opens.saturating_sub(SignedDuration::from_secs(1)).unwrap();
            let is_closed = before < now || matches!(ask(before), Opening::Closed { .. });
            prop_assert!(is_closed);
        }
        if let Opening::Open { closes: Some(closes) } = ask(now) {
            prop_assert!(closes.duration_since(now) >= needs);
        }
    }

    #[test]
    fn a_wait_only_ever_grows_by_downtime(length in 0_i64..100_000, down in 0_i64..100_000, since in prop::option::of(0_i64..50_000), now in 50_000_i64..200_000) {
        let at = |second| Timestamp::from_second(second).unwrap();
        let wait = Wait {
            release: version(2), started_at: at(0), evidence: WaitEvidence::Completed, down_seconds: down,
            down_since: since.map(at), resets: 0,
        };
        let until = wait.until(SignedDuration::from_secs(length), at(now));
        prop_assert_eq!(until, at(length + down + since.map_or(0, |since| now - since)));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    /// Clocks jump and processes end in the wait; the checker in the runner sees every decision, thresholds included.
    #[test]
    fn no_jump_of_any_clock_and_no_crash_starts_a_hop_early(
        jumps in prop::collection::vec((0_usize..5, -50_i64..50, 1_i64..9), 0..5), seed in 0_u64..1000,
    ) {
        let mut text = format!(
            "seed {seed}\nauthority authority 4.2.3.1\nstorage storage-01 4.2.3.1\ndevices 4 CrashPlan 4.2.0 Windows\n\n\
             clock api +0s\nclock authority +0s\nset devices.waves [1, \"50%\", \"100%\"]\nset devices.pause 2h\n\
             want 4.3.5.3\nrun 10m\n"
        );
        let mut hours = 0;
        for (which, by, after) in jumps {
            let witness = ["operator", "monotonic", "api", "authority"].get(which);
            let sign = if by < 0 { "-" } else { "+" };
            text += &witness.map_or_else(|| "crash\n".to_owned(), |name| format!("clock {name} {sign}{}h\n", by.abs()));
            // Never as much in all as the wait asks for.
            let after = after.min(22 - hours);
            hours += after;
            let _ = writeln!(text, "run {after}h");
        }
        text += "expect orders authority 0\nexpect server authority 4.2.3.1\n";
        let script = Script::parse(&text).unwrap();
        let outcome = run(&script, None).unwrap();
        prop_assert!(outcome.failures.is_empty(), "{}\n{}\n{}", outcome.failures.join("\n"), text, outcome.timeline);
    }
}
