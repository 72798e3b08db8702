//! Who is connected, and since and until when: a function of time between two changes of the world.

use super::counts::{Counts, NOBODY, ServerCounts};
use super::{AUTHORITY, World, instant};
use crate::catalog::Acceptance;
use crate::fleet::DeviceState;
use crate::simulator::chance::Purpose;
use crate::simulator::device::{Device, Presumed};
use crate::simulator::scenario::Behaviour;
use crate::simulator::server::Server;

/// A device is back at its authority after 1 to 15 minutes (FACTS.md, device-retry).
const RECONNECT_SECONDS: std::ops::RangeInclusive<i64> = 60..=900;

/// Storage finds its authority again within a minute or two. Not on record.
const STORAGE_RECONNECT_SECONDS: std::ops::RangeInclusive<i64> = 20..=90;

/// One device in so many backs up at any moment. Not on record.
const BACKING_UP: u64 = 3;

/// Whether a device is connected to its authority, and until when that stays so if nothing happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Connection {
    Connected { since: i64, until: i64 },
    Away { until: i64 },
}

impl World {
    pub(super) fn second(&self) -> i64 {
        self.now.as_second()
    }

    /// The instant from which a device can be connected, if the world lets it at all.
    fn reachable_from(&self, device: &Device) -> Option<i64> {
        let authority = &self.servers[AUTHORITY];
        let release = authority.serving()?;
        if device.state != DeviceState::Active || device.presumed == Presumed::Gone {
            return None;
        }
        let refused = self.catalog.release(release).is_some_and(|release| {
            release.acceptance(device.product, device.os, device.runs) == Acceptance::Refused
        });
        if refused {
            return None;
        }
        let jitter = |purpose, nth| self.seed.within(purpose, device.id.0, nth, &RECONNECT_SECONDS);
        let after_server = jitter(Purpose::ReconnectAfterServer, authority.starts);
        let after_install = jitter(Purpose::ReconnectAfterInstall, device.app_starts);
        Some(
            authority
                .reachable_since
                .saturating_add(after_server)
                .max(device.app_since.saturating_add(after_install)),
        )
    }

    pub(super) fn connection(&self, device: &Device) -> Connection {
        let now = self.second();
        let Some(reachable) = self.reachable_from(device) else {
            return Connection::Away { until: i64::MAX };
        };
        let Some(stay) = device.presence.stays_after(self.seed, self.utc_offset, now).next() else {
            return Connection::Away { until: crate::simulator::presence::Presence::horizon_after(now) };
        };
        let from = stay.from.max(reachable);
        if now >= from {
            Connection::Connected { since: from, until: stay.until }
        } else {
            Connection::Away { until: from.min(stay.until) }
        }
    }

    /// The next instant, not before `from`, at which a device will be connected if nothing happens.
    pub(super) fn next_connected(&self, device: &Device, from: i64) -> Option<i64> {
        let reachable = self.reachable_from(device)?;
        device
            .presence
            .stays_after(self.seed, self.utc_offset, from)
            .map(|stay| (stay.from.max(reachable).max(from), stay.until))
            .find(|(connected, until)| connected < until)
            .map(|(connected, _)| connected)
    }

    /// When a device was last connected; `i64::MIN` for never.
    pub(super) fn last_connected(&self, device: &Device) -> i64 {
        let now = self.second();
        let Some(reachable) = self.reachable_from(device) else { return device.last_connected };
        device
            .presence
            .stays_before(self.seed, self.utc_offset, now.saturating_add(1))
            .take_while(|stay| stay.until > device.settled_at)
            .map(|stay| (stay.from.max(reachable), stay.until.min(now)))
            .find(|(from, until)| from <= until)
            .map_or(device.last_connected, |(_, until)| until.max(device.last_connected))
    }

    /// Writes down when a device was last connected. To be called before anything changes on which that depends.
    pub(super) fn settle(&mut self, index: usize) {
        let Some(device) = self.devices[index].as_ref() else { return };
        let last_connected = self.last_connected(device);
        let now = self.second();
        if let Some(device) = self.devices[index].as_mut() {
            device.last_connected = last_connected;
            device.settled_at = now;
        }
        self.changed();
    }

