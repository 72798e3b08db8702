//! The definitions in crds/ on the real API server: that it takes them, what their rules accept, and what they say to whom they refuse.

use std::path::Path;
use std::sync::Arc;

use codeupgrade::api::{CodeRelease, CodeUpgrade, CodeUpgradeOrder, FIELD_MANAGER};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{Patch, PatchParams, PostParams};
use kube::core::DynamicObject;
use kube::discovery::ApiResource;
use kube::{Api, Client, ResourceExt};
use serde_json::{Value, json};

use super::case::{Case, Outcome, case};
use super::environment::{Environment, Error};
use super::wait::eventually;

pub(crate) fn cases() -> Vec<Case> {
    vec![
        case("crds_are_established", are_established),
        case("crds_accept_and_refuse_what_the_rules_say", accept_and_refuse),
        case("crds_let_no_one_move_an_authority_to_another_guid", keep_the_guid),
        case("crds_let_no_one_edit_an_order", keep_orders),
        case("crds_accept_every_example", accept_examples),
    ]
}

/// Applies the definitions in crds/ and waits until the API server serves them. May be called by every test that needs them.
pub(crate) async fn establish(client: &Client) -> Result<(), Error> {
    let definitions: Api<CustomResourceDefinition> = Api::all(client.clone());
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("crds");
    for entry in std::fs::read_dir(folder)? {
        let definition: CustomResourceDefinition =
            serde_saphyr::from_str(&std::fs::read_to_string(entry?.path())?)?;
        let name = definition.name_any();
        let parameters = PatchParams::apply(FIELD_MANAGER).force();
        definitions.patch(&name, &parameters, &Patch::Apply(&definition)).await?;
        eventually(&format!("an established {name}"), async || {
            let status = definitions.get(&name).await?.status;
            let conditions = status.and_then(|status| status.conditions).unwrap_or_default();
            let established = |type_: &str| {
                conditions.iter().any(|condition| condition.type_ == type_ && condition.status == "True")
            };
            Ok((established("Established") && established("NamesAccepted")).then_some(()))
        })
        .await?;
    }
    Ok(())
}

async fn are_established(environment: Arc<Environment>) -> Outcome {
    establish(&environment.client).await?;
    let definitions: Api<CustomResourceDefinition> = Api::all(environment.client.clone());
    for definition in codeupgrade::api::crds() {
        let name = definition.name_any();
        let found = definitions.get(&name).await?;
        let conditions = found.status.and_then(|status| status.conditions).unwrap_or_default();
        let complaint = conditions.iter().find(|condition| condition.type_ == "NonStructuralSchema");
        assert!(complaint.is_none(), "{name}: {complaint:?}");
        assert_eq!(found.spec.names.short_names, definition.spec.names.short_names);
    }
    Ok(())
}

/// How often an object is tried where the API server itself is at fault.
const ATTEMPTS: u32 = 5;

/// Where an object of a kind is created, without creating it.
async fn creation(client: &Client, namespace: &str, object: &Value) -> Result<DynamicObject, kube::Error> {
    let resource = match object["kind"].as_str() {
        Some("CodeUpgrade") => ApiResource::erase::<CodeUpgrade>(&()),
        Some("CodeRelease") => ApiResource::erase::<CodeRelease>(&()),
        _ => ApiResource::erase::<CodeUpgradeOrder>(&()),
    };
    let api: Api<DynamicObject> = match object["kind"].as_str() {
        Some("CodeRelease") => Api::all_with(client.clone(), &resource),
        _ => Api::namespaced_with(client.clone(), namespace, &resource),
    };
    let dry_run = PostParams { dry_run: true, ..PostParams::default() };
    let object: DynamicObject = serde_json::from_value(object.clone()).map_err(kube::Error::SerdeError)?;
    for _ in 1..ATTEMPTS {
        match api.create(&dry_run, &object).await {
            // No verdict: the API server ran out of time by itself, as on a busy machine.
            Err(kube::Error::Api(status)) if status.code >= 500 => {}
            verdict => return verdict,
        }
    }
    api.create(&dry_run, &object).await
}

fn object(kind: &str, spec: &Value) -> Value {
    json!({
        "apiVersion": "codeupgrade.dev/v1alpha1",
        "kind": kind,
        "metadata": {"name": "one"},
        "spec": spec,
    })
}

