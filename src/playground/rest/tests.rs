//! The API over real connections, against what real servers were recorded to answer.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::catalog::Catalog;
use crate::simulator::scenario::Scenario;
use crate::simulator::world::World;

const SCENARIO: &str = r#"
start: 2016-03-01T10:00:00Z
seed: 3
utcOffsetHours: -5
authority: {name: authority, guid: "600624193549107457", version: 4.3.0}
storage: [{name: storage-01, version: 4.3.0}]
providers: [{name: provider, version: 4.4.0}]
organisations: [{name: IT}, {name: Board, children: [{name: Berlin}]}]
devices:
- {count: 20, os: Windows, version: 4.2.0, organisation: IT}
- {count: 5, os: Mac, product: SharePlan, version: 4.2.0, organisation: Board/Berlin}
- {count: 3, os: Linux, version: 4.2.0, organisation: IT, state: Blocked}
- {count: 2, os: Linux, version: 4.2.0, organisation: IT, state: Deactivated}
"#;

/// A simulated authority, and a clock that only the test moves.
struct Fixture {
    serving: Serving,
    simulation: Simulation,
    second: Arc<AtomicI64>,
}

struct Reply {
    status: u16,
    headers: String,
    body: String,
}

impl Reply {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")))
    }
}

async fn fixture_of(scenario: &str) -> Fixture {
    let scenario = Scenario::from_yaml(scenario).unwrap();
    let second = Arc::new(AtomicI64::new(scenario.start.as_second()));
    let clock = Arc::clone(&second);
    let world = World::new(&scenario, Catalog::default()).unwrap();
    let time = move || Timestamp::from_second(clock.load(Ordering::Relaxed)).unwrap();
    let simulation = Simulation::new(world, Arc::new(time));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let account = Account { username: "admin".to_owned(), password: "secret".to_owned() };
    let serving = serve(simulation.clone(), account, listener, None).unwrap();
    Fixture { serving, simulation, second }
}

async fn fixture() -> Fixture {
    fixture_of(SCENARIO).await
}

const BASIC: &str = "Authorization: Basic YWRtaW46c2VjcmV0\r\n";

impl Fixture {
    fn pass(&self, minutes: i64) {
        self.second.fetch_add(minutes * 60, Ordering::Relaxed);
    }

    /// Sends a request word by word, so that nothing but the simulator's own answer is seen; `None` without an answer.
    async fn send(&self, method: &str, path: &str, headers: &str, body: &str) -> Option<Reply> {
        let mut stream = TcpStream::connect(self.serving.address()).await.unwrap();
        let length = body.len();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: authority\r\nConnection: close\r\n{headers}Content-Length: {length}\r\n\r\n{body}"
        );
        let _ = stream.write_all(request.as_bytes()).await;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        let answer = String::from_utf8(answer).unwrap();
        let (headers, body) = answer.split_once("\r\n\r\n")?;
        let status = headers.split(' ').nth(1)?.parse().unwrap();
        Some(Reply { status, headers: headers.to_owned(), body: body.to_owned() })
    }

    async fn get(&self, path: &str) -> Reply {
        self.send("GET", path, BASIC, "").await.expect("an answer")
    }

    async fn data(&self, path: &str) -> Value {
        let reply = self.get(path).await;
        assert_eq!(reply.status, 200, "{path}: {}", reply.body);
        reply.json()["data"].take()
    }
}

