//! How the operator's process of a story reads the world, and what it makes of it for the planner.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::process::Process;
use super::state::{Run, shifted};
use crate::fleet::{GroupRule, Guid};
use crate::observing::looks::{self, Look};
use crate::observing::{Failure, Subject};
use crate::planner::desired::{ProvenIn, WorkloadRef};
use crate::planner::observed::{
    AccessFailure, BackupFacts, Claimant, Claims, Ending, Proof, ProofFinding, Witnesses, WorkloadReading,
};
use crate::planner::{Desired, Observed, Wants};
use crate::simulator::observation;

impl Run {
    /// The collector: what is due is read, which takes no time here.
    pub(super) fn collect(&mut self, desired: &Desired) {
        self.process.files.follow(&self.mirrors, self.now);
        let wants = self.process.wants.unwrap_or_else(|| Wants::first(desired));
        let now = self.stamp();
        if self.process.readings.due(&wants) <= now {
            let outcome = self.read_servers();
            self.process.known.note(Subject::Servers, &outcome, now);
            self.process.readings.note(now, &outcome);
            self.process.read = Some(self.now);
            self.process.news = self.world.next_event();
        }
        if let Some(ranked) = self.process.known.ranked_for(wants.arrangement.release) {
            self.process.known.devices = Some(ranked);
        }
        if self.process.listings.due(&wants) <= now {
            let outcome = self.read_devices(desired, &wants);
            self.process.known.note(Subject::Devices, &outcome, now);
            self.process.listings.note(now, now, &wants, &outcome);
        }
        let Process { known, watch, .. } = &mut self.process;
        if let Some(devices) = &known.devices {
            watch.follow(devices);
        }
    }

    /// Whatever keeps the operator from the authority keeps it from all of it.
    fn reach(&self) -> Result<(), AccessFailure> {
        self.wrong_access.map_or(Ok(()), Err)
    }

    fn read_servers(&mut self) -> Result<(), Failure> {
        self.reach().map_err(observation::unread)?;
        let answer = observation::answer(&self.world, &self.process.known, self.stamp())?;
        self.process.known.take(answer);
        Ok(())
    }

    fn read_devices(&mut self, desired: &Desired, wants: &Wants) -> Result<(), Failure> {
        self.reach().map_err(observation::unlisted)?;
        let groups: Vec<GroupRule> = desired.devices.rules().cloned().collect();
        let listing = observation::devices(&self.world, &groups, wants.arrangement, self.stamp())?;
        self.process.known.list(listing);
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
        let known = &self.process.known;
        Observed {
            access: known.access.clone(),
            listing: known.listing.clone(),
            authority: known.authority.clone(),
            servers: known.servers.clone(),
            settings: known.settings,
            devices: known.devices.clone(),
            workloads: self.workloads(desired),
            claims: self.claims(),
            backup: self.backups(desired),
            proofs: desired.proven_in.iter().map(|wanted| self.proof(wanted)).collect(),
            orders: self.object.open_orders(desired),
            watch: Arc::new(self.process.watch.clone()),
            surveys: Arc::clone(&self.process.surveys),
            hooks: self.hooks.readings(desired, &self.object.memory),
            hook_runs: self.hooks.runs(self.now),
            jobs: Ok(self.jobs.readings(self.now)),
            templates: self.jobs.templates(desired),
            files: self.process.files.readings(),
            listed: self.mirrors.listed(desired),
            catalog_problems: self.catalog_problems.clone(),
            group_problems: known.group_problems(desired),
            finalizer: self.finalizer,
            failing: self.process.attempts.failing(),
            ending: self.object.deleted_at.map_or(Ending::No, Ending::Alone),
            ..Observed::nothing(witnesses)
        }
    }
}

impl Run {
    /// The workloads that the operator looks at, as the acting account sees them.
    fn workloads(&self, desired: &Desired) -> BTreeMap<WorkloadRef, WorkloadReading> {
        let Wants { trial, .. } = self.process.wants.unwrap_or_else(|| Wants::first(desired));
        let looks = looks::workloads(desired, &self.object.memory, trial);
        let is_nobody = self.wrong_access == Some(AccessFailure::AccountNotUsable);
        let read = |(reference, look): (WorkloadRef, Look)| {
            let reading = if is_nobody {
                WorkloadReading::Unreadable("nobody may be acted as".to_owned())
            } else {
                self.cluster.read(&reference, &look, &self.world)
            };
            (reference, reading)
        };
        looks.into_iter().map(read).collect()
    }

    fn backups(&self, desired: &Desired) -> BackupFacts {
        if looks::backups(desired) { self.backup.facts(self.now) } else { BackupFacts::default() }
    }

    fn proof(&self, wanted: &ProvenIn) -> Proof {
        let ProvenIn { namespace, name, .. } = wanted;
        let found = self.proofs.get(&format!("{namespace}/{name}")).cloned();
        let absent = || ProofFinding::Unreadable("there is no such CodeUpgrade".to_owned());
        Proof { namespace: namespace.clone(), name: name.clone(), finding: found.unwrap_or_else(absent) }
    }

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
        let guid = self.process.known.authority.as_ref().map(|authority| &authority.guid);
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
