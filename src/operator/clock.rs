//! The one place where time enters: reading clocks and sleeping.
//!
//! A clock is real, or it runs faster: every witness of time passes through the same transformation, so that a demo
//! and production run the same code. What concerns this process and its API server alone, such as the lease, asks
//! for real time by name.
//!
//! Nothing outside this file may read a clock or sleep by itself; clippy sees to it.

mod granted;
mod offset;

use crate::fleet::instants;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

pub use granted::{Granter, PIECE};
pub use offset::{Exchange, Offset};

use granted::Grants;

/// The shortest real time between two polls, whatever a fast clock makes of an interval: nothing spins.
pub const SHORTEST_POLL: Duration = Duration::from_millis(50);

/// A source of time. Cheap to clone; clones agree.
#[derive(Clone, Debug)]
pub struct Clock {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    course: Course,
    /// The wall clock when this clock was made.
    started_wall: Timestamp,
    /// The monotonic clock at the same moment.
    started_monotonic: Instant,
}

/// How time goes on.
#[derive(Clone, Debug)]
enum Course {
    /// By one rule for ever.
    Steady(Scale),
    /// As far as it is granted.
    Granted(Arc<Grants>),
}

impl Course {
    fn at(&self, real: Timestamp) -> Timestamp {
        match self {
            Self::Steady(scale) => scale.scaled(real),
            Self::Granted(grants) => grants.at(real),
        }
    }

    fn factor(&self) -> u32 {
        match self {
            Self::Steady(scale) => scale.factor,
            Self::Granted(grants) => grants.factor(),
        }
    }
}

/// How real time becomes the time of a clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scale {
    /// The real instant that is mapped to `origin`.
    anchor: Timestamp,
    /// The scaled instant at the anchor.
    origin: Timestamp,
    /// Scaled seconds in a real second.
    factor: u32,
}

impl Scale {
    /// Real time as it is.
    pub const REAL: Self = Self { anchor: Timestamp::UNIX_EPOCH, origin: Timestamp::UNIX_EPOCH, factor: 1 };

    /// Time that was `origin` at the real instant `anchor`, and runs `factor` times as fast (at least once).
    pub fn new(anchor: Timestamp, origin: Timestamp, factor: u32) -> Self {
        Self { anchor, origin, factor: factor.max(1) }
    }

    /// A real instant in scaled time.
    pub fn scaled(self, real: Timestamp) -> Timestamp {
        let elapsed = stretch(real.duration_since(self.anchor), self.factor);
        instants::after(self.origin, elapsed)
    }
}

/// How long a span of faster time takes in real time; nothing for a span that is over.
fn shrink(span: SignedDuration, factor: u32) -> Duration {
    let real = span.checked_div(i32::try_from(factor).unwrap_or(i32::MAX)).unwrap_or_default();
    real.max(SignedDuration::ZERO).unsigned_abs()
}

/// A span, `factor` times as long.
fn stretch(span: SignedDuration, factor: u32) -> SignedDuration {
    let nanoseconds = span.as_nanos().saturating_mul(i128::from(factor));
    let seconds = i64::try_from(nanoseconds.div_euclid(1_000_000_000)).unwrap_or(i64::MAX);
    let rest = i32::try_from(nanoseconds.rem_euclid(1_000_000_000)).unwrap_or_default();
    SignedDuration::new(seconds, rest)
}

/// How much of a second may have gone when the API server wrote it down.
const OF_A_SECOND: SignedDuration = SignedDuration::from_millis(999);

impl Clock {
    /// A clock that shows real time.
    pub fn real_time() -> Self {
        Self::with_scale(Scale::REAL)
    }

    /// A clock that shows `origin` now and runs `factor` times as fast as real time.
    pub fn scaled_from_now(origin: Timestamp, factor: u32) -> Self {
        Self::with_scale(Scale::new(wall(), origin, factor))
    }

    /// A clock with a scale that others share, in this process or another.
    pub fn with_scale(scale: Scale) -> Self {
        Self::on(Course::Steady(scale))
    }

    /// A clock that shows `origin` now and runs `factor` times as fast as real time, as long as time is granted to it.
    pub fn granted_from_now(origin: Timestamp, factor: u32) -> (Self, Granter) {
        let grants = Arc::new(Grants::new(wall(), origin, factor));
        (Self::on(Course::Granted(Arc::clone(&grants))), Granter { grants })
    }

    fn on(course: Course) -> Self {
        Self { inner: Arc::new(Inner { course, started_wall: wall(), started_monotonic: instant() }) }
    }

    /// The operator's wall clock.
    pub fn now(&self) -> Timestamp {
        self.inner.course.at(wall())
    }

    /// The wall time at which this clock was made, plus the monotonic time since. No jump of the wall clock shows.
    pub fn monotonic_now(&self) -> Timestamp {
        self.monotonic_at(instant())
    }

    /// Both at one moment. They differ by whole real seconds: less is noise, and what is foretold from them must stay the
    /// same from one look to the next.
    pub fn both(&self) -> Both {
        let wall = wall();
        let apart = whole_seconds(self.real_monotonic_at(instant()).duration_since(wall));
        let monotonic = instants::after(wall, apart);
        Both { wall: self.inner.course.at(wall), monotonic: self.inner.course.at(monotonic) }
    }

    /// The monotonic witness at a moment of this process.
    fn monotonic_at(&self, moment: Instant) -> Timestamp {
        self.inner.course.at(self.real_monotonic_at(moment))
    }

