//! Reading an authority, apart from deciding: one collector for each `CodeUpgrade`, so that no reconcile ever waits for a
//! listing and no slow authority holds up another.
//!
//! Input: how to reach the authority, and what the last decision wants to know. Output: immutable snapshots, and a
//! wake for the reconciler at each. Facts are never made up: what could not be read stays as it was, with its age,
//! and the failure beside it.
//!
//! What must never happen here: a decision, or a write to anything.

pub mod devices;
pub mod room;
mod servers;
pub mod session;

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{Mutex, watch};

use super::account::Accounts;
use super::clock::{self, Clock, Exchange, Offset};
use super::hosts::HostRules;
use super::metrics::Metrics;
use super::places::{self, Places};
use super::wake::Waker;
use crate::code42::{self, ClusterServerId};
use crate::fleet::{GroupRule, Guid};
use crate::observing::{Answer, Failure, Known, Listings, Pace, Readings, Subject};
use crate::planner::Wants;
use crate::planner::observed::{AccessFailure, Edition, SettingsFacts};
use devices::{Bounds, Purpose};
use room::{Room, Taken};
use session::{Connection, Session};

/// Account, Secret and certificate authority are read again this often, in real time.
const SOURCES_FOR: Duration = Duration::from_secs(60);

/// The same after a failure, or when the authority refused the credentials.
const DOUBTED_SOURCES_FOR: Duration = Duration::from_secs(1);

/// Reading the servers ends after this long, in real time, whatever their number: no answer of a whole list is slower.
const READING_FOR: Duration = Duration::from_secs(180);

/// Listing the devices ends after this long, in real time: a list that takes longer is older than what it is for.
const LISTING_FOR: Duration = Duration::from_secs(1_800);

/// Upgrade files that are read at once in the whole operator.
const DOWNLOADS_AT_ONCE: u16 = 4;

/// A download keeps its place for so long, in real time: a mirror that drips holds up nobody for longer.
const DOWNLOAD_KEPT_FOR: Duration = Duration::from_secs(600);

/// What a collector is asked.
#[derive(Clone, Debug, PartialEq)]
pub struct Ask {
    /// What the last decision wants to know.
    pub wants: Wants,
    /// The groups that take the devices.
    pub groups: Vec<GroupRule>,
}

/// What is known of an environment, and of how it is reached.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// What is known.
    pub known: Known,
    /// The room that its devices take up.
    pub room: Option<Arc<Taken>>,
    /// How far the authority's clock is from ours.
    pub authority_clock: Option<Offset>,
    /// Under which id the authority keeps its settings.
    pub settings_id: Option<ClusterServerId>,
}

impl Snapshot {
    /// Nothing known yet.
    pub fn nothing() -> Self {
        Self { known: Known::nothing(), room: None, authority_clock: None, settings_id: None }
    }
}

/// How much may be read at once in the whole operator.
#[derive(Debug)]
pub struct Limits {
    /// Places for reading servers and settings.
    readings: Places,
    /// Places for reading one page of devices.
    pages: Places,
    /// Places for reading upgrade files.
    pub files: Places,
    /// Room for the rows of all environments together.
    room: Room,
}

impl Limits {
    /// Limits with room for so many rows of devices.
    pub fn new(device_rows: usize) -> Self {
        Self {
            readings: Places::new(32, places::KEPT_FOR),
            pages: Places::new(8, places::KEPT_FOR),
            files: Places::new(DOWNLOADS_AT_ONCE, DOWNLOAD_KEPT_FOR),
            room: Room::of(device_rows),
        }
    }
}

/// What all collectors share.
pub struct Shared {
    /// The clock.
    pub clock: Clock,
    /// Who to act as.
    pub accounts: Arc<Accounts>,
    /// Who may be talked to.
    pub hosts: HostRules,
    /// How much at once.
    pub limits: Limits,
    /// What is counted.
    pub metrics: Metrics,
}

/// The collector of one environment.
pub struct Collector {
    shared: Arc<Shared>,
    connection: Connection,
    asks: watch::Receiver<Ask>,
    snapshots: watch::Sender<Arc<Snapshot>>,
    offer: watch::Sender<Option<code42::Client>>,
    waker: Waker,
    session: Mutex<Option<Opened>>,
}

/// How the last attempt to get to the authority ended, and how long that is believed.
struct Opened {
    outcome: Result<Session, Failure>,
    read_at: std::time::Instant,
    for_: Duration,
}

