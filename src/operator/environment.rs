//! What this process keeps of each environment between two decisions: its collector, and what may be lost at a restart.
//!
//! Nothing here is an input that a restart must not lose: that is what `status.memory` is for.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::collect::session::Connection;
use super::collect::{Ask, Collector, Shared, Snapshot};
use super::files::FileChecks;
use super::rights::{Question, RightsCache};
use super::wake::Waker;
use crate::catalog::Version;
use crate::code42;
use crate::fleet::{Devices, Rank, Watch};
use crate::observing::Attempts;
use crate::planner::desired::WorkloadRef;
use crate::planner::observed::Definition;
use crate::planner::rollout::Surveys;
use crate::planner::step::FlagDevice;

/// Most devices of which it is kept that the authority took no order for: with more, it is no matter of the device.
const MOST_REFUSED: usize = 1_000;

/// Answers about jobs: by template, for an account and the template's revision.
pub type HookRights = RightsCache<String, (String, Option<String>)>;

/// One environment, as long as its object exists.
pub struct Environment {
    object: String,
    connection: Connection,
    snapshots: watch::Receiver<Arc<Snapshot>>,
    asks: watch::Sender<Ask>,
    authority: watch::Receiver<Option<code42::Client>>,
    watch: Mutex<Arc<Watch>>,
    /// What was counted of devices at an earlier look.
    pub surveys: Arc<Surveys>,
    /// What dry runs of changes of workloads said.
    pub rights: Mutex<RightsCache<WorkloadRef, Question>>,
    hook_rights: Mutex<HookRights>,
    attempts: Mutex<Attempts>,
    refused: Mutex<BTreeSet<u64>>,
    definition: Mutex<Definition>,
    /// What is read of upgrade files.
    pub files: FileChecks,
    collector: JoinHandle<()>,
}

impl Environment {
    fn start(
        shared: &Arc<Shared>,
        connection: Connection,
        ask: Ask,
        waker: Waker,
        known: Snapshot,
        watch: Arc<Watch>,
    ) -> Self {
        let (asks, asked) = watch::channel(ask);
        let (publish, snapshots) = watch::channel(Arc::new(known));
        let (offer, authority) = watch::channel(None);
        let object = waker.to_string();
        let files = FileChecks::new(Arc::clone(shared), connection.clone(), waker.clone());
        let collector = Collector::new(Arc::clone(shared), connection.clone(), asked, publish, offer, waker);
        Self {
            object,
            connection,
            snapshots,
            asks,
            authority,
            watch: Mutex::new(watch),
            surveys: Arc::default(),
            rights: Mutex::default(),
            hook_rights: Mutex::default(),
            attempts: Mutex::default(),
            refused: Mutex::default(),
            definition: Mutex::new(Definition::Keeps),
            files,
            collector: tokio::spawn(collector.run()),
        }
    }

    /// What dry runs of jobs said, by template.
    pub fn hook_rights(&self) -> MutexGuard<'_, HookRights> {
        self.hook_rights.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Attempts at steps.
    pub fn attempts(&self) -> MutexGuard<'_, Attempts> {
        self.attempts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What became of memory when it was last written.
    pub fn definition(&self) -> Definition {
        *self.definition.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes what became of memory.
    pub fn note_definition(&self, definition: Definition) {
        *self.definition.lock().unwrap_or_else(PoisonError::into_inner) = definition;
    }

    /// What is known now.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshots.borrow().clone()
    }

    /// The client by which the authority was last read, for effects; `None` before the first.
    pub fn authority(&self) -> Option<code42::Client> {
        self.authority.borrow().clone()
    }

    /// Tells the collector what to read; does nothing where it knows.
    pub fn ask(&self, ask: Ask) {
        self.asks.send_if_modified(|known| {
            let changed = *known != ask;
            *known = ask;
            changed
        });
    }

    /// The release to which workloads may be brought next, as the last decision had it.
    pub fn trial(&self) -> Option<Version> {
        self.asks.borrow().wants.trial
    }

    /// What was seen of devices, and whom this process told to upgrade.
    pub fn watch(&self) -> Arc<Watch> {
        Arc::clone(&self.watch.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The same, of this listing and those before it.
    pub fn watch_of(&self, devices: Option<&Arc<Devices>>) -> Arc<Watch> {
        let mut watch = self.watch.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(devices) = devices {
            Arc::make_mut(&mut watch).follow(devices);
        }
        Arc::clone(&watch)
    }

    /// Notes that the authority did not take the order for a device.
    pub fn note_refused(&self, guid: u64) {
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        if refused.len() >= MOST_REFUSED {
            refused.clear();
        }
        refused.insert(guid);
    }

    /// The devices with those at the end for which the authority took no order before.
    pub fn refused_last<'a>(&self, devices: &'a [FlagDevice]) -> Vec<&'a FlagDevice> {
        let refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        let mut in_turn: Vec<&FlagDevice> = devices.iter().collect();
        in_turn.sort_by_key(|device| refused.contains(&device.guid));
        in_turn
    }

    /// Notes that a device was told to upgrade.
    pub fn note_told(&self, guid: u64, at: Timestamp) {
        let mut watch = self.watch.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::make_mut(&mut watch).note_told(guid, at);
    }
}

impl Drop for Environment {
    fn drop(&mut self) {
        // It only reads: it may end anywhere.
        self.collector.abort();
    }
}

/// All environments of this operator, by the uid of their objects.
#[derive(Default)]
pub struct Environments {
    known: Mutex<BTreeMap<String, Arc<Environment>>>,
}

impl Environments {
    /// The environment of an object; begins to collect where that is new, and begins anew where the object says to reach
    /// its authority in another way. `carried` is what earlier processes left in memory of what they saw of devices.
    pub fn ensure(
        &self,
        shared: &Arc<Shared>,
        uid: &str,
        connection: Connection,
        ask: impl FnOnce() -> Ask,
        waker: impl FnOnce() -> Waker,
        carried: impl FnOnce() -> BTreeMap<Rank, SignedDuration>,
    ) -> Arc<Environment> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let before = known.get(uid);
        if let Some(environment) = before.filter(|environment| environment.connection == connection) {
            return Arc::clone(environment);
        }
        // Facts of another url are another environment's; a new password changes no fact.
        let kept = before.filter(|environment| environment.connection.url == connection.url);
        let snapshot = kept.map_or_else(Snapshot::nothing, |environment| (*environment.snapshot()).clone());
        let begin = || Arc::new(Watch::begin(shared.clock.now(), carried()));
        let watch = kept.map_or_else(begin, |environment| environment.watch());
        let environment = Arc::new(Environment::start(shared, connection, ask(), waker(), snapshot, watch));
        known.insert(uid.to_owned(), Arc::clone(&environment));
        environment
    }

    /// The environment of an object, where it has been looked at.
    pub fn get(&self, uid: &str) -> Option<Arc<Environment>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).get(uid).cloned()
    }

    /// Ends the collectors of objects that are gone, and says which those were: `namespace/name`.
    pub fn retain(&self, exists: impl Fn(&str) -> bool) -> Vec<String> {
        let mut gone = Vec::new();
        self.known.lock().unwrap_or_else(PoisonError::into_inner).retain(|uid, environment| {
            let stays = exists(uid);
            if !stays {
                gone.push(environment.object.clone());
            }
            stays
        });
        gone
    }
}