/// The recorded answers, one file by name.
fn recorded(name: &str) -> Vec<Value> {
    let path = format!("{}/tests/fixtures/code42-rest/{name}", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn fields(value: &Value) -> BTreeSet<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

fn of_one_kind(one: &Value, other: &Value) -> bool {
    one.is_null() || other.is_null() || std::mem::discriminant(one) == std::mem::discriminant(other)
}

#[tokio::test]
async fn answers_have_exactly_the_recorded_fields_and_types() {
    let fixture = fixture().await;
    for (file, exchange, path, pointer) in [
        ("ping.json", 0, "/api/ping", "/data"),
        ("servers.json", 0, "/api/server", "/data/servers/0"),
        ("server-this.json", 0, "/api/server/this", "/data"),
        ("server-by-id.json", 0, "/api/v1/Server/4", "/data"),
        ("server-settings.json", 0, "/api/serverSettings/1", "/data"),
        ("destinations.json", 0, "/api/destinations", "/data/destinations/0"),
        ("org-search.json", 0, "/api/org?q=Berlin", "/data/orgs/0"),
    ] {
        let recorded = &recorded(file)[exchange]["response"];
        let reply = fixture.get(path).await;
        let answered = reply.json();
        assert_eq!(fields(&answered), fields(&recorded["body"]), "{path}");
        assert_eq!(fields(&answered["metadata"]), fields(&recorded["body"]["metadata"]), "{path}");
        let (ours, theirs) = (answered.pointer(pointer).unwrap(), recorded["body"].pointer(pointer).unwrap());
        assert_eq!(fields(ours), fields(theirs), "{path}");
        for (name, value) in theirs.as_object().unwrap() {
            assert!(
                of_one_kind(&ours[name], value),
                "{path}: {name} is {} and was recorded as {value}",
                ours[name]
            );
        }
    }
}

#[tokio::test]
async fn times_are_the_worlds() {
    let fixture = fixture().await;
    fixture.pass(90);
    let reply = fixture.get("/api/ping?x=1").await;
    assert_eq!(reply.header("date"), Some("Tue, 01 Mar 2016 11:30:00 GMT"));
    assert_eq!(
        reply.json()["metadata"],
        json!({ "timestamp": "2016-03-01T06:30:00.000-05:00", "params": { "x": "1" } })
    );
}

#[tokio::test]
async fn a_token_stands_for_name_and_password_until_the_next_restart() {
    let fixture = fixture().await;
    let reply = fixture.send("POST", "/api/authToken", BASIC, "{}").await.unwrap();
    let halves: Vec<String> = serde_json::from_value(reply.json()["data"].clone()).unwrap();
    let token = halves.join("-");
    assert_eq!((halves.len(), token.len()), (2, 53));
    let header = format!("Authorization: TOKEN {token}\r\nAuthorization-Challenge: false\r\n");
    assert_eq!(fixture.send("GET", "/api/Server", &header, "").await.unwrap().status, 200);
    let valid = fixture.data(&format!("/api/authToken/{token}")).await;
    assert_eq!(valid, json!({ "valid": true, "username": "admin" }));
    fixture.simulation.at_present(|world| {
        let guid = world.server_guid("authority").unwrap();
        world.start_server(&guid, "4.3.0".parse().unwrap()).unwrap();
    });
    fixture.pass(5);
    let refused = fixture.send("GET", "/api/Server", &header, "").await.unwrap();
    assert_eq!((refused.status, refused.header("www-authenticate")), (401, None));
    let second = fixture.send("POST", "/api/authToken", BASIC, "{}").await.unwrap().json();
    assert_ne!(second["data"], json!(halves));
    let token = format!("{}-{}", second["data"][0].as_str().unwrap(), second["data"][1].as_str().unwrap());
    assert_eq!(
        fixture.send("DELETE", &format!("/api/authToken/{token}"), BASIC, "").await.unwrap().status,
        204
    );
    assert_eq!(fixture.data(&format!("/api/authToken/{token}")).await, json!({ "valid": false }));
}

#[tokio::test]
async fn wrong_credentials_are_refused_as_recorded() {
    let fixture = fixture().await;
    let recorded = &recorded("auth-token-refused.json")[0]["response"];
    for (path, headers) in
        [("/api/authToken", "Authorization: Basic YWRtaW46d3Jvbmc=\r\n"), ("/api/authToken", "")]
    {
        let reply = fixture.send("POST", path, headers, "{}").await.unwrap();
        assert_eq!(json!(reply.status), recorded["status"]);
        assert_eq!(reply.header("content-type"), recorded["contentType"].as_str());
        assert_eq!(reply.json(), recorded["body"]);
        assert!(reply.header("www-authenticate").is_some());
    }
    assert_eq!(
        fixture.send("GET", "/api/ServerEnv", "", "").await.unwrap().status,
        200,
        "anybody may ask who it is"
    );
}

#[tokio::test]
async fn the_environment_is_javascript_and_later_json() {
    let fixture = fixture().await;
    let script = fixture.get("/api/ServerEnv").await;
    assert_eq!(script.header("content-type"), Some("text/javascript"));
    for line in
        ["window.serverEnv = {", "\tproductVersion: \"4.3.0\",", "\tserverGuid: '600624193549107457',"]
    {
        assert!(script.body.contains(line), "{line}: {}", script.body);
    }
    assert!(script.body.contains("\t\tenterprise: true"), "{}", script.body);
    let later = fixture_of(&SCENARIO.replace("version: 4.3.0}", "version: 6.8.9}")).await;
    let json = later.get("/api/v1/ServerEnv").await.json();
    assert_eq!((&json["productVersion"], &json["serverType"]["master"]), (&json!("6.8.9"), &json!(true)));
}

#[tokio::test]
async fn devices_come_page_by_page_and_filtered() {
    let fixture = fixture().await;
    let mut seen = BTreeSet::new();
    for page in 1..=4 {
        let data = fixture.data(&format!("/api/Computer?pgNum={page}&pgSize=9&incBackupUsage=true")).await;
        assert_eq!(data["totalCount"], 30);
        let rows = data["computers"].as_array().unwrap();
        assert_eq!(rows.len(), if page == 4 { 3 } else { 9 });
        seen.extend(rows.iter().map(|row| row["guid"].as_str().unwrap().to_owned()));
        assert_eq!(rows[0]["backupUsage"][0]["serverName"], "storage-01");
    }
    assert_eq!(seen.len(), 30);
    let guid = seen.first().unwrap();
    for (filter, expected) in [
        ("active=true", 28),
        ("active=false", 2),
        ("blocked=True", 3),
        ("orgId=4", 5),
        ("orgId=3", 0),
        ("orgUid=it&active=true&blocked=false", 20),
        ("q=windows", 20),
        (&format!("q={guid}"), 1),
        (&format!("guid={guid}&incAll=true"), 1),
        ("q=nothing", 0),
    ] {
        assert_eq!(
            fixture.data(&format!("/api/computer?{filter}")).await["totalCount"],
            expected,
            "{filter}"
        );
    }
    let unknown = fixture.get("/api/Computer?orgUid=nowhere").await;
    assert_eq!((unknown.status, &unknown.json()[0]["description"]), (400, &json!("Unable to find org")));
    let by_guid = fixture.data(&format!("/api/Computer/{guid}?idType=guid")).await;
    let by_id = fixture.data(&format!("/api/Computer/{}", by_guid["computerId"])).await;
    assert_eq!(by_guid, by_id);
    assert_eq!(fixture.get("/api/Computer/1").await.status, 404);
}

#[tokio::test]
async fn a_device_has_the_fields_that_the_vendors_clients_read() {
    let fixture = fixture().await;
    let data = fixture.data("/api/Computer?pgSize=1").await;
    let device = &data["computers"][0];
    for (name, value) in [
        ("type", json!("COMPUTER")),
        ("status", json!("Active")),
        ("active", json!(true)),
        ("blocked", json!(false)),
        ("orgId", json!(2)),
        ("osName", json!("win")),
        ("productVersion", json!("4.2.0")),
        ("service", json!("CrashPlan")),
        ("lastConnected", json!("2016-03-01T05:00:00.000-05:00")),
    ] {
        assert_eq!(device[name], value, "{name}");
    }
    assert!(device["computerId"].is_u64() && device["guid"].is_string() && device["version"].is_u64());
    assert!(device.get("backupUsage").is_none());
}

#[tokio::test]
async fn a_flag_is_answered_with_201_and_nothing_else() {
    let fixture = fixture().await;
    let id = fixture.data("/api/Computer?pgSize=1").await["computers"][0]["computerId"].clone();
    let flagged = fixture.send("PUT", &format!("/api/DeviceUpgrade/{id}"), BASIC, "{}").await.unwrap();
    assert_eq!((flagged.status, flagged.body.as_str()), (201, ""));
    assert_eq!(fixture.send("PUT", "/api/DeviceUpgrade/7", BASIC, "{}").await.unwrap().status, 404);
    let flags = fixture.simulation.at_present(|world| world.devices().next().unwrap().flags);
    assert_eq!(flags, 1);
    let body = json!({ "deviceGuid": "1" }).to_string();
    let later = fixture.send("POST", "/api/v4/device-upgrade/upgrade-device", BASIC, &body).await.unwrap();
    assert_eq!(later.status, 404, "4.x does not know it");
}

#[tokio::test]
async fn settings_change_one_by_one() {
    let fixture = fixture().await;
    let body = json!({ "deviceAutoUpgrade": true }).to_string();
    let reply = fixture.send("PUT", "/api/serverSettings/1", BASIC, &body).await.unwrap();
    assert_eq!((reply.status, reply.body.as_str(), reply.header("content-type")), (200, "", None));
    let settings = fixture.data("/api/serversettings/1").await;
    assert_eq!((&settings["deviceAutoUpgrade"], &settings["autoUpgrade"]), (&json!(true), &json!(false)));
    assert_eq!(settings["name"], "CrashPlan PROe Server");
    assert_eq!(fixture.get("/api/serverSettings/2").await.status, 404);
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let fixture = fixture().await;
    for path in ["/", "/api/Upgrade", "/api/Server/99", "/api/Org/99", "/api/User/2", "/api/v3/auth/jwt"] {
        let reply = fixture.get(path).await;
        assert_eq!(reply.status, 404, "{path}");
        assert!(reply.json()[0]["description"].is_string(), "{path}");
    }
    assert_eq!(fixture.send("DELETE", "/api/Server", BASIC, "").await.unwrap().status, 405);
    let provider = fixture.data("/api/Server/5").await;
    assert_eq!(
        (&provider["type"], &provider["providerDestinationName"]),
        (&json!("STORAGE"), &json!("provider"))
    );
    assert_eq!(fixture.data("/api/StorePoint").await["storepoints"][1]["serverName"], "storage-01");
    assert_eq!(fixture.data("/api/diagnostic").await["dbOk"], true);
}

#[tokio::test]
async fn an_authority_that_is_down_answers_nobody() {
    let fixture = fixture().await;
    let mut before = TcpStream::connect(fixture.serving.address()).await.unwrap();
    let guid = fixture.simulation.at_present(|world| world.server_guid("authority").unwrap());
    fixture.simulation.at_present(|world| world.start_server(&guid, "4.3.5.3".parse().unwrap()).unwrap());
    assert!(fixture.send("GET", "/api/ping", "", "").await.is_none());
    let _ = before.write_all(b"GET /api/ping HTTP/1.1\r\nHost: authority\r\n\r\n").await;
    let mut answer = Vec::new();
    let _ = before.read_to_end(&mut answer).await;
    assert!(answer.is_empty(), "an open connection is cut as well");
    fixture.pass(11);
    assert_eq!(fixture.data("/api/Server/this").await["version"], "4.3.5.3");
}

#[tokio::test]
async fn every_fault_disturbs_its_resource_and_no_other() {
    let fixture = fixture().await;
    let set = |fault: Option<Fault>| {
        fixture.simulation.at_present(|world| match fault {
            Some(fault) => world.faults_mut().set(Some("Server"), fault),
            None => world.faults_mut().clear(Some("Server")),
        });
    };
    set(Some(Fault::RefuseConnection));
    assert!(fixture.send("GET", "/api/Server", BASIC, "").await.is_none());
    assert_eq!(fixture.get("/api/Org").await.status, 200);
    set(Some(Fault::TimeOut));
    let patience = Duration::from_millis(200);
    assert!(tokio::time::timeout(patience, fixture.send("GET", "/api/Server", BASIC, "")).await.is_err());
    set(Some(Fault::Html));
    assert!(fixture.get("/api/Server").await.body.starts_with("<!DOCTYPE html>"));
    set(Some(Fault::Unauthorised));
    assert_eq!(fixture.get("/api/Server").await.status, 401);
    set(Some(Fault::ServerError));
    assert_eq!(fixture.get("/api/Server").await.status, 500);
    set(Some(Fault::HalfAnswer));
    let half = fixture.get("/api/Server").await;
    let promised: usize = half.header("content-length").unwrap().parse().unwrap();
    assert_eq!(half.body.len(), promised / 2);
    set(Some(Fault::WrongTypes));
    assert!(fixture.data("/api/Server").await["servers"][0]["guid"].is_object());
    set(Some(Fault::Version("4.1.6".parse().unwrap())));
    assert_eq!(fixture.data("/api/Server").await["servers"][0]["version"], "4.1.6");
    set(Some(Fault::OtherAuthority("42".into())));
    assert_eq!(fixture.data("/api/Server/this").await["guid"], "42");
    set(None);
    assert_eq!(fixture.data("/api/Server/this").await["guid"], "600624193549107457");
}

#[tokio::test]
async fn shifted_pages_repeat_one_row_and_lose_another() {
    let fixture = fixture().await;
    fixture.simulation.at_present(|world| world.faults_mut().set(None, Fault::ShiftedPages));
    let mut guids = Vec::new();
    for page in 1..=2 {
        let data = fixture.data(&format!("/api/Computer?pgNum={page}&pgSize=15")).await;
        let rows = data["computers"].as_array().unwrap().clone();
        guids.extend(rows.iter().map(|row| row["guid"].as_str().unwrap().to_owned()));
    }
    assert_eq!((guids.len(), guids.iter().collect::<BTreeSet<_>>().len()), (30, 29));
    assert_eq!(guids[14], guids[15]);
}
