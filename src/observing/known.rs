//! What is known of an environment. Facts are never made up: what could not be read stays as it was, with its age.

use std::sync::Arc;

use jiff::Timestamp;

use super::failures::{Failure, Subject, access_after};
use super::listings::Listing;
use crate::catalog::Version;
use crate::fleet::devices::Device;
use crate::fleet::{Arrangement, Devices, DevicesBuilder, Guid, Rank, Server};
use crate::planner::Desired;
use crate::planner::desired::Problem;
use crate::planner::observed::{Access, AuthorityFacts, Edition, ServersFacts, SettingsFacts};

/// What is known.
#[derive(Clone, Debug)]
pub struct Known {
    /// How the last attempt to read the servers went.
    pub access: Access,
    /// How the last attempt to list the devices went, which says nothing of the servers.
    pub listing: Access,
    /// Who the authority is.
    pub authority: Option<AuthorityFacts>,
    /// The servers, as last listed.
    pub servers: Option<ServersFacts>,
    /// The settings, as last read.
    pub settings: Option<SettingsFacts>,
    /// The devices, as last listed.
    pub devices: Option<Arc<Devices>>,
    /// What is wrong with the groups that the devices were matched by.
    group_problems: Vec<Problem>,
}

/// What an authority said of itself, its servers and its settings.
#[derive(Clone, Debug)]
pub struct Answer {
    /// When.
    pub at: Timestamp,
    /// Who it is.
    pub authority: Guid,
    /// Its edition.
    pub edition: Edition,
    /// The servers that it listed, in any order, each as if it was never seen before.
    pub servers: Vec<Server>,
    /// Its settings, where they could be read.
    pub settings: Option<SettingsFacts>,
}

impl Known {
    /// Nothing yet.
    pub fn nothing() -> Self {
        Self {
            access: Access::NotYet,
            listing: Access::NotYet,
            authority: None,
            servers: None,
            settings: None,
            devices: None,
            group_problems: Vec::new(),
        }
    }

    /// The edition of an authority, where it is known and need not be asked for again.
    pub fn edition_of(&self, authority: &Guid) -> Option<Edition> {
        let known = self.authority.as_ref().filter(|known| known.guid == *authority)?;
        (known.edition != Edition::Unstated).then_some(known.edition)
    }

    /// Notes how an attempt to read went; says whether that is news. What kept the servers from being read kept the devices
    /// from being listed as well: when it is over for them, the last listing says nothing of how the next one goes.
    pub fn note<T>(&mut self, subject: Subject, outcome: &Result<T, Failure>, now: Timestamp) -> bool {
        let is_over = subject == Subject::Servers && outcome.is_ok();
        if is_over && self.access.failure().is_some() && self.access.failure() == self.listing.failure() {
            self.listing = if self.devices.is_some() { Access::Good } else { Access::NotYet };
        }
        let access = match subject {
            Subject::Servers => &mut self.access,
            Subject::Devices => &mut self.listing,
        };
        let before = std::mem::replace(access, Access::NotYet);
        *access = access_after(&before, outcome, now);
        *access != before
    }

    /// Takes over what the authority said; each server keeps the evidence that it had. Facts about another authority say
    /// nothing any more.
    pub fn take(&mut self, answer: Answer) {
        let Answer { at, authority, edition, mut servers, settings } = answer;
        if self.authority.as_ref().is_some_and(|known| known.guid != authority) {
            self.listing = Access::NotYet;
            self.devices = None;
            self.settings = None;
        }
        let before = self.servers.take().map_or_else(Vec::new, |servers| servers.list);
        servers.sort_by(|one, other| one.guid.cmp(&other.guid));
        for server in &mut servers {
            server.continue_streak(before.iter().find(|before| before.guid == server.guid), at);
        }
        self.authority = Some(AuthorityFacts { read_at: at, guid: authority, edition });
        self.servers = Some(ServersFacts { read_at: at, list: servers });
        self.settings = settings.or(self.settings);
    }

    /// Takes over a listing of devices.
    pub fn list(&mut self, listing: Listing) {
        self.devices = Some(Arc::new(listing.devices));
        self.group_problems = listing.unresolved.into_iter().map(Problem::of_group).collect();
    }

    /// The known devices with the ranks of a release; `None` where they have them.
    pub fn ranked_for(&self, release: Option<Version>) -> Option<Arc<Devices>> {
        let devices = self.devices.as_ref().filter(|devices| devices.arrangement.release != release)?;
        Some(Arc::new(ranked(devices, release)))
    }

    /// What is wrong with the groups of a spec, which shows only where the organisations are known: told of these groups
    /// alone.
    pub fn group_problems(&self, desired: &Desired) -> Vec<Problem> {
        let listed_by = self.devices.as_ref().map(|devices| devices.arrangement.groups);
        if listed_by == Some(desired.devices.arrangement(None).groups) {
            self.group_problems.clone()
        } else {
            Vec::new()
        }
    }
}

