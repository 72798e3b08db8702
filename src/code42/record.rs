//! One JSON object of an answer, read field by field: required fields name their place when they are missing or of
//! the wrong type, optional ones are absent then.

use jiff::Timestamp;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::bounded::{MAX_TEXT, bounded, excerpt};
use super::error::Mismatch;
use super::identity::Guid;

/// A JSON object, and where it stands in the answer.
#[derive(Clone, Debug)]
pub(super) struct Record {
    place: String,
    fields: Map<String, Value>,
}

impl Record {
    /// Reads an object.
    pub(super) fn parse(place: String, raw: &RawValue) -> Result<Self, Mismatch> {
        Self::read(place, raw.get())
    }

    /// Reads an object as it is written.
    pub(super) fn read(place: String, text: &str) -> Result<Self, Mismatch> {
        match serde_json::from_str(text) {
            Ok(Value::Object(fields)) => Ok(Self { place, fields }),
            Ok(_) | Err(_) => Err(Mismatch { place, expected: "an object", excerpt: excerpt(text) }),
        }
    }

    /// An object that came as something else than JSON.
    pub(super) fn new(place: &str, fields: Map<String, Value>) -> Self {
        Self { place: place.to_owned(), fields }
    }

    /// The object in a field, if there is one.
    pub(super) fn child(&self, key: &str) -> Option<Self> {
        let fields = self.fields.get(key)?.as_object()?.clone();
        Some(Self { place: format!("{}.{key}", self.place), fields })
    }

    /// Says that a field is not what was expected.
    pub(super) fn mismatch(&self, key: &str, expected: &'static str) -> Mismatch {
        let found = self.fields.get(key).map_or_else(|| "nothing".to_owned(), Value::to_string);
        Mismatch { place: format!("{}.{key}", self.place), expected, excerpt: excerpt(&found) }
    }

    /// A guid, which some versions write as a number.
    pub(super) fn guid(&self, key: &str) -> Result<Guid, Mismatch> {
        self.optional_guid(key).ok_or_else(|| self.mismatch(key, "a guid"))
    }

    /// A guid, or `None` where there is nothing that can be one.
    pub(super) fn optional_guid(&self, key: &str) -> Option<Guid> {
        match self.fields.get(key)? {
            Value::String(text) => Guid::parse(text.trim()),
            Value::Number(number) => Guid::parse(&number.as_u64()?.to_string()),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
        }
    }

    /// A text that is not empty.
    pub(super) fn text(&self, key: &str, expected: &'static str) -> Result<String, Mismatch> {
        self.optional_text(key).ok_or_else(|| self.mismatch(key, expected))
    }

    /// A text that is not empty, bounded and escaped; a number counts as its digits.
    pub(super) fn optional_text(&self, key: &str) -> Option<String> {
        let text = match self.fields.get(key)? {
            Value::String(text) => bounded(text.trim(), MAX_TEXT),
            Value::Number(number) => number.to_string(),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
        };
        (!text.is_empty()).then_some(text)
    }

    /// A version, or `None` where the authority says `null`. Anything else is a mismatch, a number above all: `4.20`
    /// and `4.2` are one number and two versions.
    pub(super) fn version(&self, key: &str) -> Result<Option<String>, Mismatch> {
        match self.fields.get(key) {
            Some(Value::Null) => Ok(None),
            Some(Value::String(text)) if !text.trim().is_empty() => Ok(Some(bounded(text.trim(), MAX_TEXT))),
            Some(_) | None => Err(self.mismatch(key, "a version or null")),
        }
    }

    /// Yes or no.
    pub(super) fn flag(&self, key: &str) -> Result<bool, Mismatch> {
        self.optional_flag(key).ok_or_else(|| self.mismatch(key, "true or false"))
    }

    /// Yes, no, or `None` where neither is said.
    pub(super) fn optional_flag(&self, key: &str) -> Option<bool> {
        match self.fields.get(key)? {
            Value::Bool(flag) => Some(*flag),
            Value::String(text) if text.eq_ignore_ascii_case("true") => Some(true),
            Value::String(text) if text.eq_ignore_ascii_case("false") => Some(false),
            Value::String(_) | Value::Null | Value::Number(_) | Value::Array(_) | Value::Object(_) => None,
        }
    }

