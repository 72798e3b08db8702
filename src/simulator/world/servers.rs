//! What happens to servers: people and images stop, start, upgrade, restore, rename and unplug them.

use jiff::SignedDuration;

use super::{AUTHORITY, CommandError, Event, World};
use crate::catalog::Version;
use crate::fleet::{Guid, ServerName};
use crate::simulator::chance::Purpose;
use crate::simulator::device::Presumed;
use crate::simulator::journal::Happening;
use crate::simulator::scenario::Behaviour;
use crate::simulator::server::{Network, ServerState};

/// A start without a migration. Not on record.
const START_SECONDS: std::ops::RangeInclusive<i64> = 45..=120;

impl World {
    /// A server by its guid or its name.
    pub fn server_guid(&self, identity: &str) -> Option<Guid> {
        self.servers
            .iter()
            .find(|server| server.guid.0 == identity || server.name.0 == identity)
            .map(|server| server.guid.clone())
    }

    /// What a server is doing.
    pub fn state_of(&self, guid: &Guid) -> Option<ServerState> {
        self.server_index(guid).ok().map(|index| self.servers[index].state)
    }

    /// The version that a server's database is at.
    pub fn database_of(&self, guid: &Guid) -> Option<Version> {
        self.servers[self.server_index(guid).ok()?].database
    }

    /// Whether a server runs at exactly this version.
    pub fn is_running(&self, guid: &Guid, version: Version) -> bool {
        self.server_index(guid).is_ok_and(|index| {
            let server = &self.servers[index];
            server.software == Some(version) && matches!(server.state, ServerState::Running { .. })
        })
    }

    fn server_index(&self, guid: &Guid) -> Result<usize, CommandError> {
        self.servers
            .iter()
            .position(|server| server.guid == *guid)
            .ok_or_else(|| CommandError::NoSuchServer(guid.0.clone()))
    }

    /// Stops a server now.
    pub fn stop_server(&mut self, guid: &Guid) -> Result<(), CommandError> {
        let index = self.server_index(guid)?;
        self.halt(index, ServerState::Stopped);
        self.write(Happening::ServerStopped(guid.clone()));
        Ok(())
    }

    /// Starts a server now with this software, stopping it first where it runs. It migrates its database where the
    /// software is newer, and does not come up where it is older.
    pub fn start_server(&mut self, guid: &Guid, software: Version) -> Result<ServerState, CommandError> {
        let index = self.server_index(guid)?;
        let database = self.servers[index].database.unwrap_or(software);
        self.halt(index, ServerState::Stopped);
        let server = &mut self.servers[index];
        server.software = Some(software);
        server.database = Some(database.max(software));
        server.starts += 1;
        let start = server.starts;
        let subject = u64::from(server.id.0);
        if software < database {
            server.state = ServerState::Refusing;
            self.write(Happening::ServerRefusing(guid.clone(), software, database));
            return Ok(ServerState::Refusing);
        }
        let takes = if software > database || server.migrating {
            server.migrating = true;
            let (from, to) = (i64::from(self.migration.from) * 60, i64::from(self.migration.to) * 60);
            self.seed.within(Purpose::Migration, subject, start, &(from..=to.max(from)))
        } else {
            self.seed.within(Purpose::Start, subject, start, &START_SECONDS)
        };
        let ready_at = self.now.saturating_add(SignedDuration::from_secs(takes)).unwrap_or(self.now);
        let state = ServerState::Starting { ready_at };
        self.servers[index].state = state;
        self.write(Happening::ServerStarting(guid.clone(), software));
        self.schedule(ready_at, Event::ServerReady { server: index, start });
        Ok(state)
    }

    /// Somebody upgrades a server in place: it shuts down, migrates and starts by itself.
    pub fn upgrade_by_hand(&mut self, guid: &Guid, version: Version) -> Result<ServerState, CommandError> {
        self.start_server(guid, version)
    }

