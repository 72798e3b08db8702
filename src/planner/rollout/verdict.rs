//! The verdict on every single device: on evidence only, by the same facts that the counts are made of.

use std::cell::RefCell;

use jiff::{SignedDuration, Timestamp};

use super::evidence::{Evidence, evidence};
use super::tally::{Tally, tally};
use super::{RETRY_TIME, Targets};
use crate::catalog::{Acceptance, Release, Version};
use crate::fleet::devices::{Device, DeviceState};
use crate::fleet::{Devices, PerApp};
use crate::planner::memory::{Memory, Rollout};
use crate::planner::observed::Flags;
use crate::planner::window::{Opening, opening};
use crate::planner::{Desired, words};

/// What became of a device, or what keeps it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// It runs what it is to run, or nothing is there for it to run.
    Done,
    /// It runs something newer, which is accepted: nothing is moved down.
    Newer,
    /// Released, and told to upgrade or connected since: on its way.
    InFlight,
    /// Released, and not connected since.
    Pending,
    /// Connected for longer than its app retries by itself, and still old.
    Failed,
    /// Silent since it was told to upgrade, beyond what is usual in its group.
    Lost,
    /// Its wave has not reached it.
    Waiting,
    /// No group matches it, or the spec holds its group.
    Held,
    /// The release does not accept its app, and nothing can be pushed to it.
    Unsupported,
    /// A mobile app below what the release bundles: reported, never pushed.
    Mobile,
    /// The spec exempts it.
    Exempt,
    /// Behind, not released, and silent for so long that no gate counts it.
    Stale,
    /// Somebody blocked it.
    Blocked,
    /// It was deactivated.
    Deactivated,
}

impl Verdict {
    /// Every verdict.
    pub const ALL: [Self; 14] = [
        Self::Done,
        Self::Newer,
        Self::InFlight,
        Self::Pending,
        Self::Failed,
        Self::Lost,
        Self::Waiting,
        Self::Held,
        Self::Unsupported,
        Self::Mobile,
        Self::Exempt,
        Self::Stale,
        Self::Blocked,
        Self::Deactivated,
    ];

    /// The verdict of a name, in any case.
    ///
    /// # Errors
    /// There is none: which there are.
    pub fn named(word: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|verdict| verdict.name().eq_ignore_ascii_case(word)).ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            format!("no device is ever so; write some of {names}")
        })
    }

    /// The name that people see.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Done => "Done",
            Self::Newer => "Newer",
            Self::InFlight => "InFlight",
            Self::Pending => "Pending",
            Self::Failed => "Failed",
            Self::Lost => "Lost",
            Self::Waiting => "Waiting",
            Self::Held => "Held",
            Self::Unsupported => "Unsupported",
            Self::Mobile => "Mobile",
            Self::Exempt => "Exempt",
            Self::Stale => "Stale",
            Self::Blocked => "Blocked",
            Self::Deactivated => "Deactivated",
        }
    }
}

/// One device, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Described {
    /// The verdict.
    pub verdict: Verdict,
    /// Why, as a sentence without a full stop.
    pub reason: String,
    /// What its app is to run; `None` where nothing is there for it.
    pub target: Option<Version>,
    /// The group that it belongs to.
    pub group: Option<String>,
    /// When it was released.
    pub released_at: Option<Timestamp>,
    /// When this process flagged it.
    pub flagged_at: Option<Timestamp>,
}

/// Devices in flight that are lost: of the silent ones those that are silent for longest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct LostCut {
    last_connected: i64,
    guid: u64,
}

/// How many devices of a group are lost, and since when they must have been silent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Losses {
    pub(super) lost: u64,
    pub(super) silent_since: Timestamp,
}

impl Losses {
    pub(super) fn of(tally: &Tally) -> Self {
        Self { lost: tally.lost, silent_since: tally.silent_since }
    }
}

/// Judges the devices of one listing.
pub struct Judge<'a> {
    release: Option<&'a Release>,
    targets: Option<Targets>,
    desired: &'a Desired,
    /// The rollouts that the devices are in, in the order of the groups; none where nothing is rolled out.
    rollouts: &'a [Rollout],
    flags: &'a Flags,
    lost: Vec<Option<LostCut>>,
    live_since: Timestamp,
    /// What the release says of each app.
    acceptances: RefCell<PerApp<Acceptance>>,
}

