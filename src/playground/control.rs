//! A small HTTP API by which a demo or a test watches and disturbs a simulation from outside.
//!
//! Not part of the Code42 API, and on a port of its own, so that it answers while the authority is down. It asks for
//! no credentials: it must never listen beyond loopback.
//!
//! | call | |
//! |---|---|
//! | `GET /simulator/state` | the servers as they really are, counts of devices, settings, faults |
//! | `GET /simulator/devices` | every device, with what no answer of the authority tells |
//! | `GET /simulator/journal` | what happened, oldest first |
//! | `POST /simulator/commands` | one [`Command`], or a list of them |

use std::collections::BTreeMap;
use std::io;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::rest::Serving;
use super::simulation::Simulation;
use super::wire::Wires;
use crate::simulator::command::Command;
use crate::simulator::device::{Errand, ReportedVersion};
use crate::simulator::server::ServerState;
use crate::simulator::world::World;

/// Serves the control API on a loopback listener. Needs a tokio runtime.
pub fn serve(simulation: Simulation, listener: TcpListener) -> io::Result<Serving> {
    if !listener.local_addr()?.ip().is_loopback() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "the control API listens on loopback only"));
    }
    Serving::start(Wires::new(listener, None, || true)?, || {
        Router::new()
            .route("/simulator/state", get(state))
            .route("/simulator/devices", get(devices))
            .route("/simulator/journal", get(journal))
            .route("/simulator/commands", post(commands))
            .with_state(simulation)
    })
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Commands {
    Many(Vec<Command>),
    One(Command),
}

async fn commands(State(simulation): State<Simulation>, body: Bytes) -> Response {
    let commands = match serde_json::from_slice(&body) {
        Ok(Commands::Many(commands)) => commands,
        Ok(Commands::One(command)) => vec![command],
        Err(_) => {
            // Read again as one command: its error names what is wrong, that of a choice does not.
            let problem = serde_json::from_slice::<Command>(&body).err().map(|error| error.to_string());
            return refused(StatusCode::BAD_REQUEST, &problem.unwrap_or_default());
        }
    };
    let done =
        simulation.at_present(|world| commands.into_iter().try_for_each(|command| world.carry_out(command)));
    match done {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => refused(StatusCode::UNPROCESSABLE_ENTITY, &error.to_string()),
    }
}

fn refused(status: StatusCode, problem: &str) -> Response {
    (status, Json(json!({ "error": problem }))).into_response()
}

async fn state(State(simulation): State<Simulation>) -> Json<Value> {
    Json(simulation.at_present(|world| seen(world)))
}

fn seen(world: &World) -> Value {
    let servers: Vec<Value> = world
        .servers()
        .into_iter()
        .map(|server| {
            json!({
                "guid": server.guid,
                "name": server.name,
                "role": server.role,
                "version": server.version,
                "online": server.online,
                "state": phase(server.state),
                "devices": server.devices,
                "onlineDevices": server.online_devices,
                "backupSessions": server.backup_sessions,
            })
        })
        .collect();
    let mut versions: BTreeMap<String, u64> = BTreeMap::new();
    let mut connected = 0_u64;
    for device in world.devices() {
        *versions.entry(reported(device.version)).or_default() += 1;
        connected += u64::from(device.connected);
    }
    json!({
        "now": world.now(),
        "servers": servers,
        "devices": { "connected": connected, "byVersion": versions },
        "settings": world.settings(),
        "faults": world.faults(),
    })
}

fn phase(state: ServerState) -> Value {
    match state {
        ServerState::Stopped => json!("Stopped"),
        ServerState::Starting { ready_at } => json!({ "Starting": ready_at }),
        ServerState::Running { since } => json!({ "Running": since }),
        ServerState::Refusing => json!("Refusing"),
    }
}

fn reported(version: ReportedVersion) -> String {
    match version {
        ReportedVersion::Version(version) => version.to_string(),
        ReportedVersion::Nonsense => "nonsense".to_owned(),
    }
}

