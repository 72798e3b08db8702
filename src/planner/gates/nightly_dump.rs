//! The authority is not restarted while its nightly services dump the database.
//!
//! When they begin is known (FACTS.md, nightly-dump); when the dump is done no interface tells
//! (FACTS.md, unknown-dump-end), so a fixed time is left to it.

use jiff::{SignedDuration, Timestamp, tz};

use super::View;
use crate::fleet::instants;
use crate::planner::aim::Aim;
use crate::planner::reason::Reason;
use crate::planner::report::Verdict;
use crate::planner::words;

/// No restart this long before the dump.
pub const QUIET_BEFORE: SignedDuration = SignedDuration::from_mins(15);

/// How long the dump is given; longer than any that the sources speak of.
pub const DUMP_TAKES: SignedDuration = SignedDuration::from_hours(1);

/// Holds from shortly before the dump until it can be assumed done.
pub fn check(view: &View<'_>) -> Verdict {
    let (Aim::Hop(_), Some(settings)) = (view.aim, &view.observed.settings) else {
        return Verdict::Pass;
    };
    let Some(begins) = settings.daily_services else { return Verdict::Pass };
    let Some(offset) = settings.utc_offset_seconds.and_then(|seconds| tz::Offset::from_seconds(seconds).ok())
    else {
        return Verdict::unknown(
            Reason::NightlyDump,
            "the authority's time of day is not known, so neither is when it dumps its database",
            Some(settings.read_at),
        );
    };
    match quiet_around(begins, offset, view.now) {
        Some(until) => Verdict::hold(
            Reason::NightlyDump,
            format!(
                "the authority dumps its database at {begins:.0} its time; it may restart {}",
                words::instant(until)
            ),
            Some(until),
        ),
        None => Verdict::Pass,
    }
}

/// When the nightly services begin, in the authority's own time of day.
pub fn daily(view: &View<'_>) -> Option<jiff::civil::Time> {
    view.observed.settings?.daily_services
}

/// The end of the quiet time around a dump, if an instant is in it. Where the authority's time of day is not known, the gate
/// says so.
pub fn quiet_until(view: &View<'_>, at: Timestamp) -> Option<Timestamp> {
    let Aim::Hop(_) = view.aim else { return None };
    let settings = view.observed.settings.as_ref()?;
    let offset = tz::Offset::from_seconds(settings.utc_offset_seconds?).ok()?;
    quiet_around(settings.daily_services?, offset, at)
}

/// The end of the quiet time around a dump, if it is now.
fn quiet_around(begins: jiff::civil::Time, offset: tz::Offset, now: Timestamp) -> Option<Timestamp> {
    let today = offset.to_datetime(now).date();
    [today.yesterday().ok(), Some(today), today.tomorrow().ok()].into_iter().flatten().find_map(|date| {
        let dump = offset.to_timestamp(date.to_datetime(begins)).ok()?;
        let from = instants::before(dump, QUIET_BEFORE);
        let until = instants::after(dump, DUMP_TAKES);
        (from <= now && now < until).then_some(until)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_quiet_around_the_dump_in_the_authoritys_own_time() {
        let chicago = tz::Offset::from_hours(-5).unwrap();
        let begins = "02:01".parse().unwrap();
        let until: Timestamp = "2026-06-02T08:01:00Z".parse().unwrap();
        for (now, expected) in [
            ("2026-06-02T06:45:59Z", None),
            ("2026-06-02T06:46:00Z", Some(until)),
            ("2026-06-02T08:00:59Z", Some(until)),
            ("2026-06-02T08:01:00Z", None),
        ] {
            assert_eq!(quiet_around(begins, chicago, now.parse().unwrap()), expected, "{now}");
        }
        let midnight = "00:05".parse().unwrap();
        let before = "2026-06-02T04:55:00Z".parse().unwrap();
        assert!(quiet_around(midnight, chicago, before).is_some(), "over midnight as well");
    }
}
