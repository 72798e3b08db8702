//! Chance that is no chance: every draw is a function of the seed and of what it is drawn for.
//!
//! Stateless, so that what happens does not depend on how often somebody looks. Not for secrets.

use std::ops::RangeInclusive;

/// What a draw is for: draws for different purposes are independent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// The guid of a server or device.
    Guid = 1,
    /// When the working hours of a device begin.
    DayStart,
    /// How long its working hours are on a day.
    DayLength,
    /// When the day of a device that is always on begins.
    DayShift,
    /// Whether it is switched on at all on a day.
    DayOn,
    /// How long after the beginning of its day a device is awake.
    WakeUp,
    /// How long a device takes to come back to an authority that started.
    ReconnectAfterServer,
    /// How long a device takes to come back after an install.
    ReconnectAfterInstall,
    /// How long a device takes to come back to its storage server.
    StorageReconnect,
    /// How long a download takes.
    Download,
    /// How long an install takes.
    Install,
    /// How long a server migrates its database.
    Migration,
    /// How long a server takes to start.
    Start,
    /// The storage server that a device backs up to.
    BackupHome,
    /// Whether a connected device is backing up.
    BacksUp,
    /// How long a device that seems to be gone stays silent.
    SilentFor,
    /// The address that a device reports.
    Address,
    /// A token that the REST API gives out.
    Token,
}

/// The seed of a world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seed(pub u64);

impl Seed {
    /// The `nth` draw for a purpose, about `subject`.
    pub fn draw(self, purpose: Purpose, subject: u64, nth: u64) -> u64 {
        [purpose as u64, subject, nth]
            .into_iter()
            .fold(self.0, |state, word| scramble(state ^ scramble(word)))
    }

    /// As [`Seed::draw`], within a range.
    pub fn within(self, purpose: Purpose, subject: u64, nth: u64, range: &RangeInclusive<i64>) -> i64 {
        let width = range.end().abs_diff(*range.start()).saturating_add(1);
        let above = self.draw(purpose, subject, nth) % width;
        range.start().saturating_add_unsigned(above)
    }

    /// True in so many of a hundred cases.
    pub fn percent(self, purpose: Purpose, subject: u64, nth: u64, percent: u8) -> bool {
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
