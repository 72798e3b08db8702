//! Answers that are wrong on purpose.

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use futures::StreamExt as _;
use serde_json::{Value, json};

use super::answer::Answer;
use crate::simulator::fault::Fault;

const PAGE_FOR_BROWSERS: &str =
    "<!DOCTYPE html><html><head><title>Sign in</title></head><body>Sign in</body></html>";

/// What is answered instead of what was asked for; `None` where the fault only bends the answer.
pub(super) fn instead(fault: &Fault) -> Option<Answer> {
    match fault {
        Fault::Html => Some(Answer::text("text/html;charset=UTF-8", PAGE_FOR_BROWSERS.to_owned())),
        Fault::Body(text) => Some(Answer::text("application/json;charset=UTF-8", text.clone())),
        Fault::Unauthorised => Some(Answer::unauthorised()),
        Fault::ServerError => {
            Some(Answer::error(StatusCode::INTERNAL_SERVER_ERROR, "An internal error occurred"))
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

/// The same, with every value of another type.
pub(super) fn wrong_types(value: Value) -> Value {
    match value {
        Value::Null => json!({}),
        Value::Bool(flag) => json!([flag]),
        Value::Number(number) => json!([number]),
        Value::String(text) => json!({ "value": text }),
        Value::Array(values) => values.into_iter().map(wrong_types).collect(),
        Value::Object(fields) => fields.into_iter().map(|(key, value)| (key, wrong_types(value))).collect(),
    }
}

/// An answer that promises its whole length and ends in the middle.
pub(super) fn half(text: String) -> Response {
    let length = text.len();
    let mut bytes = text.into_bytes();
    bytes.truncate(length / 2);
    let ended = std::io::Error::new(std::io::ErrorKind::ConnectionReset, "cut");
    let pieces = futures::stream::iter([Ok(bytes), Err(ended)]);
    // Apart, so that the first piece is on its way before the connection breaks.
    let pieces = pieces.then(|piece| async {
        tokio::task::yield_now().await;
        piece
    });
    let mut response = Response::new(Body::from_stream(pieces));
    response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    response
}
