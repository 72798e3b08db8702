//! When to read next: intervals with jitter, backed off after failures, and how dear the last listing was.

use std::hash::{DefaultHasher, Hash, Hasher};

use jiff::{SignedDuration, Timestamp};

/// After failures an interval grows to at most this many times its length.
const MOST_BACK_OFF: u32 = 8;

/// A listing of devices may take at most one twentieth of the time.
const LISTING_SHARE: i32 = 20;

/// After a listing that failed, at least this long until the next.
const AFTER_FAILED_LISTING: SignedDuration = SignedDuration::from_secs(60);

/// The pace of one kind of reading.
#[derive(Clone, Debug)]
pub(super) struct Pace {
    seed: u64,
    turn: u64,
    failures: u32,
}

impl Pace {
    /// A pace whose jitter differs from that of other environments.
    pub(super) fn new(seed: &str) -> Self {
        let mut hasher = DefaultHasher::new();
        seed.hash(&mut hasher);
        Self { seed: hasher.finish(), turn: 0, failures: 0 }
    }

    /// Notes how a reading went.
    pub(super) fn note<T, E>(&mut self, outcome: &Result<T, E>) {
        self.turn += 1;
        self.failures = if outcome.is_ok() { 0 } else { self.failures.saturating_add(1) };
    }

    /// The interval until the next reading: up to a tenth shorter than asked, so that many environments do not fall into
    /// step; doubled with every failure in a row. What was asked is never exceeded while all is well.
    pub(super) fn interval(&self, asked: SignedDuration) -> SignedDuration {
        let mut hasher = DefaultHasher::new();
        (self.seed, self.turn).hash(&mut hasher);
        let thousandths = 900 + i32::try_from(hasher.finish() % 100).unwrap_or(0);
        let doublings = 2_u32.saturating_pow(self.failures.min(16)).min(MOST_BACK_OFF);
        let doublings = i32::try_from(doublings).unwrap_or(1);
        asked.saturating_mul(thousandths) / 1000 * doublings
    }
}

/// A listing of devices that was made or tried. By the monotonic clock, so that no jump of the wall clock delays the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Attempt {
    /// When it began.
    pub(super) began: Timestamp,
    /// When it ended.
    pub(super) ended: Timestamp,
    /// How it ended.
    pub(super) outcome: AttemptOutcome,
}

/// How a listing ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AttemptOutcome {
    /// Complete, matched by the groups of this digest.
    Complete {
        /// Digest of the groups.
        groups: u64,
    },
    /// It failed.
    Failed,
}

/// When the next listing of devices is due, by the monotonic clock: one that began at or after `since`, where one is needed now, and
/// that is made by the groups of a digest.
pub(super) fn listing_due(
    last: Option<&Attempt>,
    since: Option<Timestamp>,
    wanted_groups: u64,
    every: SignedDuration,
) -> Timestamp {
    let Some(last) = last else { return Timestamp::MIN };
    let duration = last.ended.duration_since(last.began);
    let later = |at: Timestamp, by: SignedDuration| at.saturating_add(by).unwrap_or(Timestamp::MAX);
    let affordable = later(last.began, duration.saturating_mul(LISTING_SHARE));
    let regular = later(last.began, every);
    let wanted = match last.outcome {
        AttemptOutcome::Failed => later(last.ended, AFTER_FAILED_LISTING.min(every)),
        AttemptOutcome::Complete { groups } if groups != wanted_groups => Timestamp::MIN,
        AttemptOutcome::Complete { .. } => match since {
            Some(since) if last.began < since => since.min(regular),
            Some(_) | None => regular,
        },
    };
    wanted.max(affordable)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn second(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn an_interval_is_jittered_and_backed_off() {
        let minute = SignedDuration::from_secs(60);
        let mut pace = Pace::new("uid");
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..20 {
            pace.note(&Ok::<_, ()>(()));
            let interval = pace.interval(minute);
            assert!((SignedDuration::from_secs(54)..=minute).contains(&interval), "{interval:?}");
            seen.insert(interval);
        }
        assert!(seen.len() > 10);
        for (failures, at_least) in [(1, 108), (2, 216), (3, 432), (9, 432)] {
            let mut pace = Pace::new("uid");
            for _ in 0..failures {
                pace.note(&Err::<(), _>(()));
            }
            let interval = pace.interval(minute).as_secs();
            assert!((at_least..=at_least * 10 / 9).contains(&interval), "{failures}: {interval}");
        }
    }

    #[test]
    fn devices_are_listed_as_often_as_wanted_and_as_seldom_as_they_cost() {
        let every = SignedDuration::from_mins(30);
        let complete = AttemptOutcome::Complete { groups: 1 };
        for (name, attempt, since, due) in [
            ("never", None, None, Timestamp::MIN),
            ("regularly", Some((0, 10, complete)), None, second(1800)),
            ("a later one is needed now", Some((0, 10, complete)), Some(300), second(300)),
            ("but not so soon", Some((0, 40, complete)), Some(300), second(800)),
            ("it is late enough already", Some((400, 410, complete)), Some(300), second(2200)),
            ("a dear one", Some((0, 600, complete)), None, second(12_000)),
            ("other groups", Some((0, 10, AttemptOutcome::Complete { groups: 2 })), None, second(200)),
            ("it failed", Some((0, 2, AttemptOutcome::Failed)), Some(1), second(62)),
        ] {
            let last = attempt.map(|(began, ended, outcome)| Attempt {
                began: second(began),
                ended: second(ended),
                outcome,
            });
            assert_eq!(listing_due(last.as_ref(), since.map(second), 1, every), due, "{name}");
        }
    }
}
