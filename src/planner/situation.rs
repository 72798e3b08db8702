//! The environment sorted out: which servers count, and what the spec says of each.

use jiff::SignedDuration;

use super::desired::{Appliance, Method, StorageRole};
use super::{Desired, Observed};
use crate::catalog::Version;
use crate::fleet::{Server, ServerRole, Verification};

/// Server and settings facts older than this are Unknown. Servers are listed every minute at rest: this is ten
/// polls missed.
pub const FACTS_FRESH_FOR: SignedDuration = SignedDuration::from_mins(10);

/// One own storage server that counts.
#[derive(Clone, Copy, Debug)]
pub struct OwnStorage<'a> {
    /// The server.
    pub server: &'a Server,
    /// How it is upgraded; `None` where no entry of the spec speaks of it.
    pub method: Option<&'a Method>,
}

/// The environment sorted out.
#[derive(Clone, Debug)]
pub struct Situation<'a> {
    /// The authority.
    pub authority: Option<&'a Server>,
    /// Own storage servers that count, by name.
    pub storage: Vec<OwnStorage<'a>>,
    /// Own storage servers that the spec retires.
    pub retired: Vec<&'a Server>,
    /// Provider destinations.
    pub providers: Vec<&'a Server>,
    /// Names in the spec that no listed server bears.
    pub missing: Vec<&'a str>,
    /// Whether the server facts are fresh.
    pub fresh: bool,
}

impl<'a> Situation<'a> {
    /// Sorts the environment out.
    pub fn read(observed: &'a Observed, desired: &'a Desired) -> Self {
        let now = observed.witnesses.monotonic;
        let list = observed.servers.as_ref().map_or(&[][..], |servers| &servers.list);
        let authority = list.iter().find(|server| server.role == ServerRole::Authority);
        let mut storage = Vec::new();
        let mut retired = Vec::new();
        for server in list.iter().filter(|server| server.role == ServerRole::Storage) {
            match desired.storage_entry(&server.guid, &server.name).map(|entry| &entry.role) {
                Some(StorageRole::Retired(_)) => retired.push(server),
                Some(StorageRole::Upgraded(method)) => {
                    storage.push(OwnStorage { server, method: Some(method) });
                }
                None => storage.push(OwnStorage { server, method: None }),
            }
        }
        storage.sort_by(|one, other| {
            (&one.server.name, &one.server.guid).cmp(&(&other.server.name, &other.server.guid))
        });
        let named = desired.storage.iter().filter(|entry| !entry.name.contains('*'));
        let missing = named
            .filter(|entry| matches!(entry.role, StorageRole::Upgraded(_)))
            .filter(|entry| {
                !list.iter().any(|server| {
                    server.role == ServerRole::Storage
                        && desired
                            .storage_entry(&server.guid, &server.name)
                            .is_some_and(|found| found == *entry)
                })
            })
            .map(|entry| entry.name.as_str())
            .collect();
        let fresh = observed
            .servers
            .as_ref()
            .is_some_and(|servers| now.duration_since(servers.read_at) <= FACTS_FRESH_FOR);
        Self {
            authority,
            storage,
            retired,
            providers: list.iter().filter(|server| server.role == ServerRole::Provider).collect(),
            missing,
            fresh,
        }
    }

    /// The release the authority says it is at.
    pub fn at(&self) -> Option<Version> {
        self.authority.and_then(|authority| authority.version)
    }

    /// The authority and all own storage that counts.
    pub fn own(&self) -> impl Iterator<Item = &'a Server> + '_ {
        self.authority.into_iter().chain(self.storage.iter().map(|storage| storage.server))
    }

    /// The release at which every own server is verified, if there is one. Facts must be fresh.
    pub fn settled_at(&self) -> Option<Version> {
        let release = self.at()?;
        let all = self.own().all(|server| server.verification(release) == Verification::Verified);
        (self.fresh && all).then_some(release)
    }

    /// Own servers that are not connected, for long enough to be sure.
    pub fn down(&self) -> impl Iterator<Item = &'a Server> + '_ {
        self.own().filter(|server| !server.online && server.streak.verifies())
    }

    /// Storage that is verified above the authority.
    pub fn ahead(&self) -> Vec<&'a Server> {
        let Some(release) = self.at() else { return Vec::new() };
        let above = |server: &&Server| matches!(server.verification(release), Verification::Above(_));
        self.storage.iter().map(|storage| storage.server).filter(above).collect()
    }

    /// Storage that is verified below the authority.
    pub fn behind(&self) -> Vec<&'a Server> {
        let Some(release) = self.at() else { return Vec::new() };
        let below = |server: &&Server| matches!(server.verification(release), Verification::Below(_));
        self.storage.iter().map(|storage| storage.server).filter(below).collect()
    }
}

impl Desired {
    /// Whether the authority is a managed appliance: a workload of this cluster never is.
    pub fn appliance(&self) -> Appliance {
        match (self.authority.appliance, self.authority.method.as_ref().and_then(Method::workload)) {
            (Appliance::Managed, _) => Appliance::Managed,
            (Appliance::SelfManaged | Appliance::Unstated, Some(_)) => Appliance::SelfManaged,
            (stated, None) => stated,
        }
    }
}
