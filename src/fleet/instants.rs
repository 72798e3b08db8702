//! Instants moved by a span: what would lie beyond all that can be told is the first or the last instant that can.

use jiff::{SignedDuration, Timestamp};

/// So long after an instant.
pub fn after(instant: Timestamp, span: SignedDuration) -> Timestamp {
    instant.saturating_add(span).unwrap_or(Timestamp::MAX)
}

/// So long before it.
pub fn before(instant: Timestamp, span: SignedDuration) -> Timestamp {
    instant.saturating_sub(span).unwrap_or(Timestamp::MIN)
}
