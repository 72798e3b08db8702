//! Replays every recorded exchange: the server answers what a real one answered, the client must ask what the
//! recording asked and read what it holds.

use std::collections::BTreeSet;

use jiff::Timestamp;
use reqwest::Method;
use serde_json::Value;

use super::call::Call;
use super::recorded::{BASIC, Canned, Exchange, FakeAuthority, Seen, exchanges, recordings};
use super::{
    ClusterServerId, DestinationId, Error, Guid, OrganisationId, ServerId, ServerRecord, ServerType,
    SettingsUpdate, Switch, VendorError,
};

/// What this client never asks: by these recordings the simulated authority answers the vendor's own clients.
const NEVER_ASKED: [&str; 5] =
    ["auth-token-validate.json", "auth-token.json", "destinations.json", "ping.json", "server-by-id.json"];

/// Every other recording has a test below; a new one must get one.
const REPLAYED: [&str; 8] = [
    "auth-token-refused.json",
    "org-search.json",
    "server-created-storage.json",
    "server-env.js",
    "server-settings-update.json",
    "server-settings.json",
    "server-this.json",
    "servers.json",
];

#[test]
fn every_recording_is_replayed() {
    let files: BTreeSet<String> = std::fs::read_dir(recordings())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(files, REPLAYED.iter().chain(&NEVER_ASKED).map(|&file| file.to_owned()).collect());
}

/// Resource names are the same in any case, and paging is the client's own business. Everything else must be as
/// recorded.
fn assert_asked(recorded: &[Exchange], seen: &[Seen]) {
    assert_eq!(seen.len(), recorded.len(), "{seen:?}");
    for (exchange, seen) in recorded.iter().zip(seen) {
        let (path, query) = seen.path.split_once('?').unwrap_or((&seen.path, ""));
        let (recorded_path, recorded_query) =
            exchange.request.path.split_once('?').unwrap_or((&exchange.request.path, ""));
        assert_eq!(seen.method, exchange.request.method);
        assert!(path.eq_ignore_ascii_case(recorded_path), "{path} is not {recorded_path}");
        let pairs =
            query.split('&').filter(|pair| !pair.starts_with("pgNum=") && !pair.starts_with("pgSize="));
        assert_eq!(pairs.collect::<Vec<_>>().join("&"), recorded_query);
        let json = |text: &str| serde_json::from_str::<Value>(text).ok();
        assert_eq!(json(&seen.body), json(&exchange.request.body), "{}", seen.body);
        assert_eq!(seen.body.is_empty(), exchange.request.body.is_empty());
        assert_eq!(seen.authorization.as_deref(), Some(BASIC));
    }
}

