//! What one process saw of devices from listing to listing: how long each was connected, who left the list, who went back to an older
//! app, and who was told to upgrade.
//!
//! Input: complete listings, one after the other, and what was carried out between them. All of it is lost when the process ends, but
//! for what memory carries over. What must never happen here: time that is counted for a device which nobody saw, and a guess at what
//! became of one that is gone.
//!
//! Whether the authority moves `lastConnected` on while a device stays connected is not on record. Where it does not, no time is
//! counted, and nothing is held against a device.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::devices::{Device, DeviceState, Devices};
use super::{Rank, instants};

/// A device was online at a listing if it was connected this shortly before.
pub const ONLINE_WITHIN: SignedDuration = SignedDuration::from_mins(15);

/// Of two listings that are further apart nobody can say what was between them.
const LONGEST_GAP: SignedDuration = SignedDuration::from_hours(1);

/// Silent for this long when the process began: whoever was to be told to upgrade since has not been.
const AWAY_FOR: SignedDuration = SignedDuration::from_hours(24);

/// Devices that left the list are remembered for so long.
const GONE_FOR: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Most devices that left the list and are remembered, so that a list which is empty by mistake costs no memory.
const MOST_GONE: usize = 1 << 16;

/// Moments at which devices were told are kept this long.
const LATELY: SignedDuration = SignedDuration::from_mins(5);

/// What one process saw. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Watch {
    /// Since when it watches: what was before, nobody knows any more but memory.
    pub since: Timestamp,
    /// How long devices had been connected since they were told, as earlier processes saw it.
    carried: Arc<BTreeMap<Rank, SignedDuration>>,
    sight: Arc<Sight>,
    /// Who was told since the last listing began, in order.
    told: Vec<Told>,
    /// When devices were told lately.
    lately: Vec<Timestamp>,
    /// Since when no list has been a whole one.
    partial_since: Option<Timestamp>,
}

/// One order to a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Told {
    guid: u64,
    at: Timestamp,
}

/// What is known of the devices of one listing by those before it.
#[derive(Debug, Default)]
struct Sight {
    devices: Option<Arc<Devices>>,
    /// One entry for each row.
    seen: Box<[Seen]>,
    /// By guid.
    gone: Vec<Gone>,
}

/// What is known of one device. Eight bytes: there may be a million.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    /// When it was last told, rounded up; as long as it was not, when the first listing that names it began. In seconds since 1970.
    since: u32,
    /// For how many seconds it was connected since then, or else since it was first seen.
    connected: u16,
    /// How often it was told.
    tells: u8,
    marks: u8,
}

/// It runs something older than it did, and was not told since.
const FELL_BACK: u8 = 1;
/// It came after the first listing.
const NEW: u8 = 2;
/// It was silent for a day at the first listing.
const AWAY: u8 = 4;
/// It fell back once: what earlier processes saw of it is of another order.
const BEGAN_ANEW: u8 = 8;
/// Earlier processes left something about it.
const CARRIED: u8 = 16;

/// A device that came later, was never told and leaves sooner than this is not missed: nobody knows whether it was one of ours, or a
/// stranger on a wrong list.
const SETTLED_AFTER: SignedDuration = SignedDuration::from_hours(24);

/// A device that left the list.
#[derive(Clone, Copy, Debug)]
struct Gone {
    device: Device,
    seen: Seen,
    /// When the first listing without it began.
    at: Timestamp,
}

/// What is known of one device beside its row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sighting {
    /// When this process told it to upgrade, the last time.
    pub told_at: Option<Timestamp>,
    /// How often it did.
    pub tells: u8,
    /// How long it was seen connected since it was told, or since this process saw it first.
    pub connected: SignedDuration,
    /// How long earlier processes had seen it connected since they told it; `None` where memory knows of no such order.
    pub carried: Option<SignedDuration>,
    /// Whether it ran something newer before, and was not told since.
    pub fell_back: bool,
    /// Whether it came after the first listing of this process.
    pub is_new: bool,
    /// Whether it had been silent for a day at that listing: no earlier process has told it lately.
    pub was_away: bool,
}

