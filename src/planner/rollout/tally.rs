//! The devices of one group, counted by what is known of them.

use std::ops::AddAssign;

use jiff::Timestamp;

use super::evidence::{Evidence, Failure};
use crate::fleet::devices::Device;

/// The devices of one group, counted by verdict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    /// All that take part, active and not exempt, and those that are missing.
    pub(super) total: u64,
    /// At what the release bundles, or above.
    pub(super) done: u64,
    /// Below it, or released and unreadable.
    pub(super) behind: u64,
    /// Of those, the released ones.
    pub(super) released_behind: u64,
    /// Released, seen since, not done, and neither failed nor lost.
    pub(super) in_flight: u64,
    /// Released and told, connected for longer since than its own retry takes, and still below.
    pub(super) failed: u64,
    /// Released, done once, and below it again.
    pub(super) fell_back: u64,
    /// Released and told, connected for longer since than its own retry takes, and nothing that it reports is a version.
    pub(super) unreadable: u64,
    /// Released, seen since, not done, and silent, beyond what is usual in the group.
    pub(super) lost: u64,
    /// Released, and in the list no more.
    pub(super) missing: u64,
    /// Of those, the ones that are silent beyond what is usual in the group.
    pub(super) missing_lost: u64,
    /// Released devices with a verdict: done, or one that counts as a failure.
    pub(super) verdicts: u64,
    /// Released devices that were seen since.
    pub(super) seen: u64,
    /// Of the devices that the open wave released, those that are not done; the missing ones included.
    pub(super) wave_behind: u64,
    /// Of the devices that the open wave released, those that were seen since; the missing ones included.
    pub(super) wave_seen: u64,
    /// Of those, the ones that are done.
    pub(super) wave_seen_done: u64,
    /// Devices of the list that the open wave has released, done or not; and those of them that came later than the first listing of
    /// this process.
    pub(super) wave_listed: u64,
    pub(super) wave_new: u64,
    /// Devices that the open wave released, and that left the list while this process watched.
    pub(super) wave_gone: u64,
    /// Below it, and not silent for so long that nobody awaits them.
    pub(super) awaited: u64,
    /// Devices that an earlier process may have told, and that may be upgrading now.
    pub(super) perhaps_under_way: u64,
    /// Devices in flight that were last connected before this may be lost.
    pub(super) silent_since: Timestamp,
}

impl AddAssign for Tally {
    /// Adds the counts; since when devices may be lost is told when all are counted.
    fn add_assign(&mut self, other: Self) {
        let Self {
            total,
            done,
            behind,
            released_behind,
            in_flight,
            failed,
            fell_back,
            unreadable,
            lost,
            missing,
            missing_lost,
            verdicts,
            seen,
            wave_behind,
            wave_seen,
            wave_seen_done,
            wave_listed,
            wave_new,
            wave_gone,
            awaited,
            perhaps_under_way,
            silent_since: _,
        } = other;
        self.total += total;
        self.done += done;
        self.behind += behind;
        self.released_behind += released_behind;
        self.in_flight += in_flight;
        self.failed += failed;
        self.fell_back += fell_back;
        self.unreadable += unreadable;
        self.lost += lost;
        self.missing += missing;
        self.missing_lost += missing_lost;
        self.verdicts += verdicts;
        self.seen += seen;
        self.wave_behind += wave_behind;
        self.wave_seen += wave_seen;
        self.wave_seen_done += wave_seen_done;
        self.wave_listed += wave_listed;
        self.wave_new += wave_new;
        self.wave_gone += wave_gone;
        self.awaited += awaited;
        self.perhaps_under_way += perhaps_under_way;
    }
}

impl Tally {
    /// Devices that count against what a group may lose.
    pub(super) fn failures(&self) -> u64 {
        self.failed + self.fell_back + self.unreadable + self.lost + self.missing_lost
    }

    /// Counts a device that takes part.
    pub(super) fn count(&mut self, device: &Device, found: Evidence, is_of_wave: bool) {
        self.total += 1;
        let is_readable = device.version.is_some();
        let is_done = matches!(found, Evidence::Done { .. });
        let released_at = found.released_at();
        self.done += u64::from(is_done);
        // What nobody has told to upgrade, and nobody can read, is no reason to open a wave.
        self.behind += u64::from(!is_done && (is_readable || released_at.is_some()));
        let Some(released_at) = released_at else { return };
        let seen = match found {
            Evidence::Unreleased | Evidence::Pending { .. } => false,
            Evidence::Done { .. } => device.seen_since(released_at),
            Evidence::InFlight { .. } | Evidence::Failed { .. } => true,
        };
        self.seen += u64::from(seen);
        self.released_behind += u64::from(!is_done);
        match found {
            Evidence::Unreleased | Evidence::Pending { .. } => {}
            Evidence::Done { .. } => self.verdicts += 1,
            Evidence::InFlight { .. } => self.in_flight += 1,
            Evidence::Failed { released_at: _, how } => {
                self.verdicts += 1;
                match (how, is_readable) {
                    (Failure::FellBack, _) => self.fell_back += 1,
                    (Failure::NotMoved, true) => self.failed += 1,
                    (Failure::NotMoved, false) => self.unreadable += 1,
                }
            }
        }
        if is_of_wave {
            self.wave_behind += u64::from(!is_done);
            self.wave_seen += u64::from(seen);
            self.wave_seen_done += u64::from(seen && is_done);
        }
    }
}