/// The smallest useful spec of each kind.
fn smallest(kind: &str) -> Value {
    match kind {
        "CodeUpgrade" => json!({
            "version": "4.3.5.3",
            "authority": {"url": "https://code42:4285", "credentials": "code42-api", "statefulSet": "authority"},
            "backup": {"volumeSnapshotClass": "csi"},
        }),
        "CodeRelease" => json!({"version": "4.3.5.3"}),
        _ => json!({"upgrade": "production", "action": "Resume", "by": "admin"}),
    }
}

/// Changes a value as RFC 7396 says: `null` removes, lists are replaced.
fn merged(value: &Value, change: &Value) -> Value {
    let (Value::Object(value), Value::Object(change)) = (value, change) else { return change.clone() };
    let mut result = value.clone();
    for (key, changed) in change {
        if changed.is_null() {
            result.remove(key);
        } else {
            let before = result.get(key).cloned().unwrap_or_else(|| json!({}));
            result.insert(key.clone(), merged(&before, changed));
        }
    }
    Value::Object(result)
}

async fn accept_and_refuse(environment: Arc<Environment>) -> Outcome {
    establish(&environment.client).await?;
    let namespace = environment.namespace("rules").await?;
    let mut failures = Vec::new();
    for Rule { kind, accepted, refused, message } in rules() {
        let base = smallest(kind);
        let good = object(kind, &merged(&base, &accepted));
        if let Err(error) = creation(&environment.client, &namespace, &good).await {
            failures.push(format!("not accepted: {accepted}\n    {error}"));
        }
        let bad = object(kind, &merged(&base, &refused));
        match creation(&environment.client, &namespace, &bad).await {
            Ok(_) => failures.push(format!("not refused: {refused}")),
            Err(error) if !error.to_string().contains(message) => {
                failures.push(format!("refused otherwise: {refused}\n    expected {message}\n    {error}"));
            }
            Err(_) => {}
        }
    }
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
    Ok(())
}

/// A rule, with a change of the smallest spec that it accepts, one that it refuses, and what it then says.
struct Rule {
    kind: &'static str,
    accepted: Value,
    refused: Value,
    message: &'static str,
}

fn rule(kind: &'static str, accepted: Value, refused: Value, message: &'static str) -> Rule {
    Rule { kind, accepted, refused, message }
}

fn rules() -> Vec<Rule> {
    [server_rules(), spec_rules(), device_rules(), release_rules(), order_rules()]
        .into_iter()
        .flatten()
        .collect()
}

