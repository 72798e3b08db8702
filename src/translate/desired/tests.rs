//! What specs mean, and what is told of those that cannot be meant.

use std::path::Path;

use jiff::SignedDuration;
use kube::ResourceExt;
use serde_json::{Value, json};

use super::*;
use crate::catalog::Os;
use crate::fleet::{GroupMatcher, GroupRule};
use crate::planner::desired::{
    Appliance, Approval, AutoUpgradeSwitch, Backup, DeviceUpgrade, HookMoment, Method, Problem, Share,
    StorageRole,
};
use crate::planner::window::{Opening, opening};

fn upgrade(spec: &Value) -> CodeUpgrade {
    serde_json::from_value(json!({
        "apiVersion": "codeupgrade.dev/v1alpha1",
        "kind": "CodeUpgrade",
        "metadata": {"name": "production", "namespace": "code42", "generation": 7},
        "spec": spec,
    }))
    .unwrap()
}

fn small() -> Value {
    json!({
        "version": "4.3.5.3",
        "authority": {"url": "https://code42:4285", "credentials": "code42-api", "statefulSet": "authority"},
        "storage": [{"name": "storage-01", "statefulSet": "storage"}],
        "sources": [{"release": "4.3.5.3", "image": "registry.example/code42-server:4.3.5.3"}],
        "backup": {"volumeSnapshotClass": "csi"},
        "devices": {"upgrade": "Bundled"},
    })
}

fn version(text: &str) -> Version {
    text.parse().unwrap()
}

/// The smallest spec with one field replaced; `path` as in RFC 6901, without `/spec`.
fn with(path: &str, value: Value) -> CodeUpgrade {
    let mut spec = small();
    let mut place = &mut spec;
    for part in path.split('/').skip(1) {
        place = match part.parse::<usize>() {
            Ok(index) => &mut place[index],
            Err(_) => &mut place[part],
        };
    }
    *place = value;
    upgrade(&spec)
}

