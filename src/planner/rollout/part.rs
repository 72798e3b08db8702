//! A few hundred devices of one group, side by side by rank, counted by everything that is asked of them at a look.

use jiff::Timestamp;

use super::evidence::{Evidence, Examiner, is_of_open_wave, released_at};
use super::overview::Overview;
use super::silence::{Horizon, Silence};
use super::tally::Tally;
use super::verdict::Judge;
use crate::fleet::Devices;
use crate::fleet::devices::{Device, DeviceState};

/// What some devices are, added up.
#[derive(Clone, Debug)]
pub(super) struct Part {
    /// By what is known of them in their rollout, as far as it adds up over parts.
    pub(super) tally: Tally,
    /// How silent they are.
    pub(super) silence: Silence,
    /// By verdict, lost ones as under way: who is lost is told by all of a group.
    pub(super) overview: Overview,
    /// Those that a wave counts.
    pub(super) movable: u64,
    /// Those below what the release bundles that take part.
    pub(super) behind: u64,
    /// When the last of those was connected that may be told to upgrade as soon as they are released; `i64::MIN` where there is none.
    pub(super) tellable_connected: i64,
    /// Those under way that may be lost.
    pub(super) silent: Vec<Silent>,
    /// Until when those that this process told may be upgrading, in seconds since 1970.
    pub(super) under_way_until: Vec<i64>,
    /// When those were last connected that an earlier process may have told.
    pub(super) perhaps_told: Vec<i64>,
}

/// A device under way that is silent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Silent {
    pub(super) last_connected: i64,
    pub(super) guid: u64,
    /// Whether its version can be read: otherwise that is what is said of it.
    pub(super) is_readable: bool,
}

impl Default for Part {
    fn default() -> Self {
        Self {
            tally: Tally::default(),
            silence: Silence::default(),
            overview: Overview::default(),
            movable: 0,
            behind: 0,
            tellable_connected: i64::MIN,
            silent: Vec::new(),
            under_way_until: Vec::new(),
            perhaps_told: Vec::new(),
        }
    }
}

impl Part {
    /// Counts the devices in some rows of a listing.
    pub(super) fn count(devices: &Devices, rows: impl Iterator<Item = usize>, judge: &Judge<'_>) -> Self {
        let mut part = Self::default();
        let horizon = Horizon::at(devices.finished);
        for row in rows {
            let device = &devices.rows()[row];
            part.overview.count(judge, device, judge.verdict_as_listed(row, device));
            if let Some(examiner) = judge.examiner() {
                part.examine(judge, examiner, row, device, horizon);
            }
        }
        part
    }

    fn examine(
        &mut self,
        judge: &Judge<'_>,
        examiner: &Examiner<'_>,
        row: usize,
        device: &Device,
        horizon: Horizon,
    ) {
        let sighting = examiner.sighting(row, device);
        let until = examiner.under_way_until(device, &sighting);
        self.under_way_until.extend(until.map(Timestamp::as_second));
        let Some(rollout) = judge.rollout(device).filter(|_| device.state == DeviceState::Active) else {
            return;
        };
        let is_of_wave = released_at(rollout, device).is_some_and(|at| is_of_open_wave(rollout, at));
        self.tally.wave_listed += u64::from(is_of_wave);
        self.tally.wave_new += u64::from(is_of_wave && sighting.is_new);
        if judge.is_exempt(device) {
            return;
        }
        let found = examiner.evidence(rollout, device, &sighting);
        self.tally.count(device, found, is_of_wave);
        let is_behind = !matches!(found, Evidence::Done { .. }) && device.version.is_some();
        self.tally.awaited += u64::from(is_behind && judge.is_live(device));
        self.silence.count(device, found, horizon);
        if matches!(found, Evidence::InFlight { .. }) && Silence::is_silent(device, horizon) {
            self.silent.push(Silent {
                last_connected: device.last_connected,
                guid: device.guid,
                is_readable: device.version.is_some(),
            });
        }
        if examiner.was_perhaps_told(rollout, device, &sighting) {
            self.perhaps_told.push(device.last_connected);
        }
        self.movable += u64::from(examiner.is_movable(rollout, device));
        if examiner.targets().is_behind(device) {
            self.behind += 1;
            if examiner.may_be_told_once_released(rollout, device, &sighting) {
                self.tellable_connected = self.tellable_connected.max(device.last_connected);
            }
        }
    }

    /// How many of those that this process told may be upgrading at an instant.
    pub(super) fn under_way(&self, now: Timestamp) -> u64 {
        self.under_way_until.iter().filter(|until| **until > now.as_second()).count() as u64
    }

    /// How many were connected since an instant of those that an earlier process may have told.
    pub(super) fn perhaps_under_way(&self, since: Timestamp) -> u64 {
        self.perhaps_told.iter().filter(|connected| **connected >= since.as_second()).count() as u64
    }
}
