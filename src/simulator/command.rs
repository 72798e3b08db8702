//! What somebody outside can do to a simulated environment, as one value: for the control API and for scripts.

use serde::{Deserialize, Serialize};

use super::device::ComputerId;
use super::fault::Fault;
use super::scenario::{DeviceGroup, Minutes};
use super::settings::SettingsChange;
use super::world::{CommandError, World};
use crate::catalog::{Os, Product, Version};
use crate::fleet::{DeviceState, Guid, ServerName, guid_text};

/// One thing to do. Servers go by guid or by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum Command {
    /// Stop a server.
    StopServer {
        /// Its name.
        server: String,
    },
    /// Start a server with this software.
    StartServer {
        /// Its name.
        server: String,
        /// The software.
        version: Version,
    },
    /// Upgrade a server in place.
    UpgradeByHand {
        /// Its name.
        server: String,
        /// To this version.
        version: Version,
    },
    /// Restore a server from a backup.
    Restore {
        /// Its name.
        server: String,
        /// The version of the backup.
        version: Version,
    },
    /// Unplug a server's network.
    TakeOffline {
        /// Its name.
        server: String,
    },
    /// Plug it in again.
    BringBack {
        /// Its name.
        server: String,
    },
    /// Give a server another name.
    Rename {
        /// Its name.
        server: String,
        /// The new name.
        name: ServerName,
    },
    /// Put another server in a server's place.
    ReplaceGuid {
        /// Its name.
        server: String,
        /// The new guid.
        guid: Guid,
    },
    /// Change settings.
    Set {
        /// The change.
        settings: SettingsChange,
    },
    /// Add an app for devices.
    Offer {
        /// The app.
        product: Product,
        /// For this operating system.
        os: Os,
        /// In this version.
        version: Version,
    },
    /// Flag a device.
    Flag {
        /// Its number.
        computer: ComputerId,
    },
    /// Let devices join.
    AddDevices {
        /// Its name.
        devices: DeviceGroup,
    },
    /// Let a device leave.
    RemoveDevice {
        /// Its guid.
        #[serde(with = "guid_text")]
        guid: u64,
    },
    /// Block, deactivate or readmit a device.
    SetDeviceState {
        /// Its guid.
        #[serde(with = "guid_text")]
        guid: u64,
        /// The state.
        state: DeviceState,
    },
    /// Let migrations that begin from now on take this long.
    SetMigration {
        /// How long.
        minutes: Minutes,
    },
    /// Switch a fault on.
    SetFault {
        /// For this resource; for all where absent.
        #[serde(default)]
        resource: Option<String>,
        /// The fault.
        fault: Fault,
    },
    /// Switch a fault off.
    ClearFault {
        /// For this resource; the one for all where absent.
        #[serde(default)]
        resource: Option<String>,
    },
    /// Switch all faults off.
    ClearFaults,
}

impl World {
    /// Carries a command out now.
    pub fn carry_out(&mut self, command: Command) -> Result<(), CommandError> {
        match command {
            Command::StopServer { server } => self.stop_server(&self.named(&server)?)?,
            Command::StartServer { server, version } => {
                self.start_server(&self.named(&server)?, version)?;
            }
            Command::UpgradeByHand { server, version } => {
                self.upgrade_by_hand(&self.named(&server)?, version)?;
            }
            Command::Restore { server, version } => {
                self.restore(&self.named(&server)?, version)?;
            }
            Command::TakeOffline { server } => self.take_offline(&self.named(&server)?)?,
            Command::BringBack { server } => self.bring_back(&self.named(&server)?)?,
            Command::Rename { server, name } => self.rename_server(&self.named(&server)?, name)?,
            Command::ReplaceGuid { server, guid } => self.replace_guid(&self.named(&server)?, guid)?,
            Command::Set { settings } => self.set_setting(settings),
            Command::Offer { product, os, version } => self.offer(product, os, version),
            Command::Flag { computer } => self.flag(computer)?,
            Command::AddDevices { devices } => self.add_devices(&devices)?,
            Command::RemoveDevice { guid } => self.remove_device(guid)?,
            Command::SetDeviceState { guid, state } => self.set_device_state(guid, state)?,
            Command::SetMigration { minutes } => self.set_migration(minutes),
            Command::SetFault { resource, fault } => self.faults_mut().set(resource.as_deref(), fault),
            Command::ClearFault { resource } => self.faults_mut().clear(resource.as_deref()),
            Command::ClearFaults => self.faults_mut().clear_all(),
        }
        Ok(())
    }

    fn named(&self, server: &str) -> Result<Guid, CommandError> {
        self.server_guid(server).ok_or_else(|| CommandError::NoSuchServer(server.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_reads_as_a_person_writes_it() {
        for (text, command) in [
            (
                r#"{"command": "StartServer", "server": "storage-01", "version": "4.3.5.3"}"#,
                Command::StartServer { server: "storage-01".to_owned(), version: "4.3.5.3".parse().unwrap() },
            ),
            (
                r#"{"command": "SetFault", "resource": "Server", "fault": {"Version": "4.1.6"}}"#,
                Command::SetFault {
                    resource: Some("Server".to_owned()),
                    fault: Fault::Version("4.1.6".parse().unwrap()),
                },
            ),
            (
                r#"{"command": "SetFault", "fault": "Html"}"#,
                Command::SetFault { resource: None, fault: Fault::Html },
            ),
            (
                r#"{"command": "RemoveDevice", "guid": "600624193549107457"}"#,
                Command::RemoveDevice { guid: 600_624_193_549_107_457 },
            ),
            (
                r#"{"command": "Set", "settings": {"deviceAutoUpgrade": true}}"#,
                Command::Set {
                    settings: SettingsChange { device_auto_upgrade: Some(true), ..SettingsChange::default() },
                },
            ),
        ] {
            assert_eq!(serde_json::from_str::<Command>(text).unwrap(), command, "{text}");
        }
        assert!(serde_json::from_str::<Command>(r#"{"command": "Explode"}"#).is_err());
    }
}