fn examples(name: &str) -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(name);
    serde_saphyr::from_multiple(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// The types know every field that is written; defaults may come to it.
fn assert_knows(path: &str, written: &Value, read: &Value) {
    match (written, read) {
        (Value::Object(written), Value::Object(read)) => {
            for (key, value) in written {
                assert_knows(&format!("{path}.{key}"), value, read.get(key).unwrap_or(&Value::Null));
            }
        }
        (Value::Array(written), Value::Array(read)) if written.len() == read.len() => {
            for (index, (value, read)) in written.iter().zip(read).enumerate() {
                assert_knows(&format!("{path}[{index}]"), value, read);
            }
        }
        (written, read) => assert_eq!(written, read, "{path}"),
    }
}

fn example(name: &str) -> Desired {
    let upgrades = examples(name).into_iter().filter(|document| document["kind"] == "CodeUpgrade");
    let [upgrade] = &upgrades.collect::<Vec<_>>()[..] else { panic!("{name} has one CodeUpgrade") };
    let read: CodeUpgrade = serde_json::from_value(upgrade.clone()).unwrap();
    assert_knows(name, upgrade, &serde_json::to_value(&read).unwrap());
    desired(&read)
}

#[test]
fn what_the_smallest_spec_means() {
    let desired = desired(&upgrade(&small()));
    assert_eq!(desired.problems, []);
    assert_eq!((desired.generation, desired.target), (7, Some(version("4.3.5.3"))));
    assert!(!desired.deleted);
    assert_eq!(desired.authority.appliance, Appliance::Unstated, "the planner knows that a workload is none");
    assert!(
        matches!(&desired.authority.method, Some(Method::StatefulSet(workload)) if workload.name == "authority")
    );
    assert_eq!((desired.storage_at_once.first, desired.storage_at_once.then), (1, 4));
    let max_age = SignedDuration::from_hours(4);
    assert_eq!(desired.backup, Backup::VolumeSnapshot { class: "csi".into(), max_age });
    let devices = &desired.devices;
    assert_eq!(devices.upgrade, DeviceUpgrade::Bundled);
    assert_eq!(devices.auto_upgrade_switch, AutoUpgradeSwitch::RequireOff);
    assert_eq!((devices.max_in_flight, devices.rate_per_minute), (200, 20));
    assert_eq!(
        (devices.leave_behind, devices.unseen_for),
        (Share::Count(0), SignedDuration::from_hours(720))
    );
    let [all] = &devices.groups[..] else { panic!("one group") };
    assert_eq!(
        (all.name.as_str(), all.held, &all.waves[..]),
        ("all", false, &[Share::BasisPoints(10_000)][..])
    );
    assert_eq!((all.pause, all.max_failures), (SignedDuration::from_hours(24), Share::BasisPoints(200)));
}

#[test]
fn without_devices_they_stay_as_they_are_and_the_switch_must_be_off() {
    let desired = desired(&with("/devices", Value::Null));
    assert_eq!(desired.problems, []);
    assert_eq!(desired.devices.upgrade, DeviceUpgrade::None);
    assert_eq!(desired.devices.auto_upgrade_switch, AutoUpgradeSwitch::RequireOff);
}

#[test]
fn the_examples_mean_what_they_say() {
    for name in ["small.yaml", "large.yaml", "observe-only.yaml"] {
        assert_eq!(example(name).problems, [], "{name}");
    }
    let observing = example("observe-only.yaml");
    assert_eq!((observing.target, observing.authority.method), (None, None));

    let large = example("large.yaml");
    assert_eq!(large.authority.appliance, Appliance::SelfManaged);
    assert_eq!(
        large.authority.method,
        Some(Method::Job { template: "in-place-upgrade".into(), os: Os::Linux })
    );
    assert_eq!(large.storage[1].role, StorageRole::Retired("hardware gone, CHG-1200".into()));
    assert_eq!((large.approve_servers, large.approve_devices), (Approval::Manual, Approval::Manual));
    assert_eq!(large.proven_in[0].for_, SignedDuration::from_hours(7 * 24));
    assert!(large.accepted_risks.contains_key(&(version("4.3.5.3"), "DevicesLeftBehind".into())));
    assert_eq!(large.last_upgrade.unwrap().finished_at.to_string(), "2016-03-01T10:00:00Z");
    assert_eq!((large.hooks[0].name.as_str(), large.hooks[0].when), ("notify", HookMoment::BeforeHop));
    assert_eq!(large.devices.exempt, [(600_624_121_205_752_065, "lab machine without a network".into())]);
    assert_eq!(large.devices.leave_behind, Share::BasisPoints(100));
    let groups: Vec<_> = large.devices.groups.iter().map(|group| (group.name.as_str(), group.held)).collect();
    assert_eq!(groups, [("it", false), ("board", true), ("rest", false)]);
    let everything = Share::BasisPoints(10_000);
    assert_eq!(large.devices.groups[0].waves, [Share::Count(1), Share::Count(20), everything]);
    assert_eq!(large.devices.groups[0].pause, SignedDuration::from_hours(4));
    assert_eq!(large.devices.groups[2].waves.len(), 4, "waves are inherited");
    assert_eq!(large.devices.groups[2].pause, SignedDuration::from_hours(24));
}

#[test]
fn the_examples_other_objects_are_what_the_operator_looks_for() {
    let small = examples("small.yaml");
    let of_kind = |kind: &str| small.iter().find(|document| document["kind"] == kind).unwrap().clone();
    let upgrade: CodeUpgrade = serde_json::from_value(of_kind("CodeUpgrade")).unwrap();
    let secret: k8s_openapi::api::core::v1::Secret = serde_json::from_value(of_kind("Secret")).unwrap();
    assert_eq!(secret.name_any(), upgrade.spec.authority.credentials);
    let bound_to = secret.annotations().get(crate::api::AUTHORITY_URL_ANNOTATION);
    assert_eq!(bound_to, Some(&upgrade.spec.authority.url));
    let account: k8s_openapi::api::core::v1::ServiceAccount =
        serde_json::from_value(of_kind("ServiceAccount")).unwrap();
    assert_eq!(account.name_any(), upgrade.spec.acting_account());
    assert_eq!(account.labels().get(crate::api::USABLE_LABEL).map(String::as_str), Some("true"));
    let order = examples("order-approve.yaml").remove(0);
    let order: crate::api::CodeUpgradeOrder = serde_json::from_value(order).unwrap();
    assert_eq!(order.spec.upgrade, upgrade.name_any());
    let subject = crate::translate::order::subject(order.spec.r#for.as_deref().unwrap()).unwrap();
    assert_eq!(crate::translate::order::subject_text(&subject), order.spec.r#for);
}

#[test]
fn the_groups_of_the_matcher_and_of_the_plan_are_the_same() {
    let documents = examples("large.yaml");
    let upgrade: CodeUpgrade = serde_json::from_value(documents[0].clone()).unwrap();
    let rules: Vec<GroupRule> = desired(&upgrade).devices.rules().cloned().collect();
    let (_, unresolved) = GroupMatcher::new(&rules, &[]);
    let fields: Vec<String> = unresolved.into_iter().map(|found| Problem::of_group(found).field).collect();
    assert_eq!(fields, ["spec.devices.groups[0].orgs[0]", "spec.devices.groups[1].orgs[0]"]);
    assert!(GroupMatcher::needs_organisations(&rules));
}

#[test]
fn a_freeze_is_in_the_zone_of_the_windows() {
    let large = example("large.yaml");
    let at = |text: &str| text.parse::<jiff::Timestamp>().unwrap();
    let hour = SignedDuration::from_hours(1);
    // Saturday 20:00 in Berlin, a week before the freeze, and at its first minute.
    for (now, open) in
        [("2026-12-12T19:00:00Z", true), ("2026-12-12T18:59:59Z", false), ("2026-12-19T19:00:00Z", false)]
    {
        let found = opening(&large.server_windows, &large.freezes, hour, at(now));
        assert_eq!(matches!(found, Opening::Open { .. }), open, "{now}: {found:?}");
    }
    assert_eq!(large.freezes[0].time_zone.iana_name(), Some("Europe/Berlin"));
}

#[test]
fn every_problem_is_told_by_its_path() {
    let window = json!({"days": ["Sat"], "start": "20:00", "duration": "10h", "timeZone": "Europe/Berlin"});
    let windows = |field: &str, value: Value| {
        let mut window = window.clone();
        window[field] = value;
        json!({"servers": [window]})
    };
    let groups = |group: Value| json!({"upgrade": "Bundled", "groups": [group]});
    let file = |md5: &str| json!([{"release": "4.3.5.3", "artifacts": [{"os": "Linux", "url": "https://m/f", "md5": md5}]}]);
    for (path, value, field, message) in [
        (
            "/version",
            json!("4.3.x"),
            "spec.version",
            "\"4.3.x\" is not a version: 'x' is not a digit at character 5",
        ),
        (
            "/version",
            json!("4.70000"),
            "spec.version",
            "\"4.70000\" is not a version: a part is larger than 65535 at character 3",
        ),
        (
            "/via",
            json!(["4.2", "?"]),
            "spec.via[1]",
            "\"?\" is not a version: '?' is not a digit at character 1",
        ),
        ("/via", json!(["4.2", "4.2.0"]), "spec.via[1]", "4.2.0 stands in spec.via more than once"),
        ("/authority/job", json!("upgrade"), "spec.authority", "the server has more than one method"),
        ("/storage/0/retired", json!("gone"), "spec.storage[0]", "the server is retired and has a method"),
        ("/storage/0/statefulSet", Value::Null, "spec.storage[0]", "the server has no method"),
        (
            "/storage/0/name",
            json!("vm-*"),
            "spec.storage[0].name",
            "a workload or a guid means one server, a glob many",
        ),
        (
            "/storage",
            json!([{"name": "a", "job": "j"}]),
            "spec.storage[0].os",
            "the upgrade file depends on the server's os",
        ),
        ("/sources/0/image", Value::Null, "spec.sources[0]", "the source has no image and no artifacts"),
        (
            "/sources/0/release",
            json!(""),
            "spec.sources[0].release",
            "\"\" is not a version: a number is missing at character 1",
        ),
        ("/sources", file("0123"), "spec.sources[0].artifacts[0].md5", "it is not 32 hexadecimal digits"),
        ("/backup/none", json!("no"), "spec.backup", "it is not clear which backup is meant"),
        (
            "/backup/maxAge",
            json!("4"),
            "spec.backup.maxAge",
            "\"4\" is not a duration such as 24h, 1d12h or 90m",
        ),
        (
            "/provenIn",
            json!([{"namespace": "n", "name": "n", "for": "a week"}]),
            "spec.provenIn[0].for",
            "\"a week\" is not a duration such as 24h, 1d12h or 90m",
        ),
        (
            "/acceptedRisks",
            json!([{"release": "4", "name": "NoBackup", "reason": " "}]),
            "spec.acceptedRisks[0].reason",
            "a risk is accepted without a reason",
        ),
        (
            "/acceptedRisks",
            json!([{"release": "four", "name": "NoBackup", "reason": "r"}]),
            "spec.acceptedRisks[0].release",
            "\"four\" is not a version: 'f' is not a digit at character 1",
        ),
        (
            "/windows",
            windows("duration", json!("8d")),
            "spec.windows.servers[0].duration",
            "a window is open for more than nothing and for at most 7d",
        ),
        (
            "/windows",
            windows("days", json!([])),
            "spec.windows.servers[0].days",
            "the window opens on no day",
        ),
        (
            "/windows",
            json!({"freezes": [{"from": "2026-12-18", "to": "2027-01-06", "reason": "r"}]}),
            "spec.windows.freezes[0].timeZone",
            "there is no window whose time zone the freeze could share",
        ),
        (
            "/windows",
            json!({"freezes": [{"from": "2027-01-06", "to": "2026-12-18", "reason": "r", "timeZone": "UTC"}]}),
            "spec.windows.freezes[0]",
            "the freeze ends on 2026-12-18, before it begins on 2027-01-06",
        ),
        (
            "/devices",
            groups(json!({"name": "a"})),
            "spec.devices.groups[0]",
            "it is not clear which devices the group means",
        ),
        (
            "/devices",
            groups(json!({"name": "a", "guids": ["99999999999999999999"]})),
            "spec.devices.groups[0].guids[0]",
            "number too large to fit in target type",
        ),
        (
            "/devices/waves",
            json!([1, "10%"]),
            "spec.devices.waves",
            "the last wave does not release everything",
        ),
        (
            "/devices/waves",
            json!([20, 5, "100%"]),
            "spec.devices.waves[1]",
            "the wave releases nothing that was not released before",
        ),
        (
            "/devices/waves",
            json!(["0%", "100%"]),
            "spec.devices.waves[0]",
            "the wave releases nothing that was not released before",
        ),
        ("/devices/maxFailures", json!(-1), "spec.devices.maxFailures", "-1 is negative"),
        (
            "/devices/leaveBehind",
            json!({"atMost": "101%"}),
            "spec.devices.leaveBehind.atMost",
            "\"101%\" is more than everything",
        ),
        (
            "/devices/leaveBehind",
            json!({"exempt": [{"guid": "x", "reason": "r"}]}),
            "spec.devices.leaveBehind.exempt[0].guid",
            "invalid digit found in string",
        ),
    ] {
        let found = desired(&with(path, value.clone())).problems;
        let [Problem { field: at, message: said, mend }] = &found[..] else {
            panic!("{path} {value}: one problem, not {found:?}")
        };
        assert_eq!((at.as_str(), said.as_str()), (field, message), "{path} {value}");
        assert!(!mend.is_empty());
    }
}

#[test]
fn instants_days_times_and_zones_are_told_by_their_paths() {
    let mut spec = small();
    spec["windows"] = json!({
        "devices": [{"days": ["Sun"], "start": "25:00", "duration": "1h", "timeZone": "Europe/Atlantis"}],
        "freezes": [{"from": "2026-13-01", "to": "soon", "reason": "r", "timeZone": "Nowhere"}],
    });
    spec["lastUpgrade"] = json!({"release": "4.2.3.1", "finishedAt": "2016-03-01"});
    let fields: Vec<String> =
        desired(&upgrade(&spec)).problems.into_iter().map(|problem| problem.field).collect();
    assert_eq!(
        fields,
        [
            "spec.windows.devices[0].start",
            "spec.windows.devices[0].timeZone",
            "spec.windows.freezes[0].from",
            "spec.windows.freezes[0].to",
            "spec.windows.freezes[0].timeZone",
            "spec.lastUpgrade.finishedAt",
        ]
    );
}

#[test]
fn pauses_and_deletions_are_passed_on() {
    let mut object = with("/paused", json!(true));
    assert_eq!(desired(&object).paused.as_deref(), Some("spec.paused"));
    object.metadata.deletion_timestamp =
        Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(jiff::Timestamp::UNIX_EPOCH));
    assert!(desired(&object).deleted);
}
