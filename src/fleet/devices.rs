//! All devices of an environment as compact columns: what decisions need of each, and nothing else.
//!
//! About 40 bytes a device. Names are not kept; they are fetched when somebody asks.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{App, Arrangement, Rank};
use crate::catalog::{Os, Product, Version};

/// Whether a device takes part at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum DeviceState {
    /// It may connect and be upgraded.
    Active,
    /// Somebody blocked it.
    Blocked,
    /// It was deactivated.
    Deactivated,
}

/// One device, as a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Device {
    /// The vendor's guid: decimal digits that fit 64 bits in every recorded answer.
    pub guid: u64,
    /// The id by which the authority takes orders about it.
    pub computer_id: u64,
    /// Its app.
    pub product: Product,
    /// Its operating system.
    pub os: Os,
    /// The version it runs; `None` where it reports nothing that is one.
    pub version: Option<Version>,
    /// Whether it takes part.
    pub state: DeviceState,
    /// When it was last connected, in seconds since 1970; `i64::MIN` for never.
    pub last_connected: i64,
    /// Its organisation's id.
    pub organisation: u32,
    /// The group that it belongs to: an index into the wanted groups, or [`UNMATCHED`](super::groups::UNMATCHED).
    pub group: u16,
    /// Its place in the rollout of the release that the listing was made for.
    pub rank: Rank,
}

impl Device {
    /// Its app, operating system and version, if that can be read.
    pub fn app(&self) -> Option<App> {
        Some((self.product, self.os, self.version?))
    }

    /// Whether it was connected at or after an instant.
    pub fn seen_since(&self, instant: Timestamp) -> bool {
        self.last_connected >= instant.as_second()
    }
}

/// What was odd about a listing. Told, never guessed over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Oddities {
    /// Records that appeared twice, which happens when a page shifts while paging; the later row counts.
    pub duplicates: u32,
    /// Rows without a usable guid, id, product or version. Where only the version is missing, the device has a row here all the
    /// same.
    pub unreadable: u32,
    /// Devices that are not in the list although the authority counted them, and those that may have slipped between two
    /// pages when others left while it was listed.
    pub missing: u32,
}

impl Oddities {
    /// Devices that may be there and are not known: what they run, nobody can say.
    pub fn unaccounted(self) -> u64 {
        u64::from(self.unreadable) + u64::from(self.missing)
    }
}

/// About so many rows are on a page.
const ROWS_OF_A_PAGE: u64 = 500;

/// One complete listing.
#[derive(Clone, Debug, PartialEq)]
pub struct Devices {
    /// When the listing began, by the monotonic clock: it knows nothing of what changed later.
    pub began: Timestamp,
    /// When its last page was read.
    pub finished: Timestamp,
    /// How the rows are arranged.
    pub arrangement: Arrangement,
    /// What was odd about it.
    pub oddities: Oddities,
    /// Rows without a version that can be read.
    versionless: u64,
    /// The groups that have some of them.
    groups: BTreeSet<u16>,
    rows: Box<[Device]>,
}

impl Devices {
    /// All rows, sorted by guid.
    pub fn rows(&self) -> &[Device] {
        &self.rows
    }

    /// How many devices there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Whether it is all, as far as the authority's own count tells: none is missing, but for one on each page of a fleet that
    /// changes while it is listed.
    pub fn is_whole(&self) -> bool {
        u64::from(self.oddities.missing) <= self.rows.len() as u64 / ROWS_OF_A_PAGE
    }

    /// Devices that may be there and have no row.
    pub fn without_row(&self) -> u64 {
        self.oddities.unaccounted().saturating_sub(self.versionless)
    }

    /// Whether a group has any of them.
    pub fn are_in(&self, group: usize) -> bool {
        u16::try_from(group).is_ok_and(|group| self.groups.contains(&group))
    }

    /// The row of the device with this guid.
    pub fn row_of(&self, guid: u64) -> Option<usize> {
        self.rows.binary_search_by_key(&guid, |device| device.guid).ok()
    }

    /// The device with this guid.
    pub fn find(&self, guid: u64) -> Option<&Device> {
        self.row_of(guid).map(|row| &self.rows[row])
    }
}

/// Gathers a listing page by page.
#[derive(Debug)]
pub struct DevicesBuilder {
    began: Timestamp,
    arrangement: Arrangement,
    unreadable: u32,
    /// Those among them that have a row.
    versionless: u32,
    totals: Option<(u64, u64)>,
    rows: Vec<Device>,
}

impl DevicesBuilder {
    /// Starts a listing, with room for as many devices as the last one had. The rows pushed must be arranged so.
    pub fn new(began: Timestamp, arrangement: Arrangement, expected: usize) -> Self {
        let rows = Vec::with_capacity(expected);
        Self { began, arrangement, unreadable: 0, versionless: 0, totals: None, rows }
    }

    /// Adds a device. One without a version that can be read is counted as such.
    pub fn push(&mut self, device: Device) {
        if device.version.is_none() {
            self.count_unreadable();
            self.versionless = self.versionless.saturating_add(1);
        }
        self.rows.push(device);
    }

    /// Counts a row that could not be read.
    pub fn count_unreadable(&mut self) {
        self.unreadable = self.unreadable.saturating_add(1);
    }

    /// Notes how many devices the authority says there are; each page says it anew.
    pub fn note_total(&mut self, total: u64) {
        self.totals = Some((self.totals.map_or(total, |(first, _)| first), total));
    }

