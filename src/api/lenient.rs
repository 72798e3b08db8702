//! Reading a status that an operator of another version wrote, or that a person edited. No object may be lost for it: what cannot be
//! read of the report is left out, since it is written anew anyway, and memory that cannot be read is known as such.

use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer};
use serde_json::Value;

use crate::fleet::Guid;
use crate::planner::Memory;
use crate::planner::memory::{FORMAT_VERSION, UNKNOWN_FORMAT};

/// A part of the report; nothing of it where it cannot be read.
pub(super) fn part<'de, D: Deserializer<'de>, T: DeserializeOwned + Default>(from: D) -> Result<T, D::Error> {
    Ok(serde_json::from_value(Value::deserialize(from)?).unwrap_or_default())
}

/// The rows of a list that can be read.
pub(super) fn rows<'de, D: Deserializer<'de>, T: DeserializeOwned>(from: D) -> Result<Vec<T>, D::Error> {
    let rows = match Value::deserialize(from)? {
        Value::Array(rows) => rows,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => Vec::new(),
    };
    Ok(rows.into_iter().filter_map(|row| serde_json::from_value(row).ok()).collect())
}

/// The memory. Its format is looked at before anything else of it: another one may mean something else by the same fields.
pub(super) fn memory<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Memory>, D::Error> {
    let Some(value) = Option::<Value>::deserialize(from)? else { return Ok(None) };
    let format = value.get("formatVersion").and_then(Value::as_u64).and_then(|format| format.try_into().ok());
    let guid = value.get("authorityGuid").and_then(Value::as_str).map(|guid| Guid(guid.to_owned()));
    // What the object claims stays its own, whoever wrote it: no other object may begin there.
    let of_format = |format| Memory { authority_guid: guid, ..Memory::of_format(format) };
    Ok(Some(match format {
        Some(FORMAT_VERSION) => serde_json::from_value(value).unwrap_or_else(|_| of_format(UNKNOWN_FORMAT)),
        Some(other) => of_format(other),
        None => of_format(UNKNOWN_FORMAT),
    }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::api::CodeUpgradeStatus;

    fn read(status: serde_json::Value) -> CodeUpgradeStatus {
        serde_json::from_value(status).unwrap()
    }

    #[test]
    fn a_report_of_another_version_is_read_as_far_as_it_goes() {
        let status = read(json!({
            "phase": "Waiting",
            "message": {"text": "a sentence"},
            "until": "tomorrow",
            "now": [1, 2],
            "gates": [{"name": "Wait", "verdict": "Pass"}, {"name": "Moon", "verdict": "Perhaps"}],
            "memory": {"formatVersion": 1, "highWaterMark": "4.2.3.1"},
        }));
        assert_eq!((status.phase.as_str(), status.message.as_str()), ("Waiting", ""));
        assert_eq!((status.until, status.now), (None, None));
        assert_eq!(status.gates.len(), 1);
        assert_eq!(status.memory.and_then(|memory| memory.high_water_mark), "4.2.3.1".parse().ok());
    }

    #[test]
    fn memory_is_read_by_its_format() {
        let claiming =
            |format| Memory { authority_guid: Some(Guid("7".into())), ..Memory::of_format(format) };
        for (name, memory, expected) in [
            ("none", json!(null), None),
            ("ours", json!({"formatVersion": 1}), Some(Memory::default())),
            (
                "a newer one of another shape",
                json!({"formatVersion": 2, "authorityGuid": "7", "hop": "none"}),
                Some(claiming(2)),
            ),
            (
                "ours of another shape",
                json!({"formatVersion": 1, "authorityGuid": "7", "hop": "none"}),
                Some(claiming(UNKNOWN_FORMAT)),
            ),
            (
                "without a format",
                json!({"highWaterMark": "4.2.3.1"}),
                Some(Memory::of_format(UNKNOWN_FORMAT)),
            ),
            ("no memory at all", json!(7), Some(Memory::of_format(UNKNOWN_FORMAT))),
        ] {
            assert_eq!(read(json!({"memory": memory})).memory, expected, "{name}");
        }
    }
}
