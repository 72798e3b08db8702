//! The frame around an answer: `{"metadata": {"timestamp": …}, "data": …}` (FACTS.md, api-frame), or in some
//! resources and versions the data alone.

use std::borrow::Cow;
use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::bounded::excerpt;
use super::error::Mismatch;
use super::record::{Record, instant, utc_offset_seconds, whole_number};

/// An answer, taken out of its frame but not read yet.
#[derive(Debug)]
pub(super) struct Envelope<'a> {
    /// The authority's own clock when it answered.
    pub(super) timestamp: Option<Timestamp>,
    /// How far its time of day is ahead of UTC, in seconds, as that timestamp says.
    pub(super) utc_offset_seconds: Option<i32>,
    place: &'static str,
    data: &'a RawValue,
}

/// A list in an answer. Its rows stay text until each is read, so that a large page is never held as a tree.
#[derive(Debug)]
pub(super) struct List<'a> {
    /// How many rows there are on all pages, as far as the authority says.
    pub(super) total_count: Option<u64>,
    place: String,
    rows: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
struct Metadata<'a> {
    #[serde(borrow, default)]
    timestamp: Option<Cow<'a, str>>,
}

type Fields<'a> = BTreeMap<Cow<'a, str>, &'a RawValue>;

impl<'a> Envelope<'a> {
    /// Finds the data of an answer.
    pub(super) fn open(body: &'a str) -> Result<Self, Mismatch> {
        let whole: &RawValue = serde_json::from_str(body).map_err(|_| Mismatch {
            place: "body".to_owned(),
            expected: "JSON",
            excerpt: excerpt(body),
        })?;
        // An array has no frame.
        let fields = serde_json::from_str::<Fields<'a>>(whole.get()).unwrap_or_default();
        let written = fields
            .get("metadata")
            .and_then(|raw| serde_json::from_str::<Metadata<'_>>(raw.get()).ok())
            .and_then(|metadata| metadata.timestamp);
        let utc_offset_seconds = written.as_deref().and_then(utc_offset_seconds);
        let timestamp = written.as_deref().and_then(instant);
        Ok(match fields.get("data") {
            Some(data) => Self { timestamp, utc_offset_seconds, place: "data", data },
            None => Self { timestamp, utc_offset_seconds, place: "body", data: whole },
        })
    }

    /// The data as one object.
    pub(super) fn record(&self) -> Result<Record, Mismatch> {
        Record::parse(self.place.to_owned(), self.data)
    }

    /// The list in the data: the field of that name, in any case, or the data itself.
    pub(super) fn list(&self, name: &'static str, expected: &'static str) -> Result<List<'a>, Mismatch> {
        if let Ok(rows) = serde_json::from_str(self.data.get()) {
            return Ok(List { total_count: None, place: self.place.to_owned(), rows });
        }
        let place = format!("{}.{name}", self.place);
        let fields = serde_json::from_str::<Fields<'a>>(self.data.get()).unwrap_or_default();
        let field = fields.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, raw)| *raw);
        let rows = field.and_then(|raw| serde_json::from_str(raw.get()).ok()).ok_or_else(|| Mismatch {
            place: place.clone(),
            expected,
            excerpt: excerpt(field.map_or("nothing", RawValue::get)),
        })?;
        let total_count = fields
            .get("totalCount")
            .and_then(|raw| serde_json::from_str(raw.get()).ok())
            .and_then(|value| whole_number(&value));
        Ok(List { total_count, place, rows })
    }
}

impl List<'_> {
    /// How many rows this page has.
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Reads row after row.
    pub(super) fn read<T>(
        &self,
        read: impl Fn(&Record) -> Result<T, Mismatch>,
    ) -> impl Iterator<Item = Result<T, Mismatch>> {
        self.rows
            .iter()
            .enumerate()
            .map(move |(index, raw)| read(&Record::parse(format!("{}[{index}]", self.place), raw)?))
    }

    /// Says that the total is not what was expected.
    pub(super) fn total_mismatch(&self, expected: &'static str) -> Mismatch {
        let found = self.total_count.map_or_else(|| "nothing".to_owned(), |total| total.to_string());
        Mismatch { place: format!("{}.totalCount", self.place), expected, excerpt: found }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_is_found_with_and_without_a_frame() {
        for (body, place, rows, total) in [
            (
                r#"{"metadata":{"timestamp":"2014-07-09T10:34:43.906-05:00"},"data":{"totalCount":"2","servers":[{},{}]}}"#,
                "data.servers",
                2,
                Some(2),
            ),
            (r#"{"data":{"Servers":[{}]},"extra":1}"#, "data.servers", 1, None),
            (r#"{"servers":[{}]}"#, "body.servers", 1, None),
            (r#"{"data":[{},{}]}"#, "data", 2, None),
            ("[{}]", "body", 1, None),
        ] {
            let list = Envelope::open(body).unwrap().list("servers", "a list of servers").unwrap();
            assert_eq!((list.place.as_str(), list.len(), list.total_count), (place, rows, total), "{body}");
        }
    }

    #[test]
    fn what_is_no_list_is_said_with_its_place() {
        for (body, place, found) in [
            (r#"{"data":null}"#, "data.servers", "nothing"),
            (r#"{"data":{}}"#, "data.servers", "nothing"),
            (r#"{"data":{"servers":{"guid":"1"}}}"#, "data.servers", r#"{"guid":"1"}"#),
            (r#""text""#, "body.servers", "nothing"),
        ] {
            let mismatch = Envelope::open(body).unwrap().list("servers", "a list of servers").unwrap_err();
            assert_eq!((mismatch.place.as_str(), mismatch.excerpt.as_str()), (place, found), "{body}");
        }
    }

    #[test]
    fn what_is_no_json_is_shown_only_in_its_beginning() {
        let page = format!("<!DOCTYPE html>\n{}", "x".repeat(10_000));
        for (body, found) in [
            ("", String::new()),
            (r#"{"data":{"ser"#, r#"{"data":{"ser"#.to_owned()),
            (&page, excerpt(&page)),
        ] {
            let mismatch = Envelope::open(body).unwrap_err();
            assert_eq!(
                (mismatch.place.as_str(), mismatch.expected, mismatch.excerpt),
                ("body", "JSON", found)
            );
        }
    }

    #[test]
    fn a_broken_clock_is_no_reason_to_fail() {
        for metadata in
            ["null", "{}", r#"{"timestamp":null}"#, r#"{"timestamp":"soon"}"#, r#"{"timestamp":5}"#, "[]"]
        {
            let body = format!(r#"{{"metadata":{metadata},"data":{{}}}}"#);
            assert_eq!(Envelope::open(&body).unwrap().timestamp, None, "{metadata}");
        }
    }
}
