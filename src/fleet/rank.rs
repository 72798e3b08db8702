//! Each device's fixed place in a rollout, which anyone can compute with `md5sum`.

use std::fmt;

use md5::{Digest, Md5};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::catalog::Version;

/// The first 8 bytes of MD5(`<guid>/<release>`), written as 16 hexadecimal digits.
///
/// A wave releases every device at or below a threshold, so that one number holds what was released, whatever the
/// size of the fleet, and a device that joins late has a place already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rank(pub u64);

impl Rank {
    /// At or above every device.
    pub const LAST: Self = Self(u64::MAX);

    /// A device's place in the rollout of a release.
    pub fn of(device_guid: &str, release: Version) -> Self {
        let mut digest = Md5::new();
        digest.update(device_guid.as_bytes());
        digest.update(b"/");
        digest.update(release.to_string().as_bytes());
        let bytes = digest.finalize();
        let mut first = [0; 8];
        first.copy_from_slice(&bytes[..8]);
        Self(u64::from_be_bytes(first))
    }
}

impl fmt::Display for Rank {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:016x}", self.0)
    }
}

impl Serialize for Rank {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Rank {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        u64::from_str_radix(&text, 16).map(Self).map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Rank {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Rank".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^[0-9a-f]{16}$" })
    }
}

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
