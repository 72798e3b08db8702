//! When a device's computer is on: a function of time, so that a fleet costs nothing while nobody looks.
//!
//! Times are seconds since 1970. The hours are the simulator's own; the vendor publishes nothing like them.

use super::chance::{Purpose, Seed};
use super::scenario::Hours;

const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;

/// How many days ahead or back a device's days are looked through.
const HORIZON: i64 = 60;

/// A time for which a device is on: from, inclusive, to, exclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stay {
    pub(super) from: i64,
    pub(super) until: i64,
}

/// When one device is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Presence {
    /// Which device it is, for its draws.
    pub(super) device: u64,
    pub(super) hours: Hours,
    /// In how many of a hundred days it is on.
    pub(super) percent: u8,
}

impl Presence {
    fn unbroken(self) -> bool {
        self.hours == Hours::Always && self.percent >= 100
    }

    /// When the device's day 0 begins: offices keep local time, machines that are always on are spread.
    fn day_zero(self, seed: Seed, utc_offset: i64) -> i64 {
        match self.hours {
            Hours::Office => -utc_offset,
            Hours::Always => seed.within(Purpose::DayShift, self.device, 0, &(0..=DAY - 1)),
        }
    }

    fn is_on(self, seed: Seed, day: i64) -> bool {
        // 1970-01-01 was a Thursday, so that days 2 and 3 of each week from it are the weekend.
        let workday = !matches!(day.rem_euclid(7), 2 | 3);
        (self.hours == Hours::Always || workday)
            && seed.percent(Purpose::DayOn, self.device, day.cast_unsigned(), self.percent)
    }

    fn stay_on(self, seed: Seed, utc_offset: i64, day: i64) -> Option<Stay> {
        if !self.is_on(seed, day) {
            return None;
        }
        let midnight = self.day_zero(seed, utc_offset) + day * DAY;
        let nth = day.cast_unsigned();
        let wakes_up = seed.within(Purpose::WakeUp, self.device, nth, &(0..=180));
        match self.hours {
            Hours::Office => {
                let start = seed.within(Purpose::DayStart, self.device, 0, &(8 * HOUR..=10 * HOUR));
                let length = seed.within(Purpose::DayLength, self.device, nth, &(7 * HOUR..=9 * HOUR));
                Some(Stay { from: midnight + start + wakes_up, until: midnight + start + length })
            }
            Hours::Always if self.is_on(seed, day - 1) => {
                Some(Stay { from: midnight, until: midnight + DAY })
            }
            Hours::Always => Some(Stay { from: midnight + wakes_up, until: midnight + DAY }),
        }
    }

    /// The stays that end after an instant, in order, as far as the horizon.
    pub(super) fn stays_after(self, seed: Seed, utc_offset: i64, instant: i64) -> impl Iterator<Item = Stay> {
        let unbroken = self.unbroken().then_some(Stay { from: i64::MIN, until: i64::MAX });
        let today = self.day_of(seed, utc_offset, instant);
        let days = if unbroken.is_some() { 0..0 } else { today..today + HORIZON };
        unbroken
            .into_iter()
            .chain(days.filter_map(move |day| self.stay_on(seed, utc_offset, day)))
            .filter(move |stay| stay.until > instant)
    }

    /// The stays that begin before an instant, the latest first, as far back as the horizon.
    pub(super) fn stays_before(
        self,
        seed: Seed,
        utc_offset: i64,
        instant: i64,
    ) -> impl Iterator<Item = Stay> {
        let unbroken = self.unbroken().then_some(Stay { from: i64::MIN, until: i64::MAX });
        let today = self.day_of(seed, utc_offset, instant);
        let days = if unbroken.is_some() { 0..0 } else { today - HORIZON..today + 1 };
        unbroken
            .into_iter()
            .chain(days.rev().filter_map(move |day| self.stay_on(seed, utc_offset, day)))
            .filter(move |stay| stay.from < instant)
    }

    /// An instant by which the horizon of [`Presence::stays_after`] is passed.
    pub(super) const fn horizon_after(instant: i64) -> i64 {
        instant.saturating_add(HORIZON * DAY)
    }

    fn day_of(self, seed: Seed, utc_offset: i64, instant: i64) -> i64 {
        (instant - self.day_zero(seed, utc_offset)).div_euclid(DAY)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEED: Seed = Seed(1);

    fn hours_on(presence: Presence, utc_offset: i64, days: i64) -> i64 {
        (0..days * 24)
            .filter(|hour| {
                let instant = hour * HOUR;
                presence
                    .stays_after(SEED, utc_offset, instant)
                    .next()
                    .is_some_and(|stay| stay.from <= instant)
            })
            .count()
            .try_into()
            .unwrap()
    }

    #[test]
    fn offices_sleep_at_night_and_at_weekends() {
        let office = Presence { device: 1, hours: Hours::Office, percent: 100 };
        // The first Saturday and Sunday after 1970-01-01, in UTC.
        let saturday = 2 * DAY;
        let next = office.stays_after(SEED, 0, saturday).next().unwrap();
        assert!(next.from >= saturday + 2 * DAY + 8 * HOUR, "{next:?}");
        let elsewhere = office.stays_after(SEED, -5 * HOUR, saturday).next().unwrap();
        assert_eq!(elsewhere.from - next.from, 5 * HOUR);
        let week = hours_on(office, 0, 7);
        assert!((35..=45).contains(&week), "{week} hours");
    }

    #[test]
    fn a_percentage_is_a_share_of_days() {
        for percent in [0, 30, 95, 100] {
            let presence = Presence { device: 2, hours: Hours::Always, percent };
            let on = hours_on(presence, 0, 200);
            let expected = 200 * 24 * i64::from(percent) / 100;
            assert!((on - expected).abs() <= 200 * 24 / 10, "{percent} %: {on} hours");
        }
    }

    #[test]
    fn looking_back_and_ahead_agree() {
        let presence = Presence { device: 3, hours: Hours::Office, percent: 70 };
        let ahead: Vec<Stay> = presence.stays_after(SEED, 0, 0).take(10).collect();
        let mut back: Vec<Stay> = presence.stays_before(SEED, 0, ahead[9].until).take(10).collect();
        back.reverse();
        assert_eq!(ahead, back);
    }
}
