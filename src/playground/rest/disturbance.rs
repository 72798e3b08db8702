//! Answers that are wrong on purpose.

use axum::body::Body;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use futures::StreamExt as _;
use serde_json::{Value, json};

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
