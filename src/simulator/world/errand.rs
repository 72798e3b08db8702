//! How a device upgrades: flagged, it downloads when it next connects, installs, and comes back.
//!
//! On record: a random 1 to 15 minutes before it downloads or reconnects, a retry after an hour
//! (FACTS.md, device-retry), and that a device which is off upgrades when it next connects
//! (FACTS.md, device-offline). How long a download takes is not.

use super::connection::Connection;
use super::{AUTHORITY, CommandError, Event, World, instant};
use crate::catalog::{Os, Product, Version};
use crate::fleet::DeviceState;
use crate::simulator::chance::Purpose;
use crate::simulator::device::{ComputerId, Device, Errand, FIRST_COMPUTER_ID, Presumed, ReportedVersion};
use crate::simulator::journal::Happening;
use crate::simulator::presence::Presence;
use crate::simulator::scenario::Behaviour;
use crate::simulator::settings::SettingsChange;

/// From the flag to the end of the download.
const DOWNLOAD_SECONDS: std::ops::RangeInclusive<i64> = 120..=900;
const INSTALL_SECONDS: std::ops::RangeInclusive<i64> = 60..=240;

/// A failed try is repeated after an hour.
const RETRY_SECONDS: i64 = 3_600;

/// When the computer of a device that falls back starts anew.
const FALLS_BACK_AFTER_SECONDS: i64 = 20 * 3_600;

impl World {
    /// Flags a device for an upgrade, which nothing takes back.
    pub fn flag(&mut self, computer: ComputerId) -> Result<(), CommandError> {
        let missing = CommandError::NoSuchDevice(computer.0);
        let index = self.index_of(computer).ok_or(missing.clone())?;
        let now = self.second();
        let Some(device) = self.devices[index].as_mut() else { return Err(missing) };
        device.flags += 1;
        if device.errand == Errand::None {
            device.errand = Errand::Flagged { not_before: now };
            device.failures = 0;
        }
        let guid = device.guid;
        self.plan(index);
        self.write(Happening::DeviceFlagged(guid));
        Ok(())
    }

    /// A person adds an app for devices, as 5.3 and later need: the auto-upgrade switch goes off
    /// (FACTS.md, adding-apps).
    pub fn offer(&mut self, product: Product, os: Os, version: Version) {
        self.offered.retain(|(other, on, _)| (*other, *on) != (product, os));
        self.offered.push((product, os, version));
        self.set_setting(SettingsChange { device_auto_upgrade: Some(false), ..SettingsChange::default() });
    }

    pub(super) fn index_of(&self, computer: ComputerId) -> Option<usize> {
        let index = usize::try_from(computer.0.checked_sub(FIRST_COMPUTER_ID)?).ok()?;
        self.devices.get(index)?.as_ref().map(|_| index)
    }

    /// What the authority has for a device, if that is newer than what it runs. Apps for phones come from app stores.
    fn upgrade_for(&self, device: &Device) -> Option<Version> {
        if device.product == Product::SharePlanMobile {
            return None;
        }
        let release = self.servers[AUTHORITY].serving()?;
        let bundled =
            self.catalog.release(release).and_then(|known| known.bundled(device.product, device.os));
        let offered = self
            .offered
            .iter()
            .find(|(product, os, _)| (*product, *os) == (device.product, device.os))
            .map(|(_, _, version)| *version);
        bundled.max(offered).filter(|version| *version > device.runs)
    }

    /// The switch was on at a restart: every device upgrades.
    pub(super) fn move_fleet(&mut self) {
        let now = self.second();
        let mut moved = 0;
        for device in self.devices.iter_mut().flatten() {
            if device.state == DeviceState::Active && device.errand == Errand::None {
                device.errand = Errand::Flagged { not_before: now };
                device.failures = 0;
                moved += 1;
            }
        }
        self.write(Happening::FleetMoved(moved));
    }

    /// Plans the errand of every device anew, since the authority is back.
    pub(super) fn plan_all(&mut self) {
        for index in 0..self.devices.len() {
            self.plan(index);
        }
    }

    /// Plans when a device goes on with its errand, or that it does not for now.
    pub(super) fn plan(&mut self, index: usize) {
        let now = self.second();
        let Some(device) = self.devices[index].as_ref() else { return };
        let from = match device.errand {
            Errand::None | Errand::Downloading { .. } | Errand::FallingBack { .. } => return,
            Errand::Flagged { not_before } => not_before.max(now),
            Errand::Returning => now,
        };
        let due = match self.next_connected(device, from) {
            Some(due) => due,
            // Not within the horizon: look again then, unless nothing but an event can change that.
            None if self.servers[AUTHORITY].serving().is_some() && device.presumed == Presumed::Alive => {
                Presence::horizon_after(now)
            }
            None => return,
        };
        self.due_at(index, due);
    }