fn server_rules() -> Vec<Rule> {
    let upgrade = |accepted, refused, message| rule("CodeUpgrade", accepted, refused, message);
    let storage = |entry: Value| json!({"storage": [entry]});
    let on_machine = json!({"authority": {"statefulSet": null, "os": "Linux", "job": "upgrade", "managedAppliance": false}});
    vec![
        upgrade(
            json!({"version": null, "backup": null, "authority": {"statefulSet": null}}),
            json!({"authority": {"statefulSet": null, "managedAppliance": false}}),
            "authority needs a method to reach a version: write one of statefulSet, deployment, job or manual: {}",
        ),
        upgrade(
            json!({"authority": {"statefulSet": null, "managedAppliance": true}}),
            json!({"authority": {"deployment": "authority"}}),
            "authority has more than one method: keep one of statefulSet, deployment, job and manual",
        ),
        upgrade(
            on_machine.clone(),
            merged(&on_machine, &json!({"authority": {"os": null}})),
            "authority needs os for its upgrade file: write os: Linux, Windows or Mac",
        ),
        upgrade(
            on_machine.clone(),
            merged(&on_machine, &json!({"authority": {"managedAppliance": null}})),
            "write managedAppliance: false if you run the server yourselves, true if it is a Code42 managed appliance",
        ),
        upgrade(
            json!({"authority": {"managedAppliance": false}}),
            json!({"authority": {"managedAppliance": true}}),
            "a workload of this cluster is no managed appliance: remove managedAppliance, or the workload",
        ),
        upgrade(
            json!({"authority": {"container": "server", "imageFrom": "Git"}}),
            merged(&on_machine, &json!({"authority": {"container": "server"}})),
            "container and imageFrom speak of a workload: write them beside statefulSet or deployment",
        ),
        upgrade(
            json!({"authority": {"url": "http://10.0.0.7:4280/"}}),
            json!({"authority": {"url": "https://admin:secret@code42:4285"}}),
            "url must be such as https://backup.example.com:4285: http or https, without user, password, query or fragment",
        ),
        upgrade(
            json!({"authority": {"url": "https://[fd00::7]:4285"}}),
            json!({"authority": {"url": "code42:4285"}}),
            "url must be such as https://backup.example.com:4285",
        ),
        upgrade(
            json!({"authority": {"guid": "600624193549107457"}}),
            json!({"authority": {"guid": "vm-7"}}),
            "spec.authority.guid in body should match '^[0-9]{1,20}$'",
        ),
        upgrade(
            json!({"authority": {"credentials": "code42.api"}}),
            json!({"authority": {"credentials": "Code42 API"}}),
            "spec.authority.credentials in body should match",
        ),
        upgrade(
            storage(json!({"name": "old-07", "retired": "hardware gone"})),
            storage(json!({"name": "old-07", "retired": "hardware gone", "statefulSet": "old"})),
            "a storage server needs exactly one of statefulSet, deployment, job, manual: {} or retired: \"<reason>\"",
        ),
        upgrade(
            storage(json!({"name": "vm-*", "os": "Windows", "manual": {}})),
            storage(json!({"name": "vm-1"})),
            "a storage server needs exactly one of statefulSet, deployment, job, manual: {} or retired",
        ),
        upgrade(
            storage(json!({"name": "vm-*", "os": "Linux", "job": "upgrade"})),
            storage(json!({"name": "vm-*", "job": "upgrade"})),
            "a storage server with job or manual needs os for its upgrade file: write os: Linux, Windows or Mac",
        ),
        upgrade(
            storage(json!({"name": "s", "deployment": "s", "container": "server"})),
            storage(json!({"name": "s", "os": "Linux", "manual": {}, "imageFrom": "Operator"})),
            "container and imageFrom speak of a workload: write them beside statefulSet or deployment",
        ),
        upgrade(
            storage(json!({"name": "s", "guid": "7", "statefulSet": "s"})),
            storage(json!({"name": "s-*", "statefulSet": "s"})),
            "name must be one server's name, without *, where statefulSet, deployment or guid means one server",
        ),
        upgrade(
            json!({"storage": [{"name": "a", "statefulSet": "a"}, {"name": "b", "statefulSet": "b"}]}),
            json!({"storage": [{"name": "a", "statefulSet": "a"}, {"name": "a", "statefulSet": "b"}]}),
            "spec.storage[1]: Duplicate value",
        ),
    ]
}