/// A device as it really is.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DeviceSeen {
    computer_id: u64,
    guid: String,
    version: String,
    connected: bool,
    last_connected: Option<Timestamp>,
    flags: u32,
    errand: &'static str,
}

async fn devices(State(simulation): State<Simulation>) -> Json<Vec<DeviceSeen>> {
    let seen = simulation.at_present(|world| {
        world
            .devices()
            .map(|device| DeviceSeen {
                computer_id: device.id.0,
                guid: device.guid.to_string(),
                version: reported(device.version),
                connected: device.connected,
                last_connected: device.last_connected,
                flags: device.flags,
                errand: match device.errand {
                    Errand::None => "None",
                    Errand::Flagged { .. } => "Flagged",
                    Errand::Downloading { .. } => "Downloading",
                    Errand::Returning => "Returning",
                    Errand::FallingBack { .. } => "FallingBack",
                },
            })
            .collect()
    });
    Json(seen)
}

async fn journal(State(simulation): State<Simulation>) -> Json<Value> {
    let entries: Vec<Value> = simulation.at_present(|world| {
        world.journal().map(|entry| json!({ "at": entry.at, "what": entry.what.to_string() })).collect()
    });
    Json(Value::Array(entries))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpStream;

    use super::*;
    use crate::catalog::Catalog;
    use crate::simulator::scenario::Scenario;

    const SCENARIO: &str = "
start: 2016-03-01T10:00:00Z
authority: {name: authority, version: 4.2.3.1}
devices: [{count: 3, os: Linux, version: 4.2.0}]
";

    async fn send(serving: &Serving, method: &str, path: &str, body: &str) -> (u16, Value) {
        let mut stream = TcpStream::connect(serving.address()).await.unwrap();
        let length = body.len();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: control\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let (headers, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = headers.split(' ').nth(1).unwrap().parse().unwrap();
        (status, serde_json::from_str(body).unwrap_or_default())
    }

    #[tokio::test]
    async fn a_simulation_is_watched_and_disturbed_from_outside() {
        let scenario = Scenario::from_yaml(SCENARIO).unwrap();
        let start = scenario.start;
        let world = World::new(&scenario, Catalog::default()).unwrap();
        let simulation = Simulation::new(world, Arc::new(move || start));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let serving = serve(simulation, listener).unwrap();

        let (_, before) = send(&serving, "GET", "/simulator/state", "").await;
        assert_eq!(before["devices"], json!({ "connected": 3, "byVersion": { "4.2.0": 3 } }));
        let commands = r#"[
            {"command": "SetFault", "resource": "Server", "fault": "Html"},
            {"command": "Flag", "computer": 1000},
            {"command": "StopServer", "server": "authority"}
        ]"#;
        assert_eq!(send(&serving, "POST", "/simulator/commands", commands).await.0, 204);
        let (status, after) = send(&serving, "GET", "/simulator/state", "").await;
        assert_eq!(
            (status, &after["servers"][0]["state"]),
            (200, &json!("Stopped")),
            "it answers while all is down"
        );
        assert_eq!(
            (&after["devices"]["connected"], &after["faults"]["byResource"]["server"]),
            (&json!(0), &json!("Html"))
        );
        let (_, devices) = send(&serving, "GET", "/simulator/devices", "").await;
        assert_eq!((&devices[0]["flags"], &devices[0]["errand"]), (&json!(1), &json!("Flagged")));
        let (_, journal) = send(&serving, "GET", "/simulator/journal", "").await;
        assert_eq!(journal.as_array().unwrap().len(), 2);

        for (body, expected, problem) in [
            (r#"{"command": "Explode"}"#, 400, "unknown variant `Explode`"),
            (r#"{"command": "StopServer", "server": "nobody"}"#, 422, "there is no server nobody"),
        ] {
            let (status, said) = send(&serving, "POST", "/simulator/commands", body).await;
            assert_eq!(status, expected);
            assert!(said["error"].as_str().unwrap().starts_with(problem), "{said}");
        }
    }
}