    /// A whole number that is not negative.
    pub(super) fn number(&self, key: &str, expected: &'static str) -> Result<u64, Mismatch> {
        self.optional_number(key).ok_or_else(|| self.mismatch(key, expected))
    }

    /// A whole number that is not negative, also as a text, or `None`.
    pub(super) fn optional_number(&self, key: &str) -> Option<u64> {
        whole_number(self.fields.get(key)?)
    }

    /// An instant in ISO 8601 with an offset or `Z`, or `None`.
    pub(super) fn optional_instant(&self, key: &str) -> Option<Timestamp> {
        instant(self.fields.get(key)?.as_str()?)
    }
}

/// A whole number that is not negative, also as a text.
pub(super) fn whole_number(value: &Value) -> Option<u64> {
    match value {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.trim().parse().ok(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// An instant in ISO 8601 with an offset or `Z`.
pub(super) fn instant(text: &str) -> Option<Timestamp> {
    text.trim().parse().ok()
}

/// How far the time of day of an instant is ahead of UTC, in seconds; `None` where it is written with `Z`, which says
/// nothing about where it was written.
pub(super) fn utc_offset_seconds(text: &str) -> Option<i32> {
    let pieces = jiff::fmt::temporal::Pieces::parse(text.trim()).ok()?;
    match pieces.offset()? {
        jiff::fmt::temporal::PiecesOffset::Numeric(offset) => Some(offset.offset().seconds()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(json: &str) -> Record {
        let raw: Box<RawValue> = serde_json::from_str(json).unwrap();
        Record::parse("data".to_owned(), &raw).unwrap()
    }

    #[test]
    fn what_the_vendor_varies_is_read() {
        let record = record(
            r#"{"guid": 600624193549107457, "id": " 12 ", "online": "True", "name": 7,
                "at": "2014-07-08T10:57:57.937-05:00", "zulu": "2020-09-22T14:00:00Z", "basic": "2014-07-08T10:57:57-0500"}"#,
        );
        assert_eq!(record.guid("guid").unwrap().as_str(), "600624193549107457");
        assert_eq!(record.optional_number("id"), Some(12));
        assert_eq!(record.optional_flag("online"), Some(true));
        assert_eq!(record.optional_text("name").as_deref(), Some("7"));
        assert_eq!(record.optional_instant("at"), "2014-07-08T15:57:57.937Z".parse().ok());
        assert_eq!(record.optional_instant("zulu"), "2020-09-22T14:00:00Z".parse().ok());
        assert_eq!(record.optional_instant("basic"), "2014-07-08T15:57:57Z".parse().ok());
    }

    #[test]
    fn the_offset_of_a_clock_is_told_by_its_numeric_instants_only() {
        for (text, seconds) in [
            ("2014-07-09T10:34:43.906-05:00", Some(-18_000)),
            ("2016-03-01T10:00:00+01:30", Some(5_400)),
            ("2016-03-01T10:00:00.000Z", None),
            ("soon", None),
        ] {
            assert_eq!(utc_offset_seconds(text), seconds, "{text}");
        }
    }

    #[test]
    fn what_matters_is_never_guessed() {
        let record = record(
            r#"{"guid": {}, "version": 4.2, "empty": "", "online": 1, "count": -1, "half": 1.5, "at": "yesterday", "no": null}"#,
        );
        for key in ["guid", "version", "empty", "count", "no", "absent"] {
            assert_eq!(record.guid(key).unwrap_err().place, format!("data.{key}"));
        }
        assert_eq!(record.guid("guid").unwrap_err().excerpt, "{}");
        assert_eq!(record.guid("absent").unwrap_err().excerpt, "nothing");
        for key in ["version", "empty", "online", "absent"] {
            assert_eq!(record.version(key).unwrap_err().expected, "a version or null", "{key}");
        }
        assert_eq!(record.version("no"), Ok(None));
        assert!(record.flag("online").is_err());
        assert_eq!(record.optional_number("count"), None);
        assert_eq!(record.optional_number("half"), None);
        assert_eq!(record.optional_instant("at"), None);
        assert_eq!(record.optional_text("empty"), None);
    }
}