impl Watch {
    /// Nothing seen yet, but what earlier processes left in memory.
    pub fn begin(since: Timestamp, carried: BTreeMap<Rank, SignedDuration>) -> Self {
        Self {
            since,
            carried: Arc::new(carried),
            sight: Arc::default(),
            told: Vec::new(),
            lately: Vec::new(),
            partial_since: None,
        }
    }

    /// Notes that a device was told to upgrade.
    pub fn note_told(&mut self, guid: u64, at: Timestamp) {
        self.told.push(Told { guid, at });
        self.lately.push(at);
    }

    /// How many devices were told after an instant, which must be a few minutes ago at most.
    pub fn told_after(&self, instant: Timestamp) -> u64 {
        self.lately.iter().filter(|at| **at > instant).count() as u64
    }

    /// Since when no list has been a whole one; `None` where the last one was.
    pub fn partial_since(&self) -> Option<Timestamp> {
        self.partial_since
    }

    /// Follows to the next listing. Does nothing with one that is known.
    pub fn follow(&mut self, devices: &Arc<Devices>) {
        if self.is_of(devices) {
            return;
        }
        let (mut told, later) = self.told.iter().partition::<Vec<Told>, _>(|told| told.at <= devices.began);
        told.sort_by_key(|told| (told.guid, told.at));
        self.told = later;
        self.partial_since =
            if devices.is_whole() { None } else { self.partial_since.or(Some(devices.began)) };
        self.lately.retain(|at| devices.began.duration_since(*at) < LATELY);
        self.sight = Arc::new(self.sight.next(devices, &told, &self.carried));
    }

    fn is_of(&self, devices: &Devices) -> bool {
        self.sight.devices.as_ref().is_some_and(|known| std::ptr::eq(Arc::as_ptr(known), devices))
    }

    /// Who was told since an earlier state of the same watch; `None` where it has followed to another listing since.
    pub fn told_beyond<'a>(&'a self, earlier: &Self) -> Option<impl Iterator<Item = u64> + use<'a>> {
        let is_same = self.since == earlier.since
            && Arc::ptr_eq(&self.sight, &earlier.sight)
            && Arc::ptr_eq(&self.carried, &earlier.carried);
        let beyond = self.told.strip_prefix(&earlier.told[..]).filter(|_| is_same)?;
        Some(beyond.iter().map(|told| told.guid))
    }

    /// What is known of the devices of a listing: of the one that was followed to, or else nothing but the orders since.
    pub fn sightings(&self, devices: &Devices) -> Sightings<'_> {
        let mut told = self.told.clone();
        told.sort_by_key(|told| (told.guid, told.at));
        let seen = if self.is_of(devices) { &self.sight.seen[..] } else { &[] };
        Sightings { seen, told, carried: &self.carried }
    }

    /// Devices that left the list, or take part no more, as they were listed last.
    pub fn gone(&self) -> impl Iterator<Item = Departed<'_>> {
        self.sight.gone.iter().map(|gone| self.departed(gone))
    }

    /// The device of this guid, if it left.
    pub fn find_gone(&self, guid: u64) -> Option<Departed<'_>> {
        let place = self.sight.gone.binary_search_by_key(&guid, |gone| gone.device.guid).ok()?;
        Some(self.departed(&self.sight.gone[place]))
    }

    fn departed<'a>(&'a self, gone: &'a Gone) -> Departed<'a> {
        let carried = self.carried.get(&gone.device.rank).copied();
        Departed { device: &gone.device, sighting: gone.seen.sighting(&[], carried), at: gone.at }
    }
}

