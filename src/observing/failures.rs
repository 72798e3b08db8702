//! What fails when an authority is read, and since when.

use jiff::Timestamp;

use crate::planner::observed::{Access, AccessFailure};

/// Why an authority could not be read; the message holds nothing that the authority said.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// The kind of failure.
    pub kind: AccessFailure,
    /// What happened, as a sentence.
    pub message: String,
}

impl Failure {
    /// A failure with its sentence.
    pub fn new(kind: AccessFailure, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }
}

/// What is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// Servers and settings.
    Servers,
    /// Devices and organisations.
    Devices,
}

impl Subject {
    /// The name, for logs and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Servers => "servers",
            Self::Devices => "devices",
        }
    }
}

/// How access stands after one more attempt. A failure lasts from its first moment on, whatever fails since, until a good
/// answer.
pub(super) fn access_after<T>(before: &Access, outcome: &Result<T, Failure>, now: Timestamp) -> Access {
    match outcome {
        Ok(_) => Access::Good,
        Err(failure) => Access::Failed {
            failure: failure.kind,
            message: failure.message.clone(),
            since: match before {
                Access::Failed { since, .. } => *since,
                Access::NotYet | Access::Good => now,
            },
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_lasts_from_its_first_moment_to_a_good_answer() {
        let second = |second| Timestamp::from_second(second).unwrap();
        let outcome = |kind: Option<AccessFailure>| match kind {
            Some(kind) => Err(Failure::new(kind, format!("{kind:?}"))),
            None => Ok(()),
        };
        let mut access = Access::NotYet;
        for (at, kind, since) in [
            (1, Some(AccessFailure::Unreachable), Some(1)),
            (2, Some(AccessFailure::Unreachable), Some(1)),
            (3, Some(AccessFailure::Refused), Some(1)),
            (4, None, None),
            (5, Some(AccessFailure::Refused), Some(5)),
        ] {
            access = access_after(&access, &outcome(kind), second(at));
            let expected = match (kind, since) {
                (Some(failure), Some(since)) => {
                    Access::Failed { failure, message: format!("{failure:?}"), since: second(since) }
                }
                _ => Access::Good,
            };
            assert_eq!(access, expected, "{at}");
        }
    }
}
