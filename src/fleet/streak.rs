//! How often a server said the same, and for how long.

use jiff::{SignedDuration, Timestamp};

/// Good answers in a row that verify a server.
pub const VERIFYING_ANSWERS: u32 = 3;

/// The time that those answers must span.
pub const VERIFYING_SPAN: SignedDuration = SignedDuration::from_mins(2);

/// Answers in a row that said the same version and the same `online`.
///
/// One different answer starts a new streak: a bad answer is never evidence, and never undoes what is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Streak {
    /// When the first of them was read.
    pub first: Timestamp,
    /// When the last of them was read.
    pub last: Timestamp,
    /// How many there were.
    pub answers: u32,
}

impl Streak {
    /// The streak of a first answer.
    pub fn begin(at: Timestamp) -> Self {
        Self { first: at, last: at, answers: 1 }
    }

    /// One more answer that says the same.
    #[must_use]
    pub fn extend(self, at: Timestamp) -> Self {
        Self { first: self.first, last: at, answers: self.answers.saturating_add(1) }
    }

    /// Whether it is enough evidence.
    pub fn verifies(self) -> bool {
        self.answers >= VERIFYING_ANSWERS && self.last.duration_since(self.first) >= VERIFYING_SPAN
    }
}
