//! What the operator's process knows, how it reads the world, and what it makes of it for the planner.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::Run;
use crate::fleet::{Devices, GroupRule, Guid, Watch};
use crate::planner::desired::{ImageFrom, Method, Problem, StorageRole, WorkloadRef};
use crate::planner::observed::{
    Access, AccessFailure, AuthorityFacts, BackupFacts, Claimant, Claims, Proof, ProofFinding, ServersFacts,
    SettingsFacts, Witnesses,
};
use crate::planner::{Desired, Memory, Observed, Wants, rollout};
use crate::simulator::observation;

/// What the operator's process holds and loses when it ends.
#[derive(Clone, Debug)]
pub(super) struct Process {
    pub(super) access: Option<(AccessFailure, Timestamp)>,
    /// When servers were last read, in the world's time; what they say carries the operator's.
    pub(super) read: Option<Timestamp>,
    pub(super) authority: Option<AuthorityFacts>,
    pub(super) servers: Option<ServersFacts>,
    pub(super) settings: Option<SettingsFacts>,
    pub(super) devices: Option<Arc<Devices>>,
    pub(super) watch: Watch,
    pub(super) group_problems: Vec<Problem>,
    pub(super) wants: Option<Wants>,
}

impl Process {
    /// One that begins to act now, by the operator's clock.
    pub(super) fn begin(now: Timestamp, memory: &Memory) -> Self {
        Self {
            access: None,
            read: None,
            authority: None,
            servers: None,
            settings: None,
            devices: None,
            watch: Watch::begin(now, rollout::carried(&memory.rollouts)),
            group_problems: Vec::new(),
            wants: None,
        }
    }
}

/// Offsets of the clocks from the world's time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clocks {
    pub(super) operator: SignedDuration,
    pub(super) monotonic: SignedDuration,
    pub(super) api: Option<SignedDuration>,
    pub(super) authority: Option<SignedDuration>,
}

impl Default for Clocks {
    /// The API server has told its time; whether the authority does, the story says.
    fn default() -> Self {
        let right = SignedDuration::ZERO;
        Self { operator: right, monotonic: right, api: Some(right), authority: None }
    }
}

/// How long a backup takes.
pub(super) const BACKUP_TAKES: SignedDuration = SignedDuration::from_mins(10);

/// The backups of a story.
#[derive(Clone, Debug, Default)]
pub(super) struct Backups {
    pub(super) names: BTreeMap<String, Timestamp>,
    pub(super) failure: Option<String>,
}

impl Backups {
    /// What is found of them at a moment.
    pub(super) fn facts(&self, now: Timestamp) -> BackupFacts {
        let done = |begun: &Timestamp| begun.saturating_add(BACKUP_TAKES).ok().filter(|done| *done <= now);
        BackupFacts {
            newest: self.names.values().filter(|begun| done(begun).is_some()).max().copied(),
            in_progress: self.names.values().find(|begun| done(begun).is_none()).copied(),
            failure: self.failure.clone().filter(|_| !self.names.is_empty()),
            ..BackupFacts::default()
        }
    }
}

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
        if let Ok((mut devices, unresolved)) = observation::devices(&self.world, &groups, release) {
            self.process.group_problems = unresolved.into_iter().map(Problem::of_group).collect();
            devices.began = self.stamp();
            devices.finished = self.stamp();
            let devices = Arc::new(devices);
            self.process.watch.follow(&devices);
            self.process.devices = Some(devices);
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

    /// What facts are stamped with: the monotonic witness, which no step of a wall clock moves.
    pub(super) fn stamp(&self) -> Timestamp {
        shifted(self.now, self.clocks.monotonic)
    }

    /// What the operator's clock shows.
    pub(super) fn operators_now(&self) -> Timestamp {
        shifted(self.now, self.clocks.operator)
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
        Observed {
            access: match self.process.access {
                None => Access::Good,
                Some((failure, since)) => Access::Failed {
                    failure,
                    message: format!("the authority cannot be read ({failure:?})"),
                    since,
                },
            },
            authority: self.process.authority.clone(),
            servers: self.process.servers.clone(),
            settings: self.process.settings,
            devices: self.process.devices.clone(),
            workloads: self.cluster.read(&references, &self.world),
            claims: self.claims(),
            backup: self.backup.facts(self.now),
            proofs: self.proofs.iter().filter_map(|(name, finding)| proof(name, finding)).collect(),
            orders: self.object.orders.clone(),
            watch: Arc::new(self.process.watch.clone()),
            hooks: self.hooks.readings(desired),
            hook_runs: self.hooks.runs(self.now),
            catalog_problems: self.catalog_problems.clone(),
            group_problems: self.process.group_problems.clone(),
            finalizer: self.finalizer,
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

pub(super) fn proof(name: &str, finding: &ProofFinding) -> Option<Proof> {
    let (namespace, name) = name.split_once('/')?;
    Some(Proof { namespace: namespace.to_owned(), name: name.to_owned(), finding: finding.clone() })
}

pub(super) fn shifted(now: Timestamp, offset: SignedDuration) -> Timestamp {
    now.saturating_add(offset).unwrap_or(now)
}
