//! Reads the texts of a spec and notes what cannot be read, by its path.

use std::collections::BTreeSet;
use std::fmt::Display;

use jiff::civil::{Date, Time};
use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{SignedDuration, Timestamp};

use crate::api::duration;
use crate::api::share::CountOrPercent;
use crate::catalog::{Pattern, Version};
use crate::planner::desired::{Problem, Share};

/// Collects what is wrong while a spec is read.
#[derive(Debug, Default)]
pub struct Reading {
    problems: Vec<Problem>,
}

impl Reading {
    /// What was wrong, in the order in which it was found.
    pub fn into_problems(self) -> Vec<Problem> {
        self.problems
    }

    /// Whether anything was wrong.
    pub fn is_clean(&self) -> bool {
        self.problems.is_empty()
    }

    /// Notes that something is wrong.
    pub fn note(&mut self, field: impl Into<String>, message: impl Into<String>, mend: impl Into<String>) {
        self.problems.push(Problem { field: field.into(), message: message.into(), mend: mend.into() });
    }

    /// A version.
    pub fn version(&mut self, field: &str, text: &str) -> Option<Version> {
        self.take(field, text.parse(), "write a version such as 4.3.5.3")
    }

    /// A version or a series.
    pub fn pattern(&mut self, field: &str, text: &str) -> Option<Pattern> {
        self.take(field, text.parse(), "write a version such as 4.2.3.1, or a series such as 4.2.x")
    }

    /// A duration.
    pub fn duration(&mut self, field: &str, text: &str) -> Option<SignedDuration> {
        self.take(field, duration::parse(text), "write a duration such as 24h or 1d12h")
    }

    /// A duration, or a default where there is none.
    pub fn duration_or(
        &mut self,
        field: &str,
        text: Option<&str>,
        default: SignedDuration,
    ) -> SignedDuration {
        text.and_then(|text| self.duration(field, text)).unwrap_or(default)
    }

    /// An instant.
    pub fn instant(&mut self, field: &str, text: &str) -> Option<Timestamp> {
        self.take(field, text.parse(), "write an instant with its offset, such as 2016-03-01T10:00:00Z")
    }

    /// A day.
    pub fn date(&mut self, field: &str, text: &str) -> Option<Date> {
        self.take(field, text.parse(), "write a day such as 2026-12-18")
    }

    /// A time of day.
    pub fn time(&mut self, field: &str, text: &str) -> Option<Time> {
        self.take(field, Time::strptime("%H:%M", text), "write a time of day such as 20:00")
    }

    /// A time zone, from the zones that were built in: the same on every machine.
    pub fn time_zone(&mut self, field: &str, text: &str) -> Option<TimeZone> {
        let zone = TimeZoneDatabase::bundled().get(text);
        self.take(field, zone, "write an IANA time zone such as Europe/Berlin or UTC")
    }

    /// The guid of a device.
    pub fn device_guid(&mut self, field: &str, text: &str) -> Option<u64> {
        self.take(field, text.parse(), "write the device's guid: up to 20 decimal digits")
    }

    /// A count or a percentage.
    pub fn share(&mut self, field: &str, share: &CountOrPercent) -> Option<Share> {
        const MEND: &str = "write a count such as 20, or a percentage up to \"100%\"";
        match share {
            CountOrPercent::Count(count) => self
                .take(field, u64::try_from(*count).map_err(|_| format!("{count} is negative")), MEND)
                .map(Share::Count),
            CountOrPercent::Percent(text) => {
                self.take(field, basis_points(text), MEND).map(Share::BasisPoints)
            }
        }
    }

    /// Notes every key that stands more than once in a list.
    pub fn unique<K: Ord + Display>(&mut self, list: &str, key: &str, keys: impl IntoIterator<Item = K>) {
        let mut seen = BTreeSet::new();
        for (index, value) in keys.into_iter().enumerate() {
            if seen.contains(&value) {
                let message = format!("{value} stands in {list} more than once");
                self.note(format!("{list}[{index}]{key}"), message, "keep one of them");
            } else {
                seen.insert(value);
            }
        }
    }

    fn take<T, E: Display>(&mut self, field: &str, read: Result<T, E>, mend: &str) -> Option<T> {
        match read {
            Ok(value) => Some(value),
            Err(error) => {
                self.note(field, error.to_string(), mend);
                None
            }
        }
    }
}

/// Reads a percentage with at most two decimals, in hundredths of a percent.
fn basis_points(text: &str) -> Result<u32, String> {
    let shown: String = text.chars().take(20).collect();
    let malformed = || format!("\"{shown}\" is not a percentage with at most two decimals");
    let number = text.strip_suffix('%').ok_or_else(malformed)?;
    let (whole, decimals) = number.split_once('.').unwrap_or((number, "0"));
    let digits = |part: &str, most: usize| {
        !part.is_empty() && part.len() <= most && part.bytes().all(|byte| byte.is_ascii_digit())
    };
    if !digits(whole, 3) || !digits(decimals, 2) {
        return Err(malformed());
    }
    let whole: u32 = whole.parse().map_err(|_| malformed())?;
    let hundredths: u32 = format!("{decimals:0<2}").parse().map_err(|_| malformed())?;
    let points = whole * 100 + hundredths;
    if points > 10_000 { Err(format!("\"{shown}\" is more than everything")) } else { Ok(points) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentages_are_read_exactly() {
        for (text, points) in [
            ("1%", Some(100)),
            ("0.5%", Some(50)),
            ("0.05%", Some(5)),
            ("100%", Some(10_000)),
            ("100.00%", Some(10_000)),
        ] {
            assert_eq!(basis_points(text).ok(), points, "{text}");
        }
        for text in ["", "%", "1", "1.%", ".5%", "0.005%", "101%", "-1%", "1 %", "1e2%"] {
            assert!(basis_points(text).is_err(), "{text}");
        }
    }

    #[test]
    fn time_zones_do_not_depend_on_the_machine() {
        let mut reading = Reading::default();
        assert!(reading.time_zone("a", "Europe/Berlin").is_some());
        assert!(reading.time_zone("b", "Europe/Atlantis").is_none());
        let [problem] = &reading.into_problems()[..] else { panic!("one problem") };
        assert_eq!(problem.field, "b");
    }

    #[test]
    fn what_stands_twice_is_noted_where_it_stands_again() {
        let mut reading = Reading::default();
        reading.unique("spec.via", "", ["4.2", "4.3", "4.2"]);
        let [problem] = &reading.into_problems()[..] else { panic!("one problem") };
        assert_eq!(
            (problem.field.as_str(), problem.message.as_str()),
            ("spec.via[2]", "4.2 stands in spec.via more than once")
        );
    }
}
