//! The devices of an environment, for those who may see them: `/devices/NAMESPACE/NAME`. It only reads what the collector has.
//!
//! Who asks is proven by a token that was made for this audience alone, and may `get codeupgrades/devices` in that namespace.
//! Answers are Kubernetes' own: a failure is a `Status`.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use futures::StreamExt as _;
use jiff::Timestamp;
use k8s_openapi::api::authentication::v1::UserInfo;
use k8s_openapi::api::authorization::v1::{ResourceAttributes, SubjectAccessReviewSpec};
use kube::ResourceExt;
use kube::runtime::reflector::ObjectRef;

use super::Shown;
use super::access::{self, Denied};
use crate::api::devices::{
    DEFAULT_LIMIT, DeviceCount, DeviceItem, DevicePage, DeviceQuery, MAX_LIMIT, MAX_NAMED, SUBRESOURCE,
    TOKEN_AUDIENCE, TOKEN_HEADER,
};
use crate::api::{CodeUpgrade, GROUP};
use crate::catalog::{Os, Product, Version};
use crate::code42;
use crate::fleet::Devices;
use crate::fleet::devices::Device;
use crate::operator::context::Context;
use crate::planner::Memory;
use crate::planner::rollout::{Described, DeviceVerdict, Judge, Judged, judged_by};
use crate::translate;

/// Names that are asked for at once: an authority has other work.
const ASKED_AT_ONCE: usize = 4;

/// Answers with a page of devices.
pub(super) async fn show(
    State(shown): State<Shown>,
    Path((namespace, name)): Path<(String, String)>,
    Query(query): Query<DeviceQuery>,
    headers: HeaderMap,
) -> Result<Json<DevicePage>, Denied> {
    let context = shown.context.borrow().clone().ok_or_else(|| {
        let message = "this replica stands by: ask again, another one acts";
        Denied::new(StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailable", message)
    })?;
    let user = who(&context, &headers).await?;
    check_rights(&context, user, &namespace, &name).await?;
    let missing = |what: &str| {
        let message = format!("CodeUpgrade {namespace}/{name} {what}");
        Denied::new(StatusCode::NOT_FOUND, "NotFound", message)
    };
    let object = context.upgrades.get(&ObjectRef::new(&name).within(&namespace));
    let object = object.ok_or_else(|| missing("is not there"))?;
    let object = object.0.as_ref().map_err(|_| missing("cannot be read"))?;
    let wanted = Wanted::read(&query)
        .map_err(|message| Denied::new(StatusCode::BAD_REQUEST, "BadRequest", message))?;
    let mut page = page(&context, object, &wanted).ok_or_else(|| missing("has no list of devices yet"))?;
    if query.names {
        let environment = object.uid().and_then(|uid| context.environments.get(&uid));
        if let Some(client) = environment.and_then(|environment| environment.authority()) {
            name_all(&client, &mut page.items).await;
        }
    }
    Ok(Json(page))
}

/// Adds the names that the authority tells; nothing that is decided rests on them.
async fn name_all(client: &code42::Client, items: &mut [DeviceItem]) {
    futures::stream::iter(items)
        .for_each_concurrent(ASKED_AT_ONCE, |item| async {
            let Ok(guid) = item.guid.parse() else { return };
            match client.device(guid).await {
                Ok(answer) => item.name = answer.value.name,
                Err(error) => tracing::debug!(guid, %error, "the name of a device could not be read"),
            }
        })
        .await;
}

/// Who asks, by a token that was made for this audience alone.
async fn who(context: &Context, headers: &HeaderMap) -> Result<UserInfo, Denied> {
    let token = headers.get(TOKEN_HEADER).and_then(|value| value.to_str().ok());
    let token = token.ok_or_else(|| Denied::unknown("a token for audience codeupgrade.dev is asked for"))?;
    access::who(&context.client, token, Some(TOKEN_AUDIENCE)).await
}

async fn check_rights(context: &Context, user: UserInfo, namespace: &str, name: &str) -> Result<(), Denied> {
    let asking = user.username.clone().unwrap_or_default();
    let attributes = SubjectAccessReviewSpec {
        resource_attributes: Some(ResourceAttributes {
            group: Some(GROUP.to_owned()),
            resource: Some("codeupgrades".to_owned()),
            subresource: Some(SUBRESOURCE.to_owned()),
            verb: Some("get".to_owned()),
            namespace: Some(namespace.to_owned()),
            name: Some(name.to_owned()),
            ..ResourceAttributes::default()
        }),
        ..SubjectAccessReviewSpec::default()
    };
    if access::may(&context.client, user, attributes).await? {
        return Ok(());
    }
    let message = format!("{asking} may not get codeupgrades/{SUBRESOURCE} in namespace {namespace}");
    Err(Denied::new(StatusCode::FORBIDDEN, "Forbidden", message))
}

/// A query that could be read.
struct Wanted<'a> {
    states: Vec<DeviceVerdict>,
    group: Option<&'a str>,
    guid: Option<u64>,
    after: Option<u64>,
    limit: usize,
}

