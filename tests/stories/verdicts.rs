//! Every verdict on a device, with the words that a person reads.

use std::collections::BTreeMap;
use std::sync::Arc;

use codeupgrade::api::CodeUpgrade;
use codeupgrade::catalog::{Catalog, Os, Product, Version};
use codeupgrade::fleet::devices::{Device, DeviceState, Devices};
use codeupgrade::fleet::groups::UNMATCHED;
use codeupgrade::fleet::{Census, DevicesBuilder, Rank, Watch};
use codeupgrade::planner::memory::{Mark, Rollout, Settled};
use codeupgrade::planner::rollout::{DeviceVerdict, Judge, Judged, Surveys, overview};
use codeupgrade::planner::{Desired, Memory};
use codeupgrade::translate;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

const RELEASE: Version = Version::new([4, 3, 5, 3]);

/// Of a device in group `it`, released three days ago if its rank is below the middle.
const MIDDLE: Rank = Rank(u64::MAX / 2);

const FAILED: u64 = 1_000;
const LOST: u64 = 1_001;
const FELL_BACK: u64 = 1_002;
const MISSING: u64 = 1_003;

fn now() -> Timestamp {
    "2016-03-10T12:00:00Z".parse().unwrap()
}

fn hours_ago(hours: i64) -> Timestamp {
    now() - SignedDuration::from_hours(hours)
}

fn device(guid: u64) -> Device {
    Device {
        guid,
        computer_id: guid,
        product: Product::CrashPlan,
        os: Os::Windows,
        version: Some(Version::new([4, 2, 0, 0])),
        state: DeviceState::Active,
        last_connected: hours_ago(1).as_second(),
        organisation: 1,
        group: 0,
        rank: Rank(guid),
    }
}

fn desired() -> Desired {
    let spec = json!({
        "version": RELEASE,
        "authority": {"url": "https://code42.example:4285", "credentials": "code42-api", "statefulSet": "authority"},
        "backup": {"none": "a table"},
        "windows": {"devices": [{"days": ["Mon"], "start": "09:00", "duration": "8h", "timeZone": "UTC"}]},
        "devices": {
            "upgrade": "Bundled",
            "leaveBehind": {"exempt": [{"guid": "9", "reason": "lab machine"}]},
            "groups": [
                {"name": "it", "os": ["Windows"], "waves": ["50%", "100%"]},
                {"name": "board", "os": ["Mac"], "hold": true},
            ],
        },
    });
    translate::desired::desired(&CodeUpgrade::new("table", serde_json::from_value(spec).unwrap()))
}

fn rollout(group: &str, threshold: Option<Rank>) -> Rollout {
    let at = hours_ago(72);
    Rollout {
        limit: threshold.unwrap_or(Rank(0)),
        threshold,
        marks: threshold.map(|threshold| Mark { threshold, at }).into_iter().collect(),
        wave_opened_at: threshold.map(|_| at),
        ..Rollout::begun(group, "a".to_owned(), at)
    }
}

