//! What all devices of an environment are, in numbers for people.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::targets::AppLevel;
use super::verdict::{DeviceVerdict, Judge};
use crate::catalog::{Os, Product, Version};
use crate::fleet::devices::Device;
use crate::fleet::groups::UNMATCHED;
use crate::planner::{Desired, Memory};

/// How many devices there are of each verdict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Verdicts {
    counts: [u64; DeviceVerdict::ALL.len()],
}

impl Verdicts {
    /// How many devices have a verdict.
    pub fn count_of(&self, verdict: DeviceVerdict) -> u64 {
        self.counts[verdict as usize]
    }

    fn add(&mut self, other: &Self) {
        self.counts.iter_mut().zip(other.counts).for_each(|(count, more)| *count += more);
    }

    /// Leaves a device out that was counted.
    pub(super) fn leave_out(&mut self, verdict: DeviceVerdict) {
        self.counts[verdict as usize] -= 1;
    }

    /// Takes so many devices from one verdict to another.
    pub(super) fn change(&mut self, from: DeviceVerdict, to: DeviceVerdict, devices: u64) {
        self.counts[from as usize] -= devices;
        self.add_many(to, devices);
    }

    pub(super) fn add_many(&mut self, verdict: DeviceVerdict, devices: u64) {
        self.counts[verdict as usize] += devices;
    }
}

/// An app and how many devices run it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AppCount {
    /// The app.
    pub product: Product,
    /// The operating system.
    pub os: Os,
    /// The version.
    pub version: Version,
    /// How many devices run it.
    pub devices: u64,
}

/// All devices of an environment, counted for people.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overview {
    /// Whether anything says what devices are to run: otherwise none of them is behind, and "all are done" says nothing.
    pub judged: bool,
    /// All that take part: neither blocked nor deactivated nor exempt; and those that are missing.
    pub total: u64,
    /// By verdict.
    pub verdicts: Verdicts,
    /// Below what they are to run, or unreadable.
    pub behind: u64,
    /// To be brought up, and silent for so long that no gate counts them.
    pub stale_behind: u64,
    /// Silent for so long that no gate counts them.
    pub stale: u64,
    /// Behind, and matched by no group.
    pub unmatched: u64,
    /// Behind, and in a group that the spec holds.
    pub in_held_group: u64,
    /// The apps that are most widely used, in order.
    pub apps: Vec<AppCount>,
    /// Devices with other apps.
    pub other_apps: u64,
}

impl Overview {
    /// Counts a device.
    pub(super) fn count(&mut self, judge: &Judge<'_>, device: &Device, verdict: DeviceVerdict) {
        self.verdicts.add_many(verdict, 1);
        if matches!(verdict, DeviceVerdict::Blocked | DeviceVerdict::Deactivated | DeviceVerdict::Exempt) {
            return;
        }
        self.total += 1;
        let is_live = judge.is_live(device);
        self.stale += u64::from(!is_live);
        if judge.targets().is_some_and(|targets| targets.level(device) != AppLevel::Current) {
            self.behind += 1;
            self.stale_behind += u64::from(!is_live);
        }
        if verdict == DeviceVerdict::Held {
            match device.group {
                UNMATCHED => self.unmatched += 1,
                _ => self.in_held_group += 1,
            }
        }
    }

    /// Adds the counts of other devices.
    pub(super) fn add(&mut self, other: &Self) {
        let Self {
            judged: _,
            total,
            verdicts,
            behind,
            stale_behind,
            stale,
            unmatched,
            in_held_group,
            apps: _,
            other_apps: _,
        } = other;
        self.total += total;
        self.behind += behind;
        self.stale_behind += stale_behind;
        self.stale += stale;
        self.unmatched += unmatched;
        self.in_held_group += in_held_group;
        self.verdicts.add(verdicts);
    }

    /// Devices that run what they are to run, or something newer.
    pub fn done(&self) -> u64 {
        self.verdicts.count_of(DeviceVerdict::Done) + self.verdicts.count_of(DeviceVerdict::Newer)
    }
}

/// The release that devices are judged by: what they follow; before they follow any, what is wanted, or else where the environment is.
/// One answer for every list and count of devices.
pub fn judged_by(desired: &Desired, memory: &Memory, at: Option<Version>) -> Option<Version> {
    let settled = memory.settled.as_ref().map(|settled| settled.release);
    match settled.filter(|_| !memory.rollouts.is_empty()) {
        Some(followed) => Some(followed),
        None => desired.target.or(settled).or(at),
    }
}
