//! Patterns of versions as the vendor's matrices write them: `4.3.5`, or `4.3.x` for a whole series
//! (FACTS.md, version-series).

use std::fmt;
use std::str::FromStr;

use super::as_text::as_text;
use super::version::{MAX_PARTS, ParseError, Version, parse_part, parts_with_positions};

/// One version, or every version that starts with the parts before `x`.
///
/// `4.3.x` matches `4.3`, `4.3.5` and `4.3.5.3`; `4.3.5` matches only that version (missing parts are zero).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Pattern {
    /// Exactly this version.
    Exact(Version),
    /// Every version whose first `fixed` parts (1 to 3) are those of `prefix`.
    Series {
        /// The fixed parts; the rest are zero.
        prefix: Version,
        /// How many parts are fixed.
        fixed: u8,
    },
}

impl Pattern {
    /// Whether the version is one of these.
    pub fn matches(self, version: Version) -> bool {
        match self {
            Self::Exact(exact) => exact == version,
            Self::Series { prefix, fixed } => {
                let fixed = usize::from(fixed);
                prefix.parts()[..fixed] == version.parts()[..fixed]
            }
        }
    }

    /// The version, if the pattern stands for exactly one.
    pub fn exact(self) -> Option<Version> {
        match self {
            Self::Exact(version) => Some(version),
            Self::Series { .. } => None,
        }
    }
}

impl From<Version> for Pattern {
    fn from(version: Version) -> Self {
        Self::Exact(version)
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(version) => version.fmt(formatter),
            Self::Series { prefix, fixed } => {
                for part in &prefix.parts()[..usize::from(*fixed)] {
                    write!(formatter, "{part}.")?;
                }
                formatter.write_str("x")
            }
        }
    }
}

impl FromStr for Pattern {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        const WHAT: &str = "version or pattern";
        let mut parts = [0; MAX_PARTS];
        let mut wildcard = None;
        for (index, (start, part)) in parts_with_positions(text).enumerate() {
            if index >= MAX_PARTS {
                return Err(ParseError::new(
                    text,
                    WHAT,
                    "a version has at most four parts; this is a fifth",
                    start,
                ));
            }
            if wildcard.is_some() {
                return Err(ParseError::new(
                    text,
                    WHAT,
                    "nothing may follow the x; the surplus starts",
                    start,
                ));
            }
            if part == "x" {
                if index == 0 {
                    return Err(ParseError::new(
                        text,
                        WHAT,
                        "at least one number must stand before the x",
                        start,
                    ));
                }
                wildcard = Some(index);
            } else {
                parts[index] = parse_part(text, WHAT, start, part)?;
            }
        }
        let version = Version::new(parts);
        Ok(match wildcard.and_then(|fixed| u8::try_from(fixed).ok()) {
            Some(fixed) => Self::Series { prefix: version, fixed },
            None => Self::Exact(version),
        })
    }
}

as_text!(Pattern, { "maxLength": 23 });

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> Version {
        text.parse().unwrap()
    }

    #[test]
    fn patterns_match_as_the_matrices_mean_them() {
        for (pattern, text, matches) in [
            ("4.3.x", "4.3.5.3", true),
            ("4.3.x", "4.3", true),
            ("4.3.x", "4.30.1", false),
            ("4.2.x", "4.3.0", false),
            ("4.3.5", "4.3.5.0", true),
            ("4.3.5", "4.3.5.3", false),
            ("3.7", "3.7.0", true),
            ("4.x", "4.9.1", true),
            ("4.3.5.x", "4.3.5.9", true),
            ("4.3.5.x", "4.3.6", false),
        ] {
            let parsed: Pattern = pattern.parse().unwrap();
            assert_eq!(parsed.matches(version(text)), matches, "{pattern} against {text}");
            assert_eq!(parsed.to_string().parse(), Ok(parsed), "{pattern} survives a round trip");
        }
    }

    #[test]
    fn errors_point_at_the_character() {
        for (text, message) in [
            (
                "x",
                "\"x\" is not a version or pattern: at least one number must stand before the x at character 1",
            ),
            (
                "4.x.3",
                "\"4.x.3\" is not a version or pattern: nothing may follow the x; the surplus starts at character 5",
            ),
            ("4.3.*", "\"4.3.*\" is not a version or pattern: '*' is not a digit at character 5"),
            ("4.3.X", "\"4.3.X\" is not a version or pattern: 'X' is not a digit at character 5"),
        ] {
            assert_eq!(text.parse::<Pattern>().unwrap_err().to_string(), message);
        }
    }
}