fn spec_rules() -> Vec<Rule> {
    let upgrade = |accepted, refused, message| rule("CodeUpgrade", accepted, refused, message);
    let digest = "0".repeat(64);
    let file = json!({"os": "Linux", "url": "https://mirror/file", "md5": "0".repeat(32), "sha256": digest});
    let source = |change: Value| json!({"sources": [merged(&json!({"release": "4.3.5.3", "artifacts": [file]}), &change)]});
    let window = json!({"days": ["Sat"], "start": "20:00", "duration": "10h", "timeZone": "Europe/Berlin"});
    let freeze = json!({"from": "2026-12-18", "to": "2027-01-06", "reason": "year end"});
    let windows =
        |change: Value| json!({"windows": {"servers": [merged(&window, &change)], "freezes": [freeze]}});
    vec![
        upgrade(
            json!({"version": "8"}),
            json!({"version": "4.3.x"}),
            "spec.version in body should match '^[0-9]{1,5}(\\.[0-9]{1,5}){0,3}$'",
        ),
        upgrade(
            json!({"via": ["4.2.3.1", "4.3.0"]}),
            json!({"via": ["4.2.3.1", "4.3.0", "4.2.3.1"]}),
            "via names a release twice: name each once, in the order in which the path visits them",
        ),
        upgrade(
            json!({"backup": {"volumeSnapshotClass": null, "none": "a test environment"}}),
            json!({"backup": null}),
            "a version needs a backup: write backup.volumeSnapshotClass, backup.hook, or backup.none with the reason why there is none",
        ),
        upgrade(
            json!({"backup": {"volumeSnapshotClass": null, "hook": "dump", "maxAge": "4h"}}),
            json!({"backup": {"hook": "dump"}}),
            "backup needs exactly one of volumeSnapshotClass, hook or none: \"<reason>\"",
        ),
        upgrade(
            json!({"backup": {"maxAge": "1d12h"}}),
            json!({"backup": {"volumeSnapshotClass": null, "none": "a test", "maxAge": "4h"}}),
            "no backup has no age: remove maxAge, or write volumeSnapshotClass or hook instead of none",
        ),
        upgrade(
            json!({"backup": {"maxAge": "90m"}}),
            json!({"backup": {"maxAge": "4 hours"}}),
            "spec.backup.maxAge in body should match '^([0-9]+[dhms])+$'",
        ),
        upgrade(
            source(json!({})),
            source(json!({"artifacts": null})),
            "a source needs image for servers that are workloads, or artifacts with one upgrade file for each server os",
        ),
        upgrade(
            source(
                json!({"artifacts": null, "image": format!("registry.example/code42:4.3.5.3@sha256:{digest}")}),
            ),
            source(json!({"artifacts": [merged(&file, &json!({"md5": "0".repeat(31)}))]})),
            "spec.sources[0].artifacts[0].md5 in body should match '^[0-9a-fA-F]{32}$'",
        ),
        upgrade(
            source(json!({"artifacts": [merged(&file, &json!({"url": "http://mirror:8080/a/b?c=d"}))]})),
            source(json!({"artifacts": [merged(&file, &json!({"url": "https://me:secret@mirror/file"}))]})),
            "url must be such as https://mirror.example/file: http or https, without user and password",
        ),
        upgrade(
            source(
                json!({"artifacts": [merged(&file, &json!({"mirrors": ["http://mirror:8080/a/b?c=d"]}))]}),
            ),
            source(json!({"artifacts": [merged(&file, &json!({"mirrors": ["file:///etc/passwd"]}))]})),
            "each of mirrors must be such as https://mirror.example/file: http or https, without user and password",
        ),
        upgrade(
            source(json!({"artifacts": [merged(&file, &json!({"md5": null}))]})),
            source(json!({"artifacts": [merged(&file, &json!({"md5": null, "sha256": null}))]})),
            "a file needs what it is held against: write md5, sha256 or checksums, as the vendor publishes them",
        ),
        upgrade(
            source(
                json!({"artifacts": [merged(&file, &json!({"checksums": {"url": "https://mirror/MD5SUMS"}}))]}),
            ),
            source(
                json!({"artifacts": [merged(&file, &json!({"checksums": {"url": "https://m/M", "configMap": "c"}}))]}),
            ),
            "checksums needs exactly one of url and configMap",
        ),
        upgrade(
            json!({"acceptedRisks": [{"release": "4.3.5.3", "name": "NoBackup", "reason": "a test"}]}),
            json!({"acceptedRisks": [{"release": "4.3.5.3", "name": "NoBackup"}]}),
            "spec.acceptedRisks[0].reason: Required value",
        ),
        upgrade(
            windows(json!({})),
            windows(json!({"timeZone": null})),
            "spec.windows.servers[0].timeZone: Required value",
        ),
        upgrade(
            windows(json!({"start": "00:00"})),
            windows(json!({"start": "24:00"})),
            "spec.windows.servers[0].start in body should match",
        ),
        upgrade(
            json!({"windows": {"freezes": [merged(&freeze, &json!({"timeZone": "UTC"}))]}}),
            json!({"windows": {"freezes": [freeze]}}),
            "freezes without windows need a timeZone of their own: write timeZone, such as Europe/Berlin, in each",
        ),
        upgrade(
            json!({"windows": {"freezes": [{"from": "2026-12-18", "to": "2026-12-18", "reason": "r", "timeZone": "UTC"}]}}),
            json!({"windows": {"freezes": [{"from": "2026-12-19", "to": "2026-12-18", "reason": "r", "timeZone": "UTC"}]}}),
            "a freeze must begin before it ends: write from with the first day and to with the last",
        ),
        upgrade(
            json!({"lastUpgrade": {"release": "4.2.3.1", "finishedAt": "2016-03-01T10:00:00+01:00"}}),
            json!({"lastUpgrade": {"release": "4.2.3.1", "finishedAt": "in March"}}),
            "spec.lastUpgrade.finishedAt in body must be of type date-time",
        ),
        upgrade(
            json!({"storageAtOnce": {"then": 8}}),
            json!({"storageAtOnce": {"first": 0}}),
            "spec.storageAtOnce.first in body should be greater than or equal to 1",
        ),
    ]
}

