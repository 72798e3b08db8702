//! Sums of a file: what is known of it, what was found, and whether they agree.

use std::fmt;
use std::str::FromStr;

use md5::Digest as _;
use serde::{Deserialize, Serialize};

/// An MD5 sum: what the vendor publishes.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Md5Sum([u8; 16]);

/// A SHA-256 sum.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Sha256Sum([u8; 32]);

/// A text that is no sum.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} sums have {digits} hexadecimal digits, not {text:?}")]
pub struct InvalidSum {
    what: &'static str,
    digits: usize,
    text: String,
}

fn bytes<const N: usize>(text: &str, what: &'static str) -> Result<[u8; N], InvalidSum> {
    let invalid = || InvalidSum { what, digits: 2 * N, text: text.chars().take(80).collect() };
    let digits = text.trim();
    if digits.len() != 2 * N || !digits.is_ascii() {
        return Err(invalid());
    }
    let mut bytes = [0; N];
    for (byte, at) in bytes.iter_mut().zip((0..).step_by(2)) {
        let pair = digits.get(at..at + 2).ok_or_else(invalid)?;
        // A sign is no digit, although a number may have one.
        if pair.starts_with('+') {
            return Err(invalid());
        }
        *byte = u8::from_str_radix(pair, 16).map_err(|_| invalid())?;
    }
    Ok(bytes)
}

macro_rules! sum {
    ($name:ident, $what:literal) => {
        impl FromStr for $name {
            type Err = InvalidSum;

            fn from_str(text: &str) -> Result<Self, InvalidSum> {
                bytes(text, $what).map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, formatter)
            }
        }

        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

sum!(Md5Sum, "MD5");
sum!(Sha256Sum, "SHA-256");

/// What is known of a file before it is there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Expected {
    /// Its MD5 sum.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub md5: Option<Md5Sum>,
    /// Its SHA-256 sum.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<Sha256Sum>,
    /// Its size in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
}

/// What a file is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its MD5 sum.
    pub md5: Md5Sum,
    /// Its SHA-256 sum, where that was asked for.
    pub sha256: Option<Sha256Sum>,
    /// Its size in bytes.
    pub size: u64,
}

/// What a file should be and is not.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Mismatch {
    /// Another size.
    #[error("it has {found} bytes and should have {expected}")]
    Size {
        /// In bytes.
        expected: u64,
        /// In bytes.
        found: u64,
    },
    /// Another MD5 sum.
    #[error("MD5 {found}, not {expected}")]
    Md5 {
        /// The published sum.
        expected: Md5Sum,
        /// The sum of what is there.
        found: Md5Sum,
    },
    /// Another SHA-256 sum.
    #[error("SHA-256 {found}, not {expected}")]
    Sha256 {
        /// The published sum.
        expected: Sha256Sum,
        /// The sum of what is there.
        found: Sha256Sum,
    },
}

/// A list of checksums says something else than whoever named it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it says another {what} sum, {listed}, than the one that is given, {given}")]
pub struct Disagreement {
    what: &'static str,
    given: String,
    listed: String,
}

fn agreed<T: Copy + PartialEq + fmt::Display>(
    what: &'static str,
    given: Option<T>,
    listed: Option<T>,
) -> Result<Option<T>, Disagreement> {
    match (given, listed) {
        (Some(given), Some(listed)) if given != listed => {
            Err(Disagreement { what, given: given.to_string(), listed: listed.to_string() })
        }
        (given, listed) => Ok(given.or(listed)),
    }
}

impl Expected {
    /// Whether no sum is known: a size alone is no evidence.
    pub fn says_nothing(&self) -> bool {
        self.md5.is_none() && self.sha256.is_none()
    }

    /// This, and what a list of checksums says of the same file.
    ///
    /// # Errors
    /// The two disagree: which sum, and both of them.
    pub fn and(self, listed: &Self) -> Result<Self, Disagreement> {
        Ok(Self {
            md5: agreed("MD5", self.md5, listed.md5)?,
            sha256: agreed("SHA-256", self.sha256, listed.sha256)?,
            size: self.size,
        })
    }

