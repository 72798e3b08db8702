//! What a mirror's answer is worth, before a byte of it is kept.

use reqwest::header::{CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, HeaderMap, LOCATION};
use reqwest::{StatusCode, Url};

use super::checksums::Expected;
use super::error::Why;
use super::part::Note;

/// What an answer gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Given {
    /// The first byte of it.
    pub(super) from: u64,
    /// The length of the whole, where it is told.
    pub(super) length: Option<u64>,
    /// The strong validator, where there is one.
    pub(super) etag: Option<String>,
}

/// Judges an answer to a request that asked for the rest of a part, or for all.
pub(super) fn judge(
    url: &Url,
    status: StatusCode,
    headers: &HeaderMap,
    continued: Option<&(Note, u64)>,
    expected: &Expected,
) -> Result<Given, Why> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    if status.is_redirection() {
        let to = text(LOCATION).and_then(|to| url.join(to).ok());
        return Err(Why::Redirected(
            to.map_or_else(|| "none".to_owned(), |to| to.origin().ascii_serialization()),
        ));
    }
    if !status.is_success() {
        return Err(Why::Status(status.as_u16()));
    }
    if text(CONTENT_TYPE).is_some_and(is_page) {
        return Err(Why::Page);
    }
    let etag = text(ETAG).filter(|etag| !etag.starts_with("W/")).map(str::to_owned);
    let given = match (status, continued) {
        (StatusCode::PARTIAL_CONTENT, Some((note, there))) => {
            let range = text(CONTENT_RANGE).and_then(range);
            // Anything but the very rest of the very file is of no use.
            if range != Some((*there, note.length)) || etag.as_ref().is_some_and(|etag| *etag != note.etag) {
                return Err(Why::Status(status.as_u16()));
            }
            Given { from: *there, length: Some(note.length), etag: Some(note.etag.clone()) }
        }
        (StatusCode::OK, _) => {
            let length = text(CONTENT_LENGTH).and_then(|length| length.parse().ok());
            Given { from: 0, length, etag }
        }
        _ => return Err(Why::Status(status.as_u16())),
    };
    match (given.length, expected.size) {
        (Some(length), Some(expected)) if length != expected => Err(Why::WrongLength { expected, length }),
        _ => Ok(given),
    }
}

/// Whether a type of content is a page for browsers: no upgrade file is one.
fn is_page(kind: &str) -> bool {
    let kind = kind.to_ascii_lowercase();
    kind.starts_with("text/html") || kind.starts_with("application/xhtml")
}

/// Whether the first bytes are those of a page, whatever the mirror calls them.
pub(super) fn begins_as_page(bytes: &[u8]) -> bool {
    let start: Vec<u8> = bytes.iter().copied().skip_while(u8::is_ascii_whitespace).take(15).collect();
    let start = start.to_ascii_lowercase();
    start.starts_with(b"<!doctype html") || start.starts_with(b"<html")
}

/// First byte and length of the whole of `bytes 5-9/10`, where the rest goes to the end.
fn range(text: &str) -> Option<(u64, u64)> {
    let (range, length) = text.trim().strip_prefix("bytes ")?.split_once('/')?;
    let (first, last) = range.split_once('-')?;
    let (first, last, length): (u64, u64, u64) =
        (first.parse().ok()?, last.parse().ok()?, length.parse().ok()?);
    (last.checked_add(1)? == length).then_some((first, length))
}

#[cfg(test)]
mod tests {
    use reqwest::header::{HeaderName, HeaderValue};

    use super::*;

    fn judged(status: u16, headers: &[(HeaderName, &str)], there: Option<u64>) -> Result<u64, String> {
        let url: Url = "https://mirror.example/u.upgrade".parse().unwrap();
        let headers = headers
            .iter()
            .map(|(name, value)| (name.clone(), HeaderValue::from_str(value).unwrap()))
            .collect();
        let note =
            Note { url: url.to_string(), etag: "\"a\"".into(), length: 10, expected: Expected::default() };
        let continued = there.map(|there| (note, there));
        let status = StatusCode::from_u16(status).unwrap();
        let expected = Expected { size: Some(10), ..Expected::default() };
        judge(&url, status, &headers, continued.as_ref(), &expected)
            .map(|given| given.from)
            .map_err(|why| why.to_string())
    }

    #[test]
    fn only_the_very_rest_continues_a_part() {
        let range = |text| (CONTENT_RANGE, text);
        for (name, status, headers, there, expected) in [
            ("all of it", 200, vec![], None, Ok(0)),
            ("all of it again, since the file changed", 200, vec![], Some(5), Ok(0)),
            ("the rest", 206, vec![range("bytes 5-9/10")], Some(5), Ok(5)),
            ("another rest", 206, vec![range("bytes 4-9/10")], Some(5), Err("it answered status 206")),
            ("a piece", 206, vec![range("bytes 5-8/10")], Some(5), Err("it answered status 206")),
            ("of another length", 206, vec![range("bytes 5-10/11")], Some(5), Err("it answered status 206")),
            (
                "of another file",
                206,
                vec![range("bytes 5-9/10"), (ETAG, "\"b\"")],
                Some(5),
                Err("it answered status 206"),
            ),
            ("a piece that nobody asked for", 206, vec![], None, Err("it answered status 206")),
            ("too short", 200, vec![(CONTENT_LENGTH, "9")], None, Err("it has 9 bytes and should have 10")),
            ("gone", 404, vec![], None, Err("it answered status 404")),
            (
                "a page",
                200,
                vec![(CONTENT_TYPE, "text/html; charset=utf-8")],
                None,
                Err("it answered a web page instead of the file: a login, a proxy, or a page about an error"),
            ),
            (
                "elsewhere",
                302,
                vec![(LOCATION, "https://cdn.example/x")],
                None,
                Err(
                    "it redirects to another host, https://cdn.example: name that one if it is to be trusted",
                ),
            ),
        ] {
            assert_eq!(judged(status, &headers, there), expected.map_err(str::to_owned), "{name}");
        }
    }

    #[test]
    fn a_page_is_known_by_how_it_begins() {
        assert!(begins_as_page(b"\n <!DOCTYPE html><title>Sign in"));
        assert!(begins_as_page(b"<HTML>"));
        assert!(!begins_as_page(b"PK\x03\x04<html"));
        assert!(!begins_as_page(b""));
    }
}
