//! What a decision is made from: what was observed, what is wanted, what is documented, what was remembered, and the
//! time, with the environment sorted out and the devices counted.
//!
//! Read-only: what is decided on the way is kept in the [`Draft`](super::draft::Draft) beside it.

use jiff::{SignedDuration, Timestamp};

use super::desired::{Method, Workload, WorkloadRef};
use super::situation::Situation;
use super::travellers::Travellers;
use super::{Desired, Memory, Observed};
use crate::catalog::{Acceptance, Catalog, Version};
use crate::fleet::Server;

/// What a decision is made from.
#[derive(Clone, Debug)]
pub struct Facts<'a> {
    /// What was observed.
    pub observed: &'a Observed,
    /// What is wanted.
    pub desired: &'a Desired,
    /// What is documented.
    pub catalog: &'a Catalog,
    /// What was remembered when the decision began.
    pub remembered: &'a Memory,
    /// The environment sorted out.
    pub situation: Situation<'a>,
    /// The devices, counted.
    pub travellers: Travellers,
    /// The operator's clock.
    pub now: Timestamp,
}

impl<'a> Facts<'a> {
    /// Sorts the environment out and counts its devices.
    pub fn gather(
        observed: &'a Observed,
        desired: &'a Desired,
        catalog: &'a Catalog,
        remembered: &'a Memory,
        now: Timestamp,
    ) -> Self {
        Self {
            observed,
            desired,
            catalog,
            remembered,
            situation: Situation::read(observed, desired),
            travellers: Travellers::count(observed, desired),
            now: to_the_millisecond(now),
        }
    }

    /// The own servers for which the spec has a method, with it: the authority first, then storage by name.
    pub fn with_methods(&self) -> impl Iterator<Item = (&'a Server, &'a Method)> + '_ {
        let authority = self.situation.authority.zip(self.desired.authority.method.as_ref());
        let storage =
            self.situation.storage.iter().filter_map(|storage| Some((storage.server, storage.method?)));
        authority.into_iter().chain(storage)
    }

    /// The time by which ages are measured: facts are stamped with it, and no step of a wall clock moves it.
    pub fn monotonic(&self) -> Timestamp {
        self.observed.witnesses.monotonic
    }

    /// How many live devices a release refuses as they are.
    pub fn refused_by(&self, release: Version) -> u64 {
        let Some(release) = self.catalog.release(release) else { return 0 };
        let classes = self.travellers.classes.iter().filter(|class| {
            release.acceptance(class.product, class.os, class.version) == Acceptance::Refused
        });
        classes.map(|class| class.live).sum()
    }
}

/// The end of a millisecond: finer times would make memory longer, and earlier ones a wait shorter.
pub(super) fn to_the_millisecond(at: Timestamp) -> Timestamp {
    let rest = at.subsec_nanosecond().rem_euclid(1_000_000);
    if rest == 0 {
        return at;
    }
    at.saturating_add(SignedDuration::from_nanos(i64::from(1_000_000 - rest))).unwrap_or(at)
}

/// A server that the next step touches, with the workload that runs it, if one does.
#[derive(Clone, Copy, Debug)]
pub struct Touched<'a> {
    /// The server.
    pub server: &'a Server,
    /// How it is upgraded.
    pub method: &'a Method,
}

impl<'a> Touched<'a> {
    /// The workload's reference and what the spec says of it.
    pub fn workload(&self) -> Option<(WorkloadRef, &'a Workload)> {
        match self.method {
            Method::StatefulSet(workload) => Some((WorkloadRef::stateful_set(&workload.name), workload)),
            Method::Deployment(workload) => Some((WorkloadRef::deployment(&workload.name), workload)),
            Method::Job { .. } | Method::Manual { .. } => None,
        }
    }
}
