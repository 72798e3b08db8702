//! Windows and freezes: when something may start. They limit starts, never what already runs.

use crate::fleet::instants;
use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};

/// A weekly window in one time zone.
#[derive(Clone, Debug, PartialEq)]
pub struct Window {
    /// The days on which it opens.
    pub days: Vec<Weekday>,
    /// When it opens, local time. A time that daylight saving skips opens at the first instant after the gap; one
    /// that occurs twice opens at its first.
    pub start: Time,
    /// How long it is open: elapsed time, over midnight if need be.
    pub duration: SignedDuration,
    /// The time zone.
    pub time_zone: TimeZone,
}

/// Whole days on which nothing may start, in the zone of the windows.
#[derive(Clone, Debug, PartialEq)]
pub struct Freeze {
    /// The first day.
    pub from: Date,
    /// The last day, which is frozen too.
    pub to: Date,
    /// The reason that people read while it holds.
    pub reason: String,
    /// The time zone of the days.
    pub time_zone: TimeZone,
}

/// Whether something may start now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Opening {
    /// It may, until then (`None`: there are no windows).
    Open {
        /// When the last of the open windows closes.
        closes: Option<Timestamp>,
    },
    /// It may not.
    Closed {
        /// When it next may; `None` where nothing opens within the next year.
        opens: Option<Timestamp>,
        /// The freeze that closes it, if one does.
        freeze: Option<String>,
    },
}

/// How far ahead an opening is looked for, in days: a year and a day.
const HORIZON_DAYS: i64 = 366;

/// How far ahead it is looked for at first, in days.
const NEAR_DAYS: i64 = 16;

impl Window {
    /// The opening on a day, if it opens on that weekday.
    fn on(&self, date: Date) -> Option<(Timestamp, Timestamp)> {
        if !self.days.contains(&date.weekday()) {
            return None;
        }
        let opens = date.to_datetime(self.start).to_zoned(self.time_zone.clone()).ok()?.timestamp();
        let closes = instants::after(opens, self.duration);
        Some((opens, closes))
    }

    /// The openings of the next `days` that are not over at `now`, soonest first.
    fn openings(&self, now: Timestamp, days: i64) -> impl Iterator<Item = (Timestamp, Timestamp)> {
        let today = now.to_zoned(self.time_zone.clone()).date();
        // One that opened some days ago may still be open.
        let back = self.duration.as_secs() / 86_400 + 1;
        (-back..=days)
            .filter_map(move |offset| self.on(today.checked_add(offset.days()).ok()?))
            .filter(move |(_, closes)| *closes > now)
    }
}

impl Freeze {
    /// When the freeze begins and ends.
    fn span(&self) -> Option<(Timestamp, Timestamp)> {
        let begins = self.from.to_zoned(self.time_zone.clone()).ok()?.timestamp();
        let after = self.to.checked_add(1.day()).ok()?;
        Some((begins, after.to_zoned(self.time_zone.clone()).ok()?.timestamp()))
    }
}

/// The times at which a window is open, joined where they touch, soonest first.
fn open_times(windows: &[Window], now: Timestamp, days: i64) -> Vec<(Timestamp, Timestamp)> {
    let mut times: Vec<(Timestamp, Timestamp)> =
        windows.iter().flat_map(|window| window.openings(now, days)).collect();
    times.sort();
    let mut joined: Vec<(Timestamp, Timestamp)> = Vec::new();
    for (opens, closes) in times {
        match joined.last_mut() {
            Some((_, until)) if opens <= *until => *until = closes.max(*until),
            Some(_) | None => joined.push((opens, closes)),
        }
    }
    joined
}

/// Whether something that takes `needs` may start now: windows are open for at least that long and no freeze covers
/// any of it. No windows at all means always.
pub fn opening(windows: &[Window], freezes: &[Freeze], needs: SignedDuration, now: Timestamp) -> Opening {
    let frozen: Vec<(Timestamp, Timestamp, &str)> = freezes
        .iter()
        .filter_map(|freeze| freeze.span().map(|(begins, ends)| (begins, ends, freeze.reason.as_str())))
        .collect();
    // The first freeze that something started at an instant would run into.
    let blocked_by = |start: Timestamp| {
        let end = instants::after(start, needs);
        frozen.iter().find(|(begins, ends, _)| start < *ends && end > *begins).copied()
    };
    let freeze = blocked_by(now).map(|(_, _, reason)| reason.to_owned());
    if windows.is_empty() {
        if freeze.is_none() {
            return Opening::Open { closes: None };
        }
        let ends = frozen.iter().map(|(_, ends, _)| *ends).filter(|end| *end > now);
        return Opening::Closed { opens: ends.filter(|end| blocked_by(*end).is_none()).min(), freeze };
    }
    let mut opens = None;
    // Most answers lie within two weeks; the whole year is looked through only where they do not.
    for days in [NEAR_DAYS, HORIZON_DAYS] {
        let times = open_times(windows, now, days);
        let fits = |start: Timestamp| {
            let fitting = |(opens, closes): &&(Timestamp, Timestamp)| {
                *opens <= start && start < *closes && closes.duration_since(start) >= needs
            };
            times.iter().find(fitting).filter(|_| blocked_by(start).is_none()).map(|(_, closes)| *closes)
        };
        if let Some(closes) = fits(now) {
            return Opening::Open { closes: Some(closes) };
        }
        let starts = times.iter().map(|(opens, _)| *opens).chain(frozen.iter().map(|(_, ends, _)| *ends));
        opens = starts.filter(|start| *start > now && fits(*start).is_some()).min();
        if opens.is_some() {
            break;
        }
    }
    Opening::Closed { opens, freeze }
}

