//! Listings of devices: when the next one is due.

use jiff::{SignedDuration, Timestamp};

use super::pace::Pace;
use crate::fleet::{Devices, Unresolved};
use crate::planner::Wants;

/// A listing of devices may take at most one twentieth of the time.
const LISTING_SHARE: i32 = 20;

/// After a listing that failed, at least this long until the next.
const AFTER_FAILED_LISTING: SignedDuration = SignedDuration::from_secs(60);

/// A complete listing.
#[derive(Clone, Debug)]
pub struct Listing {
    /// The devices.
    pub devices: Devices,
    /// Organisations that the groups name and nobody can tell, now that they are known.
    pub unresolved: Vec<Unresolved>,
}

/// The listings of one environment.
#[derive(Clone, Debug)]
pub struct Listings {
    pace: Pace,
    last: Option<Attempt>,
}

/// A listing that was made or tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Attempt {
    began: Timestamp,
    ended: Timestamp,
    outcome: Outcome,
}

/// How a listing ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// Complete, arranged by the groups of this digest.
    Complete { groups: u64 },
    /// It failed.
    Failed,
}

impl Listings {
    /// None so far.
    pub fn new(pace: Pace) -> Self {
        Self { pace, last: None }
    }

    /// Notes one for these wants, from its beginning to its end.
    pub fn note<T, E>(&mut self, began: Timestamp, ended: Timestamp, wants: &Wants, outcome: &Result<T, E>) {
        self.pace.note(outcome);
        let outcome = match outcome {
            Ok(_) => Outcome::Complete { groups: wants.arrangement.groups },
            Err(_) => Outcome::Failed,
        };
        self.last = Some(Attempt { began, ended, outcome });
    }

    /// When the next one is due.
    pub fn due(&self, wants: &Wants) -> Timestamp {
        due(self.last.as_ref(), wants, self.pace.interval(wants.devices_every))
    }
}

fn due(last: Option<&Attempt>, wants: &Wants, every: SignedDuration) -> Timestamp {
    let Some(last) = last else { return Timestamp::MIN };
    let duration = last.ended.duration_since(last.began);
    let later = |at: Timestamp, by: SignedDuration| at.saturating_add(by).unwrap_or(Timestamp::MAX);
    let affordable = later(last.began, duration.saturating_mul(LISTING_SHARE));
    let regular = later(last.began, every);
    let wanted = match last.outcome {
        Outcome::Failed => later(last.ended, AFTER_FAILED_LISTING.min(every)),
        Outcome::Complete { groups } if groups != wants.arrangement.groups => Timestamp::MIN,
        Outcome::Complete { .. } => match wants.devices_since {
            Some(since) if last.began <= since => since.min(regular),
            Some(_) | None => regular,
        },
    };
    wanted.max(affordable)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::Arrangement;

    fn second(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn wants(since: Option<i64>) -> Wants {
        Wants {
            servers_every: SignedDuration::from_secs(60),
            devices_every: SignedDuration::from_mins(30),
            devices_since: since.map(second),
            arrangement: Arrangement { groups: 1, release: None },
            trial: None,
        }
    }

    #[test]
    fn devices_are_listed_as_often_as_wanted_and_as_seldom_as_they_cost() {
        let every = SignedDuration::from_mins(30);
        let complete = Outcome::Complete { groups: 1 };
        for (name, attempt, since, expected) in [
            ("never", None, None, Timestamp::MIN),
            ("regularly", Some((0, 10, complete)), None, second(1800)),
            ("a later one is needed now", Some((0, 10, complete)), Some(300), second(300)),
            ("but not so soon", Some((0, 40, complete)), Some(300), second(800)),
            ("it is late enough already", Some((400, 410, complete)), Some(300), second(2200)),
            ("a dear one", Some((0, 600, complete)), None, second(12_000)),
            ("other groups", Some((0, 10, Outcome::Complete { groups: 2 })), None, second(200)),
            ("it failed", Some((0, 2, Outcome::Failed)), Some(1), second(62)),
        ] {
            let last = attempt.map(|(began, ended, outcome)| Attempt {
                began: second(began),
                ended: second(ended),
                outcome,
            });
            assert_eq!(due(last.as_ref(), &wants(since), every), expected, "{name}");
        }
    }
}
