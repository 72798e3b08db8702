//! `Computer`, `DeviceUpgrade` and its later equivalent.
//!
//! On record: the fields, and that 201 means flagged. Beyond the record: `osName` other than `win` and `linux`, the
//! status of a blocked device, all hardware details, that `orgId` leaves the organisations below out, and the
//! answer of the later equivalent.

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

use super::answer::{Answer, Page, local};
use super::call::Call;
use super::server_env::{internal, is_later};
use crate::catalog::{Os, Product};
use crate::fleet::DeviceState;
use crate::simulator::chance::Purpose;
use crate::simulator::device::{ComputerId, DeviceKey, ListedDevice, ReportedVersion, name_of};
use crate::simulator::fault::Fault;
use crate::simulator::world::World;

/// Lists devices, or reads one.
pub(super) fn devices(world: &World, call: &Call) -> Answer {
    if !call.is_get() {
        return Answer::wrong_method();
    }
    match call.rest.as_slice() {
        [] => list(world, call),
        [id] => {
            let by_guid = call.parameter("idType").is_some_and(|kind| kind.eq_ignore_ascii_case("guid"));
            let found = id
                .parse()
                .ok()
                .and_then(|id| if by_guid { world.device_by_guid(id) } else { world.device(ComputerId(id)) });
            match found {
                Some(device) => Answer::data(call, written(world, &device, with_usage(call))),
                None => Answer::not_found(),
            }
        }
        _ => Answer::not_found(),
    }
}

fn list(world: &World, call: &Call) -> Answer {
    let organisation = match wanted_organisation(world, call) {
        Ok(organisation) => organisation,
        Err(answer) => return answer,
    };
    let (active, blocked) = (call.switch("active"), call.switch("blocked"));
    let guid = call.parameter("guid");
    let text = call.parameter("q").map(str::to_lowercase);
    let mut page = Page::of(call);
    if world.faults().of("Computer") == Some(&Fault::ShiftedPages) {
        page.skip = page.skip.saturating_sub(1);
    }
    let usage = with_usage(call);
    let shown = world.faults().of("Computer") != Some(&Fault::NoDevices);
    let everything = shown
        && organisation.is_none()
        && active.is_none()
        && blocked.is_none()
        && guid.is_none()
        && text.is_none();
    if everything {
        let rows = world.devices_after(page.skip);
        let list =
            page.list_of("computers", world.device_count(), rows, |device| written(world, &device, usage));
        return Answer::data(call, list);
    }
    let found: Vec<ComputerId> = world
        .devices_where(|key| {
            shown
                && organisation.is_none_or(|wanted| key.organisation == wanted)
                && active.is_none_or(|wanted| (key.state != DeviceState::Deactivated) == wanted)
                && blocked.is_none_or(|wanted| (key.state == DeviceState::Blocked) == wanted)
                && guid.is_none_or(|wanted| key.guid.to_string() == wanted)
                && text.as_ref().is_none_or(|wanted| mentions(key, wanted))
        })
        .collect();
    let list = page.list("computers", found.into_iter(), |id| {
        world.device(id).map_or(Value::Null, |device| written(world, &device, usage))
    });
    Answer::data(call, list)
}

/// The organisation that the call limits the list to. The words about an unknown one are those that the vendor's Python
/// client looks for.
fn wanted_organisation(world: &World, call: &Call) -> Result<Option<u32>, Answer> {
    if let Some(id) = call.parameter("orgId") {
        return id
            .parse()
            .map(Some)
            .map_err(|_| Answer::error(StatusCode::BAD_REQUEST, "orgId is no number"));
    }
    let Some(uid) = call.parameter("orgUid") else { return Ok(None) };
    match world.organisations().all().iter().find(|organisation| organisation.uid == uid) {
        Some(organisation) => Ok(Some(organisation.id)),
        None => Err(Answer::error(StatusCode::BAD_REQUEST, "Unable to find org")),
    }
}

fn mentions(key: &DeviceKey, text: &str) -> bool {
    key.guid.to_string().contains(text) || name_of(key.os, key.id).contains(text)
}

fn with_usage(call: &Call) -> bool {
    call.switch("incBackupUsage") == Some(true) || call.switch("incAll") == Some(true)
}

