//! Time that goes on only as far as it is granted, a short piece at a time.
//!
//! A demo or a test has time run thousands of times faster, but its API server, the controllers there and this process do not:
//! where the machine is busy, hours would pass before a pod comes. So whoever sets the stage grants time piece by piece, each when
//! all who play were seen to answer. While they are late, time stands still, for every witness alike.

use std::sync::{Arc, PoisonError, RwLock};

use jiff::{SignedDuration, Timestamp};

use super::{stretch, wall};
use crate::fleet::instants;

/// How long one grant lasts, in real time.
pub const PIECE: SignedDuration = SignedDuration::from_millis(60);

/// A stretch of real time in which time goes on.
#[derive(Clone, Copy, Debug)]
struct Stretch {
    from: Timestamp,
    until: Timestamp,
    /// What the clock shows at its beginning.
    shows: Timestamp,
}

/// All that was granted so far. It never ends nor goes back.
#[derive(Debug)]
pub(super) struct Grants {
    factor: u32,
    first: Stretch,
    /// After the first, in order.
    others: RwLock<Vec<Stretch>>,
}

impl Grants {
    pub(super) fn new(now: Timestamp, origin: Timestamp, factor: u32) -> Self {
        let first = Stretch { from: now, until: after(now), shows: origin };
        Self { factor: factor.max(1), first, others: RwLock::default() }
    }

    /// Grants one piece more from now on; what is left of the last is not added.
    fn grant(&self, now: Timestamp) {
        let mut others = self.others.write().unwrap_or_else(PoisonError::into_inner);
        match others.last_mut() {
            Some(last) if now <= last.until => last.until = after(now).max(last.until),
            last => {
                let shows = self.end_of(last.map_or(self.first, |last| *last));
                others.push(Stretch { from: now, until: after(now), shows });
            }
        }
    }

    /// What the clock shows at a real instant.
    pub(super) fn at(&self, real: Timestamp) -> Timestamp {
        let others = self.others.read().unwrap_or_else(PoisonError::into_inner);
        let begun = others.partition_point(|stretch| stretch.from <= real);
        let stretch = begun.checked_sub(1).and_then(|last| others.get(last)).copied().unwrap_or(self.first);
        self.shown(stretch, real.min(stretch.until))
    }

    pub(super) fn factor(&self) -> u32 {
        self.factor
    }

    fn end_of(&self, stretch: Stretch) -> Timestamp {
        self.shown(stretch, stretch.until)
    }

    fn shown(&self, within: Stretch, real: Timestamp) -> Timestamp {
        let elapsed = stretch(real.duration_since(within.from), self.factor);
        instants::after(within.shows, elapsed)
    }
}

fn after(now: Timestamp) -> Timestamp {
    instants::after(now, PIECE)
}

/// Grants time to one clock and its clones.
#[derive(Clone, Debug)]
pub struct Granter {
    pub(super) grants: Arc<Grants>,
}

impl Granter {
    /// Lets time go on for one more [`PIECE`] from now.
    pub fn grant(&self) {
        self.grants.grant(wall());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(milliseconds: i64) -> Timestamp {
        Timestamp::from_millisecond(milliseconds).unwrap()
    }

    #[test]
    fn time_stands_still_between_two_grants() {
        let grants = Grants::new(at(1_000), at(0), 10);
        let shown = |real| grants.at(at(real)).as_millisecond();
        assert_eq!((shown(1_000), shown(1_030), shown(1_060), shown(9_000)), (0, 300, 600, 600));
        grants.grant(at(2_000));
        assert_eq!((shown(1_999), shown(2_000), shown(2_060), shown(9_000)), (600, 600, 1_200, 1_200));
        // In time: nothing is lost, and nothing is given twice.
        grants.grant(at(2_050));
        assert_eq!((shown(2_060), shown(2_110), shown(9_000)), (1_200, 1_700, 1_700));
        assert_eq!(shown(900), -1_000, "before it began it ran as fast");
    }
}
