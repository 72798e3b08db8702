//! Statuses from decisions: what lasts, what is quiet, and how large they get.

use jiff::{SignedDuration, Timestamp};

use super::bounded::MAX_TEXT;
use super::*;
use crate::catalog::Version;
use crate::fleet::{Guid, Rank, Wave};
use crate::planner::desired::{AtOnce, ImageFrom, WorkloadRef};
use crate::planner::memory::{
    Baseline, Done, HookRound, Hop, HopGrounds, HopServer, Mark, Means, Rollout, ServerBaseline, Settled,
    Wait, WaitEvidence, WorkloadMeans,
};
use crate::planner::report::{
    ConditionName, Gate, GateName, GroupReport, GroupState, Phase, ServerReport, ServerState, Verdict,
};
use crate::planner::{Memory, Reason, Wants};

fn at(minutes: i64) -> Timestamp {
    "2026-11-26T03:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_mins(minutes)
}

fn version(text: &str) -> Version {
    text.parse().unwrap()
}

fn decision(phase: Phase, message: &str) -> Decision {
    let report = Report {
        phase,
        reason: Reason::Upgrading,
        message: message.to_owned(),
        mend: None,
        until: None,
        at: Some(version("4.2.3.1")),
        target: Some(version("4.3.5.3")),
        servers_current: 1,
        servers_total: 2,
        asks: Vec::new(),
        gates: vec![Gate { name: GateName::Wait, verdict: Verdict::Pass }],
        now: None,
        servers: vec![server(1, ServerState::Current), server(2, ServerState::Pending)],
        files: Vec::new(),
        backups_interrupted: None,
        devices: DevicesReport {
            known: true,
            judged: true,
            total: 40_000,
            done: 4_120,
            ..DevicesReport::default()
        },
        plan: Vec::new(),
        available: Vec::new(),
        held_images: Vec::new(),
        conditions: vec![ready(Truth::False, message)],
    };
    Decision {
        steps: Vec::new(),
        memory: Memory::default(),
        report,
        events: Vec::new(),
        wants: Wants {
            servers_every: SignedDuration::from_mins(1),
            devices_every: SignedDuration::from_mins(30),
            devices_since: None,
            arrangement: crate::fleet::Arrangement::new([], None),
            trial: None,
        },
        files: Vec::new(),
        wake_at: None,
        telling: crate::planner::Telling::Tell,
    }
}

fn ready(truth: Truth, message: &str) -> ConditionReport {
    ConditionReport { name: ConditionName::Ready, truth, reason: "Upgrading", message: message.to_owned() }
}

fn guid(number: usize) -> Guid {
    Guid(format!("6006241935491{number:05}"))
}

fn server(number: usize, state: ServerState) -> ServerReport {
    ServerReport {
        guid: guid(number),
        name: format!("storage-{number:03}").as_str().into(),
        role: ServerRole::Storage,
        version: Some(version("4.2.3.1")),
        online: true,
        state,
        since: Some(at(0)),
    }
}

fn hop(servers: usize) -> Hop {
    let server = |number: usize| HopServer {
        guid: guid(number),
        name: format!("storage-{number:03}").as_str().into(),
        role: ServerRole::Storage,
        means: Means::Workload(WorkloadMeans {
            workload: WorkloadRef::stateful_set(&format!("code42-storage-{number:03}")),
            container: "server".into(),
            image: format!("registry.example/code42-server@sha256:{}", "0".repeat(64)),
            ordered_image: Some(format!("registry.example/code42-server@sha256:{}", "0".repeat(64))),
            image_from: ImageFrom::Git,
        }),
        ordered_at: Some(at(0)),
        carried_out_at: Some(at(1)),
        uncounted_seconds: 1,
        settled_at: Some(at(8)),
        seen_at: Some(at(8)),
        verified_at: Some(at(10)),
        hooks: None,
    };
    Hop {
        approved_by: Some("0".repeat(36)),
        unseen_since: Some(at(0)),
        from: version("4.2.3.1"),
        to: version("4.3.5.3"),
        started_at: at(0),
        adopted: false,
        grounds: HopGrounds::default(),
        at_once: AtOnce::default(),
        accepted_risks: vec!["NoBackup".into()],
        servers: (0..servers).map(server).collect(),
    }
}

