//! Listings over several pages, and rows as other versions write them. Fields and values are the documented ones;
//! no real listing of devices was recorded.

use std::fmt::Write as _;

use super::recorded::{Canned, FakeAuthority};
use super::{
    ComputerId, DEVICES_A_PAGE, DeviceRow, DeviceStanding, Error, ErrorKind, OrganisationId, ServerType,
};

fn page(name: &str, total: Option<u64>, rows: impl IntoIterator<Item = String>) -> Canned {
    let rows: Vec<String> = rows.into_iter().collect();
    let total = total.map_or_else(String::new, |total| format!("\"totalCount\":{total},"));
    Canned::json(format!(
        r#"{{"metadata":{{"timestamp":"2016-03-01T10:00:00.000Z"}},"data":{{{total}"{name}":[{}]}}}}"#,
        rows.join(",")
    ))
}

fn server(guid: u64) -> String {
    format!(
        r#"{{"guid":"{guid}","serverName":"s{guid}","type":"STORAGE","version":"4.2.3.1","online":true}}"#
    )
}

fn device(id: u64) -> String {
    format!(
        r#"{{"computerId":{id},"guid":"{}","status":"Active","active":true,"productVersion":"4.2.0","orgId":2}}"#,
        900_000 + id
    )
}

fn mismatch_place(error: Error) -> String {
    match error {
        Error::Unexpected { mismatch, .. } => format!("{} {}", mismatch.place, mismatch.expected),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn servers_of_every_page_come_in_the_order_of_their_guids() {
    let authority = FakeAuthority::answering([
        page("servers", Some(103), (100..200).rev().map(server)),
        page("servers", Some(103), (200..203).map(server)),
    ])
    .await;
    let servers = authority.client().servers().await.unwrap().value;
    assert_eq!(servers.len(), 103);
    assert!(servers.is_sorted_by_key(|server| server.guid.clone()));
    assert_eq!(authority.paths(), ["/api/Server?pgNum=1&pgSize=100", "/api/Server?pgNum=2&pgSize=100"]);
}

#[tokio::test]
async fn a_list_of_servers_in_any_frame_is_read() {
    let body = format!("[{}]", server(1));
    let servers = format!(r#"{{"servers":{body}}}"#);
    for body in [format!(r#"{{"data":{body}}}"#), format!(r#"{{"data":{servers}}}"#), servers, body] {
        // Without a total the next page is asked for; an authority that ignores paging says the same again.
        let again = [Canned::json(body.clone()), Canned::json(body.clone())];
        let authority = FakeAuthority::answering(again).await;
        let answer = authority.client().servers().await.unwrap();
        assert_eq!(answer.value.len(), 1, "{body}");
        assert_eq!(answer.value[0].server_type, ServerType::Storage);
    }
}

#[tokio::test]
async fn servers_that_do_not_add_up_are_no_answer() {
    for (name, pages, expected) in [
        (
            "one guid twice",
            vec![page("servers", Some(3), [server(1), server(2), server(1)])],
            "data.servers.totalCount every row once",
        ),
        (
            "a total that is never reached",
            vec![page("servers", Some(3), [server(1)]), page("servers", Some(3), [])],
            "data.servers.totalCount as many as there are rows",
        ),
        (
            "more than the total",
            vec![page("servers", Some(1), [server(1), server(2)])],
            "data.servers.totalCount as many as there are rows",
        ),
    ] {
        let authority = FakeAuthority::answering(pages).await;
        let error = authority.client().servers().await.unwrap_err();
        assert_eq!(mismatch_place(error), expected, "{name}");
    }
}

#[tokio::test]
async fn a_list_that_no_environment_can_have_is_not_read_to_its_end() {
    let authority = FakeAuthority::answering([page("servers", None, (0..1_001).map(server))]).await;
    let error = authority.client().servers().await.unwrap_err();
    assert_eq!(error, Error::TooMany { call: "GET /api/Server".into(), what: "servers", most: 1_000 });
    assert_eq!(error.summary(), "the authority lists more than 1000 servers, which is more than is read");
}

#[tokio::test]
async fn a_server_without_what_matters_is_named_by_its_place() {
    let cases = [
        (r#"{"type":"SERVER","version":"4.2.3.1","online":true}"#, "data.servers[1].guid a guid"),
        (r#"{"guid":"","type":"SERVER","version":"4.2.3.1","online":true}"#, "data.servers[1].guid a guid"),
        (r#"{"guid":"9","version":"4.2.3.1","online":true}"#, "data.servers[1].type a type of server"),
        (r#"{"guid":"9","type":"SERVER","online":true}"#, "data.servers[1].version a version or null"),
        (
            r#"{"guid":"9","type":"SERVER","version":4.2,"online":true}"#,
            "data.servers[1].version a version or null",
        ),
        (r#"{"guid":"9","type":"SERVER","version":"4.2"}"#, "data.servers[1].online true or false"),
        (
            r#"{"guid":"9","type":"SERVER","version":"4.2","online":null}"#,
            "data.servers[1].online true or false",
        ),
        ("7", "data.servers[1] an object"),
    ];
    for (row, expected) in cases {
        let authority =
            FakeAuthority::answering([page("servers", Some(2), [server(1), row.to_owned()])]).await;
        let error = authority.client().servers().await.unwrap_err();
        assert_eq!(mismatch_place(error), expected, "{row}");
    }
}

#[tokio::test]
async fn organisations_that_shift_while_paging_are_kept_once() {
    let organisation =
        |id: u64, name: &str| format!(r#"{{"orgId":{id},"orgName":"{name}","parentOrgId":"1"}}"#);
    let authority = FakeAuthority::answering([
        page("orgs", Some(251), (1..=250).map(|id| organisation(id, "old"))),
        page("orgs", Some(251), [organisation(250, "new"), organisation(251, "new")]),
    ])
    .await;
    let organisations = authority.client().organisations().await.unwrap().value;
    assert_eq!(organisations.len(), 251);
    assert_eq!(organisations[249].name, "new");
    assert_eq!(organisations[249].parent, Some(OrganisationId(1)));
    assert_eq!(authority.paths()[1], "/api/Org?pgNum=2&pgSize=250");
}

#[tokio::test]
async fn a_device_is_read_from_its_documented_fields() {
    let body = r#"{"data":{"computers":[
        {"computerId":"12","name":"a\u0007b","guid":905619014,"type":"COMPUTER","status":"Active, Deauthorized","active":true,
         "blocked":false,"orgId":2,"orgUid":"9001","lastConnected":"2018-03-16T17:06:50.774Z","osName":"win","osVersion":"10.0",
         "version":1512021600671,"productVersion":"6.7.1","buildVersion":4615,"service":"CrashPlan","backupUsage":[{}]},
        {"computerId":13,"guid":"13","status":"Deactivated","lastConnected":null},
        {"computerId":14,"guid":"14","active":true,"blocked":true,"lastConnected":"2018-04-18T08:22:00.123-05:00"},
        {"computerId":15,"guid":"15","status":"Active, Blocked"},
        {"computerId":16,"status":"Active"},
        {"guid":"17","status":"Active"},
        {"computerId":18,"guid":"18","status":"Strange"}]}}"#;
    let authority = FakeAuthority::answering([Canned::json(body)]).await;
    let (mut devices, mut unreadable) = (Vec::new(), Vec::new());
    let mut give = |row: DeviceRow| match row {
        Ok(device) => devices.push(device),
        Err(mismatch) => unreadable.push(mismatch),
    };
    let client = authority.client();
    let page = client.devices(DEVICES_A_PAGE).next(&mut give).await.unwrap().unwrap().value;
    assert_eq!(authority.paths(), ["/api/Computer?pgNum=1&pgSize=500"]);
    let first = &devices[0];
    assert_eq!((first.guid.as_str(), first.computer_id), ("905619014", ComputerId(12)));
    assert_eq!(first.name.as_deref(), Some("a\\u{7}b"));
    assert_eq!(first.product_version.as_deref(), Some("6.7.1"));
    assert_eq!((first.internal_version, first.build_version), (Some(1_512_021_600_671), Some(4615)));
    assert_eq!(first.last_connected, "2018-03-16T17:06:50.774Z".parse().ok());
    assert_eq!((first.os_name.as_deref(), first.service.as_deref()), (Some("win"), Some("CrashPlan")));
    let standings: Vec<_> = devices.iter().map(|device| device.standing).collect();
    assert_eq!(
        standings,
        [
            DeviceStanding::Active,
            DeviceStanding::Deactivated,
            DeviceStanding::Blocked,
            DeviceStanding::Blocked
        ]
    );
    assert_eq!(devices[2].last_connected, "2018-04-18T13:22:00.123Z".parse().ok());
    let places: Vec<_> = unreadable.iter().map(|mismatch| mismatch.place.as_str()).collect();
    assert_eq!(
        places,
        ["data.computers[4].guid", "data.computers[5].computerId", "data.computers[6].active"]
    );
    assert_eq!((page.rows, page.total_count), (7, None));
}

/// Reads a listing to its end; says the number of rows of each page.
async fn listed(authority: &FakeAuthority) -> Result<String, Error> {
    let client = authority.client();
    let mut pages = client.devices(100);
    let mut text = String::new();
    let mut given = 0;
    let mut give = |_: DeviceRow| given += 1;
    while let Some(page) = pages.next(&mut give).await? {
        write!(text, "{} ", page.value.rows).unwrap();
    }
    assert!(pages.next(&mut give).await?.is_none(), "a listing that ended stays so");
    let told: usize = text.split_whitespace().map(|rows| rows.parse::<usize>().unwrap()).sum();
    assert_eq!(given, told, "rows of a page that was there before are not given again");
    Ok(text)
}

#[tokio::test]
async fn a_listing_of_devices_ends_when_nothing_is_left() {
    let rows = |range: std::ops::Range<u64>| range.map(device);
    for (name, pages, expected) in [
        ("no devices", vec![page("computers", Some(0), [])], "0 "),
        ("one page", vec![page("computers", Some(7), rows(0..7))], "7 "),
        (
            "fewer rows than asked for on every page",
            vec![
                page("computers", Some(120), rows(0..50)),
                page("computers", Some(120), rows(50..100)),
                page("computers", Some(120), rows(100..120)),
            ],
            "50 50 20 ",
        ),
        (
            "no total",
            vec![
                page("computers", None, rows(0..100)),
                page("computers", None, rows(100..103)),
                page("computers", None, []),
            ],
            "100 3 ",
        ),
        (
            "no total and paging ignored",
            vec![page("computers", None, rows(0..130)), page("computers", None, rows(0..130))],
            "130 ",
        ),
        (
            "a full last page",
            vec![page("computers", Some(100), rows(0..100)), page("computers", Some(100), [])],
            "100 ",
        ),
        (
            "devices that vanish meanwhile",
            vec![page("computers", Some(102), rows(0..100)), page("computers", Some(101), rows(101..102))],
            "100 1 ",
        ),
    ] {
        let count = pages.len();
        let authority = FakeAuthority::answering(pages).await;
        assert_eq!(listed(&authority).await.as_deref(), Ok(expected), "{name}");
        assert_eq!(authority.seen().len(), count, "{name}");
    }
}

#[tokio::test]
async fn a_listing_that_repeats_itself_is_no_listing() {
    let again = || page("computers", Some(300), (0..100).map(device));
    let authority = FakeAuthority::answering([again(), again(), again()]).await;
    let error = listed(&authority).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unexpected);
    assert_eq!(mismatch_place(error), "data.computers a page that differs from the one before");
    assert_eq!(authority.seen().len(), 2);
}
