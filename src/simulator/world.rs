//! The simulated environment: servers, devices and settings, moved forward by its own time.
//!
//! Input: a [`Scenario`], the catalog, and the time to advance to. Pure: no runtime, no clock, no Kubernetes, no
//! randomness but the scenario's seed. However the way to an instant is cut into steps, the world there is the same.
//!
//! Events drive what changes rarely (servers, upgrades of devices); who is connected is a function of time.

mod connection;
mod counts;
mod errand;
mod listing;
mod servers;
#[cfg(test)]
mod tests;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use jiff::Timestamp;

use super::chance::{Purpose, Seed};
use super::device::{ComputerId, Device, Errand, FIRST_COMPUTER_ID, Presumed, ReportedVersion};
use super::fault::Faults;
use super::journal::{Entry, Happening, Journal};
use super::organisation::Organisations;
use super::presence::Presence;
use super::scenario::{
    Behaviour, ClusterType, DeviceGroup, MAX_DEVICES, Minutes, Scenario, ScenarioError, ScenarioServer,
};
use super::server::{Server, ServerId};
use super::settings::{Settings, SettingsChange};
use crate::catalog::Catalog;
use crate::fleet::{Guid, ServerRole};
use counts::Counts;

/// The authority is always the first server.
const AUTHORITY: usize = 0;

/// The number of the first server, as in the recorded answers.
const FIRST_SERVER_ID: u32 = 3;

/// A simulated environment at one instant.
#[derive(Clone, Debug)]
pub struct World {
    start: Timestamp,
    now: Timestamp,
    seed: Seed,
    utc_offset: i64,
    catalog: Catalog,
    migration: Minutes,
    cluster: ClusterType,
    servers: Vec<Server>,
    /// Removed devices leave a hole, so that numbers stay.
    devices: Vec<Option<Device>>,
    by_guid: BTreeMap<u64, usize>,
    organisations: Organisations,
    settings: Settings,
    /// Apps that a person added for devices, which 5.3 and later need since they bundle none.
    offered: Vec<(crate::catalog::Product, crate::catalog::Os, crate::catalog::Version)>,
    queue: BinaryHeap<Reverse<(Timestamp, u64, Event)>>,
    events: u64,
    journal: Journal,
    faults: Faults,
    counts: std::cell::RefCell<Option<Counts>>,
}

/// Something that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    /// A server has started, unless it was started anew since.
    ServerReady { server: usize, start: u64 },
    /// A device goes on with its errand, unless it was planned anew since.
    DeviceDue { device: usize, plan: u64 },
}

/// Why a command cannot be carried out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// There is no such server.
    #[error("there is no server {0}")]
    NoSuchServer(String),
    /// There is no such device.
    #[error("there is no device {0}")]
    NoSuchDevice(u64),
    /// The devices to add are in an organisation that is not there, or too many.
    #[error(transparent)]
    Scenario(#[from] ScenarioError),
    /// Another server has this name or guid.
    #[error("another server is called {0}")]
    DuplicateServer(String),
}

impl World {
    /// The world at the beginning of a scenario. The catalog says which apps a release refuses and bundles.
    pub fn new(scenario: &Scenario, catalog: Catalog) -> Result<Self, ScenarioError> {
        if scenario.authority.version.is_none() {
            return Err(ScenarioError::AuthorityWithoutVersion(scenario.authority.name.clone()));
        }
        let mut world = Self {
            start: scenario.start,
            now: scenario.start,
            seed: Seed(scenario.seed),
            utc_offset: i64::from(scenario.utc_offset_hours) * 3_600,
            catalog,
            migration: scenario.migration,
            cluster: scenario.cluster,
            servers: Vec::new(),
            devices: Vec::new(),
            by_guid: BTreeMap::new(),
            organisations: Organisations::number(&scenario.organisations),
            settings: scenario.settings.clone(),
            offered: Vec::new(),
            queue: BinaryHeap::new(),
            events: 0,
            journal: Journal::default(),
            faults: Faults::default(),
            counts: std::cell::RefCell::new(None),
        };
        world.place_servers(scenario)?;
        for group in &scenario.devices {
            world.place_devices(group, i64::MIN)?;
        }
        Ok(world)
    }

    fn place_servers(&mut self, scenario: &Scenario) -> Result<(), ScenarioError> {
        let own = scenario.storage.iter().map(|server| (ServerRole::Storage, server));
        let providers = scenario.providers.iter().map(|server| (ServerRole::Provider, server));
        let all = std::iter::once((ServerRole::Authority, &scenario.authority)).chain(own).chain(providers);
        let mut taken = BTreeSet::new();
        for (role, server) in all {
            let placed = self.place_server(role, server);
            for identity in [placed.name.0.clone(), placed.guid.0.clone()] {
                if !taken.insert(identity.clone()) {
                    return Err(ScenarioError::DuplicateServer(identity));
                }
            }
            self.servers.push(placed);
        }
        Ok(())
    }

    fn place_server(&self, role: ServerRole, server: &ScenarioServer) -> Server {
        let ScenarioServer { name, guid, version, power } = server;
        let id = ServerId(FIRST_SERVER_ID + u32::try_from(self.servers.len()).unwrap_or(u32::MAX / 2));
        let guid =
            guid.clone().unwrap_or_else(|| Guid(drawn_guid(self.seed, 0, u64::from(id.0)).to_string()));
        Server::at_beginning(id, guid, name.clone(), role, *version, *power, self.now)
    }