#[test]
fn a_status_says_what_was_decided() {
    let status = status(None, &decision(Phase::Upgrading, "storage-01 restarts"), Some(3), at(0));
    assert_eq!((status.phase.as_str(), status.reason.as_str()), ("Upgrading", "Upgrading"));
    assert_eq!(status.columns.servers.as_deref(), Some("1/2"));
    assert_eq!(status.columns.devices.as_deref(), Some("4120/40000"));
    let mut unjudged = decision(Phase::Observing, "observing");
    unjudged.report.devices.judged = false;
    let columns = super::status(None, &unjudged, Some(3), at(0)).columns;
    assert_eq!(columns.devices.as_deref(), Some("-/40000"));
    assert_eq!(status.versions.storage, Some(version("4.2.3.1")));
    assert_eq!((status.observed_generation, status.counts_at), (Some(3), Some(at(0))));
    let text = serde_json::to_string(&status).unwrap();
    assert_eq!(serde_json::from_str::<CodeUpgradeStatus>(&text).unwrap(), status, "it survives a round trip");
}

#[test]
fn devices_are_absent_before_the_first_listing() {
    let mut unknown = decision(Phase::Checking, "reading");
    unknown.report.devices = DevicesReport::default();
    let status = status(None, &unknown, None, at(0));
    assert_eq!((status.devices, status.columns.devices), (None, None));
}

#[test]
fn in_a_frozen_world_nothing_is_worth_a_write() {
    let decided = decision(Phase::Done, "4.3.5.3 on all 2 servers");
    let first = status(None, &decided, Some(1), at(0));
    for minutes in [1, 59, 60, 10_000] {
        let again = status(Some(&first), &decided, Some(1), at(minutes));
        assert_eq!(again, first);
        assert!(!worth_writing(Some(&first), &again, at(minutes)), "after {minutes} min");
    }
    assert!(worth_writing(None, &first, at(0)));
}

#[test]
fn counts_are_written_seldom_and_transitions_at_once() {
    let count = |phase, done: u64| {
        let mut decided = decision(phase, &format!("{done} of 40000 devices done"));
        decided.report.devices.done = done;
        decided
    };
    for (phase, pause) in [(Phase::RollingOut, 5), (Phase::Done, 60)] {
        let first = status(None, &count(phase, 10), Some(1), at(0));
        let more = |minutes| status(Some(&first), &count(phase, 11), Some(1), at(minutes));
        assert!(!worth_writing(Some(&first), &more(pause - 1), at(pause - 1)), "{phase:?}");
        assert!(worth_writing(Some(&first), &more(pause), at(pause)), "{phase:?}");
        let mut flipped = count(phase, 11);
        flipped.report.conditions = vec![ready(Truth::True, "")];
        assert!(worth_writing(Some(&first), &status(Some(&first), &flipped, Some(1), at(1)), at(1)));
        let edited = status(Some(&first), &count(phase, 10), Some(2), at(1));
        assert!(worth_writing(Some(&first), &edited, at(1)), "a new generation is seen at once");
        let mut remembered = count(phase, 10);
        remembered.memory.consumed_orders.push("u".into());
        let remembered = status(Some(&first), &remembered, Some(1), at(1));
        assert!(
            worth_writing(Some(&first), &remembered, at(1)),
            "what is remembered is written before it is acted on"
        );
        let said = status(Some(&first), &decision(phase, "group it is halted"), Some(1), at(1));
        assert!(worth_writing(Some(&first), &said, at(1)), "another sentence is another thing");
    }
}

