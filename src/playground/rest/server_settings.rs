//! `serverSettings`: with the recorded fields; those that an upgrade does not touch have the recorded values.

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

use super::answer::Answer;
use super::call::Call;
use crate::simulator::settings::SettingsChange;
use crate::simulator::world::World;

/// The cluster of every recorded server.
pub(super) const CLUSTER: &str = "1";

/// Reads or changes the settings of the cluster.
pub(super) fn settings(world: &mut World, call: &Call) -> Answer {
    if call.target() != Some(CLUSTER) {
        return Answer::not_found();
    }
    match call.method {
        Method::GET => Answer::data(call, written(world)),
        Method::PUT => match serde_json::from_value::<SettingsChange>(call.body.clone()) {
            Ok(change) => {
                world.set_setting(change);
                Answer::nothing(StatusCode::OK)
            }
            Err(_) => Answer::error(StatusCode::BAD_REQUEST, "The settings cannot be read"),
        },
        _ => Answer::wrong_method(),
    }
}

fn written(world: &World) -> Value {
    let settings = world.settings();
    json!({
        "serverId": 1,
        "name": settings.name,
        "discriminator": "MyCluster",
        "dailyAccountingTime": settings.daily_accounting_time,
        "archiveMaintenanceIntervalInDays": 7,
        "expiredArchiveCleanupInDays": 20,
        "autoUpgrade": settings.auto_upgrade,
        "deviceAutoUpgrade": settings.device_auto_upgrade,
        "serverUpgraded": false,
        "clientUpgradeAvailable": false,
        "network": {
            "website": "http://192.0.2.3:4280",
            "primaryAddress": null,
            "secondaryAddress": null,
            "privateAddress": "",
        },
        "email": {
            "internal": true,
            "host": null,
            "ssl": false,
            "username": null,
            "password": null,
            "sender": "admin@example.com",
            "isUsingInheritedValues": false,
        },
        "emailInherited": { "internal": true, "host": null, "ssl": false, "username": null, "password": null },
        "cluster": true,
        "alert": {
            "freeSpace": { "warning": 10, "critical": 5 },
            "license": { "warning": 1, "critical": 0 },
            "backup": { "warning": 3, "critical": 7 },
            "email": { "sysAdmins": [], "additional": [] },
        },
        "ldap": { "syncIntervalHours": 12, "nonLdapOrgId": 0 },
        "security": { "useHttps": false },
    })
}
