//! What fails at the moment, and what of it is told.

use jiff::Timestamp;

use super::session::Failure;
use crate::planner::observed::Access;

/// What a collector reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Subject {
    /// Servers and settings.
    Servers,
    /// Devices and organisations.
    Devices,
}

impl Subject {
    /// The name, for logs and metrics.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Servers => "servers",
            Self::Devices => "devices",
        }
    }
}

/// What fails, by what was read, and since when without a good answer between.
#[derive(Clone, Debug, Default)]
pub(super) struct Failures {
    servers: Option<(Failure, Timestamp)>,
    devices: Option<(Failure, Timestamp)>,
}

impl Failures {
    /// Notes an outcome; says whether it differs from what was noted before.
    pub(super) fn note(&mut self, subject: Subject, outcome: &Result<(), Failure>, now: Timestamp) -> bool {
        let slot = match subject {
            Subject::Servers => &mut self.servers,
            Subject::Devices => &mut self.devices,
        };
        let before = slot.take();
        let changed = before.as_ref().map(|(failure, _)| failure) != outcome.as_ref().err();
        *slot = outcome.as_ref().err().map(|failure| {
            let since = before.map_or(now, |(_, since)| since);
            (failure.clone(), since)
        });
        changed
    }

    /// How the last attempt to read a subject went, which says nothing of the other.
    pub(super) fn access(&self, subject: Subject, ever_read: bool) -> Access {
        let slot = match subject {
            Subject::Servers => &self.servers,
            Subject::Devices => &self.devices,
        };
        match slot {
            Some((failure, since)) => {
                Access::Failed { failure: failure.kind, message: failure.message.clone(), since: *since }
            }
            None if ever_read => Access::Good,
            None => Access::NotYet,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::planner::observed::AccessFailure;

    #[test]
    fn a_failure_lasts_from_its_first_moment_and_is_of_its_subject_alone() {
        let second = |second| Timestamp::from_second(second).unwrap();
        let refused = Failure::new(AccessFailure::Refused, "refused");
        let unreachable = Failure::new(AccessFailure::Unreachable, "unreachable");
        let mut failures = Failures::default();
        assert_eq!(failures.access(Subject::Servers, false), Access::NotYet);
        assert!(failures.note(Subject::Servers, &Err(unreachable.clone()), second(1)));
        assert!(!failures.note(Subject::Servers, &Err(unreachable.clone()), second(2)));
        assert!(failures.note(Subject::Servers, &Err(refused), second(3)));
        assert_eq!(failures.access(Subject::Devices, true), Access::Good);
        assert!(failures.note(Subject::Devices, &Err(unreachable), second(4)));
        let failed = |failure, message: &str, at| Access::Failed {
            failure,
            message: message.into(),
            since: second(at),
        };
        assert_eq!(failures.access(Subject::Servers, true), failed(AccessFailure::Refused, "refused", 1));
        assert_eq!(
            failures.access(Subject::Devices, true),
            failed(AccessFailure::Unreachable, "unreachable", 4)
        );
        failures.note(Subject::Servers, &Ok(()), second(5));
        assert_eq!(failures.access(Subject::Servers, true), Access::Good);
        assert!(matches!(failures.access(Subject::Devices, true), Access::Failed { .. }));
    }
}