impl Collector {
    /// A collector that has read nothing. It offers the client by which it reads, for effects.
    pub fn new(
        shared: Arc<Shared>,
        connection: Connection,
        asks: watch::Receiver<Ask>,
        snapshots: watch::Sender<Arc<Snapshot>>,
        offer: watch::Sender<Option<code42::Client>>,
        waker: Waker,
    ) -> Self {
        Self { shared, connection, asks, snapshots, offer, waker, session: Mutex::default() }
    }

    /// Reads until it is dropped.
    pub async fn run(self) {
        // Together, not one after the other: a listing of devices may take minutes.
        futures::future::join(self.follow_servers(), self.follow_devices()).await;
    }

    async fn follow_servers(&self) {
        let mut asks = self.asks.clone();
        let mut readings = Readings::new(Pace::new(&self.waker.seed()));
        loop {
            let began = self.shared.clock.monotonic_now();
            let outcome = self.read_servers().await;
            self.conclude(Subject::Servers, &outcome);
            readings.note(began, &outcome);
            loop {
                let due = readings.due(&asks.borrow_and_update().wants);
                if self.wait(&mut asks, due).await == Waited::Due {
                    break;
                }
            }
        }
    }

    async fn follow_devices(&self) {
        let mut asks = self.asks.clone();
        let mut listings = Listings::new(Pace::new(&format!("{} devices", self.waker.seed())));
        loop {
            let ask = asks.borrow_and_update().clone();
            self.rank_as_wanted(&ask);
            let due = listings.due(&ask.wants);
            if due > self.shared.clock.monotonic_now() {
                self.wait(&mut asks, due).await;
                continue;
            }
            let began = self.shared.clock.monotonic_now();
            let outcome = self.read_devices(&ask).await;
            self.conclude(Subject::Devices, &outcome);
            listings.note(began, self.shared.clock.monotonic_now(), &ask.wants, &outcome);
            clock::sleep(clock::SHORTEST_POLL).await;
        }
    }

    /// Waits until something is due by the monotonic witness, or something else is asked.
    async fn wait(&self, asks: &mut watch::Receiver<Ask>, due: Timestamp) -> Waited {
        let left = due.duration_since(self.shared.clock.monotonic_now());
        let sleep = clock::sleep(self.shared.clock.poll_interval(left));
        tokio::select! {
            () = sleep => Waited::Due,
            changed = asks.changed() => match changed {
                Ok(()) => Waited::AskedAnew,
                // Nobody asks any more: the task is about to be dropped.
                Err(_) => futures::future::pending().await,
            },
        }
    }

    /// The client, made anew where its sources changed.
    async fn session(&self) -> Result<Session, Failure> {
        let mut opened = self.session.lock().await;
        if let Some(known) = &*opened
            && clock::instant().duration_since(known.read_at) < known.for_
        {
            return known.outcome.clone();
        }
        let known = opened.as_ref().and_then(|known| known.outcome.as_ref().ok());
        let outcome = session::open(&self.connection, &self.shared.accounts, &self.shared.hosts, known).await;
        let for_ = if outcome.is_ok() { SOURCES_FOR } else { DOUBTED_SOURCES_FOR };
        self.offer.send_replace(outcome.as_ref().ok().map(|session| session.authority.clone()));
        *opened = Some(Opened { outcome: outcome.clone(), read_at: clock::instant(), for_ });
        outcome
    }

    /// Has the sources read again soon.
    async fn doubt_session(&self) {
        if let Some(opened) = &mut *self.session.lock().await {
            opened.for_ = DOUBTED_SOURCES_FOR;
        }
    }

    async fn read_servers(&self) -> Result<(), Failure> {
        let session = self.session().await?;
        let reading = self.shared.limits.readings.take(self.read_servers_with(&session.authority));
        let outcome = within(READING_FOR, "servers and settings", reading).await;
        if outcome.as_ref().is_err_and(|failure| failure.kind == AccessFailure::Refused) {
            self.doubt_session().await;
        }
        outcome
    }

    async fn read_servers_with(&self, client: &code42::Client) -> Result<(), Failure> {
        let clock = &self.shared.clock;
        let before = self.snapshots.borrow().clone();
        let asked = clock::instant();
        let this = client.this_server().await.map_err(|error| Failure::from(&error))?;
        let authority_clock = authority_clock(before.authority_clock, clock.exchange(asked), &this);
        let listed = client.servers().await.map_err(|error| Failure::from(&error))?;
        let now = clock.monotonic_now();
        let guid = Guid(this.value.guid.to_string());
        let servers = servers::servers(&this.value, &listed.value, now)?;
        let edition = match before.known.edition_of(&guid) {
            Some(edition) => edition,
            None => edition(client).await,
        };
        let settings_id = this.value.cluster_server_id;
        let settings = self.read_settings(client, settings_id, this.utc_offset_seconds).await;
        self.snapshots.send_modify(|snapshot| {
            let snapshot = Arc::make_mut(snapshot);
            snapshot.known.take(Answer { at: now, authority: guid, edition, servers, settings });
            if snapshot.known.devices.is_none() {
                snapshot.room = None;
            }
            snapshot.authority_clock = authority_clock.or(snapshot.authority_clock);
            snapshot.settings_id = settings_id;
        });
        Ok(())
    }