    /// Somebody restores a server from a backup of an earlier version, software and database, and starts it.
    pub fn restore(&mut self, guid: &Guid, version: Version) -> Result<ServerState, CommandError> {
        let index = self.server_index(guid)?;
        self.servers[index].database = Some(version);
        self.servers[index].migrating = false;
        self.write(Happening::ServerRestored(guid.clone(), version));
        self.start_server(guid, version)
    }

    /// The network no longer reaches a server.
    pub fn take_offline(&mut self, guid: &Guid) -> Result<(), CommandError> {
        let index = self.server_index(guid)?;
        self.before_silence(index);
        self.servers[index].network = Network::Cut;
        self.changed();
        Ok(())
    }

    /// The network reaches a server again.
    pub fn bring_back(&mut self, guid: &Guid) -> Result<(), CommandError> {
        let index = self.server_index(guid)?;
        if self.servers[index].network == Network::Reached {
            return Ok(());
        }
        self.servers[index].network = Network::Reached;
        self.reached(index);
        Ok(())
    }

    /// A server gets another name.
    pub fn rename_server(&mut self, guid: &Guid, name: ServerName) -> Result<(), CommandError> {
        let index = self.server_index(guid)?;
        let others = self.servers.iter().any(|server| server.name == name && server.guid != *guid);
        if others {
            return Err(CommandError::DuplicateServer(name.0));
        }
        self.servers[index].name = name;
        Ok(())
    }

    /// Another server answers in the place of one, as after a new installation.
    pub fn replace_guid(&mut self, guid: &Guid, new: Guid) -> Result<(), CommandError> {
        let index = self.server_index(guid)?;
        if self.server_index(&new).is_ok() {
            return Err(CommandError::DuplicateServer(new.0));
        }
        self.servers[index].guid = new;
        Ok(())
    }

    pub(super) fn server_ready(&mut self, index: usize, start: u64) {
        let server = &mut self.servers[index];
        if server.starts != start || !matches!(server.state, ServerState::Starting { .. }) {
            return;
        }
        server.migrating = false;
        server.state = ServerState::Running { since: self.now };
        let running = server.software.map(|version| Happening::ServerRunning(server.guid.clone(), version));
        if let Some(running) = running {
            self.write(running);
        }
        if index == AUTHORITY && self.settings.device_auto_upgrade {
            self.move_fleet();
        }
        self.reached(index);
    }

    /// A server can be reached again, if it runs and the network lets it.
    fn reached(&mut self, index: usize) {
        let now = self.second();
        let server = &mut self.servers[index];
        if server.serving().is_none() {
            return;
        }
        // Before the change: until now nobody could reach the authority, so nobody was connected.
        server.reachable_since = now;
        if index == AUTHORITY {
            self.plan_all();
        }
        self.changed();
    }

    fn halt(&mut self, index: usize, state: ServerState) {
        let served = self.servers[index].serving().is_some();
        self.before_silence(index);
        self.servers[index].state = state;
        if index == AUTHORITY && served {
            self.lose_devices();
        }
        self.changed();
    }

    /// Writes down what the authority knows, before it or one of its servers falls silent.
    fn before_silence(&mut self, index: usize) {
        if index == AUTHORITY {
            self.settle_all();
        }
        for other in 0..self.servers.len() {
            let seen = other == AUTHORITY || self.storage_online(&self.servers[other]);
            if seen && self.servers[other].serving().is_some() {
                self.servers[other].known_version = self.servers[other].software;
            }
        }
    }

    /// The authority restarts: some devices never come back from that.
    fn lose_devices(&mut self) {
        let never_returns = |index: &usize| {
            self.devices[*index].as_ref().is_some_and(|device| {
                device.behaviour == Behaviour::NeverReturns && device.presumed == Presumed::Alive
            })
        };
        let lost: Vec<usize> = (0..self.devices.len()).filter(never_returns).collect();
        for index in lost {
            self.vanish(index);
        }
    }
}
