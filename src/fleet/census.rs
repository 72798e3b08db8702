//! Counts over all devices: one pass, no allocation per device.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::devices::{Device, DeviceState, Devices};
use super::{App, PerApp};
use crate::catalog::path::DeviceClass;

/// How many devices of one class there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClassCount {
    /// Seen since the instant that divides live from stale devices.
    pub live: u64,
    /// Silent for longer.
    pub stale: u64,
    /// When the last of the live ones was connected, in seconds since 1970.
    pub last_connected: i64,
    /// The live ones of the lowest guids.
    pub examples: [Option<u64>; EXAMPLES],
}

/// Devices of a class that are known by their guids.
pub const EXAMPLES: usize = 2;

/// Devices by product, operating system and version; those that are blocked or deactivated apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Census {
    /// The classes, in order.
    pub classes: BTreeMap<App, ClassCount>,
    /// Devices that somebody blocked.
    pub blocked: u64,
    /// Devices that were deactivated.
    pub deactivated: u64,
    /// Devices that the spec exempts, which no gate counts.
    pub exempt: u64,
}

impl Census {
    /// Counts. A device is live if it was connected at or after `live_since`; `exempt` must be sorted.
    pub fn take(devices: &Devices, live_since: Timestamp, exempt: &[u64]) -> Self {
        let mut census = Self::default();
        let mut classes: PerApp<ClassCount> = PerApp::default();
        for device in devices.rows() {
            match device.state {
                DeviceState::Blocked => census.blocked += 1,
                DeviceState::Deactivated => census.deactivated += 1,
                DeviceState::Active if !exempt.is_empty() && exempt.binary_search(&device.guid).is_ok() => {
                    census.exempt += 1;
                }
                DeviceState::Active => {
                    // What cannot be read is told as such, and no class has it.
                    let Some(app) = device.app() else { continue };
                    classes.of(app, ClassCount::default).add(device, live_since);
                }
            }
        }
        census.classes = classes.iter().map(|(app, count)| (app, *count)).collect();
        census
    }

    /// All live devices.
    pub fn live(&self) -> u64 {
        self.classes.values().map(|count| count.live).sum()
    }

    /// All devices that take part, live or stale.
    pub fn active(&self) -> u64 {
        self.classes.values().map(|count| count.live + count.stale).sum()
    }

    /// The classes with live devices, as the path search takes them.
    pub fn live_classes(&self) -> Vec<DeviceClass> {
        self.classes
            .iter()
            .filter(|(_, count)| count.live > 0)
            .map(|((product, os, version), count)| DeviceClass {
                product: *product,
                os: *os,
                version: *version,
                live: count.live,
            })
            .collect()
    }
}

impl ClassCount {
    fn add(&mut self, device: &Device, live_since: Timestamp) {
        if device.seen_since(live_since) {
            self.last_connected = if self.live == 0 {
                device.last_connected
            } else {
                self.last_connected.max(device.last_connected)
            };
            // Rows are in the order of guids.
            if let Some(example) = self.examples.iter_mut().find(|example| example.is_none()) {
                *example = Some(device.guid);
            }
            self.live += 1;
        } else {
            self.stale += 1;
        }
    }
}