#[test]
fn an_end_that_moves_with_the_clock_is_no_transition() {
    let ending = |minutes| {
        let mut decided = decision(Phase::Waiting, "waiting until 2026-11-27 03:00 UTC");
        decided.report.until = Some(at(minutes));
        decided
    };
    let first = status(None, &ending(1_000), Some(1), at(0));
    let moved = |by: i64, now: i64| {
        worth_writing(Some(&first), &status(Some(&first), &ending(1_000 + by), Some(1), at(now)), at(now))
    };
    assert!(!moved(30, 30));
    assert!(moved(60, 60), "hourly, as counts");
    assert!(moved(61, 1), "a jump is told at once");
}

#[test]
fn the_transition_time_is_when_the_status_flipped() {
    let first = status(None, &decision(Phase::Upgrading, "one"), Some(1), at(0));
    let second = status(Some(&first), &decision(Phase::Upgrading, "two"), Some(1), at(5));
    assert_eq!(second.conditions[0].last_transition_time.0, at(0));
    assert_eq!(second.conditions[0].message, "two");
}

#[test]
fn a_finished_hop_becomes_history_once() {
    let mut during = decision(Phase::Upgrading, "upgrading");
    let mut known = hop(3);
    known.grounds.approved_by = Some("jane".into());
    for (server, (begun, verified)) in
        known.servers.iter_mut().zip([(0, Some(9)), (10, Some(12)), (12, None)])
    {
        (server.carried_out_at, server.settled_at) = (Some(at(begun)), Some(at(begun + 1)));
        server.verified_at = verified.map(at);
    }
    let last = known.servers[2].name.0.clone();
    during.memory.hop = Some(known);
    let mut after = decision(Phase::Waiting, "waiting");
    after.memory.settled = Some(Settled::new(version("4.3.5.3"), at(40), []));
    let first = status(None, &during, Some(1), at(0));
    assert_eq!(first.history, []);
    let second = status(Some(&first), &after, Some(1), at(40));
    let [entry] = &second.history[..] else { panic!("one entry") };
    assert_eq!((entry.from, entry.to), (version("4.2.3.1"), version("4.3.5.3")));
    assert_eq!((entry.started_at, entry.finished_at, entry.servers), (at(0), at(40), 3));
    assert_eq!(entry.accepted_risks, ["NoBackup"]);
    assert_eq!(entry.grounds.approved_by.as_deref(), Some("jane"));
    let slowest =
        entry.slowest.as_ref().map(|slowest| (slowest.name.as_str(), slowest.begun_at, slowest.settled_at));
    assert_eq!(
        slowest,
        Some((last.as_str(), at(12), Some(at(13)))),
        "the last is verified by what ends the hop"
    );
    let third = status(Some(&second), &after, Some(1), at(41));
    assert_eq!(third.history, second.history);
}

#[test]
fn a_hop_that_was_given_up_or_restored_away_is_no_history() {
    let mut during = decision(Phase::Upgrading, "upgrading");
    during.memory.hop = Some(hop(3));
    let first = status(None, &during, Some(1), at(0));
    let mut after = decision(Phase::Stalled, "restored");
    for settled in [None, Some(Settled::new(version("4.2.3.1"), at(40), []))] {
        after.memory.settled = settled;
        assert_eq!(status(Some(&first), &after, Some(1), at(40)).history, []);
    }
}

#[test]
fn history_keeps_the_newest_twenty() {
    let mut known = status(None, &decision(Phase::Done, "done"), Some(1), at(0));
    for round in 0..25 {
        let mut during = decision(Phase::Upgrading, "upgrading");
        during.memory.hop = Some(Hop { started_at: at(round * 100), ..hop(1) });
        known = status(Some(&known), &during, Some(1), at(round * 100));
        let mut after = decision(Phase::Done, "done");
        after.memory.settled = Some(Settled::new(version("4.3.5.3"), at(round * 100 + 40), []));
        known = status(Some(&known), &after, Some(1), at(round * 100 + 40));
    }
    let starts: Vec<Timestamp> = known.history.iter().map(|entry| entry.started_at).collect();
    assert_eq!(starts, (5..25).rev().map(|round| at(round * 100)).collect::<Vec<_>>());
}

