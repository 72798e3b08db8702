//! How devices are to be brought along: the groups, their waves, and the bounds over all of them.

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::catalog::{Os, Product, Version};
use crate::fleet::{Arrangement, Devices, GroupRule, instants};

/// An app that a person has added at the authority for devices to get.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfferedApp {
    /// The app.
    pub product: Product,
    /// The operating system; `None` for all.
    pub os: Option<Os>,
    /// The version that was added.
    pub version: Version,
}

/// How devices are brought along.
#[derive(Clone, Debug, PartialEq)]
pub struct DevicePolicy {
    /// To what.
    pub upgrade: DeviceUpgrade,
    /// What the authority offers, for [`DeviceUpgrade::ServerOffered`]; the first that matches counts.
    pub offered: Vec<OfferedApp>,
    /// What the authority's own auto-upgrade switch must read before a hop.
    pub auto_upgrade_switch: AutoUpgradeSwitch,
    /// A device silent for longer is stale: no gate counts it.
    pub unseen_for: SignedDuration,
    /// How many live devices a hop may cut off.
    pub leave_behind: Share,
    /// Devices that no gate counts, with their reasons, sorted by guid.
    pub exempt: Vec<(u64, String)>,
    /// Most devices flagged and not yet done.
    pub max_in_flight: u32,
    /// Most devices flagged in a minute.
    pub rate_per_minute: u32,
    /// The groups, in order; the first that matches a device takes it.
    pub groups: Vec<Group>,
}

/// To what devices are brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum DeviceUpgrade {
    /// To what the release bundles.
    Bundled,
    /// To what the authority offers (releases from 5.3 on bundle no app).
    ServerOffered,
    /// Not at all.
    None,
}

/// What to do about the authority's auto-upgrade switch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum AutoUpgradeSwitch {
    /// It must read off.
    #[default]
    RequireOff,
    /// It is turned off.
    TurnOff,
    /// It may be on.
    Allow,
}

/// A number of devices, or a share of them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Share {
    /// This many.
    Count(u64),
    /// This many hundredths of a percent of all.
    BasisPoints(u32),
}

impl Share {
    /// How many of `all` it allows at most (a share is rounded down).
    pub fn at_most(self, all: u64) -> u64 {
        match self {
            Self::Count(count) => count,
            Self::BasisPoints(points) => {
                let share = u128::from(all) * u128::from(points) / 10_000;
                u64::try_from(share).unwrap_or(u64::MAX)
            }
        }
    }

    /// How many of `all` it asks for at least (a share is rounded up).
    pub fn at_least(self, all: u64) -> u64 {
        match self {
            Self::Count(count) => count.min(all),
            Self::BasisPoints(points) => {
                let share = (u128::from(all) * u128::from(points)).div_ceil(10_000);
                u64::try_from(share).unwrap_or(u64::MAX).min(all)
            }
        }
    }
}

/// A group of devices.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// What it matches.
    pub rule: GroupRule,
    /// Whether it is held.
    pub held: bool,
    /// Its waves, cumulative.
    pub waves: Vec<Share>,
    /// The pause after a wave.
    pub pause: SignedDuration,
    /// Failures that halt it.
    pub max_failures: Share,
}

impl DevicePolicy {
    /// Since when a device of a listing must have been connected to be live: gates count no other.
    pub fn live_since(&self, devices: &Devices) -> Timestamp {
        instants::before(devices.finished, self.unseen_for)
    }

    /// Why no gate and no rollout counts a device, if the spec exempts it.
    pub fn exemption(&self, guid: u64) -> Option<&str> {
        if self.exempt.is_empty() {
            return None;
        }
        let index = self.exempt.binary_search_by_key(&guid, |(guid, _)| *guid).ok()?;
        Some(&self.exempt[index].1)
    }

    /// What its groups match, in their order.
    pub fn rules(&self) -> impl Iterator<Item = &GroupRule> {
        self.groups.iter().map(|group| &group.rule)
    }

    /// How listings must be arranged that say something about these groups in a rollout of a release.
    pub fn arrangement(&self, release: Option<Version>) -> Arrangement {
        Arrangement::new(self.rules(), release)
    }
}
