//! When to read next: intervals with jitter, backed off after failures.

use std::hash::{DefaultHasher, Hash, Hasher};

use jiff::{SignedDuration, Timestamp};

use crate::planner::Wants;

/// After failures an interval grows to at most this many times its length.
const MOST_BACK_OFF: u32 = 8;

/// The pace of one kind of reading.
#[derive(Clone, Debug)]
pub struct Pace {
    jitter: Jitter,
    turn: u64,
    failures: u32,
}

/// Whether intervals vary.
#[derive(Clone, Copy, Debug)]
enum Jitter {
    /// From environment to environment, and from turn to turn.
    Seeded(u64),
    /// They are as asked for.
    None,
}

impl Pace {
    /// A pace whose jitter differs from that of other environments.
    pub fn new(seed: &str) -> Self {
        let mut hasher = DefaultHasher::new();
        seed.hash(&mut hasher);
        Self { jitter: Jitter::Seeded(hasher.finish()), turn: 0, failures: 0 }
    }

    /// A pace without jitter, for where there is one environment only.
    pub fn steady() -> Self {
        Self { jitter: Jitter::None, turn: 0, failures: 0 }
    }

    /// Notes how a reading went.
    pub fn note<T, E>(&mut self, outcome: &Result<T, E>) {
        self.turn += 1;
        self.failures = if outcome.is_ok() { 0 } else { self.failures.saturating_add(1) };
    }

    /// The interval until the next reading: up to a tenth shorter than asked, so that many environments do not fall into
    /// step; doubled with every failure in a row. What was asked is never exceeded while all is well.
    pub fn interval(&self, asked: SignedDuration) -> SignedDuration {
        let thousandths = match self.jitter {
            Jitter::None => 1000,
            Jitter::Seeded(seed) => {
                let mut hasher = DefaultHasher::new();
                (seed, self.turn).hash(&mut hasher);
                900 + i32::try_from(hasher.finish() % 100).unwrap_or(0)
            }
        };
        let doublings = 2_u32.saturating_pow(self.failures.min(16)).min(MOST_BACK_OFF);
        let doublings = i32::try_from(doublings).unwrap_or(1);
        asked.saturating_mul(thousandths) / 1000 * doublings
    }
}

/// The readings of one environment's servers.
#[derive(Clone, Debug)]
pub struct Readings {
    pace: Pace,
    began: Option<Timestamp>,
}

impl Readings {
    /// None so far.
    pub fn new(pace: Pace) -> Self {
        Self { pace, began: None }
    }

    /// Notes one, and when it began.
    pub fn note<T, E>(&mut self, began: Timestamp, outcome: &Result<T, E>) {
        self.pace.note(outcome);
        self.began = Some(began);
    }

    /// When the next one is due.
    pub fn due(&self, wants: &Wants) -> Timestamp {
        let Some(began) = self.began else { return Timestamp::MIN };
        began.saturating_add(self.pace.interval(wants.servers_every)).unwrap_or(Timestamp::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
            let (mut pace, mut steady) = (Pace::new("uid"), Pace::steady());
            for _ in 0..failures {
                pace.note(&Err::<(), _>(()));
                steady.note(&Err::<(), _>(()));
            }
            let interval = pace.interval(minute).as_secs();
            assert!((at_least..=at_least * 10 / 9).contains(&interval), "{failures}: {interval}");
            assert_eq!(steady.interval(minute).as_secs(), at_least * 10 / 9, "{failures}");
        }
    }
}