#[test]
fn what_was_proven_is_closed_when_it_ends_and_kept() {
    let mut done = decision(Phase::Done, "done");
    done.memory.done = Some(Done { release: version("4.3.5.3"), at: at(10), lapsed_at: None });
    let first = status(None, &done, Some(1), at(10));
    let second = status(Some(&first), &done, Some(1), at(20));
    let [entry] = &second.proven[..] else { panic!("one entry") };
    assert_eq!((entry.since, entry.until, entry.devices), (at(10), None, 4_120));
    let left = status(Some(&second), &decision(Phase::Upgrading, "on"), Some(2), at(30));
    assert_eq!(left.proven[0].until, Some(at(30)));
    done.memory.done = Some(Done { release: version("4.3.5.3"), at: at(90), lapsed_at: None });
    let again = status(Some(&left), &done, Some(2), at(90));
    assert_eq!(again.proven.iter().map(|entry| entry.until).collect::<Vec<_>>(), [None, Some(at(30))]);
}

#[test]
fn what_is_not_so_any_more_proves_nothing() {
    let release = version("4.3.5.3");
    let mut done = decision(Phase::Done, "done");
    done.memory.done = Some(Done { release, at: at(10), lapsed_at: None });
    done.memory.settled = Some(Settled::new(release, at(0), []));
    let first = status(None, &done, Some(1), at(10));
    let mut lapsed = done.clone();
    lapsed.memory.done = Some(Done { release, at: at(10), lapsed_at: Some(at(100)) });
    let second = status(Some(&first), &lapsed, Some(1), at(100));
    assert_eq!(second.proven, []);
    done.memory.done = Some(Done { release, at: at(40), lapsed_at: None });
    let third = status(Some(&second), &done, Some(1), at(130));
    assert_eq!((third.proven[0].since, third.proven[0].until), (at(40), None));
    let mut restored = done.clone();
    restored.memory.done = None;
    restored.memory.settled = Some(Settled::new(version("4.2.3.1"), at(200), []));
    assert_eq!(status(Some(&third), &restored, Some(1), at(200)).proven, []);
}

#[test]
fn texts_from_outside_are_bounded() {
    let mut decided = decision(Phase::Stalled, &"x".repeat(100_000));
    decided.report.mend = Some("ü".repeat(100_000));
    let status = status(None, &decided, None, at(0));
    assert_eq!(status.message.chars().count(), MAX_TEXT);
    assert!(serde_json::to_string(&status).unwrap().len() < 5_000);
}

#[test]
fn servers_that_are_as_wanted_are_left_out_first() {
    let mut decided = decision(Phase::Upgrading, "upgrading");
    let state = |number| if number == 200 { ServerState::Failing } else { ServerState::Current };
    decided.report.servers = (0..257).map(|number| server(number, state(number))).collect();
    let status = status(None, &decided, None, at(0));
    assert_eq!((status.servers.len(), status.servers_left_out), (100, 157));
    assert_eq!(status.servers.iter().filter(|server| server.state == "Failing").count(), 1);
}