/// What is changed in a device, the verdict then, and words of the reason.
type Row = (fn(&mut Device), DeviceVerdict, &'static str);

fn rows() -> Vec<Row> {
    vec![
        (
            |device| device.version = Some(Version::new([4, 3, 5, 0])),
            DeviceVerdict::Done,
            "runs 4.3.5, as it is to",
        ),
        (
            |device| device.version = Some(Version::new([4, 3, 6, 0])),
            DeviceVerdict::Newer,
            "above 4.3.5; nothing is moved down",
        ),
        (
            |_| {},
            DeviceVerdict::InFlight,
            "not told to upgrade by the process that answers; the next window opens 2016-03-14 09:00 UTC",
        ),
        (
            |device| device.last_connected = hours_ago(80).as_second(),
            DeviceVerdict::Pending,
            "last connected 2016-03-07",
        ),
        (
            |device| device.guid = FAILED,
            DeviceVerdict::Failed,
            "connected for more than 90 min since it was told to upgrade, still at 4.2.0",
        ),
        (
            |device| (device.guid, device.last_connected) = (LOST, hours_ago(71).as_second()),
            DeviceVerdict::Lost,
            "silent since 2016-03-07 13:00 UTC: beyond what is usual in its group",
        ),
        (
            |device| device.guid = FELL_BACK,
            DeviceVerdict::FellBack,
            "ran something newer before, and is back at 4.2.0",
        ),
        (
            |device| device.version = None,
            DeviceVerdict::Unreadable,
            "reports nothing that is a version; to run: 4.3.5; seen 2016-03-10 11:00 UTC",
        ),
        (|device| device.rank = Rank::LAST, DeviceVerdict::Waiting, "to where wave 1 of 2 has released"),
        (
            |device| (device.rank, device.last_connected) = (Rank::LAST, hours_ago(24 * 40).as_second()),
            DeviceVerdict::Stale,
            "no gate counts it any more",
        ),
        (|device| device.group = 1, DeviceVerdict::Held, "the spec holds group board"),
        (|device| device.group = UNMATCHED, DeviceVerdict::Held, "no group of the spec matches it"),
        (
            |device| device.product = Product::SharePlanMobile,
            DeviceVerdict::Unsupported,
            "4.3.5.3 does not accept 4.2.0",
        ),
        (
            |device| (device.product, device.os) = (Product::SharePlanMobile, Os::Android),
            DeviceVerdict::Mobile,
            "below 4.2.1; mobile apps come from app stores",
        ),
        (|device| device.guid = 9, DeviceVerdict::Exempt, "the spec exempts it: lab machine"),
        (|device| device.state = DeviceState::Blocked, DeviceVerdict::Blocked, "blocked at the authority"),
        (
            |device| device.state = DeviceState::Deactivated,
            DeviceVerdict::Deactivated,
            "deactivated at the authority",
        ),
    ]
}

/// The devices of the table, and so many of the group that are not released and talk: silence is not usual there.
fn listed(desired: &Desired) -> Devices {
    let mut builder = DevicesBuilder::new(now(), desired.devices.arrangement(Some(RELEASE)), 0);
    for (guid, (change, _, _)) in (1..).zip(rows()) {
        let mut row = device(guid * 10);
        change(&mut row);
        builder.push(row);
    }
    for guid in 5_000..5_100 {
        builder.push(Device { rank: Rank::LAST, ..device(guid) });
    }
    builder.finish(now())
}

/// Three days ago three devices were told; one was connected for two hours after that, one got up, and one was listed and never again.
fn watched(desired: &Desired) -> Watch {
    let mut watch = Watch::begin(hours_ago(90), BTreeMap::new());
    for half_hours in 0..5 {
        let at = hours_ago(72) + SignedDuration::from_mins(half_hours * 30);
        let mut builder = DevicesBuilder::new(at, desired.devices.arrangement(Some(RELEASE)), 0);
        for guid in [FAILED, LOST, FELL_BACK, MISSING] {
            let version = if guid == FELL_BACK { [4, 3, 5, 0] } else { [4, 2, 0, 0] };
            let connected = if guid == FAILED { at } else { hours_ago(72) };
            let version = Some(Version::new(version));
            builder.push(Device { version, last_connected: connected.as_second(), ..device(guid) });
        }
        watch.follow(&Arc::new(builder.finish(at)));
        if half_hours == 0 {
            for guid in [FAILED, LOST, FELL_BACK] {
                watch.note_told(guid, at);
            }
        }
    }
    watch
}

#[test]
fn every_verdict_has_its_words_and_is_counted_as_it_is_told() {
    let desired = desired();
    let devices = Arc::new(listed(&desired));
    let releases = translate::catalog::shipped().into_iter();
    let releases =
        releases.map(|release| (codeupgrade::catalog::merge::Layer::Shipped, release)).collect::<Vec<_>>();
    let (catalog, _): (Catalog, _) = translate::catalog::catalog_from(releases);
    let release = catalog.release(RELEASE);
    let memory = Memory {
        settled: Some(Settled::new(RELEASE, hours_ago(100), [])),
        rollouts: vec![rollout("it", Some(MIDDLE)), rollout("board", None)],
        ..Memory::default()
    };
    let mut watch = watched(&desired);
    watch.follow(&devices);
    let judged = Judged::by(release, &desired);
    let judge = Judge::new(&devices, &judged, &desired, &memory, &watch);
    let mut told = [0_u64; DeviceVerdict::ALL.len()];
    for (guid, (change, verdict, words)) in (1..).zip(rows()) {
        let mut changed = device(guid * 10);
        change(&mut changed);
        let row = devices.row_of(changed.guid).unwrap();
        let described = judge.describe(row, &devices.rows()[row], now());
        assert_eq!(described.verdict, verdict, "{changed:?}: {}", described.reason);
        assert!(described.reason.contains(words), "{verdict:?}: {}", described.reason);
    }
    for (row, device) in devices.rows().iter().enumerate() {
        told[judge.verdict(row, device) as usize] += 1;
    }
    let missing: Vec<&Device> = judge.known_missing().collect();
    assert_eq!(missing.iter().map(|device| device.guid).collect::<Vec<_>>(), [MISSING]);
    let described = judge.describe_missing(missing[0], now());
    let words = "released 2016-03-07 12:00 UTC, and no longer in the authority's list; last at 4.2.0";
    assert!(described.reason.starts_with(words), "{}", described.reason);
    told[DeviceVerdict::Missing as usize] += 1;
    let judge = Judge::before_losses(&devices, &judged, &desired, &memory, &watch);
    let counted = overview(&Surveys::default(), &devices, &judge, None, &Census::default()).verdicts;
    assert_eq!(DeviceVerdict::ALL.map(|verdict| counted.count_of(verdict)), told);
    assert!(told.iter().all(|devices| *devices > 0), "each verdict is met");
}