fn device_rules() -> Vec<Rule> {
    let devices = |accepted: Value, refused: Value, message| {
        let of = |change: &Value| json!({"devices": merged(&json!({"upgrade": "Bundled"}), change)});
        rule("CodeUpgrade", of(&accepted), of(&refused), message)
    };
    let group = |keys: Value| json!({"groups": [merged(&json!({"name": "it"}), &keys)]});
    let key =
        "a group needs at least one of orgs, os, products, names and guids, or else all: true, and not both";
    vec![
        devices(group(json!({"all": true})), group(json!({})), key),
        devices(
            group(json!({"orgs": ["IT"], "os": ["Windows", "iOS"]})),
            group(json!({"all": true, "orgs": ["IT"]})),
            key,
        ),
        devices(group(json!({"guids": ["7"], "hold": true})), group(json!({"all": false})), key),
        devices(
            group(json!({"all": true, "waves": [1, 20, "100%"], "pause": "4h"})),
            group(json!({"all": true, "waves": []})),
            "spec.devices.groups[0].waves in body should have at least 1 items",
        ),
        devices(
            json!({"waves": [1, "0.5%", "100%"], "maxFailures": "2%"}),
            json!({"waves": ["101%"]}),
            "spec.devices.waves[0] in body should match",
        ),
        devices(
            json!({"maxFailures": 5, "leaveBehind": {"atMost": 0}}),
            json!({"maxFailures": -1}),
            "spec.devices.maxFailures in body should be greater than or equal to 0",
        ),
        devices(json!({"upgrade": "None"}), json!({"upgrade": null}), "spec.devices.upgrade: Required value"),
        devices(
            json!({"groups": [{"name": "a", "orgs": ["A"]}, {"name": "b", "all": true}]}),
            json!({"groups": [{"name": "a", "orgs": ["A"]}, {"name": "a", "all": true}]}),
            "spec.devices.groups[1]: Duplicate value",
        ),
    ]
}

fn release_rules() -> Vec<Rule> {
    let release = |accepted, refused, message| rule("CodeRelease", accepted, refused, message);
    let row = |os: Value, versions: Value| json!({"product": "SharePlan", "os": os, "versions": versions});
    let bundled = json!([{"match": "4.2.0", "bundled": true}]);
    let matrix = |rows: Value| json!({"compatibility": rows});
    vec![
        release(
            json!({"version": "3.7"}),
            json!({"version": "8"}),
            "spec.version in body should match '^[0-9]{1,5}(\\.[0-9]{1,5}){1,3}$'",
        ),
        release(
            json!({"upgradesFrom": ["4.2.3.1", "4.2.x", "4.x"]}),
            json!({"upgradesFrom": ["x"]}),
            "spec.upgradesFrom[0] in body should match",
        ),
        release(
            matrix(json!([row(
                json!(["Mac"]),
                json!([{"match": "4.3.0", "bundled": true}, {"match": "4.2.x"}])
            )])),
            matrix(json!([row(
                json!(["Mac"]),
                json!([{"match": "4.3.0", "bundled": true}, {"match": "4.2.0", "bundled": true}])
            )])),
            "a release bundles at most one version of a product for an os",
        ),
        release(
            matrix(json!([row(json!(["Mac"]), bundled.clone()), row(json!(["Windows"]), bundled.clone())])),
            matrix(json!([
                row(json!(["Mac"]), bundled.clone()),
                row(json!(["Windows", "Mac"]), bundled.clone())
            ])),
            "two rows bundle a version for the same product and os: keep bundled: true in one of them",
        ),
        release(
            matrix(
                json!([{"product": "CrashPlan", "versions": bundled}, {"product": "SharePlan", "versions": bundled}]),
            ),
            matrix(
                json!([{"product": "SharePlan", "versions": bundled}, row(json!(["Mac"]), bundled.clone())]),
            ),
            "two rows bundle a version for the same product and os",
        ),
        release(
            matrix(json!([row(json!(["Mac"]), json!([{"match": "4.2.x", "support": "Degraded"}]))])),
            matrix(json!([row(json!(["Mac"]), json!([{"match": "4.2.x", "bundled": true}]))])),
            "a series cannot be bundled: write the one version that the release carries beside bundled: true",
        ),
        release(
            json!({"components": {"upgraded": ["EnterpriseServer"], "notUpgraded": ["SharePlan"]}}),
            json!({"components": {"upgraded": ["EnterpriseServer"], "notUpgraded": ["EnterpriseServer"]}}),
            "a component is either upgraded or not: remove it from upgraded or from notUpgraded",
        ),
        release(
            json!({"risks": [{"name": "CustomRolesGainRestore", "message": "m", "from": ["4.1.x"]}]}),
            json!({"risks": [{"name": "custom roles", "message": "m"}]}),
            "spec.risks[0].name in body should match '^[A-Z][A-Za-z0-9]*$'",
        ),
    ]
}