async fn replay(file: &str) -> (Vec<Exchange>, FakeAuthority) {
    let exchanges = exchanges(file);
    let authority = FakeAuthority::replaying(&exchanges).await;
    (exchanges, authority)
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[tokio::test]
async fn refused() {
    let (exchanges, authority) = replay("auth-token-refused.json").await;
    let call = Call::new(Method::POST, "authToken").body(exchanges[0].request.body.clone());
    let error = authority.client().send(&call).await.unwrap_err();
    let vendor = VendorError { name: "SYSTEM".into(), description: "Invalid or missing credentials".into() };
    assert_eq!(error, Error::Refused { call: "POST /api/authToken".into(), vendor: Some(vendor) });
    assert_asked(&exchanges, &authority.seen());
}

#[tokio::test]
async fn servers() {
    let (exchanges, authority) = replay("servers.json").await;
    let answer = authority.client().servers().await.unwrap();
    assert_eq!(answer.authority_time, Some(at("2013-09-11T15:46:19.028Z")));
    let [server] = answer.value.as_slice() else { panic!("{:?}", answer.value) };
    assert_eq!(
        *server,
        ServerRecord {
            guid: Guid::parse("600624121205752065").unwrap(),
            server_id: Some(ServerId(3)),
            name: "more-01".into(),
            server_type: ServerType::Authority,
            version: Some("3.6.1.3".into()),
            online: true,
            out_of_date: Some(false),
            cluster_server_id: Some(ClusterServerId(1)),
            destination_id: Some(DestinationId(2)),
            destination_name: Some("CrashPlan PROe Server".into()),
            provider_destination_name: None,
            primary_address: Some("192.0.2.201:4282".into()),
            computer_count: Some(0),
            online_computer_count: Some(0),
            backup_session_count: Some(0),
        }
    );
    assert_asked(&exchanges, &authority.seen());
}

#[tokio::test]
async fn this_server() {
    let (exchanges, authority) = replay("server-this.json").await;
    let this = authority.client().this_server().await.unwrap();
    assert_asked(&exchanges, &authority.seen());
    assert_eq!(this.value.guid.as_str(), "600624193549107457");
    assert_eq!(this.value.version.as_deref(), Some("3.6.1.3"));
    assert_eq!(this.authority_time, Some(at("2013-09-11T18:12:18.952Z")));
}

/// The client never registers a server; the recording shows what one looks like before it first connects.
#[tokio::test]
async fn a_storage_server_before_it_first_connects() {
    let (exchanges, authority) = replay("server-created-storage.json").await;
    let call = Call::new(Method::POST, "server").body(exchanges[0].request.body.clone());
    let server = authority.client().record(&call, ServerRecord::read).await.unwrap().value;
    assert_eq!(server.guid.as_str(), "600624174859288833");
    assert_eq!(server.server_type, ServerType::Storage);
    assert_eq!(server.name, "more-02");
    assert_eq!((server.version, server.online), (None, false));
    assert_asked(&exchanges, &authority.seen());
}

#[tokio::test]
async fn server_settings() {
    let (exchanges, authority) = replay("server-settings.json").await;
    let settings = authority.client().server_settings(ClusterServerId(1)).await.unwrap().value;
    assert_eq!(settings.server_id, Some(ServerId(1)));
    assert_eq!(settings.name.as_deref(), Some("CrashPlan PROe Server"));
    assert_eq!(settings.daily_accounting_time.as_deref(), Some("02:01"));
    assert_eq!((settings.auto_upgrade, settings.device_auto_upgrade), (Some(Switch::On), Switch::On));
    assert_eq!((settings.server_upgraded, settings.client_upgrade_available), (Some(false), Some(false)));
    assert_asked(&exchanges, &authority.seen());
}

#[tokio::test]
async fn server_settings_update() {
    let (exchanges, authority) = replay("server-settings-update.json").await;
    let client = authority.client();
    let update = SettingsUpdate { name: Some("Foo Bar Server".into()), ..SettingsUpdate::default() };
    client.update_server_settings(ClusterServerId(1), &update).await.unwrap();
    let settings = client.server_settings(ClusterServerId(1)).await.unwrap().value;
    assert_eq!(settings.name.as_deref(), Some("Foo Bar Server"));
    assert_asked(&exchanges, &authority.seen());
}

/// The recording searches; the client reads all.
#[tokio::test]
async fn organisations() {
    let (_, authority) = replay("org-search.json").await;
    let answer = authority.client().organisations().await.unwrap();
    let [organisation] = answer.value.as_slice() else { panic!("{:?}", answer.value) };
    assert_eq!(organisation.organisation_id, OrganisationId(2));
    assert_eq!(organisation.organisation_uid.as_deref(), Some("proserverdemo"));
    assert_eq!(organisation.name, "PROServer Demo");
    assert_eq!(
        (organisation.parent, organisation.active, organisation.blocked),
        (None, Some(true), Some(false))
    );
}

/// The recording is the body alone; its content type is the one that the vendor's Ruby client looks for.
#[tokio::test]
async fn server_env() {
    let body = std::fs::read_to_string(recordings().join("server-env.js")).unwrap();
    let canned = Canned::new(200, "text/javascript", body).header("date", "Tue, 15 Sep 2015 08:12:31 GMT");
    let authority = FakeAuthority::answering([canned]).await;
    let answer = authority.client().server_environment().await.unwrap();
    assert_eq!(answer.authority_time, Some(at("2015-09-15T08:12:31Z")));
    let environment = answer.value;
    assert_eq!(environment.product_version, "4.3.0");
    assert_eq!(environment.client_product_version.as_deref(), Some("4.2.0"));
    assert_eq!(environment.share_plan_product_version.as_deref(), Some("4.2.0"));
    assert_eq!(environment.internal_version, Some(1_427_864_400_430));
    assert_eq!(environment.server_guid, Guid::parse("7201"));
    assert_eq!(environment.server_id, Some(ServerId(3)));
    assert_eq!(environment.cluster_server_id, Some(ClusterServerId(1)));
    assert_eq!(environment.server_type, Some(ServerType::Authority));
    assert_eq!(environment.secure_keystore_locked, Some(false));
    assert_eq!(authority.paths(), ["/api/ServerEnv"]);
}
