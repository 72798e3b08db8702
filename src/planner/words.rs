//! How times, durations and lists read in messages: one place, so that every face says the same.

use std::fmt::Display;

use jiff::{SignedDuration, Timestamp};

/// Longest message, in characters: what a printer column can bear.
pub const MAX_MESSAGE: usize = 120;

/// An instant to come, to the minute, always in UTC: `2026-11-26 03:00 UTC`. Rounded up, so that nobody comes a moment too early.
pub fn instant(at: Timestamp) -> String {
    let rounded = at.as_second().saturating_add(59).div_euclid(60).saturating_mul(60);
    past(Timestamp::from_second(rounded).unwrap_or(at))
}

/// An instant that has passed, to the minute: cut, so that nothing is said to have happened later than now.
pub fn past(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

/// A duration for people, in its two largest units: `3 h 20 min`.
pub fn duration(length: SignedDuration) -> String {
    let seconds = length.as_secs().max(0);
    let units = [(86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")];
    let first = units.iter().position(|(size, _)| seconds >= *size).unwrap_or(3);
    let mut rest = seconds;
    let mut parts = Vec::new();
    for (size, unit) in units.iter().skip(first).take(2) {
        let count = rest / size;
        rest %= size;
        if count > 0 || parts.is_empty() {
            parts.push(format!("{count} {unit}"));
        }
    }
    parts.join(" ")
}

/// A count with its noun: `1 device`, `12 devices`.
pub fn count(number: u64, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

/// A list of at most `most` items, and how many more there are: `a, b and 3 more`.
pub fn list<T: Display>(items: impl IntoIterator<Item = T>, most: usize) -> String {
    let items: Vec<String> = items.into_iter().map(|item| item.to_string()).collect();
    let shown = items.iter().take(most).cloned().collect::<Vec<_>>();
    match items.len().saturating_sub(most) {
        0 => match shown.split_last() {
            Some((last, [])) => last.clone(),
            Some((last, before)) => format!("{} and {last}", before.join(", ")),
            None => String::new(),
        },
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// Cuts a message to what a printer column can bear, at a character, with a mark.
pub fn bounded(message: String) -> String {
    if message.chars().count() <= MAX_MESSAGE {
        return message;
    }
    let mut cut: String = message.chars().take(MAX_MESSAGE - 1).collect();
    cut.truncate(cut.trim_end().len());
    cut.push('…');
    cut
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_show_their_two_largest_units() {
        for (seconds, text) in [
            (0, "0 s"),
            (59, "59 s"),
            (60, "1 min"),
            (3_600 + 20 * 60, "1 h 20 min"),
            (86_400, "1 d"),
            (86_400 + 59, "1 d"),
            (90_000, "1 d 1 h"),
        ] {
            assert_eq!(duration(SignedDuration::from_secs(seconds)), text);
        }
    }

    #[test]
    fn nobody_comes_too_early_and_nothing_has_happened_later_than_now() {
        let at: Timestamp = "2026-11-26T02:59:01Z".parse().unwrap();
        assert_eq!(instant(at), "2026-11-26 03:00 UTC");
        assert_eq!(past(at), "2026-11-26 02:59 UTC");
    }

    #[test]
    fn lists_stay_short() {
        assert_eq!(list(["a"], 2), "a");
        assert_eq!(list(["a", "b"], 2), "a and b");
        assert_eq!(list(["a", "b", "c"], 2), "a, b and 1 more");
        assert_eq!(bounded("x".repeat(200)).chars().count(), MAX_MESSAGE);
    }
}
