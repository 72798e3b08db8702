//! The verdict on every single device: on evidence only, by the same facts that the counts are made of.

use std::cell::RefCell;

use jiff::{SignedDuration, Timestamp};

use super::evidence::{Evidence, Examiner, Failure};
use super::tally::Tally;
use super::targets::AppLevel;
use super::{RETRY_TIME, Targets};
use crate::catalog::{Acceptance, Release, Version};
use crate::fleet::devices::{Device, DeviceState};
use crate::fleet::{Departed, Devices, PerApp, Sighting, Watch};
use crate::planner::desired::DevicePolicy;
use crate::planner::memory::{Memory, Rollout};
use crate::planner::window::{Opening, opening};
use crate::planner::{Desired, words};

/// What became of a device, or what keeps it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DeviceVerdict {
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
    /// It was done, and runs something older again.
    FellBack,
    /// Nothing that it reports is a version: what it runs is not known.
    Unreadable,
    /// Silent since it was told to upgrade, beyond what is usual in its group.
    Lost,
    /// Released, and gone before it had moved: it is in the authority's list no more, or blocked, or deactivated.
    Missing,
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

impl DeviceVerdict {
    /// Every verdict.
    pub const ALL: [Self; 17] = [
        Self::Done,
        Self::Newer,
        Self::InFlight,
        Self::Pending,
        Self::Failed,
        Self::FellBack,
        Self::Unreadable,
        Self::Lost,
        Self::Missing,
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
            Self::FellBack => "FellBack",
            Self::Unreadable => "Unreadable",
            Self::Lost => "Lost",
            Self::Missing => "Missing",
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
    pub verdict: DeviceVerdict,
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

/// How many devices of a group are lost and missing, and since when the lost ones must have been silent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Losses {
    pub(super) lost: u64,
    pub(super) missing: u64,
    pub(super) silent_since: Timestamp,
}

impl Losses {
    pub(super) fn of(tally: &Tally) -> Self {
        Self { lost: tally.lost, missing: tally.missing, silent_since: tally.silent_since }
    }
}

/// Judges the devices of one listing.
pub struct Judge<'a> {
    release: Option<&'a Release>,
    targets: Option<&'a Targets>,
    examiner: Option<Examiner<'a>>,
    desired: &'a Desired,
    /// The rollouts that the devices are in, in the order of the groups; none where nothing is rolled out.
    rollouts: &'a [Rollout],
    watch: &'a Watch,
    /// Whether who left the list is missing, rather than gone for good.
    misses: bool,
    losses: Vec<Losses>,
    lost: Vec<Option<LostCut>>,
    live_since: Timestamp,
    /// What the release says of each app.
    acceptances: RefCell<PerApp<Acceptance>>,
}

/// What devices are judged by: what they follow, or will.
#[derive(Clone, Debug)]
pub struct Judged<'a> {
    release: Option<&'a Release>,
    targets: Option<Targets>,
}

impl<'a> Judged<'a> {
    /// By a release, as the spec takes it.
    pub fn by(release: Option<&'a Release>, desired: &Desired) -> Self {
        Self { release, targets: release.map(|release| Targets::of(release, &desired.devices)) }
    }
}

impl<'a> Judge<'a> {
    /// A judge of one listing to whom who is lost is under way, and nobody is missing.
    pub fn before_losses(
        devices: &Devices,
        judged: &'a Judged<'a>,
        desired: &'a Desired,
        memory: &'a Memory,
        watch: &'a Watch,
    ) -> Self {
        let groups = &desired.devices.groups;
        let (release, targets) = (judged.release, judged.targets.as_ref());
        let settled = memory.settled.as_ref().map(|settled| settled.release);
        // Ranks of another release, or groups that the rows were not matched by, say nothing about these rollouts.
        let is_rolled_out = settled.is_some()
            && release.map(|release| release.version) == settled
            && devices.arrangement == desired.devices.arrangement(settled)
            && memory.rollouts.len() == groups.len()
            && memory.rollouts.iter().zip(groups).all(|(rollout, group)| rollout.group == group.name);
        Self {
            release,
            targets,
            examiner: targets.map(|targets| Examiner::new(devices, targets, watch)),
            desired,
            rollouts: if is_rolled_out { &memory.rollouts[..] } else { &[] },
            watch,
            misses: memory.done.is_none(),
            losses: Vec::new(),
            lost: Vec::new(),
            live_since: desired.devices.live_since(devices),
            acceptances: RefCell::default(),
        }
    }