#[test]
fn a_status_stays_below_64_kib_in_a_rollout_to_any_number_of_devices() {
    let mut decided = decision(Phase::RollingOut, "rolling out");
    decided.report.servers = (0..33).map(|number| server(number, ServerState::Upgrading)).collect();
    decided.report.devices.groups = (0..32)
        .map(|number| GroupReport {
            name: format!("group-with-a-name-that-is-rather-long-{number:02}"),
            total: 10_000_000,
            done: 1_234_567,
            in_flight: 200,
            pending: 7_654_321,
            waiting: 7_654_321,
            failed: 12_345,
            lost: 12_345,
            missing: 12_345,
            wave: Some(Wave::at(9)),
            waves: 10,
            state: GroupState::Releasing,
            since: Some(at(0)),
        })
        .collect();
    decided.report.gates = vec![];
    let mark = |minute| Mark { threshold: Rank::LAST, at: at(minute) };
    decided.memory.rollouts = (0..32)
        .map(|number| Rollout {
            group: format!("group-with-a-name-that-is-rather-long-{number:02}"),
            id: "0123456789abcdef".into(),
            started_at: at(0),
            wave: Wave::at(9),
            waves: Some("01234567".into()),
            cut_short: false,
            limit: Rank::LAST,
            threshold: Some(Rank::LAST),
            marks: (0..16).map(mark).collect(),
            first: None,
            wave_opened_at: Some(at(1)),
            wave_completed_at: Some(at(1)),
            completed_at: Some(at(1)),
            halted_at: None,
            halted_by: None,
            halted_by_hook: None,
            hooks: Some(HookRound { wave: Wave::at(9), attempt: 99, again_at: Some(at(1)) }),
            done_at_opening: Some(9_999_999),
            counted: None,
            sample: std::collections::BTreeMap::new(),
            teller: Some(at(1)),
            told_anew: 9,
        })
        .collect();
    let release = version("4.3.5.3");
    let servers = (0..33).map(guid).collect::<Vec<_>>();
    decided.memory.settled = Some(Settled::new(release, at(0), &servers));
    let baseline =
        |guid: &Guid| ServerBaseline { guid: guid.clone(), online_devices: 1_000, backup_sessions: 100 };
    let servers = servers.iter().map(baseline).collect();
    decided.memory.baseline =
        Some(Baseline { release, finished_at: Some(at(0)), servers, back_at: Some(at(0)) });
    let evidence = WaitEvidence::Completed;
    decided.memory.wait =
        Some(Wait { release, started_at: at(0), evidence, down_seconds: 0, down_since: None, resets: 0 });
    let size = serde_json::to_string(&status(None, &decided, Some(1), at(0))).unwrap().len();
    assert!(size < 65_536, "{size} bytes");
}

/// As many servers as the definition allows, all of them on their way at once, before the groups of devices follow.
#[test]
fn a_status_stays_below_64_kib_in_a_hop_of_as_many_servers_as_there_may_be() {
    for (ordered, verified) in [(true, false), (true, true), (false, false)] {
        let mut decided = decision(Phase::Upgrading, "upgrading");
        decided.report.servers = (0..257).map(|number| server(number, ServerState::Upgrading)).collect();
        let mut hop = hop(257);
        for entry in &mut hop.servers {
            entry.ordered_at = entry.ordered_at.filter(|_| ordered);
            entry.carried_out_at = entry.carried_out_at.filter(|_| ordered);
            entry.verified_at = entry.verified_at.filter(|_| verified);
            if verified || !ordered {
                (entry.settled_at, entry.seen_at) = (None, None);
            }
            entry.uncounted_seconds = 0;
        }
        decided.memory.hop = Some(hop);
        let release = version("4.2.3.1");
        let servers = (0..257).map(guid).collect::<Vec<_>>();
        decided.memory.settled = Some(Settled::new(release, at(0), &servers));
        let baseline =
            |guid: &Guid| ServerBaseline { guid: guid.clone(), online_devices: 1_000, backup_sessions: 100 };
        let servers = servers.iter().map(baseline).collect();
        decided.memory.baseline = Some(Baseline { release, finished_at: None, servers, back_at: None });
        let status = status(None, &decided, Some(1), at(0));
        let text = serde_json::to_string(&status).unwrap();
        assert!(text.len() < 65_536, "{} bytes with {} servers", text.len(), status.servers.len());
        assert!(!status.servers.is_empty(), "those on their way are told");
        assert_eq!(serde_json::from_str::<CodeUpgradeStatus>(&text).unwrap(), status);
    }
}