impl<'a> Judge<'a> {
    /// Judges against a release: what devices follow, or will. `losses` saves counting them once more.
    pub fn new(
        devices: &Devices,
        release: Option<&'a Release>,
        desired: &'a Desired,
        memory: &'a Memory,
        flags: &'a Flags,
        losses: Option<&[Losses]>,
    ) -> Self {
        let groups = &desired.devices.groups;
        let targets = release.map(|release| Targets::of(release, &desired.devices));
        let settled = memory.settled.as_ref().map(|settled| settled.release);
        // Ranks of another release, or groups that the rows were not matched by, say nothing about these rollouts.
        let is_rolled_out = settled.is_some()
            && release.map(|release| release.version) == settled
            && devices.arrangement == desired.devices.arrangement(settled)
            && memory.rollouts.len() == groups.len()
            && memory.rollouts.iter().zip(groups).all(|(rollout, group)| rollout.group == group.name);
        let rollouts = if is_rolled_out { &memory.rollouts[..] } else { &[] };
        let lost = match &targets {
            Some(targets) if is_rolled_out => {
                let counted = || {
                    let tallies = tally(devices, targets, memory, desired, flags, devices.finished);
                    tallies.iter().map(Losses::of).collect()
                };
                let losses: Vec<Losses> = losses.map_or_else(counted, <[Losses]>::to_vec);
                lost_cuts(devices, targets, memory, desired, flags, &losses)
            }
            Some(_) | None => Vec::new(),
        };
        let live_since =
            devices.finished.saturating_sub(desired.devices.unseen_for).unwrap_or(Timestamp::MIN);
        Self { release, targets, desired, rollouts, flags, lost, live_since, acceptances: RefCell::default() }
    }

    /// What devices are to run.
    pub fn targets(&self) -> Option<&Targets> {
        self.targets.as_ref()
    }

    /// The verdict on a device.
    pub fn verdict(&self, device: &Device) -> Verdict {
        match device.state {
            DeviceState::Blocked => return Verdict::Blocked,
            DeviceState::Deactivated => return Verdict::Deactivated,
            DeviceState::Active => {}
        }
        if self.desired.devices.exemption(device.guid).is_some() {
            return Verdict::Exempt;
        }
        let Some(targets) = &self.targets else { return Verdict::Done };
        if targets.is_mobile_behind(device) {
            return Verdict::Mobile;
        }
        if !targets.is_behind(device) {
            let target = targets.target(device.product, device.os);
            return match (self.acceptance(device), target) {
                (Acceptance::Refused, target) if target != Some(device.version) => Verdict::Unsupported,
                (_, Some(target)) if device.version > target => Verdict::Newer,
                (_, _) => Verdict::Done,
            };
        }
        self.behind(device)
    }

    fn behind(&self, device: &Device) -> Verdict {
        match self.evidence(device) {
            Some(Evidence::Failed { .. }) => Verdict::Failed,
            Some(Evidence::InFlight { .. }) if self.is_lost(device) => Verdict::Lost,
            Some(Evidence::InFlight { .. }) => Verdict::InFlight,
            Some(Evidence::Pending { .. }) => Verdict::Pending,
            Some(Evidence::Unreleased | Evidence::Done { .. }) | None => match self.group(device) {
                None => Verdict::Held,
                Some(group) if group.held => Verdict::Held,
                Some(_) if !device.seen_since(self.live_since) => Verdict::Stale,
                Some(_) => Verdict::Waiting,
            },
        }
    }