    pub(super) fn settle_all(&mut self) {
        for index in 0..self.devices.len() {
            self.settle(index);
        }
    }

    /// As [`World::settle`], for a device of which nothing is written down yet.
    pub(super) fn settle_at_beginning(&mut self, index: usize) {
        self.settle(index);
        let now = self.second();
        let seed = self.seed;
        let Some(device) = self.devices[index].as_mut() else { return };
        if device.behaviour == Behaviour::Silent || device.state != DeviceState::Active {
            let days = seed.within(Purpose::SilentFor, device.id.0, 0, &(60..=400));
            device.last_connected = now - days * 86_400;
        }
    }

    /// Whether storage is connected to its authority.
    pub(super) fn storage_online(&self, server: &Server) -> bool {
        self.storage_connects_at(server).is_some_and(|at| self.second() >= at)
    }

    /// The second from which on a storage server is connected to its authority; `None` while one of the two does not run.
    fn storage_connects_at(&self, server: &Server) -> Option<i64> {
        let authority = &self.servers[AUTHORITY];
        server.serving().and(authority.serving())?;
        let nth = authority.starts.wrapping_mul(1_000).wrapping_add(server.starts);
        let jitter = self.seed.within(
            Purpose::StorageReconnect,
            u64::from(server.id.0),
            nth,
            &STORAGE_RECONNECT_SECONDS,
        );
        Some(server.reachable_since.max(authority.reachable_since).saturating_add(jitter))
    }

    /// When the next storage server will be connected to its authority again.
    pub(super) fn next_connection(&self) -> Option<jiff::Timestamp> {
        let storage = self.servers.iter().enumerate().filter(|(index, _)| *index != AUTHORITY);
        let connections = storage.filter_map(|(_, server)| self.storage_connects_at(server));
        connections.filter(|at| *at > self.second()).min().map(instant)
    }

    /// Whether a server takes backups: it is at exactly its authority's version (FACTS.md, version-conflict).
    fn takes_backups(&self, index: usize) -> bool {
        let authority = &self.servers[AUTHORITY];
        let server = &self.servers[index];
        match index {
            AUTHORITY => authority.serving().is_some(),
            _ => self.storage_online(server) && server.serving() == authority.serving(),
        }
    }

    /// Counts, kept for as long as they hold.
    pub(super) fn counts(&self) -> std::cell::Ref<'_, Counts> {
        let now = self.second();
        let holds = |counts: &Counts| counts.from <= now && now < counts.until;
        if !self.counts.borrow().as_ref().is_some_and(holds) {
            *self.counts.borrow_mut() = Some(self.count());
        }
        std::cell::Ref::map(self.counts.borrow(), |counts| counts.as_ref().unwrap_or(&NOBODY))
    }

    fn count(&self) -> Counts {
        let now = self.second();
        let takes: Vec<bool> = (0..self.servers.len()).map(|index| self.takes_backups(index)).collect();
        let mut counts =
            Counts { from: now, until: i64::MAX, servers: vec![ServerCounts::default(); self.servers.len()] };
        for device in self.devices.iter().flatten() {
            let server = &mut counts.servers[device.home];
            if device.state == DeviceState::Active {
                server.devices += 1;
            }
            match self.connection(device) {
                Connection::Connected { until, .. } => {
                    counts.until = counts.until.min(until);
                    if takes[device.home] {
                        server.online += 1;
                        let backs_up =
                            self.seed.draw(Purpose::BacksUp, device.id.0, 0).is_multiple_of(BACKING_UP);
                        server.sessions += u32::from(backs_up);
                    }
                }
                Connection::Away { until } => counts.until = counts.until.min(until),
            }
        }
        // Storage comes back without an event: until it is settled, look again each second.
        let settling =
            |server: &Server| server.reachable_since.saturating_add(*STORAGE_RECONNECT_SECONDS.end()) > now;
        if self.servers.iter().any(settling) {
            counts.until = now + 1;
        }
        counts
    }
}

/// As [`instant`], for an instant that may be "never".
pub(super) fn instant_or_never(second: i64) -> Option<jiff::Timestamp> {
    (second != i64::MIN).then(|| instant(second))
}