impl<'a> Wanted<'a> {
    fn read(query: &'a DeviceQuery) -> Result<Self, String> {
        let state = |word| DeviceVerdict::named(word).map_err(|problem| format!("state: {problem}"));
        let words = query.state.iter().flat_map(|text| text.split(',')).filter(|word| !word.is_empty());
        Ok(Self {
            states: words.map(state).collect::<Result<_, _>>()?,
            group: query.group.as_deref(),
            guid: query.guid,
            after: query.after,
            limit: query
                .limit
                .unwrap_or(DEFAULT_LIMIT)
                .clamp(1, if query.names { MAX_NAMED } else { MAX_LIMIT }),
        })
    }
}

/// What devices are counted by.
type Kind = (u16, Product, Os, Option<Version>, DeviceVerdict);

fn page(context: &Context, object: &CodeUpgrade, wanted: &Wanted<'_>) -> Option<DevicePage> {
    let environment = context.environments.get(&object.uid()?)?;
    let snapshot = environment.snapshot();
    let devices = snapshot.known.devices.clone()?;
    let catalog = context.complete_catalog()?;
    let desired = translate::desired(object);
    let memory: Memory = object.status.as_ref().and_then(|status| status.memory.clone()).unwrap_or_default();
    let release = judged_by(&desired, &memory, None);
    let watch = environment.watch_of(Some(&devices));
    let described = release.and_then(|release| catalog.catalog.release(release));
    let now = context.clock().now();
    let judged = Judged::by(described, &desired);
    let judge = Judge::new(&devices, &judged, &desired, &memory, &watch);
    let group = |index: u16| desired.devices.groups.get(usize::from(index)).map(|group| group.name.clone());
    let mut counts: BTreeMap<Kind, u64> = BTreeMap::new();
    let (mut matching, mut items, mut next) = (0, Vec::new(), None);
    for (device, row) in listed_and_missing(&devices, &judge) {
        let verdict = row.map_or(DeviceVerdict::Missing, |row| judge.verdict(row, device));
        let is_wanted = (wanted.states.is_empty() || wanted.states.contains(&verdict))
            && wanted.guid.is_none_or(|guid| guid == device.guid)
            && wanted.group.is_none_or(|name| group(device.group).as_deref() == Some(name));
        if !is_wanted {
            continue;
        }
        matching += 1;
        let kind = (device.group, device.product, device.os, device.version, verdict);
        *counts.entry(kind).or_default() += 1;
        if wanted.after.is_some_and(|after| device.guid <= after) {
            continue;
        }
        if items.len() < wanted.limit {
            let described = match row {
                Some(row) => judge.describe(row, device, now),
                None => judge.describe_missing(device, now),
            };
            items.push(item(described, device, devices.arrangement.release));
        } else if next.is_none() {
            next = items.last().map(|last: &DeviceItem| last.guid.clone());
        }
    }
    let count = |((index, product, os, version, verdict), devices): (Kind, u64)| DeviceCount {
        group: group(index),
        product,
        os,
        version,
        state: verdict.name().to_owned(),
        devices,
    };
    let counts = counts.into_iter().map(count).collect();
    Some(DevicePage { release, listed_at: devices.finished, matching, counts, items, next })
}

/// All devices by guid: those of the list with their rows, and those that are missing from it.
fn listed_and_missing<'a>(devices: &'a Devices, judge: &'a Judge<'_>) -> Vec<(&'a Device, Option<usize>)> {
    let listed = devices.rows().iter().enumerate().map(|(row, device)| (device, Some(row)));
    let missing = judge.known_missing().filter(|device| devices.row_of(device.guid).is_none());
    let mut all: Vec<_> = listed.chain(missing.map(|device| (device, None))).collect();
    all.sort_by_key(|(device, _)| device.guid);
    all
}

fn item(described: Described, device: &Device, ranked_for: Option<Version>) -> DeviceItem {
    let last_connected = (device.last_connected != i64::MIN).then_some(device.last_connected);
    DeviceItem {
        guid: device.guid.to_string(),
        name: None,
        computer_id: device.computer_id,
        product: device.product,
        os: device.os,
        version: device.version,
        target: described.target,
        state: described.verdict.name().to_owned(),
        reason: described.reason,
        group: described.group,
        organisation: device.organisation,
        rank: ranked_for.map(|_| device.rank.to_string()),
        last_connected: last_connected.and_then(|second| Timestamp::from_second(second).ok()),
        released_at: described.released_at,
        flagged_at: described.flagged_at,
    }
}

/// What the handler needs of the process that acts; empty while another one does.
pub(super) type Acting = tokio::sync::watch::Receiver<Option<Arc<Context>>>;
