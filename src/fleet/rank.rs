//! Each device's fixed place in a rollout, which anyone can compute with `md5sum`.

use std::fmt;
use std::num::ParseIntError;
use std::str::FromStr;

use md5::{Digest, Md5};

use super::digest::first_eight_bytes;
use crate::catalog::Version;
use crate::catalog::as_text::as_text;

/// The first 8 bytes of MD5(`<guid>/<release>`), written as 16 hexadecimal digits.
///
/// A wave releases every device at or below a threshold, so that one number holds what was released, whatever the
/// size of the fleet, and a device that joins late has a place already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rank(pub u64);

impl Rank {
    /// At or above every device.
    pub const LAST: Self = Self(u64::MAX);

    /// A device's place in the rollout of a release, if there is one. Without it nothing is rolled out, and no threshold
    /// releases the last place but the last wave.
    pub fn in_rollout(guid: u64, release: Option<Version>) -> Self {
        release.map_or(Self::LAST, |release| Self::of(&guid.to_string(), release))
    }

    /// A device's place in the rollout of a release.
    pub fn of(device_guid: &str, release: Version) -> Self {
        let mut digest = Md5::new();
        digest.update(device_guid.as_bytes());
        digest.update(b"/");
        digest.update(release.to_string().as_bytes());
        Self(first_eight_bytes(digest))
    }
}

impl fmt::Display for Rank {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:016x}", self.0)
    }
}

impl FromStr for Rank {
    type Err = ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        u64::from_str_radix(text, 16).map(Self)
    }
}

as_text!(Rank, { "pattern": "^[0-9a-f]{16}$" });

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn md5sum_predicts_a_devices_place() {
        // echo -n 600624121205752065/4.3.5.3 | md5sum
        let rank = Rank::of("600624121205752065", "4.3.5.3".parse().unwrap());
        assert_eq!(rank.to_string(), "8dbdc4dcebb57d8c");
    }
}