    /// The same, knowing how many of each group are lost and missing.
    pub(super) fn with_losses(mut self, devices: &Devices, losses: Vec<Losses>) -> Self {
        self.losses = losses;
        self.lost = self.lost_cuts(devices);
        self
    }

    /// What is known of each device.
    pub(super) fn examiner(&self) -> Option<&Examiner<'a>> {
        self.examiner.as_ref()
    }

    /// The release that devices are judged by.
    pub(super) fn release(&self) -> Option<&'a Release> {
        self.release
    }

    /// How they are to be brought along.
    pub(super) fn policy(&self) -> &'a DevicePolicy {
        &self.desired.devices
    }

    /// What was seen of them.
    pub(super) fn watch(&self) -> &'a Watch {
        self.watch
    }

    /// Whether who left the list is missing, rather than gone for good.
    pub(super) fn misses(&self) -> bool {
        self.misses
    }

    /// The rollouts that devices are in, in the order of the groups.
    pub(super) fn rollouts(&self) -> &'a [Rollout] {
        self.rollouts
    }

    /// The rollout of a group.
    pub(super) fn rollout_of(&self, group: u16) -> Option<&'a Rollout> {
        self.rollouts.get(usize::from(group))
    }

    /// Whether the spec exempts a device.
    pub(super) fn is_exempt(&self, device: &Device) -> bool {
        self.policy().exemption(device.guid).is_some()
    }

    /// Whether a device is not silent for so long that no gate counts it.
    pub(super) fn is_live(&self, device: &Device) -> bool {
        device.seen_since(self.live_since)
    }

    /// What devices are to run.
    pub fn targets(&self) -> Option<&Targets> {
        self.targets
    }

    /// How many devices were released and are in the list no more.
    pub fn missing(&self) -> u64 {
        self.losses.iter().map(|losses| losses.missing).sum()
    }

    /// Those of them that are known, as they were listed last; among them the ones that were blocked or deactivated.
    pub fn known_missing(&self) -> impl Iterator<Item = &Device> {
        self.watch.gone().filter(|gone| self.is_missing(gone)).map(|gone| gone.device)
    }

    /// Whether a device that left is missing.
    pub(super) fn is_missing(&self, gone: &Departed<'_>) -> bool {
        let mut examined = self.examiner.iter().zip(self.rollout(gone.device));
        self.misses
            && self.desired.devices.exemption(gone.device.guid).is_none()
            && examined.any(|(examiner, rollout)| examiner.is_missing(rollout, gone))
    }

    /// Whether somebody blocked or deactivated a device that was released and had not moved.
    fn was_taken_out(&self, device: &Device) -> bool {
        self.watch.find_gone(device.guid).is_some_and(|gone| self.is_missing(&gone))
    }

    /// What was seen of the device in a row.
    fn sighting(&self, row: usize, device: &Device) -> Sighting {
        self.examiner.as_ref().map(|examiner| examiner.sighting(row, device)).unwrap_or_default()
    }

    /// The verdict on the device in a row.
    pub fn verdict(&self, row: usize, device: &Device) -> DeviceVerdict {
        if device.state != DeviceState::Active && self.was_taken_out(device) {
            return DeviceVerdict::Missing;
        }
        self.verdict_as_listed(row, device)
    }

    /// The same of one that somebody blocked or deactivated, whatever it was before.
    pub(super) fn verdict_as_listed(&self, row: usize, device: &Device) -> DeviceVerdict {
        match device.state {
            DeviceState::Blocked => return DeviceVerdict::Blocked,
            DeviceState::Deactivated => return DeviceVerdict::Deactivated,
            DeviceState::Active => {}
        }
        if self.is_exempt(device) {
            return DeviceVerdict::Exempt;
        }
        let (Some(targets), Some(version)) = (&self.targets, device.version) else {
            return if device.version.is_none() { DeviceVerdict::Unreadable } else { DeviceVerdict::Done };
        };
        if targets.is_mobile_behind(device) {
            return DeviceVerdict::Mobile;
        }
        if targets.level(device) == AppLevel::Current {
            let target = targets.target(device.product, device.os);
            return match (self.acceptance(device, version), target) {
                (Acceptance::Refused, target) if target != Some(version) => DeviceVerdict::Unsupported,
                (_, Some(target)) if version > target => DeviceVerdict::Newer,
                (_, _) => DeviceVerdict::Done,
            };
        }
        self.behind(device, &self.sighting(row, device))
    }

    fn behind(&self, device: &Device, sighting: &Sighting) -> DeviceVerdict {
        match self.evidence(device, sighting) {
            Some(Evidence::Failed { how: Failure::FellBack, .. }) => DeviceVerdict::FellBack,
            Some(Evidence::Failed { how: Failure::NotMoved, .. }) => DeviceVerdict::Failed,
            Some(Evidence::InFlight { .. }) if self.is_lost(device) => DeviceVerdict::Lost,
            Some(Evidence::InFlight { .. }) => DeviceVerdict::InFlight,
            Some(Evidence::Pending { .. }) => DeviceVerdict::Pending,
            Some(Evidence::Unreleased | Evidence::Done { .. }) | None => match self.group(device) {
                None => DeviceVerdict::Held,
                Some(group) if group.held => DeviceVerdict::Held,
                Some(_) if !self.is_live(device) => DeviceVerdict::Stale,
                Some(_) => DeviceVerdict::Waiting,
            },
        }
    }

    fn group(&self, device: &Device) -> Option<&'a crate::planner::desired::Group> {
        self.desired.devices.groups.get(usize::from(device.group))
    }

    pub(super) fn rollout(&self, device: &Device) -> Option<&'a Rollout> {
        self.rollout_of(device.group)
    }

    fn evidence(&self, device: &Device, sighting: &Sighting) -> Option<Evidence> {
        Some(self.examiner.as_ref()?.evidence(self.rollout(device)?, device, sighting))
    }

    fn is_lost(&self, device: &Device) -> bool {
        let place = LostCut { last_connected: device.last_connected, guid: device.guid };
        self.lost.get(usize::from(device.group)).copied().flatten().is_some_and(|cut| place <= cut)
    }

    fn acceptance(&self, device: &Device, version: Version) -> Acceptance {
        let Some(release) = self.release else { return Acceptance::Unknown };
        let accepted = || release.acceptance(device.product, device.os, version);
        *self.acceptances.borrow_mut().of((device.product, device.os, version), accepted)
    }

    /// The verdict on the device in a row, and everything that led to it.
    pub fn describe(&self, row: usize, device: &Device, now: Timestamp) -> Described {
        let verdict = self.verdict(row, device);
        self.described(verdict, device, &self.sighting(row, device), now)
    }

    /// The same of one that is missing.
    pub fn describe_missing(&self, device: &Device, now: Timestamp) -> Described {
        let sighting = self.watch.find_gone(device.guid).map(|gone| gone.sighting).unwrap_or_default();
        self.described(DeviceVerdict::Missing, device, &sighting, now)
    }

    fn described(
        &self,
        verdict: DeviceVerdict,
        device: &Device,
        sighting: &Sighting,
        now: Timestamp,
    ) -> Described {
        let rollout = self.rollout(device);
        let released_at = self.evidence(device, sighting).and_then(Evidence::released_at);
        let target = self.targets.as_ref().and_then(|targets| targets.target(device.product, device.os));
        let flagged_at =
            sighting.told_at.filter(|at| rollout.is_some_and(|rollout| *at >= rollout.started_at));
        let mut reason = self.reason(device, verdict, target, released_at);
        match verdict {
            DeviceVerdict::Waiting | DeviceVerdict::Pending => reason += &self.closed_window(now),
            DeviceVerdict::InFlight if flagged_at.is_none() => {
                reason += ", not told to upgrade by the process that answers";
                reason += &self.closed_window(now);
            }
            DeviceVerdict::InFlight
            | DeviceVerdict::Done
            | DeviceVerdict::Newer
            | DeviceVerdict::Failed
            | DeviceVerdict::FellBack
            | DeviceVerdict::Unreadable
            | DeviceVerdict::Lost
            | DeviceVerdict::Missing
            | DeviceVerdict::Held
            | DeviceVerdict::Unsupported
            | DeviceVerdict::Mobile
            | DeviceVerdict::Exempt
            | DeviceVerdict::Stale
            | DeviceVerdict::Blocked
            | DeviceVerdict::Deactivated => {}
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
        verdict: DeviceVerdict,
        target: Option<Version>,
        released_at: Option<Timestamp>,
    ) -> String {
        let release =
            self.release.map_or_else(|| "no release".to_owned(), |release| release.version.to_string());
        let app = format!("{} on {}", device.product, device.os);
        let at = device.version.map_or_else(|| "no version".to_owned(), |version| version.to_string());
        let target = target.map_or_else(|| "nothing".to_owned(), |target| target.to_string());
        let released = released_at.map_or_else(|| "never".to_owned(), words::past);
        let seen = match Timestamp::from_second(device.last_connected) {
            Ok(seen) if device.last_connected != i64::MIN => words::past(seen),
            Ok(_) | Err(_) => "never".to_owned(),
        };
        match verdict {
            DeviceVerdict::Done if target == "nothing" => format!("nothing is there for {app} to upgrade to"),
            DeviceVerdict::Done => format!("runs {at}, as it is to"),
            DeviceVerdict::Newer => format!("runs {at}, above {target}; nothing is moved down"),
            DeviceVerdict::InFlight => format!("released {released}, seen {seen}, not yet at {target}"),
            DeviceVerdict::Pending => format!("released {released}, last connected {seen}"),
            DeviceVerdict::Failed => {
                let minutes = RETRY_TIME.as_mins();
                format!("connected for more than {minutes} min since it was told to upgrade, still at {at}")
            }
            DeviceVerdict::FellBack => format!("ran something newer before, and is back at {at}"),
            DeviceVerdict::Unreadable => {
                format!("reports nothing that is a version; to run: {target}; seen {seen}")
            }
            DeviceVerdict::Missing => {
                let how = match device.state {
                    DeviceState::Active => "no longer in the authority's list",
                    DeviceState::Blocked => "blocked at the authority since",
                    DeviceState::Deactivated => "deactivated at the authority since",
                };
                format!("released {released}, and {how}; last at {at}, seen {seen}")
            }
            DeviceVerdict::Lost => {
                format!("told to upgrade {released}, silent since {seen}: beyond what is usual in its group")
            }
            DeviceVerdict::Waiting => self.why_waiting(device),
            DeviceVerdict::Held => match self.group(device) {
                None => "no group of the spec matches it".to_owned(),
                Some(group) => format!("the spec holds group {}", group.name),
            },
            DeviceVerdict::Unsupported => {
                format!("{release} does not accept {at} of {app}, and nothing can be pushed to it")
            }
            DeviceVerdict::Mobile => format!("below {target}; mobile apps come from app stores"),
            DeviceVerdict::Exempt => {
                let why = self.desired.devices.exemption(device.guid).unwrap_or_default();
                format!("the spec exempts it: {why}")
            }
            DeviceVerdict::Stale => format!("last connected {seen}; no gate counts it any more"),
            DeviceVerdict::Blocked => "blocked at the authority".to_owned(),
            DeviceVerdict::Deactivated => "deactivated at the authority".to_owned(),
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
                    device.rank, rollout.wave
                )
            }
        }
    }

    /// Of the silent devices of each group the last one that counts as lost.
    fn lost_cuts(&self, devices: &Devices) -> Vec<Option<LostCut>> {
        let groups = self.losses.iter().enumerate();
        groups.map(|(index, losses)| self.lost_cut(devices, index, losses)).collect()
    }

    fn lost_cut(&self, devices: &Devices, index: usize, losses: &Losses) -> Option<LostCut> {
        let lost = usize::try_from(losses.lost).ok()?.checked_sub(1)?;
        let rows = devices.rows().iter().enumerate();
        let mut silent: Vec<LostCut> = rows
            .filter(|(_, device)| {
                usize::from(device.group) == index
                    && device.state == DeviceState::Active
                    && !device.seen_since(losses.silent_since)
                    && self.desired.devices.exemption(device.guid).is_none()
            })
            .filter(|(row, device)| {
                let found = self.evidence(device, &self.sighting(*row, device));
                matches!(found, Some(Evidence::InFlight { .. }))
            })
            .map(|(_, device)| LostCut { last_connected: device.last_connected, guid: device.guid })
            .collect();
        if silent.is_empty() {
            return None;
        }
        let last = lost.min(silent.len() - 1);
        Some(*silent.select_nth_unstable(last).1)
    }
}
