//! Answers, before they are put on the wire: framed as the recorded ones, and stamped with the world's time.

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone};
use serde_json::{Map, Value, json};

use super::disturbance;
use crate::playground::rest::call::{Call, Unreadable};
use crate::simulator::fault::Fault;
use crate::simulator::world::World;

const PAGE_FOR_BROWSERS: &str =
    "<!DOCTYPE html><html><head><title>Sign in</title></head><body>Sign in</body></html>";

/// What is answered.
#[derive(Debug)]
pub(super) struct Answer {
    status: StatusCode,
    content: Content,
    headers: Vec<(HeaderName, HeaderValue)>,
}

#[derive(Debug)]
enum Content {
    /// Data, to be framed with metadata that repeat these parameters.
    Data(Value, Map<String, Value>),
    /// JSON as it is.
    Json(Value),
    /// Text of a type.
    Text(&'static str, String),
    /// An error: JSON, although the recorded content type says otherwise.
    Error(Value),
    Nothing,
}

impl Answer {
    /// Data about a call.
    pub(super) fn data(call: &Call, data: Value) -> Self {
        let parameters = call.query.iter().map(|(key, value)| (key.clone(), Value::from(value.as_str())));
        Self::new(StatusCode::OK, Content::Data(data, parameters.collect()))
    }

    /// JSON without a frame.
    pub(super) fn unframed(json: Value) -> Self {
        Self::new(StatusCode::OK, Content::Json(json))
    }

    /// Text that is no JSON.
    pub(super) fn text(content_type: &'static str, text: String) -> Self {
        Self::new(StatusCode::OK, Content::Text(content_type, text))
    }

    /// No body.
    pub(super) fn nothing(status: StatusCode) -> Self {
        Self::new(status, Content::Nothing)
    }

    /// An error: an array of one, as recorded.
    pub(super) fn error(status: StatusCode, description: &str) -> Self {
        Self::new(status, Content::Error(json!([{ "name": "SYSTEM", "description": description }])))
    }

    /// There is no such thing. The words are not on record.
    pub(super) fn not_found() -> Self {
        Self::error(StatusCode::NOT_FOUND, "Not found")
    }

    /// The resource does not take this method. Not on record.
    pub(super) fn wrong_method() -> Self {
        Self::error(StatusCode::METHOD_NOT_ALLOWED, "Method not allowed")
    }

    /// The credentials are not good, in the recorded words.
    pub(super) fn unauthorised() -> Self {
        Self::error(StatusCode::UNAUTHORIZED, "Invalid or missing credentials")
    }

    /// What is answered instead of what was asked for; `None` where the fault only bends the answer.
    pub(super) fn instead(fault: &Fault) -> Option<Self> {
        match fault {
            Fault::Html => Some(Self::text("text/html;charset=UTF-8", PAGE_FOR_BROWSERS.to_owned())),
            Fault::Body(text) => Some(Self::text("application/json;charset=UTF-8", text.clone())),
            Fault::Unauthorised => Some(Self::unauthorised()),
            Fault::ServerError => {
                Some(Self::error(StatusCode::INTERNAL_SERVER_ERROR, "An internal error occurred"))
            }
            Fault::RefuseConnection
            | Fault::TimeOut
            | Fault::HalfAnswer
            | Fault::WrongTypes
            | Fault::Version(_)
            | Fault::OtherAuthority(_)
            | Fault::ShiftedPages
            | Fault::NoDevices => None,
        }
    }

    /// The request is none.
    pub(super) fn unreadable(unreadable: Unreadable) -> Self {
        match unreadable {
            Unreadable::TooLarge => Self::error(StatusCode::PAYLOAD_TOO_LARGE, "The request is too large"),
            Unreadable::Query => Self::error(StatusCode::BAD_REQUEST, "The query cannot be read"),
            Unreadable::Path => Self::not_found(),
        }
    }

    /// Adds a header.
    pub(super) fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    fn new(status: StatusCode, content: Content) -> Self {
        Self { status, content, headers: Vec::new() }
    }

    /// Puts it on the wire at the world's present.
    pub(super) fn into_response(self, world: &World, fault: Option<&Fault>) -> Response {
        let wrong_types = matches!(fault, Some(Fault::WrongTypes));
        let bend = |value: Value| if wrong_types { disturbance::wrong_types(value) } else { value };
        let (content_type, text) = match self.content {
            Content::Data(data, parameters) => {
                let metadata = json!({ "timestamp": local(world, world.now()), "params": parameters });
                let framed = json!({ "metadata": metadata, "data": bend(data) });
                (Some("application/json;charset=UTF-8"), framed.to_string())
            }
            Content::Json(json) => (Some("application/json;charset=UTF-8"), bend(json).to_string()),
            Content::Text(content_type, text) => (Some(content_type), text),
            Content::Error(error) => (Some("text/html;charset=ISO-8859-1"), error.to_string()),
            Content::Nothing => (None, String::new()),
        };
        let half = matches!(fault, Some(Fault::HalfAnswer)) && !text.is_empty();
        let mut response = if half { disturbance::half(text) } else { Response::new(Body::from(text)) };
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        if let Some(content_type) = content_type {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        }
        if let Ok(date) =
            HeaderValue::from_str(&world.now().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string())
        {
            headers.insert(header::DATE, date);
        }
        headers.extend(self.headers);
        response
    }
}

/// A time as the recorded answers write it: milliseconds, and the offset of the authority's time of day.
pub(super) fn local(world: &World, time: Timestamp) -> String {
    let offset =
        i32::try_from(world.utc_offset_seconds()).ok().and_then(|second| Offset::from_seconds(second).ok());
    let zone = TimeZone::fixed(offset.unwrap_or(Offset::UTC));
    time.to_zoned(zone).strftime("%Y-%m-%dT%H:%M:%S%.3f%:z").to_string()
}

/// One page of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Page {
    pub(super) skip: usize,
    pub(super) take: usize,
}

/// Rows on a page where the call does not say (FACTS.md, api-pages).
const DEFAULT_PAGE: usize = 100;

/// Most rows on a page. One vendor script calls 250 the limit of 3.5.4 (FACTS.md, api-page-cap), another
/// client asks for 500 of later servers.
const MAX_PAGE: usize = 1_000;

impl Page {
    /// The page that a call asks for; pages are counted from 1.
    pub(super) fn of(call: &Call) -> Self {
        let number = |name| call.parameter(name).and_then(|value| value.parse::<usize>().ok());
        let take = number("pgSize").unwrap_or(DEFAULT_PAGE).clamp(1, MAX_PAGE);
        let page = number("pgNum").unwrap_or(1).max(1);
        Self { skip: take.saturating_mul(page - 1), take }
    }

    /// A list with its total, under the vendor's name for it.
    pub(super) fn list<T>(
        self,
        name: &str,
        rows: impl ExactSizeIterator<Item = T>,
        write: impl FnMut(T) -> Value,
    ) -> Value {
        let total = rows.len();
        self.list_of(name, total, rows.skip(self.skip), write)
    }

    /// The same of rows that begin with those of the page, where the total is known.
    pub(super) fn list_of<T>(
        self,
        name: &str,
        total: usize,
        rows_from_here: impl Iterator<Item = T>,
        write: impl FnMut(T) -> Value,
    ) -> Value {
        let rows: Vec<Value> = rows_from_here.take(self.take).map(write).collect();
        json!({ "totalCount": total, name: rows })
    }
}