/// The same devices with the ranks of another release: a place in a rollout depends on nothing but guid and release.
fn ranked(devices: &Devices, release: Option<Version>) -> Devices {
    let arrangement = Arrangement { release, ..devices.arrangement };
    let mut builder = DevicesBuilder::new(devices.began, arrangement, devices.len());
    for device in devices.rows() {
        builder.push(Device { rank: Rank::in_rollout(device.guid, release), ..*device });
    }
    let mut ranked = builder.finish(devices.finished);
    ranked.oddities = devices.oddities;
    ranked
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::{Os, Product};
    use crate::fleet::{DeviceState, ServerRole, Streak};
    use crate::planner::observed::AccessFailure;

    fn second(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn answer(at: i64, authority: &str, settings: Option<SettingsFacts>) -> Answer {
        let server = |guid: &str, online| Server {
            guid: guid.into(),
            name: guid.into(),
            role: ServerRole::Storage,
            version: "4.2.3.1".parse().ok(),
            online,
            online_devices: 0,
            backup_sessions: 0,
            streak: Streak::begin(second(at)),
        };
        Answer {
            at: second(at),
            authority: authority.into(),
            edition: Edition::Enterprise,
            servers: vec![server("b", at % 2 == 0), server("a", true)],
            settings,
        }
    }

    fn listing() -> Listing {
        let arrangement = Arrangement { groups: 9, release: None };
        let mut builder = DevicesBuilder::new(second(0), arrangement, 1);
        builder.push(Device {
            guid: 600_624_121_205_752_065,
            computer_id: 7,
            product: Product::CrashPlan,
            os: Os::Windows,
            version: "4.2.0".parse().ok(),
            state: DeviceState::Active,
            last_connected: i64::MIN,
            organisation: 3,
            group: 0,
            rank: Rank::LAST,
        });
        builder.count_unreadable();
        Listing { devices: builder.finish(second(0)), unresolved: Vec::new() }
    }

    #[test]
    fn evidence_is_of_one_server_that_says_the_same() {
        let mut known = Known::nothing();
        known.take(answer(1, "authority", None));
        known.take(answer(2, "authority", None));
        let servers: Vec<(String, u32)> = known
            .servers
            .iter()
            .flat_map(|servers| &servers.list)
            .map(|server| (server.guid.0.clone(), server.streak.answers))
            .collect();
        assert_eq!(servers, [("a".to_owned(), 2), ("b".to_owned(), 1)]);
        assert_eq!(known.edition_of(&"authority".into()), Some(Edition::Enterprise));
        assert_eq!(known.edition_of(&"another".into()), None);
    }

    #[test]
    fn evidence_grows_with_every_answer_that_says_the_same() {
        let mut known = Known::nothing();
        for at in [0, 60, 120] {
            known.take(answer(at, "authority", None));
        }
        let streaks = |known: &Known| -> Vec<bool> {
            known
                .servers
                .iter()
                .flat_map(|facts| &facts.list)
                .map(|server| server.streak.verifies())
                .collect()
        };
        assert_eq!(streaks(&known), [true, true]);
        known.take(answer(181, "authority", None));
        assert_eq!(streaks(&known), [true, false]);
    }

    #[test]
    fn facts_about_another_authority_say_nothing() {
        let settings = SettingsFacts {
            read_at: second(1),
            device_auto_upgrade: crate::planner::observed::Switch::Off,
            server_auto_upgrade: crate::planner::observed::Switch::Off,
            daily_services: None,
            utc_offset_seconds: None,
        };
        let mut known = Known::nothing();
        known.take(answer(1, "authority", Some(settings)));
        known.list(listing());
        known.take(answer(2, "authority", None));
        assert!(known.settings.is_some() && known.devices.is_some());
        known.take(answer(3, "another", None));
        assert!(known.settings.is_none() && known.devices.is_none());
        assert_eq!(known.listing, Access::NotYet);
    }

    #[test]
    fn ranks_follow_the_release_without_another_listing() {
        let mut known = Known::nothing();
        let release = "4.3.5.3".parse().ok();
        assert_eq!(known.ranked_for(release), None);
        known.list(listing());
        let devices = known.ranked_for(release).unwrap();
        assert_eq!(devices.rows()[0].rank.to_string(), "8dbdc4dcebb57d8c");
        assert_eq!((devices.arrangement.groups, devices.oddities.unreadable), (9, 1));
        known.devices = Some(devices);
        assert_eq!(known.ranked_for(release), None);
    }

    #[test]
    fn what_is_over_for_the_servers_is_not_told_of_the_devices() {
        let fails = |kind| Err::<(), _>(Failure::new(kind, "fails"));
        for (servers, devices, expected) in [
            (AccessFailure::Unreachable, AccessFailure::Unreachable, Access::NotYet),
            (
                AccessFailure::Unreachable,
                AccessFailure::TooMuch,
                Access::Failed { failure: AccessFailure::TooMuch, message: "fails".into(), since: second(2) },
            ),
        ] {
            let mut known = Known::nothing();
            known.note(Subject::Servers, &fails(servers), second(1));
            known.note(Subject::Devices, &fails(devices), second(2));
            known.note(Subject::Servers, &Ok(()), second(3));
            assert_eq!((known.access, known.listing), (Access::Good, expected), "{devices:?}");
        }
    }

    #[test]
    fn what_fails_is_of_its_subject_alone_and_news_once() {
        let mut known = Known::nothing();
        let failure = || Failure::new(AccessFailure::Unreachable, "unreachable");
        let refused = || Failure::new(AccessFailure::Refused, "refused");
        assert!(known.note(Subject::Servers, &Err::<(), _>(failure()), second(1)));
        assert!(!known.note(Subject::Servers, &Err::<(), _>(failure()), second(2)));
        assert_eq!(known.listing, Access::NotYet);
        assert!(known.note(Subject::Servers, &Err::<(), _>(refused()), second(3)));
        assert!(known.note(Subject::Devices, &Ok(()), second(4)));
        assert!(matches!(known.access, Access::Failed { since, .. } if since == second(1)));
        assert_eq!(known.listing, Access::Good);
    }
}
