//! Guids of devices in JSON and YAML: as text, since readers that keep numbers as floating point would round them.
//!
//! For `#[serde(with = "guid_text")]`. What must never happen here: a guid that comes back as another one.

use serde::{Deserialize, Deserializer, Serializer};

/// Writes a guid as its digits.
///
/// # Errors
/// Those of the serializer.
pub fn serialize<S: Serializer>(guid: &u64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(guid)
}

/// Reads a guid from its digits.
///
/// # Errors
/// It is no text, or the text is no number of 64 bits.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
}