    /// The settings; where they cannot be read the last ones stay, and become too old.
    async fn read_settings(
        &self,
        client: &code42::Client,
        id: Option<ClusterServerId>,
        utc_offset_seconds: Option<i32>,
    ) -> Option<SettingsFacts> {
        match client.server_settings(id?).await {
            Ok(answer) => {
                let offset = answer.utc_offset_seconds.or(utc_offset_seconds);
                Some(servers::settings(&answer.value, offset, self.shared.clock.monotonic_now()))
            }
            Err(error) => {
                tracing::warn!(object = %self.waker, %error, "the settings could not be read");
                None
            }
        }
    }

    async fn read_devices(&self, ask: &Ask) -> Result<(), Failure> {
        let session = self.session().await?;
        let purpose = Purpose {
            groups: &ask.groups,
            arrangement: ask.wants.arrangement,
            expected: self.snapshots.borrow().known.devices.as_ref().map_or(0, |devices| devices.len()),
        };
        let timer = clock::instant();
        let bounds = Bounds { pages: &self.shared.limits.pages, room: &self.shared.limits.room };
        let listing = devices::list(&session.authority, &self.shared.clock, purpose, bounds);
        let (listing, room) = within(LISTING_FOR, "the devices", listing).await?;
        self.shared.metrics.observe_listing(clock::instant().duration_since(timer));
        let oddities = listing.devices.oddities;
        if oddities != crate::fleet::devices::Oddities::default() {
            tracing::warn!(object = %self.waker, ?oddities, "the listing of devices was odd");
        }
        self.snapshots.send_modify(|snapshot| {
            let snapshot = Arc::make_mut(snapshot);
            snapshot.known.list(listing);
            snapshot.room = Some(Arc::new(room));
        });
        Ok(())
    }

    /// Gives the known devices the ranks of the wanted release.
    fn rank_as_wanted(&self, ask: &Ask) {
        let before = self.snapshots.borrow().clone();
        let Some(ranked) = before.known.ranked_for(ask.wants.arrangement.release) else { return };
        self.snapshots.send_modify(|snapshot| Arc::make_mut(snapshot).known.devices = Some(ranked));
        self.waker.wake();
    }

    /// Notes how a reading went and wakes the reconciler.
    fn conclude(&self, subject: Subject, outcome: &Result<(), Failure>) {
        let now = self.shared.clock.monotonic_now();
        let mut is_news = false;
        self.snapshots.send_modify(|snapshot| {
            is_news = Arc::make_mut(snapshot).known.note(subject, outcome, now);
        });
        if let (Err(failure), true) = (outcome, is_news) {
            tracing::warn!(object = %self.waker, reading = subject.name(), %failure, "the authority could not be read");
        }
        self.shared.metrics.count_reading(subject.name(), outcome.is_ok());
        self.waker.wake();
    }
}

/// What reading something gave, if it was over in time.
async fn within<T>(
    most: Duration,
    what: &str,
    reading: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    tokio::time::timeout(most, reading).await.unwrap_or_else(|_| {
        let minutes = most.as_secs() / 60;
        Err(Failure::new(AccessFailure::Unexpected, format!("reading {what} took longer than {minutes} min")))
    })
}

/// How a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Waited {
    Due,
    AskedAnew,
}

/// The authority's clock, where an answer shows it. A `Date` header alone may be anybody's.
fn authority_clock<T>(
    before: Option<Offset>,
    exchange: Exchange,
    answer: &code42::Answer<T>,
) -> Option<Offset> {
    let shown = answer.authority_time.filter(|shown| Some(*shown) != answer.date)?;
    Some(Offset::proven(before, exchange, shown, shown))
}

/// The edition, where the server says it; later versions do not.
async fn edition(client: &code42::Client) -> Edition {
    match client.server_environment().await {
        Ok(answer) => match answer.value.enterprise {
            Some(true) => Edition::Enterprise,
            Some(false) => Edition::Other,
            None => Edition::Unstated,
        },
        Err(_) => Edition::Unstated,
    }
}