fn order_rules() -> Vec<Rule> {
    let order = |accepted, refused, message| rule("CodeUpgradeOrder", accepted, refused, message);
    vec![
        order(
            json!({"action": "Approve", "for": "4.2.3.1->4.3.5.3 servers"}),
            json!({"action": "Approve"}),
            "an approval needs for: write what may begin, such as \"4.2.3.1->4.3.5.3 servers\", \"4.3.5.3 devices\" or \"group it\"",
        ),
        order(
            json!({"action": "Retry", "for": "server old storage 7"}),
            json!({"action": "Resume", "for": "group it"}),
            "for has a meaning only with Approve and Retry: remove it",
        ),
        order(
            json!({"action": "Approve", "for": "group it"}),
            json!({"action": "Approve", "for": "everything"}),
            "for must be such as \"4.2.3.1->4.3.5.3 servers\", \"4.3.5.3 devices\", \"group NAME\" or \"server NAME\"",
        ),
        order(
            json!({"action": "Pause", "now": true, "expiresAfter": "2h", "reason": "smoke in the data centre"}),
            json!({"action": "Adopt", "now": true}),
            "now has a meaning only with Pause, where it holds storage servers in mid-hop too: remove it",
        ),
        order(json!({"action": "Abandon"}), json!({"by": null}), "spec.by: Required value"),
    ]
}

async fn keep_the_guid(environment: Arc<Environment>) -> Outcome {
    establish(&environment.client).await?;
    let namespace = environment.namespace("guid").await?;
    let upgrades: Api<CodeUpgrade> = Api::namespaced(environment.client.clone(), &namespace);
    let observed = json!({"authority": {"url": "https://code42:4285", "credentials": "code42-api"}});
    let created: CodeUpgrade = serde_json::from_value(object("CodeUpgrade", &observed))?;
    upgrades.create(&PostParams::default(), &created).await?;
    let set = |guid: &str| Patch::Merge(json!({"spec": {"authority": {"guid": guid}}}));
    upgrades.patch("one", &PatchParams::default(), &set("7")).await?;
    let refusal =
        upgrades.patch("one", &PatchParams::default(), &set("8")).await.err().ok_or("not refused")?;
    let expected = "guid is the identity of the environment and cannot change: write a CodeUpgrade of its own for another environment";
    assert!(refusal.to_string().contains(expected), "{refusal}");
    Ok(())
}

async fn keep_orders(environment: Arc<Environment>) -> Outcome {
    establish(&environment.client).await?;
    let namespace = environment.namespace("orders").await?;
    let orders: Api<CodeUpgradeOrder> = Api::namespaced(environment.client.clone(), &namespace);
    let created: CodeUpgradeOrder =
        serde_json::from_value(object("CodeUpgradeOrder", &smallest("CodeUpgradeOrder")))?;
    orders.create(&PostParams::default(), &created).await?;
    let edit = Patch::Merge(json!({"spec": {"action": "Adopt"}}));
    let refusal = orders.patch("one", &PatchParams::default(), &edit).await.err().ok_or("not refused")?;
    assert!(refusal.to_string().contains("an order cannot be edited: create another one"), "{refusal}");
    Ok(())
}

async fn accept_examples(environment: Arc<Environment>) -> Outcome {
    establish(&environment.client).await?;
    let namespace = environment.namespace("examples").await?;
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let mut accepted = 0;
    for folder in [examples.clone(), examples.join("releases"), examples.join("gitops/environment")] {
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                continue;
            }
            let documents: Vec<Value> = serde_saphyr::from_multiple(&std::fs::read_to_string(&path)?)?;
            for mut document in documents {
                if document["apiVersion"] != "codeupgrade.dev/v1alpha1" {
                    continue;
                }
                document["metadata"]["namespace"] = Value::Null;
                // Under another name: releases of these names may be installed already.
                if let Some(name) = document["metadata"]["name"].take().as_str() {
                    document["metadata"]["generateName"] = format!("{name}-").into();
                }
                let created = creation(&environment.client, &namespace, &document).await;
                created.map_err(|error| format!("{}: {error}", path.display()))?;
                accepted += 1;
            }
        }
    }
    assert!(accepted > 30, "only {accepted} examples were found");
    Ok(())
}