    fn due_at(&mut self, index: usize, second: i64) {
        let Some(device) = self.devices[index].as_mut() else { return };
        device.plan += 1;
        let event = Event::DeviceDue { device: index, plan: device.plan };
        self.schedule(instant(second), event);
    }

    pub(super) fn device_due(&mut self, index: usize, plan: u64) {
        let Some(device) = self.devices[index].as_ref().filter(|device| device.plan == plan) else { return };
        let connection = self.connection(device);
        match (device.errand, connection) {
            (Errand::None, _) => {}
            (Errand::Flagged { .. }, Connection::Connected { .. }) => self.begin_download(index),
            (Errand::Downloading { since }, Connection::Connected { since: connected, .. })
                if connected <= since =>
            {
                self.install(index);
            }
            (Errand::Downloading { .. }, _) => self.fail(index),
            (Errand::Returning, Connection::Connected { .. }) => self.come_back(index),
            (Errand::Flagged { .. } | Errand::Returning, Connection::Away { .. }) => self.plan(index),
            (Errand::FallingBack { to }, _) => self.restart_app(index, to, 0),
        }
    }

    fn begin_download(&mut self, index: usize) {
        let now = self.second();
        let seed = self.seed;
        let Some(device) = self.devices[index].as_ref() else { return };
        let upgrade = self.upgrade_for(device);
        let tries = u64::from(device.failures) + device.app_starts * 100;
        let takes = seed.within(Purpose::Download, device.id.0, tries, &DOWNLOAD_SECONDS);
        match (device.behaviour, upgrade) {
            (Behaviour::Vanishes, _) => self.vanish(index),
            (_, None) => self.set_errand(index, Errand::None),
            (_, Some(_)) => {
                self.set_errand(index, Errand::Downloading { since: now });
                self.due_at(index, now + takes);
            }
        }
    }

    fn install(&mut self, index: usize) {
        let seed = self.seed;
        let Some(device) = self.devices[index].as_ref() else { return };
        let Some(version) = self.upgrade_for(device) else { return self.set_errand(index, Errand::None) };
        let takes = seed.within(Purpose::Install, device.id.0, device.app_starts, &INSTALL_SECONDS);
        match device.behaviour {
            Behaviour::FailsFirst if device.failures == 0 => self.fail(index),
            Behaviour::Fails => self.fail(index),
            Behaviour::Bricks | Behaviour::Vanishes => self.vanish(index),
            Behaviour::Upgrades
            | Behaviour::FailsFirst
            | Behaviour::Lies
            | Behaviour::FallsBack
            | Behaviour::NeverReturns
            | Behaviour::Silent => self.restart_app(index, version, takes),
        }
    }

    /// The app ends, and runs at a version after so many seconds.
    fn restart_app(&mut self, index: usize, version: Version, after: i64) {
        self.settle(index);
        let since = self.second() + after;
        if let Some(device) = self.devices[index].as_mut() {
            device.runs = version;
            device.app_since = since;
            device.app_starts += 1;
            device.errand = Errand::Returning;
        }
        self.plan(index);
    }

    fn come_back(&mut self, index: usize) {
        let fallen_from = match self.devices[index].as_ref() {
            Some(Device { reported: ReportedVersion::Version(version), .. }) => Some(*version),
            Some(_) | None => None,
        };
        let now = self.second();
        let Some(device) = self.devices[index].as_mut() else { return };
        let (guid, version) = (device.guid, device.runs);
        device.reported = match device.behaviour {
            Behaviour::Lies => ReportedVersion::Nonsense,
            Behaviour::Upgrades
            | Behaviour::FailsFirst
            | Behaviour::Fails
            | Behaviour::Bricks
            | Behaviour::FallsBack
            | Behaviour::Vanishes
            | Behaviour::NeverReturns
            | Behaviour::Silent => ReportedVersion::Version(version),
        };
        device.errand = Errand::None;
        match fallen_from {
            Some(older) if device.behaviour == Behaviour::FallsBack && older < version => {
                device.errand = Errand::FallingBack { to: older };
                self.due_at(index, now + FALLS_BACK_AFTER_SECONDS);
            }
            Some(_) | None => {}
        }
        self.write(Happening::DeviceUpgraded(guid, version));
    }

    fn fail(&mut self, index: usize) {
        let now = self.second();
        let Some(device) = self.devices[index].as_mut() else { return };
        device.failures += 1;
        device.errand = Errand::Flagged { not_before: now + RETRY_SECONDS };
        let guid = device.guid;
        self.plan(index);
        self.write(Happening::DeviceFailed(guid));
    }

    pub(super) fn vanish(&mut self, index: usize) {
        self.settle(index);
        let Some(device) = self.devices[index].as_mut() else { return };
        device.presumed = Presumed::Gone;
        device.errand = Errand::None;
        let guid = device.guid;
        self.write(Happening::DeviceGone(guid));
    }

    fn set_errand(&mut self, index: usize, errand: Errand) {
        if let Some(device) = self.devices[index].as_mut() {
            device.errand = errand;
        }
    }
}