fn written(world: &World, device: &ListedDevice, usage: bool) -> Value {
    let organisation = world.organisations().find(device.organisation);
    let (status, active, blocked) = match device.state {
        DeviceState::Active => ("Active", true, false),
        DeviceState::Blocked => ("Active, Blocked", true, true),
        DeviceState::Deactivated => ("Deactivated", false, false),
    };
    let (product_version, internal_version) = match device.version {
        ReportedVersion::Version(version) => (version.to_string(), Some(internal(version))),
        ReportedVersion::Nonsense => ("unknown build".to_owned(), None),
    };
    let (os_name, os_version) = match device.os {
        Os::Windows => ("win", "6.1"),
        Os::Mac => ("mac", "10.11.3"),
        Os::Linux => ("linux", "3.13.0-77-generic"),
        Os::Android => ("android", "6.0"),
        Os::Ios => ("ios", "9.2"),
        Os::Other => ("solaris", "11"),
    };
    let address = world.seed().draw(Purpose::Address, device.id.0, 0);
    let began = local(world, world.start());
    let name = device.name();
    let mut fields = json!({
        "computerId": device.id,
        "name": name,
        "osHostname": name,
        "guid": device.guid.to_string(),
        "type": "COMPUTER",
        "status": status,
        "active": active,
        "blocked": blocked,
        "alertState": 0,
        "alertStates": ["OK"],
        "userId": device.id,
        "userUid": device.guid.to_string(),
        "orgId": device.organisation,
        "orgUid": organisation.map(|organisation| &organisation.uid),
        "lastConnected": device.last_connected.map(|time| local(world, time)),
        "osName": os_name,
        "osVersion": os_version,
        "osArch": "amd64",
        "address": format!("198.51.100.{}:4242", address % 250 + 1),
        "remoteAddress": format!("203.0.113.{}", address % 250 + 1),
        "javaVersion": "1.8.0_72",
        "timeZone": "UTC",
        "version": internal_version,
        "productVersion": product_version,
        "buildVersion": 1,
        "creationDate": began,
        "modificationDate": began,
        "loginDate": began,
        "service": match device.product {
            Product::CrashPlan => "CrashPlan",
            Product::SharePlan | Product::SharePlanMobile => "SharePlan",
        },
    });
    if usage {
        fields["backupUsage"] = json!([backup_usage(world, device)]);
    }
    fields
}

fn backup_usage(world: &World, device: &ListedDevice) -> Value {
    let home = world.servers().into_iter().find(|server| server.guid == device.home);
    json!({
        "targetComputerGuid": device.home,
        "serverId": home.as_ref().map(|server| server.id.0),
        "serverName": home.as_ref().map(|server| &server.name),
        "storePointId": home.as_ref().map(|server| server.id.0),
        "isProvider": false,
        "activity": {
            "connected": device.connected && home.is_some_and(|server| server.online_devices > 0),
            "backingUp": false,
            "restoring": false,
        },
        "lastCompletedBackup": device.last_connected.map(|time| local(world, time)),
    })
}

/// Flags one device for an upgrade: 201 with an empty body.
pub(super) fn flag(world: &mut World, call: &Call) -> Answer {
    if call.method != Method::PUT {
        return Answer::wrong_method();
    }
    match call.target().and_then(|id| id.parse().ok()).map(|id| world.flag(ComputerId(id))) {
        Some(Ok(())) => Answer::nothing(StatusCode::CREATED),
        Some(Err(_)) | None => Answer::not_found(),
    }
}

/// The later equivalent, by guid.
pub(super) fn flag_by_guid(world: &mut World, call: &Call) -> Answer {
    let named = call.target().is_some_and(|target| target.eq_ignore_ascii_case("upgrade-device"));
    if !is_later(world) || !named {
        return Answer::not_found();
    }
    if call.method != Method::POST {
        return Answer::wrong_method();
    }
    let guid = call.body.get("deviceGuid").and_then(Value::as_str).and_then(|guid| guid.parse().ok());
    match guid.and_then(|guid| world.device_by_guid(guid)).map(|device| world.flag(device.id)) {
        Some(Ok(())) => Answer::data(call, Value::Null),
        Some(Err(_)) | None => Answer::not_found(),
    }
}