    /// `app_since`: when their apps were started.
    fn place_devices(&mut self, group: &DeviceGroup, app_since: i64) -> Result<(), ScenarioError> {
        let room = MAX_DEVICES.saturating_sub(u32::try_from(self.devices.len()).unwrap_or(u32::MAX));
        if group.count > room {
            return Err(ScenarioError::TooManyDevices);
        }
        let organisation = self.organisations.id_of(group.organisation.as_deref())?;
        let homes = self.homes();
        for place in 0..group.count {
            let index = self.devices.len();
            let id = FIRST_COMPUTER_ID + index as u64;
            let guid = (0..u64::MAX)
                .map(|nth| drawn_guid(self.seed, id, nth))
                .find(|guid| !self.by_guid.contains_key(guid))
                .unwrap_or(id);
            let home = self.seed.draw(Purpose::BackupHome, id, 0) % homes.len() as u64;
            let behaviour = group.behaviour_at(place);
            let device = Device {
                guid,
                id: ComputerId(id),
                product: group.product,
                os: group.os,
                runs: group.version,
                reported: ReportedVersion::Version(group.version),
                state: group.state,
                organisation,
                home: usize::try_from(home).map_or(AUTHORITY, |home| homes[home]),
                presence: Presence { device: id, hours: group.hours, percent: group.online_percent.min(100) },
                behaviour,
                presumed: if behaviour == Behaviour::Silent { Presumed::Gone } else { Presumed::Alive },
                errand: Errand::None,
                plan: 0,
                failures: 0,
                flags: 0,
                app_since,
                app_starts: 0,
                last_connected: i64::MIN,
                settled_at: i64::MIN,
            };
            self.by_guid.insert(guid, index);
            self.devices.push(Some(device));
            self.settle_at_beginning(index);
        }
        self.changed();
        Ok(())
    }

    /// Where devices back up to: own storage, or the authority where there is none.
    fn homes(&self) -> Vec<usize> {
        let storage = |index: &usize| self.servers[*index].role == ServerRole::Storage;
        let homes: Vec<usize> = (0..self.servers.len()).filter(storage).collect();
        if homes.is_empty() { vec![AUTHORITY] } else { homes }
    }

    /// The time in the world.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// When it began.
    pub fn start(&self) -> Timestamp {
        self.start
    }

    /// How often the authority was started since the beginning.
    pub fn authority_starts(&self) -> u64 {
        self.servers[AUTHORITY].starts
    }

    /// When something happens next that is not only somebody's coming or going.
    pub fn next_event(&self) -> Option<Timestamp> {
        let queued = self.queue.peek().map(|Reverse((at, _, _))| *at);
        [queued, self.next_connection()].into_iter().flatten().min()
    }

    /// Moves everything forward to an instant. Time never runs back: an earlier instant changes nothing.
    pub fn advance_to(&mut self, instant: Timestamp) {
        while let Some(Reverse((at, _, event))) = self.queue.peek().copied()
            && at <= instant
        {
            self.queue.pop();
            self.now = self.now.max(at);
            match event {
                Event::ServerReady { server, start } => self.server_ready(server, start),
                Event::DeviceDue { device, plan } => self.device_due(device, plan),
            }
        }
        self.now = self.now.max(instant);
    }

    fn schedule(&mut self, at: Timestamp, event: Event) {
        self.events += 1;
        self.queue.push(Reverse((at, self.events, event)));
    }

    fn write(&mut self, what: Happening) {
        self.journal.write(self.now, what);
    }

    fn changed(&mut self) {
        *self.counts.get_mut() = None;
    }

    /// What happened, oldest first.
    pub fn journal(&self) -> impl DoubleEndedIterator<Item = &Entry> {
        self.journal.entries()
    }

    /// Takes out what happened since the last time.
    pub fn take_journal(&mut self) -> Vec<Entry> {
        self.journal.drain()
    }

    /// The faults that disturb its answers.
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// The faults that disturb its answers, to set or clear some.
    pub fn faults_mut(&mut self) -> &mut Faults {
        &mut self.faults
    }

    /// What the servers bundle from now on.
    pub fn set_catalog(&mut self, catalog: Catalog) {
        self.catalog = catalog;
    }

    /// The catalog that it plays by.
    pub fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// The authority's settings.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// A person changes the settings.
    pub fn set_setting(&mut self, change: SettingsChange) {
        self.settings.change(change);
        self.write(Happening::SettingsChanged);
    }

    /// How far the time of day of its authority is ahead of UTC, in seconds.
    pub fn utc_offset_seconds(&self) -> i64 {
        self.utc_offset
    }

    /// Its edition.
    pub fn cluster(&self) -> ClusterType {
        self.cluster
    }

    /// The organisations.
    pub fn organisations(&self) -> &Organisations {
        &self.organisations
    }

    /// How long migrations take that begin from now on.
    pub fn set_migration(&mut self, minutes: Minutes) {
        self.migration = minutes;
    }

    /// The seed of all chance in it.
    pub fn seed(&self) -> Seed {
        self.seed
    }
}

/// A guid like the recorded ones: 18 digits.
fn drawn_guid(seed: Seed, subject: u64, nth: u64) -> u64 {
    600_000_000_000_000_000 + seed.draw(Purpose::Guid, subject, nth) % 99_000_000_000_000_000
}

/// An instant from seconds since 1970, moved into the range that timestamps have.
fn instant(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap_or(if second < 0 { Timestamp::MIN } else { Timestamp::MAX })
}
