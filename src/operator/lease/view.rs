//! What a process may conclude about a lease, as pure functions over what it saw and when.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::Lease as LeaseObject;

/// The time for which this process holds the lease without another renewal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tenure {
    begun: Instant,
    begun_wall: Timestamp,
    length: Duration,
}

impl Tenure {
    /// A tenure that begins now, for a lease of this duration: two thirds of it.
    pub(super) fn begin(now: Instant, wall: Timestamp, lease: Duration) -> Self {
        Self { begun: now, begun_wall: wall, length: lease * 2 / 3 }
    }

    /// Whether it lasts. By either clock: the monotonic one stands still while a machine is suspended, and the
    /// other holders do not.
    pub(super) fn lasts(&self, now: Instant, wall: Timestamp) -> bool {
        let passed = now.saturating_duration_since(self.begun);
        let by_wall = Duration::try_from(wall.duration_since(self.begun_wall)).unwrap_or(Duration::ZERO);
        passed.max(by_wall) < self.length
    }
}

/// The lease as another process would leave it, and since when it has looked like this.
#[derive(Clone, Debug, Default)]
pub(super) struct View {
    seen: Option<Seen>,
}

#[derive(Clone, Debug)]
struct Seen {
    resource_version: Option<String>,
    uid: Option<String>,
    holder: Option<String>,
    duration: Duration,
    since: Instant,
}

/// A lease without a duration is nobody's work we know of: it is given this long.
const USUAL_DURATION: Duration = Duration::from_secs(15);

impl View {
    /// Takes in what was read. The time it was first seen stays as long as nothing changes.
    pub(super) fn look(&mut self, object: &LeaseObject, now: Instant) {
        let resource_version = object.metadata.resource_version.clone();
        let uid = object.metadata.uid.clone();
        let known = self.seen.as_ref();
        if known.is_some_and(|seen| seen.resource_version == resource_version && seen.uid == uid) {
            return;
        }
        let seconds = object.spec.as_ref().and_then(|spec| spec.lease_duration_seconds);
        let duration = seconds.and_then(|seconds| u64::try_from(seconds).ok()).map(Duration::from_secs);
        self.seen = Some(Seen {
            resource_version,
            uid,
            holder: holder(object).map(str::to_owned),
            duration: duration.unwrap_or(USUAL_DURATION),
            since: now,
        });
    }

    /// Whether this process may write itself as the holder.
    pub(super) fn may_be_taken(&self, identity: &str, now: Instant) -> bool {
        let Some(seen) = &self.seen else { return false };
        match seen.holder.as_deref() {
            None => true,
            Some(holder) if holder == identity => true,
            Some(_) => now.saturating_duration_since(seen.since) >= seen.duration,
        }
    }
}

/// Who holds a lease; nobody where the name is empty.
pub(super) fn holder(object: &LeaseObject) -> Option<&str> {
    object.spec.as_ref()?.holder_identity.as_deref().filter(|holder| !holder.is_empty())
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::coordination::v1::LeaseSpec;
    use kube::api::ObjectMeta;

    use super::*;
    use crate::operator::clock;

    fn lease(resource_version: &str, holder: &str) -> LeaseObject {
        LeaseObject {
            metadata: ObjectMeta { resource_version: Some(resource_version.into()), ..ObjectMeta::default() },
            spec: Some(LeaseSpec {
                holder_identity: Some(holder.into()),
                lease_duration_seconds: Some(15),
                ..LeaseSpec::default()
            }),
        }
    }

    #[test]
    fn another_holder_is_gone_when_nothing_changed_for_the_whole_duration() {
        let start = clock::instant();
        let after = |seconds| start + Duration::from_secs(seconds);
        let mut view = View::default();
        assert!(!view.may_be_taken("b", start), "nothing was seen yet");
        view.look(&lease("1", "a"), start);
        view.look(&lease("1", "a"), after(14));
        assert!(!view.may_be_taken("b", after(14)));
        assert!(view.may_be_taken("b", after(15)));
        // One renewal, however late, starts the time anew.
        view.look(&lease("2", "a"), after(16));
        assert!(!view.may_be_taken("b", after(30)));
        assert!(view.may_be_taken("b", after(31)));
    }

    #[test]
    fn a_released_lease_is_free_at_once() {
        let mut view = View::default();
        view.look(&lease("1", ""), clock::instant());
        assert!(view.may_be_taken("b", clock::instant()));
    }

    #[test]
    fn a_tenure_ends_at_two_thirds_by_either_clock() {
        let (start, wall) = (clock::instant(), clock::wall());
        let tenure = Tenure::begin(start, wall, Duration::from_secs(15));
        let later = |seconds: u64| start + Duration::from_secs(seconds);
        let wall_later =
            |seconds: i64| wall.saturating_add(jiff::SignedDuration::from_secs(seconds)).unwrap();
        for (name, monotonic, by_wall, lasts) in [
            ("both within", 9, 9, true),
            ("monotonic over", 10, 9, false),
            ("suspended for a minute", 1, 60, false),
            ("the wall clock was set back", 9, -3600, true),
            ("set back, and over", 10, -3600, false),
        ] {
            assert_eq!(tenure.lasts(later(monotonic), wall_later(by_wall)), lasts, "{name}");
        }
    }
}