    fn group(&self, device: &Device) -> Option<&'a crate::planner::desired::Group> {
        self.desired.devices.groups.get(usize::from(device.group))
    }

    fn rollout(&self, device: &Device) -> Option<&'a Rollout> {
        self.rollouts.get(usize::from(device.group))
    }

    fn evidence(&self, device: &Device) -> Option<Evidence> {
        let is_behind = self.targets.as_ref()?.is_behind(device);
        Some(evidence(self.rollout(device)?, device, is_behind, self.flags))
    }

    fn is_lost(&self, device: &Device) -> bool {
        let place = LostCut { last_connected: device.last_connected, guid: device.guid };
        self.lost.get(usize::from(device.group)).copied().flatten().is_some_and(|cut| place <= cut)
    }

    fn acceptance(&self, device: &Device) -> Acceptance {
        let Some(release) = self.release else { return Acceptance::Unknown };
        let accepted = || release.acceptance(device.product, device.os, device.version);
        *self.acceptances.borrow_mut().of(device.app(), accepted)
    }

    /// The verdict on a device, and everything that led to it.
    pub fn describe(&self, device: &Device, now: Timestamp) -> Described {
        let verdict = self.verdict(device);
        let rollout = self.rollout(device);
        let released_at = self.evidence(device).and_then(Evidence::released_at);
        let target = self.targets.as_ref().and_then(|targets| targets.target(device.product, device.os));
        let flagged_at = self.flags.given.get(&device.guid).copied();
        let flagged_at = flagged_at.filter(|at| rollout.is_some_and(|rollout| *at >= rollout.started_at));
        let mut reason = self.reason(device, verdict, target, released_at);
        match verdict {
            Verdict::Waiting | Verdict::Pending => reason += &self.closed_window(now),
            Verdict::InFlight if flagged_at.is_none() => {
                reason += ", not told to upgrade by the process that answers";
                reason += &self.closed_window(now);
            }
            Verdict::InFlight
            | Verdict::Done
            | Verdict::Newer
            | Verdict::Failed
            | Verdict::Lost
            | Verdict::Held
            | Verdict::Unsupported
            | Verdict::Mobile
            | Verdict::Exempt
            | Verdict::Stale
            | Verdict::Blocked
            | Verdict::Deactivated => {}
        }
        Described {
            verdict,
            reason,
            target,
            group: self.group(device).map(|group| group.name.clone()),
            released_at,
            flagged_at,
        }
    }

    /// What is added where devices are told nothing now, since no window is open.
    fn closed_window(&self, now: Timestamp) -> String {
        match opening(&self.desired.device_windows, &self.desired.freezes, SignedDuration::ZERO, now) {
            Opening::Open { .. } => String::new(),
            Opening::Closed { opens: Some(opens), .. } => {
                format!("; the next window opens {}", words::instant(opens))
            }
            Opening::Closed { opens: None, .. } => "; no window opens within a year".to_owned(),
        }
    }

    fn reason(
        &self,
        device: &Device,
        verdict: Verdict,
        target: Option<Version>,
        released_at: Option<Timestamp>,
    ) -> String {
        let release =
            self.release.map_or_else(|| "no release".to_owned(), |release| release.version.to_string());
        let app = format!("{} on {}", device.product, device.os);
        let at = device.version;
        let target = target.map_or_else(|| "nothing".to_owned(), |target| target.to_string());
        let released = released_at.map_or_else(|| "never".to_owned(), words::past);
        let seen = match Timestamp::from_second(device.last_connected) {
            Ok(seen) if device.last_connected != i64::MIN => words::past(seen),
            Ok(_) | Err(_) => "never".to_owned(),
        };
        match verdict {
            Verdict::Done if target == "nothing" => format!("nothing is there for {app} to upgrade to"),
            Verdict::Done => format!("runs {at}, as it is to"),
            Verdict::Newer => format!("runs {at}, above {target}; nothing is moved down"),
            Verdict::InFlight => format!("released {released}, seen {seen}, not yet at {target}"),
            Verdict::Pending => format!("released {released}, last connected {seen}"),
            Verdict::Failed => {
                let minutes = RETRY_TIME.as_mins();
                format!("connected for more than {minutes} min since it was told to upgrade, still at {at}")
            }
            Verdict::Lost => {
                format!("told to upgrade {released}, silent since {seen}: beyond what is usual in its group")
            }
            Verdict::Waiting => self.why_waiting(device),
            Verdict::Held => match self.group(device) {
                None => "no group of the spec matches it".to_owned(),
                Some(group) => format!("the spec holds group {}", group.name),
            },
            Verdict::Unsupported => {
                format!("{release} does not accept {at} of {app}, and nothing can be pushed to it")
            }
            Verdict::Mobile => format!("below {target}; mobile apps come from app stores"),
            Verdict::Exempt => {
                let why = self.desired.devices.exemption(device.guid).unwrap_or_default();
                format!("the spec exempts it: {why}")
            }
            Verdict::Stale => format!("last connected {seen}; no gate counts it any more"),
            Verdict::Blocked => "blocked at the authority".to_owned(),
            Verdict::Deactivated => "deactivated at the authority".to_owned(),
        }
    }

    fn why_waiting(&self, device: &Device) -> String {
        let Some(rollout) = self.rollout(device) else {
            return "devices do not follow yet".to_owned();
        };
        let waves = self.group(device).map_or(0, |group| group.waves.len());
        match rollout.threshold {
            None => format!("no wave of group {} is open yet", rollout.group),
            Some(threshold) => {
                format!(
                    "rank {} is above {threshold}, to where wave {} of {waves} has released",
                    device.rank,
                    rollout.wave + 1
                )
            }
        }
    }
}

/// Of the silent devices of each group the last one that counts as lost.
fn lost_cuts(
    devices: &Devices,
    targets: &Targets,
    memory: &Memory,
    desired: &Desired,
    flags: &Flags,
    losses: &[Losses],
) -> Vec<Option<LostCut>> {
    let cut = |(index, losses): (usize, &Losses)| {
        let lost = usize::try_from(losses.lost).ok()?.checked_sub(1)?;
        let rollout = memory.rollouts.get(index)?;
        let mut silent: Vec<LostCut> = devices
            .rows()
            .iter()
            .filter(|device| usize::from(device.group) == index && device.state == DeviceState::Active)
            .filter(|device| {
                !device.seen_since(losses.silent_since) && desired.devices.exemption(device.guid).is_none()
            })
            .filter(|device| {
                let found = evidence(rollout, device, targets.is_behind(device), flags);
                matches!(found, Evidence::InFlight { .. })
            })
            .map(|device| LostCut { last_connected: device.last_connected, guid: device.guid })
            .collect();
        if silent.is_empty() {
            return None;
        }
        let last = lost.min(silent.len() - 1);
        Some(*silent.select_nth_unstable(last).1)
    };
    losses.iter().enumerate().map(cut).collect()
}
