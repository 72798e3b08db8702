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

use super::command::Command;
use super::device::{Errand, ReportedVersion};
use super::rest::Serving;
use super::server::ServerState;
use super::simulation::Simulation;
use super::wire::Wires;
use super::world::World;

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