    /// Ends the listing.
    pub fn finish(mut self, finished: Timestamp) -> Devices {
        let before = self.rows.len();
        // Stable, so that of two rows about one record, which happens when a page shifts, the later stays last.
        self.rows.sort_by_key(|device| (device.guid, device.computer_id));
        keep_last(&mut self.rows, |device| (device.guid, device.computer_id));
        let records = self.rows.len();
        // Of several records under one guid, as of a computer that was installed anew, the one that takes part and was connected last.
        let standing = |device: &Device| (device.state == DeviceState::Active, device.last_connected);
        self.rows.sort_by_key(|device| (device.guid, standing(device), device.computer_id));
        keep_last(&mut self.rows, |device| device.guid);
        let duplicates = u32::try_from(before - records).unwrap_or(u32::MAX);
        let known = records as u64 + u64::from(self.unreadable - self.versionless);
        let missing = self.totals.map_or(0, |(first, last)| {
            // When a device leaves, every later row moves up by one, and the first of the next page is never read.
            let slipped = first.saturating_sub(last);
            last.saturating_sub(known).max(slipped)
        });
        let groups = self.rows.iter().map(|device| device.group).collect();
        let versionless = self.rows.iter().filter(|device| device.version.is_none()).count() as u64;
        Devices {
            began: self.began,
            finished,
            arrangement: self.arrangement,
            oddities: Oddities {
                duplicates,
                unreadable: self.unreadable,
                missing: u32::try_from(missing).unwrap_or(u32::MAX),
            },
            versionless,
            groups,
            rows: self.rows.into_boxed_slice(),
        }
    }
}

/// Of rows that have the same key and stand together, keeps the last.
fn keep_last<Key: PartialEq>(rows: &mut Vec<Device>, key: impl Fn(&Device) -> Key) {
    rows.reverse();
    rows.dedup_by_key(|device| key(device));
    rows.reverse();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device(guid: u64, version: &str) -> Device {
        Device {
            guid,
            computer_id: guid,
            product: Product::CrashPlan,
            os: Os::Linux,
            version: version.parse().ok(),
            state: DeviceState::Active,
            last_connected: 0,
            organisation: 1,
            group: 0,
            rank: Rank(guid),
        }
    }

    #[test]
    fn a_page_that_shifted_is_noticed_and_the_later_row_counts() {
        let now = Timestamp::UNIX_EPOCH;
        let mut builder = DevicesBuilder::new(now, Arrangement::new([], None), 0);
        for row in [device(2, "4.2"), device(1, "4.2"), device(2, "4.3")] {
            builder.push(row);
        }
        builder.count_unreadable();
        builder.note_total(4);
        let devices = builder.finish(now);
        assert_eq!(devices.len(), 2);
        assert_eq!(devices.find(2).unwrap().version, "4.3".parse().ok());
        assert_eq!(devices.oddities, Oddities { duplicates: 1, unreadable: 1, missing: 1 });
        assert_eq!(devices.oddities.unaccounted(), 2);
    }

    #[test]
    fn of_two_records_under_one_guid_the_living_one_counts() {
        let now = Timestamp::UNIX_EPOCH;
        let record = |computer_id, state, last_connected, version| Device {
            computer_id,
            state,
            last_connected,
            ..device(7, version)
        };
        for records in [
            [record(1, DeviceState::Deactivated, 900, "4.2"), record(2, DeviceState::Active, 100, "4.3")],
            [record(2, DeviceState::Active, 100, "4.3"), record(1, DeviceState::Deactivated, 900, "4.2")],
            [record(1, DeviceState::Active, 50, "4.2"), record(2, DeviceState::Active, 100, "4.3")],
        ] {
            let mut builder = DevicesBuilder::new(now, Arrangement::new([], None), 0);
            for record in records {
                builder.push(record);
            }
            builder.note_total(2);
            let devices = builder.finish(now);
            assert_eq!((devices.len(), devices.find(7).unwrap().computer_id), (1, 2));
            assert_eq!(devices.oddities, Oddities::default(), "nothing is odd about it");
        }
    }

    #[test]
    fn a_device_without_a_version_has_a_row_and_is_counted_once() {
        let now = Timestamp::UNIX_EPOCH;
        let mut builder = DevicesBuilder::new(now, Arrangement::new([], None), 0);
        builder.push(device(1, "4.2"));
        builder.push(device(2, "new"));
        builder.count_unreadable();
        builder.note_total(3);
        let devices = builder.finish(now);
        assert_eq!((devices.len(), devices.find(2).unwrap().app()), (2, None));
        assert_eq!(devices.oddities, Oddities { duplicates: 0, unreadable: 2, missing: 0 });
        assert_eq!((devices.oddities.unaccounted(), devices.without_row()), (2, 1));
    }

    #[test]
    fn what_may_have_slipped_between_two_pages_is_counted() {
        for (totals, known, missing) in [
            (vec![3, 3], 3, 0),
            (vec![], 3, 0),
            // One more than was read.
            (vec![4, 4], 3, 1),
            // One left in the middle: another may have slipped.
            (vec![4, 3], 3, 1),
            // One joined in the middle, and is in the list.
            (vec![3, 4], 4, 0),
            (vec![u64::MAX], 0, u32::MAX),
        ] {
            let now = Timestamp::UNIX_EPOCH;
            let mut builder = DevicesBuilder::new(now, Arrangement::new([], None), 0);
            (0..known).for_each(|guid| builder.push(device(guid, "4.2")));
            for total in &totals {
                builder.note_total(*total);
            }
            assert_eq!(builder.finish(now).oddities.missing, missing, "{totals:?}");
        }
    }

    #[test]
    fn a_row_is_small() {
        assert!(size_of::<Device>() <= 56, "{} bytes", size_of::<Device>());
    }
}
