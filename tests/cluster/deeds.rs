//! What the operator did to an environment, read from the API server's audit log.

use codeupgrade::playground::site::Site;
use codeupgrade::playground::stage;
use jiff::Timestamp;
use serde_json::Value;

use super::environment::{Environment, Error};
use super::operator::ACCOUNT;

/// What the operator did, as a person would tell it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Deed {
    /// It wrote down that this server is to become the release.
    Intend(String),
    /// It closed the catch of a server.
    Close(String),
    /// It gave a server the new image and opened its catch.
    Roll(String),
    /// It put its finalizer on the object.
    Guard,
    /// It took the finalizer off.
    Unguard,
}

/// The effective writes of the operator in the namespace of a site, in the order of the audit log.
pub(crate) async fn of(environment: &Environment, site: &Site) -> Result<Vec<(Deed, Timestamp)>, Error> {
    let mut deeds: Vec<(Deed, Timestamp)> = Vec::new();
    let mut guarded = false;
    // Of an operator that was killed before the answer nobody knows yet whether the write was done.
    let mut cut_off: Vec<(Deed, Timestamp)> = Vec::new();
    for event in environment.plane.audit_log().events().await? {
        let is_workload = matches!(event.resource.as_str(), "statefulsets" | "deployments");
        let is_cut_off = is_workload && event.is_cut_off();
        if !(event.is_effective() || is_cut_off)
            || event.user != ACCOUNT
            || event.namespace.as_ref() != Some(&site.namespace)
        {
            continue;
        }
        let name = event.name.clone().unwrap_or_default();
        let request = event.request.clone().unwrap_or_default();
        match (event.resource.as_str(), event.subresource.as_deref()) {
            ("codeupgrades", Some("status")) => {
                for server in intended(&request) {
                    let intent = Deed::Intend(server);
                    if !deeds.iter().any(|(known, _)| *known == intent) {
                        deeds.push((intent, event.received_at));
                    }
                }
            }
            ("codeupgrades", None) => {
                deeds.push((if guarded { Deed::Unguard } else { Deed::Guard }, event.received_at));
                guarded = !guarded;
            }
            ("statefulsets" | "deployments", None) => {
                assert_eq!(
                    event.impersonated,
                    Some(format!("system:serviceaccount:{}:codeupgrade", site.namespace))
                );
                let partition = request.pointer("/spec/updateStrategy/rollingUpdate/partition");
                let paused = request.pointer("/spec/paused").and_then(Value::as_bool);
                let closed = paused.or(partition.and_then(Value::as_i64).map(|partition| partition == 1));
                let image = request.pointer("/spec/template/spec/containers/0/image");
                let told = if is_cut_off { &mut cut_off } else { &mut deeds };
                told.push(match (closed, image.and_then(Value::as_str)) {
                    (Some(true), None) => (Deed::Close(name), event.received_at),
                    (Some(false), Some(image)) if image == stage::image("4.3.5.3".parse()?) => {
                        (Deed::Roll(name), event.received_at)
                    }
                    _ => return Err(format!("an odd write: {event:?}").into()),
                });
            }
            ("events", None) => {}
            _ => return Err(format!("an odd write: {event:?}").into()),
        }
    }
    // It was done where nobody did it again.
    for (deed, at) in cut_off {
        if !deeds.iter().any(|(other, later)| *other == deed && *later > at) {
            let place = deeds.partition_point(|(_, other)| *other <= at);
            deeds.insert(place, (deed, at));
        }
    }
    Ok(deeds)
}

/// The servers that a written status says are to become the release.
fn intended(request: &Value) -> Vec<String> {
    let servers = request.pointer("/status/memory/hop/servers").and_then(Value::as_array);
    let ordered =
        servers.into_iter().flatten().filter(|server| server.get("ordered").is_some_and(|at| !at.is_null()));
    // The name is that of the workload where it is not said.
    let name = |server: &Value| {
        let names = ["name", "statefulSet", "deployment"].map(|field| server[field].as_str());
        Some(names.into_iter().flatten().next()?.to_owned())
    };
    ordered.filter_map(name).collect()
}

/// The article's order: authority, one storage server, the others; each intended before it is rolled and held before the next.
pub(crate) fn assert_order(deeds: &[(Deed, Timestamp)]) {
    let told = || deeds.iter().map(|(deed, at)| format!("{at} {deed:?}")).collect::<Vec<_>>().join("\n");
    let place = |deed: Deed| {
        let places: Vec<usize> = (0..deeds.len()).filter(|index| deeds[*index].0 == deed).collect();
        assert!(!places.is_empty(), "there is no {deed:?} in\n{}", told());
        places
    };
    let (authority, first) = ("authority".to_owned(), "storage-01".to_owned());
    let others = ["storage-02".to_owned(), "storage-03".to_owned()];
    let mut all = vec![authority.clone(), first.clone()];
    all.extend(others.clone());
    let roll = |server: &String| {
        let places = place(Deed::Roll(server.clone()));
        assert_eq!(places.len(), 1, "{server} was rolled more than once in\n{}", told());
        places[0]
    };
    for server in &all {
        let closes = place(Deed::Close(server.clone()));
        assert_eq!(closes.len(), 2, "{server} is held at rest and after in\n{}", told());
        assert!(place(Deed::Guard)[0] < closes[0] && closes[1] > roll(server), "{server} in\n{}", told());
        assert!(place(Deed::Intend(server.clone()))[0] < roll(server), "{server} in\n{}", told());
    }
    let is_unguarded = deeds.iter().any(|(deed, _)| *deed == Deed::Unguard);
    assert!(!is_unguarded, "what is held at rest is to be given back with the object\n{}", told());
    assert!(place(Deed::Close(authority))[1] < roll(&first), "the authority goes first in\n{}", told());
    for server in &others {
        assert!(
            place(Deed::Close(first.clone()))[1] < roll(server),
            "one storage server goes alone in\n{}",
            told()
        );
    }
}
