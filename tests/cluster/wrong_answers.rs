//! Lists of devices that are wrong in every way that an authority, a proxy or somebody else's server may find: each is a typed error
//! or a counted oddity, nothing is done on it, and afterwards everything is as it was.

use std::sync::Arc;

use codeupgrade::api::status::DevicesStatus;
use codeupgrade::api::{CodeUpgrade, CodeUpgradeStatus};
use codeupgrade::playground::site::Site;
use codeupgrade::simulator::fault::Fault;
use kube::Api;
use serde_json::{Value, json};

use super::case::{Case, Outcome, case};
use super::environment::{Environment, Error, Setting, UPGRADE};

pub(crate) fn cases() -> Vec<Case> {
    vec![case("no_wrong_list_of_devices_changes_anything", nothing_changes)]
}

const SCENARIO: &str = "
authority: {name: authority, version: 4.3.5.3}
devices: [{count: 20, os: Windows, version: 4.2.0}]
";

/// What must be told of a list.
enum Told {
    /// The reading failed, and the message says this.
    Error(&'static str),
    /// So many devices are not accounted for.
    Unaccounted(u64),
    /// So many devices are there, and nobody knows what they run.
    Unreadable(u64),
    /// It is read, and has fewer devices than are connected.
    Unlisted,
}

/// A device as the authority writes it, in the documented fields.
fn device(guid: u64) -> Value {
    json!({
        "computerId": guid, "guid": guid.to_string(), "name": "laptop", "status": "Active", "active": true, "blocked": false,
        "orgId": 2, "lastConnected": "2016-03-01T08:00:00.000Z", "osName": "win", "productVersion": "4.2.0", "service": "CrashPlan",
    })
}

fn page(total: impl Into<Value>, rows: impl IntoIterator<Item = Value>) -> String {
    let rows: Vec<Value> = rows.into_iter().collect();
    json!({"metadata": {}, "data": {"totalCount": total.into(), "computers": rows}}).to_string()
}

/// Twenty-five good devices and one with a field that is wrong.
fn with_field(field: &str, value: Value) -> String {
    let mut wrong = device(99);
    wrong[field] = value;
    page(26, (100..125).map(device).chain([wrong]))
}

fn without(field: &str) -> String {
    let mut wrong = device(99);
    wrong.as_object_mut().map(|fields| fields.remove(field));
    page(26, (100..125).map(device).chain([wrong]))
}

fn wrong_lists() -> Vec<(&'static str, String, Told)> {
    let good = || (100..125).map(device);
    let whole = page(25, good());
    let twice = format!(r#"{{"data":{{"computers":[{}],"computers":[{}]}}}}"#, device(1), device(2));
    vec![
        ("a page for browsers", "<!DOCTYPE html><title>Sign in</title>".into(), Told::Error("JSON")),
        ("nothing", String::new(), Told::Error("JSON")),
        ("cut off in a row", whole[..whole.len() / 2].into(), Told::Error("JSON")),
        ("cut off behind the rows", whole[..whole.len() - 2].into(), Told::Error("JSON")),
        ("null", "null".into(), Told::Error("a list of devices")),
        ("a number", "42".into(), Told::Error("a list of devices")),
        ("a text for data", r#"{"data":"computers"}"#.into(), Told::Error("a list of devices")),
        ("no data", r#"{"data":null}"#.into(), Told::Error("a list of devices")),
        (
            "an object for the list",
            r#"{"data":{"computers":{"0":{}}}}"#.into(),
            Told::Error("a list of devices"),
        ),
        (
            "another resource's list",
            r#"{"data":{"users":[{"userId":1}]}}"#.into(),
            Told::Error("a list of devices"),
        ),
        ("two lists", twice, Told::Error("one list of devices")),
        ("a frame without end", format!("{{\"x\":\"{}\"}}", "x".repeat(10 << 20)), Told::Error("bytes")),
        (
            "rows that are no objects",
            page(28, good().chain([json!(1), json!("x"), json!(null)])),
            Told::Unaccounted(3),
        ),
        (
            "a row without end",
            page(26, good().chain([json!({"name": "x".repeat(10 << 20)})])),
            Told::Unaccounted(1),
        ),
        (
            "brackets without end",
            format!(
                r#"{{"data":{{"computers":[{}{},{}]}}}}"#,
                "[".repeat(50_000),
                "]".repeat(50_000),
                good().map(|device| device.to_string()).collect::<Vec<_>>().join(",")
            ),
            Told::Unaccounted(1),
        ),
        ("a guid that is an object", with_field("guid", json!({"value": "7"})), Told::Unaccounted(1)),
        ("a negative guid", with_field("guid", json!(-7)), Told::Unaccounted(1)),
        ("a guid of forty digits", with_field("guid", json!("7".repeat(40))), Told::Unaccounted(1)),
        ("a guid that is a path", with_field("guid", json!("../../etc")), Told::Unaccounted(1)),
        ("no guid", without("guid"), Told::Unaccounted(1)),
        ("a negative id", with_field("computerId", json!(-1)), Told::Unaccounted(1)),
        ("a text for an id", with_field("computerId", json!("first")), Told::Unaccounted(1)),
        ("a version that is none", with_field("productVersion", json!("unknown build")), Told::Unreadable(1)),
        ("a version that is a list", with_field("productVersion", json!(["4.2.0"])), Told::Unreadable(1)),
        ("an app that nobody knows", with_field("service", json!("Spreadsheet")), Told::Unaccounted(1)),
        ("no organisation", without("orgId"), Told::Unaccounted(1)),
        ("flags that are words", with_field("active", json!("perhaps")), Told::Unaccounted(0)),
        ("more than there are", page(1_000, good()), Told::Error("a page that differs")),
        ("a negative total", page(-25, good()), Told::Unaccounted(0)),
        ("one device many times", page(30_000, (0..30_000).map(|_| device(7))), Told::Unaccounted(29_999)),
        ("another server's devices", page(3, (1..4).map(device)), Told::Unlisted),
        ("no devices", page(0, []), Told::Unlisted),
    ]
}

async fn nothing_changes(environment: Arc<Environment>) -> Outcome {
    let site = environment.site("wrong-answers", Setting::of(SCENARIO)).await?;
    let mut spec = site.wanting("4.3.5.3".parse()?);
    spec["devices"] = json!({"upgrade": "Bundled", "waves": [1, "100%"], "pause": "100d"});
    site.commit(UPGRADE, spec).await?;
    let rests = |status: &CodeUpgradeStatus| {
        status.reason == "WavePause"
            && status.devices.as_ref().is_some_and(|devices| devices.total == 20 && devices.unaccounted == 0)
    };
    environment.until_status(&site, rests).await?;
    let before = memory(&environment, &site).await?;
    for (name, body, told) in wrong_lists() {
        set_fault(&site, Some(Fault::Body(body)));
        let is_told = |status: &CodeUpgradeStatus| {
            let of_another_list = |is_told: fn(&DevicesStatus) -> u64, many: u64| {
                let devices = status.devices.as_ref();
                devices.is_some_and(|devices| devices.total != 20 && is_told(devices) == many)
            };
            match &told {
                Told::Error(words) => status.reason == "AnswerUnexpected" && status.message.contains(words),
                Told::Unaccounted(many) => of_another_list(|devices| devices.unaccounted, *many),
                Told::Unreadable(many) => of_another_list(|devices| devices.unreadable, *many),
                Told::Unlisted => status.reason == "DevicesUnlisted",
            }
        };
        let outcome = environment.until_status(&site, is_told).await;
        let status = outcome.map_err(|error| format!("{name}: {error}"))?;
        assert!(status.message.chars().count() <= 1024, "{name}: {}", status.message);
        set_fault(&site, None);
        environment.until_status(&site, rests).await.map_err(|error| format!("{name}, after: {error}"))?;
        assert_eq!(memory(&environment, &site).await?, before, "{name}");
    }
    let told = site.simulation.at_present(|world| world.devices().filter(|device| device.flags > 0).count());
    assert_eq!(told, 1, "no device was told to upgrade on a wrong list");
    Ok(())
}

fn set_fault(site: &Site, fault: Option<Fault>) {
    site.simulation.at_present(|world| match fault {
        Some(fault) => world.faults_mut().set(Some("Computer"), fault),
        None => world.faults_mut().clear_all(),
    });
}

async fn memory(environment: &Environment, site: &Site) -> Result<Value, Error> {
    let upgrades: Api<CodeUpgrade> = Api::namespaced(environment.client.clone(), &site.namespace);
    let status = upgrades.get(UPGRADE).await?.status.ok_or("there is a status")?;
    Ok(serde_json::to_value(status.memory)?)
}