/// A device that left the list, or that somebody blocked or deactivated.
#[derive(Clone, Copy, Debug)]
pub struct Departed<'a> {
    /// As it was listed last.
    pub device: &'a Device,
    /// What was seen of it.
    pub sighting: Sighting,
    /// When the first listing without it began.
    pub at: Timestamp,
}

/// What is known of the devices of one listing.
#[derive(Clone, Debug)]
pub struct Sightings<'a> {
    seen: &'a [Seen],
    /// By guid, then in order.
    told: Vec<Told>,
    carried: &'a BTreeMap<Rank, SignedDuration>,
}

impl Sightings<'_> {
    /// Of the device in a row of the listing.
    pub fn of(&self, row: usize, device: &Device) -> Sighting {
        let seen = self.seen.get(row).copied();
        // Looked up once a listing for each device, and here only where there is something.
        let is_carried = seen.is_none_or(|seen| seen.marks & CARRIED > 0);
        let carried = if is_carried { self.carried.get(&device.rank).copied() } else { None };
        seen.unwrap_or_default().sighting(orders_to(&self.told, device.guid), carried)
    }
}

/// The orders to one device, of some that are sorted by guid.
fn orders_to(told: &[Told], guid: u64) -> &[Told] {
    if told.is_empty() {
        return told;
    }
    let from = told.partition_point(|told| told.guid < guid);
    let many = told[from..].iter().take_while(|told| told.guid == guid).count();
    &told[from..from + many]
}

impl Seen {
    fn sighting(mut self, orders: &[Told], carried: Option<SignedDuration>) -> Sighting {
        self.note_orders(orders);
        Sighting {
            told_at: (self.tells > 0).then(|| Timestamp::from_second(self.since.into()).ok()).flatten(),
            tells: self.tells,
            connected: SignedDuration::from_secs(self.connected.into()),
            carried: carried.filter(|_| self.marks & BEGAN_ANEW == 0),
            fell_back: self.marks & FELL_BACK > 0,
            is_new: self.marks & NEW > 0,
            was_away: self.marks & AWAY > 0,
        }
    }

    /// Whether it came later, was never told, and has not been there for long.
    fn is_passing(self, now: Timestamp) -> bool {
        let listed_for = now.as_second().saturating_sub(self.since.into());
        self.marks & NEW > 0 && self.tells == 0 && listed_for < SETTLED_AFTER.as_secs()
    }

    /// Being told is a new beginning: of the clock, and for whoever fell back.
    fn note_orders(&mut self, orders: &[Told]) {
        let Some(last) = orders.last() else { return };
        // Rounded up, so that it is not before anything that was written down just before it.
        let second = last.at.as_second().saturating_add(i64::from(last.at.subsec_nanosecond() > 0));
        self.since = u32::try_from(second).unwrap_or(u32::MAX);
        self.tells = self.tells.saturating_add(u8::try_from(orders.len()).unwrap_or(u8::MAX));
        self.connected = 0;
        self.marks &= !FELL_BACK;
    }
}

