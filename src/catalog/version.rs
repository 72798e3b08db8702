//! Server and app versions as the vendor writes them: one to four numeric parts (FACTS.md, version-parts).
//!
//! Not semantic versions: `4.3.5.3` has four parts, `7.27.2009` is a date (FACTS.md, version-dates), and the
//! matrix writes `3.7` where the release notes write `3.7.0` (FACTS.md, version-short). Missing parts count
//! as zero.

use std::fmt;
use std::str::FromStr;

use super::as_text::as_text;

/// Most parts a version may have.
pub const MAX_PARTS: usize = 4;

/// A product version. Ordered part by part; `3.7`, `3.7.0` and `3.7.0.0` are one version.
///
/// The canonical form, which [`fmt::Display`] writes, has three parts, or four where the fourth is not zero: the
/// way the vendor writes its releases, and never to be taken for the pattern of a whole minor series.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version([u16; MAX_PARTS]);

impl Version {
    /// A version of these parts, most significant first.
    pub const fn new(parts: [u16; MAX_PARTS]) -> Self {
        Self(parts)
    }

    /// The four parts, most significant first.
    pub const fn parts(self) -> [u16; MAX_PARTS] {
        self.0
    }

    /// The first part, which the vendor calls the major version.
    pub const fn major(self) -> u16 {
        self.0[0]
    }
}

impl fmt::Display for Version {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [major, minor, patch, build] = self.0;
        let text = if build == 0 {
            format!("{major}.{minor}.{patch}")
        } else {
            format!("{major}.{minor}.{patch}.{build}")
        };
        formatter.pad(&text)
    }
}

/// Why a text is not a version or a pattern; points at the character (0-based, in characters).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{text}\" is not a {what}: {problem} at character {}", position + 1)]
pub struct ParseError {
    text: String,
    what: &'static str,
    problem: String,
    position: usize,
}

impl ParseError {
    /// Longest text that an error repeats, in characters: what servers and devices report is untrusted.
    const MAX_TEXT: usize = 40;

    pub(super) fn new(text: &str, what: &'static str, problem: impl Into<String>, position: usize) -> Self {
        let mut shown: String = text.chars().take(Self::MAX_TEXT).flat_map(char::escape_debug).collect();
        if text.chars().count() > Self::MAX_TEXT {
            shown.push('…');
        }
        Self { text: shown, what, problem: problem.into(), position }
    }

    /// Where in the text the problem is, in characters from 0.
    pub fn position(&self) -> usize {
        self.position
    }
}

/// One dot-separated part and where it starts, in characters.
pub(super) fn parts_with_positions(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.split('.').scan(0, |position, part| {
        let start = *position;
        *position += part.chars().count() + 1;
        Some((start, part))
    })
}

/// Reads one numeric part.
pub(super) fn parse_part(
    text: &str,
    what: &'static str,
    start: usize,
    part: &str,
) -> Result<u16, ParseError> {
    if part.is_empty() {
        return Err(ParseError::new(text, what, "a number is missing", start));
    }
    if let Some((offset, character)) =
        part.chars().enumerate().find(|(_, character)| !character.is_ascii_digit())
    {
        let problem = format!("'{}' is not a digit", character.escape_debug());
        return Err(ParseError::new(text, what, problem, start + offset));
    }
    part.parse()
        .map_err(|_| ParseError::new(text, what, format!("a part is larger than {}", u16::MAX), start))
}

impl FromStr for Version {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        const WHAT: &str = "version";
        let mut parts = [0; MAX_PARTS];
        for (index, (start, part)) in parts_with_positions(text).enumerate() {
            let Some(slot) = parts.get_mut(index) else {
                return Err(ParseError::new(
                    text,
                    WHAT,
                    "a version has at most four parts; this is a fifth",
                    start,
                ));
            };
            *slot = parse_part(text, WHAT, start, part)?;
        }
        Ok(Self(parts))
    }
}

as_text!(Version, { "maxLength": 23 });

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_parts_are_zero_and_the_canonical_form_has_three_or_four() {
        for (text, canonical) in [
            ("6", "6.0.0"),
            ("3.7", "3.7.0"),
            ("3.7.0.0", "3.7.0"),
            ("4.2.0", "4.2.0"),
            ("4.3.5.3", "4.3.5.3"),
            ("7.27.2009", "7.27.2009"),
            ("04.03", "4.3.0"),
        ] {
            let version: Version = text.parse().unwrap();
            assert_eq!(version.to_string(), canonical);
            assert_eq!(canonical.parse(), Ok(version), "{text} survives a round trip");
        }
    }

    #[test]
    fn versions_are_ordered_by_number_not_by_text() {
        let mut versions: Vec<Version> =
            ["4.10", "4.3.5.3", "4.3.5", "4.2.3.1", "3.6.1.3"].map(|text| text.parse().unwrap()).to_vec();
        versions.sort();
        let texts: Vec<String> = versions.iter().map(Version::to_string).collect();
        assert_eq!(texts, ["3.6.1.3", "4.2.3.1", "4.3.5", "4.3.5.3", "4.10.0"]);
    }

    #[test]
    fn errors_point_at_the_character() {
        for (text, message) in [
            ("", "\"\" is not a version: a number is missing at character 1"),
            ("4.", "\"4.\" is not a version: a number is missing at character 3"),
            ("4..3", "\"4..3\" is not a version: a number is missing at character 3"),
            ("4.3b.5", "\"4.3b.5\" is not a version: 'b' is not a digit at character 4"),
            ("4.3.x", "\"4.3.x\" is not a version: 'x' is not a digit at character 5"),
            (" 4.3", "\" 4.3\" is not a version: ' ' is not a digit at character 1"),
            (
                "4.3.5.3.1",
                "\"4.3.5.3.1\" is not a version: a version has at most four parts; this is a fifth at character 9",
            ),
            ("4.70000", "\"4.70000\" is not a version: a part is larger than 65535 at character 3"),
        ] {
            assert_eq!(text.parse::<Version>().unwrap_err().to_string(), message);
        }
    }
}
