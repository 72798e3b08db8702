//! How the operator's process of a story reads the world, and what it makes of it for the planner.

use std::sync::Arc;

use jiff::Timestamp;

use super::state::{Run, shifted};
use crate::fleet::{GroupRule, Guid};
use crate::planner::desired::{ImageFrom, Method, Problem, StorageRole, WorkloadRef};
use crate::planner::observed::{
    Access, AccessFailure, Claimant, Claims, Ending, Proof, ProofFinding, Witnesses,
};
use crate::planner::{Desired, Observed};
use crate::simulator::observation;

impl Run {
    /// The collector: everything is read at once, since it takes no time here.
    pub(super) fn collect(&mut self, desired: &Desired) {
        let read = match self.wrong_access {
            Some(failure) => Err(failure),
            None => self.read_servers(),
        };
        match read {
            Ok(()) => self.process.access = None,
            Err(failure) => {
                let since = self.process.access.map_or(self.stamp(), |(_, since)| since);
                self.process.read = Some(self.now);
                self.process.access = Some((failure, since));
                return;
            }
        }
        let wants = self.process.wants;
        let is_due = wants.is_none_or(|wants| self.next_listing(&wants) <= self.now);
        if !is_due {
            return;
        }
        let groups: Vec<GroupRule> = desired.devices.rules().cloned().collect();
        let release = wants.and_then(|wants| wants.arrangement.release);
        match observation::devices(&self.world, &groups, release) {
            Ok((mut devices, unresolved)) => {
                self.process.listing = None;
                self.process.group_problems = unresolved.into_iter().map(Problem::of_group).collect();
                devices.began = self.stamp();
                devices.finished = self.stamp();
                let devices = Arc::new(devices);
                self.process.watch.follow(&devices);
                self.process.devices = Some(devices);
            }
            Err(failure) => {
                let since = self.process.listing.map_or(self.stamp(), |(_, since)| since);
                self.process.listing = Some((failure, since));
            }
        }
    }

    pub(super) fn read_servers(&mut self) -> Result<(), AccessFailure> {
        let now = self.stamp();
        let mut authority = observation::authority(&self.world)?;
        authority.read_at = now;
        let is_new = self.process.servers.is_none() || self.process.read.is_none_or(|read| read < self.now);
        if is_new {
            let mut facts = observation::servers(&self.world, None)?;
            facts.read_at = now;
            let before = self.process.servers.as_ref();
            for server in &mut facts.list {
                let known =
                    before.and_then(|facts| facts.list.iter().find(|known| known.guid == server.guid));
                server.continue_streak(known, now);
            }
            self.process.servers = Some(facts);
        }
        let mut settings = observation::settings(&self.world)?;
        settings.read_at = now;
        self.process.authority = Some(authority);
        self.process.settings = Some(settings);
        self.process.read = Some(self.now);
        Ok(())
    }

    pub(super) fn observe(&self, desired: &Desired) -> Observed {
        let at = |offset| shifted(self.now, offset);
        let witnesses = Witnesses {
            operator: at(self.clocks.operator),
            monotonic: at(self.clocks.monotonic),
            api_server: self.clocks.api.map(at),
            authority: self.clocks.authority.map(at),
        };
        let authority = desired.authority.method.iter();
        let storage = desired.storage.iter().filter_map(|entry| match &entry.role {
            StorageRole::Upgraded(method) => Some(method),
            StorageRole::Retired(_) => None,
        });
        let references: Vec<(WorkloadRef, Option<ImageFrom>)> = authority
            .chain(storage)
            .filter_map(|method| match method {
                Method::StatefulSet(workload) | Method::Deployment(workload) => {
                    Some((method.workload()?, workload.image_from))
                }
                Method::Job(_) | Method::Manual => None,
            })
            .collect();
        let trial = self.process.wants.and_then(|wants| desired.source(wants.trial?)?.image.as_deref());
        Observed {
            access: match self.process.access {
                None => Access::Good,
                Some((failure, since)) => Access::Failed {
                    failure,
                    message: format!("the authority cannot be read ({failure:?})"),
                    since,
                },
            },
            listing: match self.process.listing {
                None => Access::Good,
                Some((failure, since)) => Access::Failed { failure, message: format!("{failure:?}"), since },
            },
            authority: self.process.authority.clone(),
            servers: self.process.servers.clone(),
            settings: self.process.settings,
            devices: self.process.devices.clone(),
            workloads: self.cluster.read(&references, trial, &self.world),
            claims: self.claims(),
            backup: self.backup.facts(self.now),
            proofs: self.proofs.iter().filter_map(|(name, finding)| proof(name, finding)).collect(),
            orders: self.object.open_orders(desired),
            watch: Arc::new(self.process.watch.clone()),
            surveys: Arc::clone(&self.process.surveys),
            hooks: self.hooks.readings(desired),
            hook_runs: self.hooks.runs(self.now),
            catalog_problems: self.catalog_problems.clone(),
            group_problems: self.process.group_problems.clone(),
            finalizer: self.finalizer,
            ending: self.object.deleted_at.map_or(Ending::No, Ending::Alone),
            ..Observed::nothing(witnesses)
        }
    }
}

impl Run {
    /// The older object of the story, where there is one; the story's own counts as it was just read.
    fn claims(&self) -> Claims {
        let claimant = |uid: &str, object: &str, created_at, guid: &Guid| Claimant {
            object: object.to_owned(),
            uid: uid.to_owned(),
            created_at,
            guid: guid.clone(),
            in_hop: false,
            deleted: false,
        };
        let guid = self.process.authority.as_ref().map(|authority| &authority.guid);
        let rival = self.rival.as_deref().zip(guid);
        let rival = rival.map(|(name, guid)| claimant("rival", name, Timestamp::MIN, guid));
        let memory = &self.object.memory;
        let own = memory.authority_guid.as_ref().map(|guid| Claimant {
            in_hop: memory.hop.is_some(),
            ..claimant("story", "code42/story", Timestamp::UNIX_EPOCH, guid)
        });
        Claims { uid: "story".to_owned(), all: rival.into_iter().chain(own).collect() }
    }
}

fn proof(name: &str, finding: &ProofFinding) -> Option<Proof> {
    let (namespace, name) = name.split_once('/')?;
    Some(Proof { namespace: namespace.to_owned(), name: name.to_owned(), finding: finding.clone() })
}