    /// Holds what was found against what is known.
    ///
    /// # Errors
    /// The first difference, with both values. A sum that is known and was not worked out differs.
    pub fn check(&self, found: &Found) -> Result<(), Mismatch> {
        if let Some(expected) = self.size.filter(|size| *size != found.size) {
            return Err(Mismatch::Size { expected, found: found.size });
        }
        if let Some(expected) = self.md5.filter(|md5| *md5 != found.md5) {
            return Err(Mismatch::Md5 { expected, found: found.md5 });
        }
        if let (Some(expected), Some(found)) = (self.sha256, found.sha256)
            && expected != found
        {
            return Err(Mismatch::Sha256 { expected, found });
        }
        if let (Some(expected), None) = (self.sha256, found.sha256) {
            return Err(Mismatch::Sha256 { expected, found: Sha256Sum([0; 32]) });
        }
        Ok(())
    }
}

/// Works out sums while bytes pass. SHA-256 costs more than MD5 and is left out where nobody asks for it.
#[derive(Clone)]
pub(super) struct Hasher {
    md5: md5::Md5,
    sha256: Option<sha2::Sha256>,
    size: u64,
}

impl Hasher {
    pub(super) fn new(expected: &Expected) -> Self {
        Self { md5: md5::Md5::new(), sha256: expected.sha256.is_some().then(sha2::Sha256::default), size: 0 }
    }

    /// Every sum, whatever is known.
    pub(super) fn of_everything() -> Self {
        Self { md5: md5::Md5::new(), sha256: Some(sha2::Sha256::default()), size: 0 }
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        self.md5.update(bytes);
        if let Some(sha256) = &mut self.sha256 {
            sha256.update(bytes);
        }
        self.size += bytes.len() as u64;
    }

    pub(super) fn finish(self) -> Found {
        Found {
            md5: Md5Sum(self.md5.finalize().into()),
            sha256: self.sha256.map(|sha256| Sha256Sum(sha256.finalize().into())),
            size: self.size,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY: &str = "d41d8cd98f00b204e9800998ecf8427e";

    #[test]
    fn sums_are_read_whatever_their_case() {
        assert_eq!(EMPTY.to_uppercase().parse::<Md5Sum>().unwrap().to_string(), EMPTY);
        for wrong in [
            "",
            "d41d8cd98f00b204e9800998ecf8427",
            "g41d8cd98f00b204e9800998ecf8427e",
            "+41d8cd98f00b204e9800998ecf8427e",
            "ä",
        ] {
            let error = wrong.parse::<Md5Sum>().unwrap_err().to_string();
            assert!(error.starts_with("MD5 sums have 32 hexadecimal digits"), "{error}");
        }
    }

    #[test]
    fn every_difference_is_told_with_both_values() {
        let hash = |bytes: &[u8], expected: &Expected| {
            let mut hasher = Hasher::new(expected);
            hasher.update(bytes);
            hasher.finish()
        };
        let md5 = EMPTY.parse().ok();
        let expected = Expected { md5, sha256: None, size: Some(0) };
        assert_eq!(expected.check(&hash(b"", &expected)), Ok(()));
        let told = expected.check(&hash(b"x", &expected)).unwrap_err().to_string();
        assert_eq!(told, "it has 1 bytes and should have 0");
        let expected = Expected { size: None, ..expected };
        let told = expected.check(&hash(b"x", &expected)).unwrap_err().to_string();
        assert_eq!(told, format!("MD5 9dd4e461268c8034f5c8564e155c67a6, not {EMPTY}"));
        // A sum that was not worked out is no sum that agrees.
        let unhashed = hash(b"", &Expected::default());
        let expected = Expected { sha256: Some(Sha256Sum([1; 32])), ..Expected::default() };
        assert!(expected.check(&unhashed).is_err());
    }
}