impl Sight {
    /// What is known of the next listing.
    fn next(&self, devices: &Arc<Devices>, told: &[Told], carried: &BTreeMap<Rank, SignedDuration>) -> Self {
        let before = self.devices.as_deref();
        let rows = before.map_or(&[][..], Devices::rows);
        let known = rows.iter().zip(&self.seen).filter(|(device, _)| device.state == DeviceState::Active);
        let mut known = known.peekable();
        let mut gone = Vec::new();
        let mut leave = |(device, seen): (&Device, &Seen)| {
            if !seen.is_passing(devices.began) || !orders_to(told, device.guid).is_empty() {
                gone.push(Gone { device: *device, seen: *seen, at: devices.began });
            }
        };
        let mut seen = Vec::with_capacity(devices.len());
        for device in devices.rows() {
            if device.state != DeviceState::Active {
                // Whoever is blocked or deactivated takes part no more, as if it were gone.
                seen.push(Seen::default());
                continue;
            }
            while let Some(left) = known.next_if(|(was, _)| was.guid < device.guid) {
                leave(left);
            }
            let orders = orders_to(told, device.guid);
            let mut found = match (known.next_if(|(was, _)| was.guid == device.guid), before) {
                (Some((was, seen)), Some(before)) => seen.go_on(before, was, devices, device, orders),
                (_, before) => self.return_of(device, devices, before.is_some(), orders),
            };
            let is_carried = !carried.is_empty() && carried.contains_key(&device.rank);
            found.marks = (found.marks & !CARRIED) | if is_carried { CARRIED } else { 0 };
            seen.push(found);
        }
        known.for_each(leave);
        // Ranks of another release and groups of another spec say nothing about these.
        let is_alike = before.is_none_or(|before| before.arrangement == devices.arrangement);
        if !is_alike {
            return Self {
                devices: Some(Arc::clone(devices)),
                seen: seen.into_boxed_slice(),
                gone: Vec::new(),
            };
        }
        let is_still_gone = |gone: &&Gone| {
            let is_away =
                devices.find(gone.device.guid).is_none_or(|found| found.state != DeviceState::Active);
            is_away && devices.began.duration_since(gone.at) < GONE_FOR
        };
        gone.extend(self.gone.iter().filter(is_still_gone).copied());
        for gone in &mut gone {
            gone.seen.note_orders(orders_to(told, gone.device.guid));
        }
        gone.truncate(MOST_GONE);
        gone.sort_by_key(|gone| gone.device.guid);
        Self { devices: Some(Arc::clone(devices)), seen: seen.into_boxed_slice(), gone }
    }

    /// A device that was not in the listing before: it is new, or it comes back.
    fn return_of(&self, device: &Device, devices: &Devices, is_later: bool, orders: &[Told]) -> Seen {
        let gone = self.gone.binary_search_by_key(&device.guid, |gone| gone.device.guid);
        let first_named = || Seen {
            since: u32::try_from(devices.began.as_second()).unwrap_or_default(),
            ..Seen::default()
        };
        let mut seen = gone.map_or_else(|_| first_named(), |place| self.gone[place].seen);
        let day_before = instants::before(devices.began, AWAY_FOR);
        match gone {
            Ok(_) => {}
            Err(_) if is_later => seen.marks |= NEW,
            Err(_) if !device.seen_since(day_before) => seen.marks |= AWAY,
            Err(_) => {}
        }
        seen.note_orders(orders);
        seen
    }
}

impl Seen {
    /// The same device in the next listing.
    fn go_on(
        mut self,
        before: &Devices,
        was: &Device,
        devices: &Devices,
        device: &Device,
        orders: &[Told],
    ) -> Self {
        let mut connected = seconds_connected(before, was, devices, device);
        self.note_orders(orders);
        if let Some(last) = orders.last() {
            connected = connected.min(devices.began.duration_since(last.at).as_secs());
        }
        self.connected = self.connected.saturating_add(u16::try_from(connected.max(0)).unwrap_or(u16::MAX));
        if was.version.is_some() && device.version.is_some() && device.version < was.version {
            self.marks |= FELL_BACK | BEGAN_ANEW;
        }
        self
    }
}

