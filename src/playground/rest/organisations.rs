//! `Org`: the tree, flat, with the recorded fields. That one organisation by its number has the same fields as a row of
//! the list is not on record.

use serde_json::{Value, json};

use super::answer::{Answer, Page, local};
use super::call::Call;
use crate::simulator::organisation::Organisation;
use crate::simulator::world::World;

/// Lists organisations, searches them by name, or reads one.
pub(super) fn organisations(world: &World, call: &Call) -> Answer {
    if !call.is_get() {
        return Answer::wrong_method();
    }
    match call.rest.as_slice() {
        [] => {
            let text = call.parameter("q").map(str::to_lowercase);
            let named = |organisation: &&Organisation| {
                text.as_ref().is_none_or(|text| organisation.name.to_lowercase().contains(text))
            };
            let found: Vec<&Organisation> = world.organisations().all().iter().filter(named).collect();
            let list =
                Page::of(call).list("orgs", found.into_iter(), |organisation| written(world, organisation));
            Answer::data(call, list)
        }
        [id] => match id.parse().ok().and_then(|id| world.organisations().find(id)) {
            Some(organisation) => Answer::data(call, written(world, organisation)),
            None => Answer::not_found(),
        },
        _ => Answer::not_found(),
    }
}

fn written(world: &World, organisation: &Organisation) -> Value {
    let created = local(world, world.start());
    json!({
        "orgId": organisation.id,
        "orgUid": organisation.uid,
        "orgName": organisation.name,
        "status": "Active",
        "active": true,
        "blocked": false,
        "parentOrgId": organisation.parent,
        "type": "ENTERPRISE",
        "classification": "BASIC",
        "externalId": organisation.uid,
        "hierarchyCounts": {},
        "configInheritanceCounts": {},
        "creationDate": created,
        "modificationDate": created,
        "registrationKey": format!("SIMU-LATE-D{:03}-ORGS", organisation.id % 1_000),
        "reporting": {},
        "customConfig": false,
        "settings": { "maxSeats": null, "maxBytes": null },
        "settingsInherited": { "maxSeats": "", "maxBytes": "" },
        "settingsSummary": { "maxSeats": "", "maxBytes": "" },
    })
}
