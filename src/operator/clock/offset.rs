//! How far another clock is from ours, as little as one answer of it proves.

use jiff::{SignedDuration, Timestamp};

use crate::fleet::instants;

/// When a question was asked and when its answer was read, by our monotonic witness.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// When the question was asked.
    pub asked: Timestamp,
    /// When its answer was read.
    pub answered: Timestamp,
}

/// How far another clock is ahead of our monotonic witness; negative where it is behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offset(SignedDuration);

impl Offset {
    /// What an answer proves: the other clock showed at least `earliest` when the question was asked, and at most
    /// `latest` when the answer was read. Of all offsets that this allows, the one nearest to what was believed before,
    /// at first to none: neither a slow answer nor a clock that shows whole seconds looks like a clock that is wrong, and
    /// what is foretold from it stays the same from one answer to the next.
    pub fn proven(before: Option<Self>, exchange: Exchange, earliest: Timestamp, latest: Timestamp) -> Self {
        let low = earliest.duration_since(exchange.answered);
        let high = latest.duration_since(exchange.asked).max(low);
        Self(before.map_or(SignedDuration::ZERO, |before| before.0).clamp(low, high))
    }

    /// What the other clock shows when our monotonic witness shows `now`.
    pub fn apply(self, now: Timestamp) -> Timestamp {
        instants::after(now, self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn second(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn only_what_cannot_be_explained_counts() {
        let exchange = Exchange { asked: second(100), answered: second(110) };
        for (name, earliest, latest, shown_at_200) in [
            ("an exact clock, within the exchange", 105, 105, 200),
            ("whole seconds, just before", 99, 100, 200),
            ("a slow clock", 40, 40, 140),
            ("a slow clock in whole seconds", 40, 41, 141),
            ("a fast clock", 400, 400, 490),
        ] {
            let shown = Offset::proven(None, exchange, second(earliest), second(latest)).apply(second(200));
            assert_eq!(shown, second(shown_at_200), "{name}");
        }
    }

    #[test]
    fn what_was_believed_stays_while_nothing_speaks_against_it() {
        let exchange = |asked, answered| Exchange { asked: second(asked), answered: second(answered) };
        let first = Offset::proven(None, exchange(100, 110), second(400), second(400));
        let next = Offset::proven(Some(first), exchange(200, 220), second(495), second(495));
        assert_eq!(next, first);
        let set_back = Offset::proven(Some(next), exchange(300, 310), second(305), second(305));
        assert_eq!(set_back.apply(second(400)), second(405));
    }
}