/// How long a device was surely connected between two listings: it was online at both, and they are close to each other. Never longer
/// than what lies between them by the monotonic clock, nor than its own last connection moved on.
fn seconds_connected(before: &Devices, was: &Device, devices: &Devices, device: &Device) -> i64 {
    let gap = devices.began.duration_since(before.began);
    let is_online =
        |listed: &Devices, device: &Device| device.seen_since(instants::before(listed.began, ONLINE_WITHIN));
    if gap > LONGEST_GAP || !is_online(before, was) || !is_online(devices, device) {
        return 0;
    }
    device.last_connected.saturating_sub(was.last_connected).clamp(0, gap.as_secs().max(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::{Os, Product};
    use crate::fleet::{Arrangement, DevicesBuilder};

    const GUID: u64 = 7;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(1_456_819_200 + minute * 60).unwrap()
    }

    /// A listing of one device, last connected in that minute; or of none.
    fn listing(minute: i64, device: Option<(i64, &str)>) -> Arc<Devices> {
        let mut builder = DevicesBuilder::new(at(minute), Arrangement::new([], None), 0);
        if let Some((connected, version)) = device {
            builder.push(Device {
                guid: GUID,
                computer_id: GUID,
                product: Product::CrashPlan,
                os: Os::Linux,
                version: version.parse().ok(),
                state: DeviceState::Active,
                last_connected: at(connected).as_second(),
                organisation: 1,
                group: 0,
                rank: Rank(GUID),
            });
        }
        Arc::new(builder.finish(at(minute)))
    }

    fn watch(listings: &[(i64, Option<(i64, &str)>)]) -> (Watch, Arc<Devices>) {
        let mut watch = Watch::begin(at(0), BTreeMap::from([(Rank(GUID), SignedDuration::from_mins(50))]));
        let mut last = listing(0, None);
        for (minute, device) in listings {
            last = listing(*minute, *device);
            watch.follow(&last);
        }
        (watch, last)
    }

    fn seen(watch: &Watch, devices: &Devices) -> Sighting {
        watch.sightings(devices).of(0, &devices.rows()[0])
    }

    /// When lists were made and the device was connected last, and for how many minutes it was seen connected.
    #[test]
    fn connected_is_who_was_online_at_two_listings_in_a_row() {
        for (name, listings, minutes) in [
            ("seen once", &[(0, 0)][..], 0),
            ("online all the time", &[(0, 0), (5, 5), (10, 10), (15, 15)], 15),
            ("switched off after the second", &[(0, 0), (5, 5), (10, 5), (15, 5), (60, 5)], 5),
            ("off for the night", &[(0, 0), (5, 5), (10, 5), (600, 5), (605, 605), (610, 610)], 10),
            ("a nap between two listings", &[(0, 0), (5, 0), (10, 10)], 5),
            ("awake for a moment each hour", &[(0, 0), (30, 0), (60, 60), (90, 60), (120, 120)], 0),
            ("too long between the listings", &[(0, 0), (61, 61)], 0),
            ("an hour between them", &[(0, 0), (60, 60)], 60),
            ("the authority's clock jumps ahead", &[(0, 0), (5, 300)], 5),
            ("and back", &[(0, 300), (5, 5)], 0),
        ] {
            let listings: Vec<_> =
                listings.iter().map(|(minute, connected)| (*minute, Some((*connected, "4.2")))).collect();
            let (watch, devices) = watch(&listings);
            let found = seen(&watch, &devices);
            assert_eq!(found.connected, SignedDuration::from_mins(minutes), "{name}");
            assert_eq!(found.carried, Some(SignedDuration::from_mins(50)), "{name}");
        }
    }

    #[test]
    fn another_clock_measures_nothing() {
        let (mut watch, _) = watch(&[(0, Some((0, "4.2")))]);
        // By the authority's clock an hour has passed, by ours five minutes.
        let devices = listing(5, Some((65, "4.2")));
        watch.follow(&devices);
        assert_eq!(seen(&watch, &devices).connected, SignedDuration::from_mins(5));
    }

    #[test]
    fn being_told_begins_the_clock_anew() {
        let (mut watch, devices) = watch(&[(0, Some((0, "4.2"))), (5, Some((5, "4.2")))]);
        watch.note_told(GUID, at(8));
        assert_eq!((seen(&watch, &devices).tells, seen(&watch, &devices).connected.as_secs()), (1, 0));
        assert_eq!((watch.told_after(at(7)), watch.told_after(at(8))), (1, 0));
        let next = listing(10, Some((10, "4.2")));
        watch.follow(&next);
        let found = seen(&watch, &next);
        assert_eq!((found.told_at, found.tells), (Some(at(8)), 1));
        assert_eq!(found.connected, SignedDuration::from_mins(2), "what lies before it does not count");
        assert!(!found.is_new && !found.was_away);
    }

    /// An order that was given while the list was read is not in it.
    #[test]
    fn an_order_during_a_listing_counts_with_the_next() {
        let (mut watch, devices) = watch(&[(0, Some((0, "4.2")))]);
        watch.note_told(GUID, at(6));
        let next = listing(5, Some((5, "4.2")));
        watch.follow(&next);
        assert_eq!((seen(&watch, &next).told_at, seen(&watch, &devices).told_at), (Some(at(6)), Some(at(6))));
        let later = listing(10, Some((10, "4.2")));
        watch.follow(&later);
        assert_eq!(seen(&watch, &later).connected, SignedDuration::from_mins(4));
    }

    #[test]
    fn who_falls_back_is_known_until_it_is_told_again() {
        let listings =
            [(0, Some((0, "4.2"))), (5, Some((5, "4.3"))), (10, Some((10, "new"))), (15, Some((15, "4.3")))];
        let (mut watch, devices) = watch(&listings);
        assert!(!seen(&watch, &devices).fell_back, "what cannot be read is no older version");
        let back = listing(20, Some((20, "4.2")));
        watch.follow(&back);
        assert!(seen(&watch, &back).fell_back);
        watch.note_told(GUID, at(21));
        assert!(!seen(&watch, &back).fell_back);
    }

    #[test]
    fn who_leaves_the_list_is_remembered_until_it_returns() {
        let (mut watch, _) = watch(&[(0, Some((0, "4.2"))), (5, Some((5, "4.2"))), (10, None), (15, None)]);
        assert_eq!(
            watch.gone().map(|gone| (gone.device.guid, gone.sighting.connected.as_mins())).next(),
            Some((GUID, 5))
        );
        let back = listing(20, Some((20, "4.2")));
        watch.follow(&back);
        assert_eq!(watch.gone().count(), 0);
        let found = seen(&watch, &back);
        assert_eq!((found.connected.as_mins(), found.is_new), (5, false), "nobody saw it meanwhile");
    }

    #[test]
    fn who_came_later_and_leaves_within_a_day_is_missed_only_if_it_was_told() {
        let (stranger, _) = watch(&[(0, None), (5, Some((5, "4.2"))), (10, None)]);
        assert_eq!(stranger.gone().count(), 0);
        let (twice, _) = watch(&[(0, None), (5, Some((5, "4.2"))), (10, Some((10, "4.2"))), (15, None)]);
        assert_eq!(twice.gone().count(), 0);
        let (settled, _) =
            watch(&[(0, None), (5, Some((5, "4.2"))), (1445, Some((1445, "4.2"))), (1450, None)]);
        assert_eq!(settled.gone().count(), 1);
        let (at_first, _) = watch(&[(0, Some((0, "4.2"))), (5, None)]);
        assert_eq!(at_first.gone().count(), 1, "what was there when this process began counts");
        let (mut told, _) = watch(&[(0, None), (5, Some((5, "4.2")))]);
        told.note_told(GUID, at(6));
        told.follow(&listing(10, None));
        assert_eq!(told.gone().count(), 1);
    }

    #[test]
    fn who_comes_later_or_was_away_is_told_apart() {
        let (later, devices) = watch(&[(0, None), (5, Some((5, "4.2")))]);
        assert!(seen(&later, &devices).is_new);
        let (away, devices) = watch(&[(0, Some((-24 * 60 - 1, "4.2")))]);
        assert!(seen(&away, &devices).was_away);
        let (other, devices) = watch(&[(0, Some((-23 * 60, "4.2")))]);
        assert!(!seen(&other, &devices).was_away && !seen(&other, &devices).is_new);
    }
}
