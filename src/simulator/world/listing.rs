//! What the authority lists, as plain records: the same for every face of the simulator.

use super::connection::{Connection, instant_or_never};
use super::{AUTHORITY, CommandError, World};
use crate::fleet::{DeviceState, Guid, ServerRole};
use crate::simulator::device::{ComputerId, Device, DeviceKey, Errand, ListedDevice};
use crate::simulator::fault::Fault;
use crate::simulator::scenario::DeviceGroup;
use crate::simulator::server::{ListedServer, ServerId};

impl World {
    /// The servers as the authority lists them, the authority first. What a fault makes it say is in it.
    pub fn servers(&self) -> Vec<ListedServer> {
        let counts = self.counts();
        (0..self.servers.len()).map(|index| self.listed_server(index, &counts.servers)).collect()
    }

    fn listed_server(&self, index: usize, counts: &[super::counts::ServerCounts]) -> ListedServer {
        let authority = self.servers[AUTHORITY].serving();
        let server = &self.servers[index];
        let count = counts.get(index).copied().unwrap_or_default();
        let (online, mut version) = match server.role {
            ServerRole::Authority => (authority.is_some(), server.software),
            ServerRole::Storage | ServerRole::Provider if self.storage_online(server) => {
                (true, server.software)
            }
            ServerRole::Storage | ServerRole::Provider => (false, server.known_version),
        };
        let mut guid = server.guid.clone();
        if index == AUTHORITY {
            match self.faults.of("Server") {
                Some(Fault::Version(wrong)) => version = Some(*wrong),
                Some(Fault::OtherAuthority(other)) => guid = other.clone(),
                Some(_) | None => {}
            }
        }
        ListedServer {
            id: server.id,
            guid,
            name: server.name.clone(),
            role: server.role,
            version,
            online,
            out_of_date: server.role == ServerRole::Storage && version.is_some() && version != authority,
            devices: count.devices,
            online_devices: count.online,
            backup_sessions: count.sessions,
            state: server.state,
        }
    }

    /// The authority as it lists itself.
    pub fn authority(&self) -> ListedServer {
        self.listed_server(AUTHORITY, &self.counts().servers)
    }

    /// Whether the authority can be asked anything.
    pub fn authority_answers(&self) -> bool {
        self.servers[AUTHORITY].serving().is_some()
    }

    /// One server.
    pub fn server(&self, id: ServerId) -> Option<ListedServer> {
        let index = self.servers.iter().position(|server| server.id == id)?;
        Some(self.listed_server(index, &self.counts().servers))
    }

    /// The devices as the authority lists them, by number.
    pub fn devices(&self) -> impl Iterator<Item = ListedDevice> {
        self.devices.iter().flatten().map(|device| self.listed_device(device))
    }

    /// How many devices there are.
    pub fn device_count(&self) -> usize {
        self.by_guid.len()
    }

    /// The devices but the first so many, by number. Where none ever left, none of those is looked at.
    pub fn devices_after(&self, skip: usize) -> impl Iterator<Item = ListedDevice> {
        let whole = self.devices.len() == self.by_guid.len();
        let (start, rest) = if whole { (skip.min(self.devices.len()), 0) } else { (0, skip) };
        self.devices[start..].iter().flatten().skip(rest).map(|device| self.listed_device(device))
    }

    /// Devices for which a test on what never changes by itself holds. Far cheaper than filtering [`World::devices`].
    pub fn devices_where(
        &self,
        mut wanted: impl FnMut(&DeviceKey) -> bool,
    ) -> impl Iterator<Item = ComputerId> {
        let key = |device: &Device| DeviceKey {
            id: device.id,
            guid: device.guid,
            os: device.os,
            state: device.state,
            organisation: device.organisation,
        };
        self.devices.iter().flatten().filter(move |device| wanted(&key(device))).map(|device| device.id)
    }

    /// One device.
    pub fn device(&self, id: ComputerId) -> Option<ListedDevice> {
        let index = self.index_of(id)?;
        self.devices[index].as_ref().map(|device| self.listed_device(device))
    }

    /// One device by its guid.
    pub fn device_by_guid(&self, guid: u64) -> Option<ListedDevice> {
        let index = *self.by_guid.get(&guid)?;
        self.devices[index].as_ref().map(|device| self.listed_device(device))
    }

    fn listed_device(&self, device: &Device) -> ListedDevice {
        ListedDevice {
            id: device.id,
            guid: device.guid,
            product: device.product,
            os: device.os,
            version: device.reported,
            state: device.state,
            organisation: device.organisation,
            home: self.servers.get(device.home).map_or_else(|| Guid::from(""), |server| server.guid.clone()),
            connected: matches!(self.connection(device), Connection::Connected { .. }),
            last_connected: instant_or_never(self.last_connected(device)),
            flags: device.flags,
            errand: device.errand,
        }
    }

    /// New devices join.
    pub fn add_devices(&mut self, group: &DeviceGroup) -> Result<(), CommandError> {
        let now = self.second();
        Ok(self.place_devices(group, now)?)
    }

    /// Somebody moves an organisation under another.
    pub fn move_organisation(&mut self, path: &str, under: &str) -> Result<(), CommandError> {
        Ok(self.organisations.move_under(path, under)?)
    }

    /// A device leaves.
    pub fn remove_device(&mut self, guid: u64) -> Result<(), CommandError> {
        let index = self.by_guid.remove(&guid).ok_or(CommandError::NoSuchDevice(guid))?;
        self.devices[index] = None;
        self.changed();
        Ok(())
    }

    /// Somebody blocks, deactivates or readmits a device.
    pub fn set_device_state(&mut self, guid: u64, state: DeviceState) -> Result<(), CommandError> {
        let index = *self.by_guid.get(&guid).ok_or(CommandError::NoSuchDevice(guid))?;
        self.settle(index);
        if let Some(device) = self.devices[index].as_mut() {
            device.state = state;
            if state == DeviceState::Deactivated {
                device.errand = Errand::None;
            }
        }
        self.plan(index);
        self.changed();
        Ok(())
    }
}
