//! Chance that is no chance: every draw is a function of the seed and of what it is drawn for.
//!
//! Stateless, so that what happens does not depend on how often somebody looks. Not for secrets.

use std::ops::RangeInclusive;

/// What a draw is for: draws for different purposes are independent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    Guid = 1,
    DayStart,
    DayLength,
    DayShift,
    DayOn,
    WakeUp,
    ReconnectAfterServer,
    ReconnectAfterInstall,
    StorageReconnect,
    Download,
    Install,
    Migration,
    Start,
    BackupHome,
    BacksUp,
    SilentFor,
    Address,
    Token,
}

/// The seed of a world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seed(pub(super) u64);

impl Seed {
    /// The `nth` draw for a purpose, about `subject`.
    pub(super) fn draw(self, purpose: Purpose, subject: u64, nth: u64) -> u64 {
        [purpose as u64, subject, nth]
            .into_iter()
            .fold(self.0, |state, word| scramble(state ^ scramble(word)))
    }

    /// As [`Seed::draw`], within a range.
    pub(super) fn within(self, purpose: Purpose, subject: u64, nth: u64, range: &RangeInclusive<i64>) -> i64 {
        let width = range.end().abs_diff(*range.start()).saturating_add(1);
        let above = self.draw(purpose, subject, nth) % width;
        range.start().saturating_add_unsigned(above)
    }

    /// True in so many of a hundred cases.
    pub(super) fn percent(self, purpose: Purpose, subject: u64, nth: u64, percent: u8) -> bool {
        self.draw(purpose, subject, nth) % 100 < u64::from(percent)
    }
}

/// The step and the finaliser of `splitmix64` (Steele, Lea and Flood, 2014).
const fn scramble(state: u64) -> u64 {
    let state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let state = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let state = (state ^ (state >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    state ^ (state >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_repeat_stay_in_range_and_differ_by_purpose() {
        let seed = Seed(7);
        assert_eq!(seed.draw(Purpose::Guid, 1, 2), seed.draw(Purpose::Guid, 1, 2));
        assert_ne!(seed.draw(Purpose::Guid, 1, 2), seed.draw(Purpose::DayOn, 1, 2));
        assert_ne!(seed.draw(Purpose::Guid, 1, 2), Seed(8).draw(Purpose::Guid, 1, 2));
        let drawn: Vec<i64> =
            (0..1000).map(|nth| seed.within(Purpose::Download, 3, nth, &(60..=900))).collect();
        assert!(drawn.iter().all(|seconds| (60..=900).contains(seconds)));
        assert!(drawn.iter().any(|seconds| *seconds < 120) && drawn.iter().any(|seconds| *seconds > 840));
        let on = (0..10_000).filter(|nth| seed.percent(Purpose::DayOn, 3, *nth, 95)).count();
        assert!((9_300..9_700).contains(&on), "{on}");
    }
}
