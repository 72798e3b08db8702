//! Durations as people write them: `24h`, `1d12h`, `90m`.

use jiff::SignedDuration;

/// The form that the API server demands.
pub const PATTERN: &str = "^([0-9]+[dhms])+$";

/// Longest text of a duration.
pub const MAX_LENGTH: u32 = 24;

/// Why a text is not a duration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DurationError {
    /// It does not have the form.
    #[error("\"{0}\" is not a duration such as 24h, 1d12h or 90m")]
    Malformed(String),
    /// It is longer than ten years, which nothing here can mean.
    #[error("\"{0}\" is longer than ten years")]
    TooLong(String),
}

/// Nothing waits longer: it keeps every sum of durations and instants within range.
const MAX_SECONDS: i64 = 10 * 366 * 86_400;

/// Reads a duration. A day is 24 hours.
///
/// # Errors
/// If the text does not have the form, or means more than ten years.
pub fn parse(text: &str) -> Result<SignedDuration, DurationError> {
    let malformed = || DurationError::Malformed(text.chars().take(40).collect());
    let too_long = || DurationError::TooLong(text.chars().take(40).collect());
    let mut seconds = 0_i64;
    let mut rest = text;
    if rest.is_empty() {
        return Err(malformed());
    }
    while !rest.is_empty() {
        let digits = rest.find(|character: char| !character.is_ascii_digit()).ok_or_else(malformed)?;
        let (number, tail) = rest.split_at(digits);
        let mut characters = tail.chars();
        let unit = match characters.next() {
            Some('d') => 86_400,
            Some('h') => 3_600,
            Some('m') => 60,
            Some('s') => 1,
            Some(_) | None => return Err(malformed()),
        };
        if number.is_empty() {
            return Err(malformed());
        }
        let number: i64 = number.parse().map_err(|_| too_long())?;
        let part = number.checked_mul(unit).ok_or_else(too_long)?;
        seconds = seconds.checked_add(part).ok_or_else(too_long)?;
        rest = characters.as_str();
    }
    if seconds > MAX_SECONDS { Err(too_long()) } else { Ok(SignedDuration::from_secs(seconds)) }
}

/// Writes a duration as it would be written in a spec, to the second: `1d12h`.
pub fn format(length: SignedDuration) -> String {
    let mut rest = length.as_secs().max(0);
    let mut text = String::new();
    for (size, unit) in [(86_400, 'd'), (3_600, 'h'), (60, 'm'), (1, 's')] {
        let count = rest / size;
        rest %= size;
        if count > 0 {
            text.push_str(&count.to_string());
            text.push(unit);
        }
    }
    if text.is_empty() { "0s".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_people_write_them_and_back() {
        for (text, seconds, again) in [
            ("24h", 86_400, "1d"),
            ("1d12h", 129_600, "1d12h"),
            ("90m", 5_400, "1h30m"),
            ("0s", 0, "0s"),
            ("30d", 2_592_000, "30d"),
            ("1h1h", 7_200, "2h"),
        ] {
            assert_eq!(parse(text), Ok(SignedDuration::from_secs(seconds)), "{text}");
            assert_eq!(format(SignedDuration::from_secs(seconds)), again);
        }
    }

    #[test]
    fn what_is_no_duration_is_refused() {
        for text in ["", "h", "24", "24H", "1w", "-1h", "1 h", "1.5h", "24hä"] {
            assert_eq!(parse(text), Err(DurationError::Malformed(text.into())), "{text}");
        }
        for text in ["4000d", "99999999999999999999s", "999999999999999999d"] {
            assert_eq!(parse(text), Err(DurationError::TooLong(text.into())), "{text}");
        }
    }
}