/// When the windows close that are open at an instant, or open next after it. `None` where nothing ever closes, or opens.
pub fn closes_next(windows: &[Window], freezes: &[Freeze], at: Timestamp) -> Option<Timestamp> {
    match opening(windows, freezes, SignedDuration::ZERO, at) {
        Opening::Open { closes } => closes,
        Opening::Closed { opens, .. } => match opening(windows, freezes, SignedDuration::ZERO, opens?) {
            Opening::Open { closes } => closes,
            Opening::Closed { .. } => None,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn berlin(days: &[Weekday], start: &str, hours: i64) -> Window {
        Window {
            days: days.to_vec(),
            start: start.parse().unwrap(),
            duration: SignedDuration::from_hours(hours),
            time_zone: TimeZone::get("Europe/Berlin").unwrap(),
        }
    }

    fn hour() -> SignedDuration {
        SignedDuration::from_hours(1)
    }

    #[test]
    fn a_window_over_midnight_is_open_on_the_next_day() {
        let windows = [berlin(&[Weekday::Saturday], "20:00", 10)];
        // 2026-06-06 is a Saturday; Berlin is two hours ahead in summer.
        for (now, open) in [
            ("2026-06-06T17:59:59Z", false),
            ("2026-06-06T18:00:00Z", true),
            ("2026-06-07T03:00:00Z", true),
            ("2026-06-07T03:00:01Z", false),
        ] {
            let opening = opening(&windows, &[], hour(), at(now));
            assert_eq!(matches!(opening, Opening::Open { .. }), open, "{now}: {opening:?}");
        }
    }

    #[test]
    fn a_window_keeps_its_length_when_clocks_change() {
        let windows = [berlin(&[Weekday::Sunday], "01:00", 4)];
        // Clocks go forward on 2026-03-29 at 02:00 and back on 2026-10-25 at 03:00.
        for (now, closes) in [
            ("2026-03-29T00:00:00Z", "2026-03-29T04:00:00Z"),
            ("2026-10-24T23:00:00Z", "2026-10-25T03:00:00Z"),
        ] {
            assert_eq!(opening(&windows, &[], hour(), at(now)), Opening::Open { closes: Some(at(closes)) });
        }
        // 02:30 does not exist on the day clocks go forward.
        let skipped = [berlin(&[Weekday::Sunday], "02:30", 2)];
        assert_eq!(
            opening(&skipped, &[], hour(), at("2026-03-29T00:00:00Z")),
            Opening::Closed { opens: Some(at("2026-03-29T01:30:00Z")), freeze: None }
        );
    }

    #[test]
    fn a_window_must_be_long_enough_for_all_of_it() {
        let windows = [berlin(&[Weekday::Saturday], "20:00", 2)];
        let three_hours = SignedDuration::from_hours(3);
        let now = at("2026-06-06T18:00:00Z");
        assert_eq!(opening(&windows, &[], three_hours, now), Opening::Closed { opens: None, freeze: None });
    }

    #[test]
    fn a_freeze_closes_whole_days_and_what_would_run_into_it() {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let freeze = Freeze {
            from: "2026-12-18".parse().unwrap(),
            to: "2027-01-06".parse().unwrap(),
            reason: "year end".into(),
            time_zone: zone,
        };
        let over = Some(at("2027-01-06T23:00:00Z"));
        for (now, expected) in [
            ("2026-12-17T21:59:59Z", Opening::Open { closes: None }),
            ("2026-12-17T22:30:00Z", Opening::Closed { opens: over, freeze: Some("year end".into()) }),
            ("2027-01-06T22:59:59Z", Opening::Closed { opens: over, freeze: Some("year end".into()) }),
            ("2027-01-06T23:00:00Z", Opening::Open { closes: None }),
        ] {
            assert_eq!(opening(&[], std::slice::from_ref(&freeze), hour(), at(now)), expected, "{now}");
        }
    }
}