    fn real_monotonic_at(&self, moment: Instant) -> Timestamp {
        let since = moment.saturating_duration_since(self.inner.started_monotonic);
        let real = SignedDuration::try_from(since).unwrap_or(SignedDuration::MAX);
        instants::after(self.inner.started_wall, real)
    }

    /// A time that the API server wrote, in this clock's time.
    pub fn of_api_server(&self, time: Timestamp) -> Timestamp {
        self.inner.course.at(time)
    }

    /// A time of an object's metadata, which is in whole seconds, in this clock's time: the end of that second, but nothing that is yet
    /// to come.
    pub fn of_metadata(&self, time: Timestamp) -> Timestamp {
        let written = self.of_api_server(time);
        let at_the_latest = time.saturating_add(OF_A_SECOND).unwrap_or(time);
        self.of_api_server(at_the_latest).min(self.now().max(written))
    }

    /// How long a span of this clock takes in real time, as long as time goes on; nothing for a span that is over.
    pub fn real(&self, span: SignedDuration) -> Duration {
        shrink(span, self.inner.course.factor())
    }

    /// The same, for an interval between polls: never shorter than [`SHORTEST_POLL`].
    pub fn poll_interval(&self, span: SignedDuration) -> Duration {
        self.real(span).max(SHORTEST_POLL)
    }

    /// Real time from now until an instant of this clock; nothing if it has passed.
    pub fn real_until(&self, instant: Timestamp) -> Duration {
        self.real(instant.duration_since(self.now()))
    }

    /// A question and its answer, with the moments of both, for the clock that the answer shows.
    pub fn exchange(&self, asked: Instant) -> Exchange {
        Exchange { asked: self.monotonic_at(asked), answered: self.monotonic_now() }
    }
}

/// Two clocks of this process at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Both {
    /// The wall clock.
    pub wall: Timestamp,
    /// The monotonic witness.
    pub monotonic: Timestamp,
}

/// The nearest whole number of seconds.
fn whole_seconds(span: SignedDuration) -> SignedDuration {
    SignedDuration::from_secs(span.as_millis().saturating_add(500).div_euclid(1000).try_into().unwrap_or(0))
}

/// The real wall clock.
pub fn wall() -> Timestamp {
    #[expect(clippy::disallowed_methods, reason = "the one place where the wall clock is read")]
    Timestamp::now()
}

/// The real monotonic clock.
pub fn instant() -> Instant {
    #[expect(clippy::disallowed_methods, reason = "the one place where the monotonic clock is read")]
    Instant::now()
}

/// Sleeps for a span of real time.
pub async fn sleep(real: Duration) {
    #[expect(clippy::disallowed_methods, reason = "the one place that sleeps")]
    tokio::time::sleep(real).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn real_time_is_left_as_it_is() {
        for text in ["2026-11-25T04:08:00.123456789Z", "1969-12-31T23:59:59.5Z", "2500-01-01T00:00:00Z"] {
            assert_eq!(Scale::REAL.scaled(at(text)), at(text));
        }
        assert_eq!(shrink(SignedDuration::from_millis(1500), 1), Duration::from_millis(1500));
    }

    #[test]
    fn a_fast_clock_passes_an_hour_in_a_second() {
        let scale = Scale::new(at("2026-11-25T04:00:00Z"), at("2016-03-01T00:00:00Z"), 3600);
        for (real, scaled) in [
            ("2026-11-25T04:00:00Z", "2016-03-01T00:00:00Z"),
            ("2026-11-25T04:00:01Z", "2016-03-01T01:00:00Z"),
            ("2026-11-25T04:00:24.5Z", "2016-03-02T00:30:00Z"),
            ("2026-11-25T03:59:59Z", "2016-02-29T23:00:00Z"),
        ] {
            assert_eq!(scale.scaled(at(real)), at(scaled), "{real}");
        }
        assert_eq!(shrink(SignedDuration::from_hours(24), 3600), Duration::from_secs(24));
        assert_eq!(shrink(SignedDuration::from_hours(-1), 3600), Duration::ZERO);
    }

    #[test]
    fn no_span_is_too_long() {
        let scale = Scale::new(Timestamp::MIN, at("2016-03-01T00:00:00Z"), u32::MAX);
        assert_eq!(scale.scaled(Timestamp::MAX), Timestamp::MAX);
        assert_eq!(Scale::new(Timestamp::MIN, Timestamp::MIN, 0).factor, 1);
    }

    #[test]
    fn polls_keep_a_real_distance() {
        let clock = Clock::scaled_from_now(at("2016-03-01T00:00:00Z"), 3600);
        assert_eq!(clock.poll_interval(SignedDuration::from_secs(15)), SHORTEST_POLL);
        assert_eq!(clock.poll_interval(SignedDuration::from_hours(1)), Duration::from_secs(1));
    }

    #[test]
    fn the_witnesses_of_one_process_agree() {
        for clock in [Clock::real_time(), Clock::scaled_from_now(at("2016-03-01T00:00:00Z"), 600)] {
            let Both { wall, monotonic } = clock.both();
            assert_eq!(wall, monotonic);
            assert!(clock.real(clock.now().duration_since(wall)) < Duration::from_secs(1));
        }
    }

    #[test]
    fn clocks_differ_by_whole_seconds() {
        for (milliseconds, seconds) in
            [(0, 0), (499, 0), (500, 1), (-499, 0), (-501, -1), (3_600_200, 3600), (-3_600_200, -3600)]
        {
            let span = SignedDuration::from_millis(milliseconds);
            assert_eq!(whole_seconds(span), SignedDuration::from_secs(seconds), "{milliseconds}");
        }
    }
}
