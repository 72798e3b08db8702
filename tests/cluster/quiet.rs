//! Steady state: when nothing changes, nothing is written but the lease.

use std::net::SocketAddr;
use std::sync::Arc;

use codeupgrade::operator::Options;
use codeupgrade::operator::clock::Clock;
use codeupgrade::playground::site::Site;
use codeupgrade::playground::stage;
use jiff::SignedDuration;
use serde_json::json;

use super::case::{Case, Outcome, case};
use super::environment::{Environment, Error, Setting, UPGRADE, set_up};
use super::looks;
use super::operator::{ACCOUNT, Operator, free_address, paced};
use super::wait::{eventually, until_status};

pub(crate) fn cases() -> Vec<Case> {
    vec![case("ten_minutes_at_rest_see_no_write_but_the_lease", rests)]
}

/// Seconds of the operator in a real second: ten minutes take twenty seconds. The lease is in real time all the same.
const FACTOR: u32 = 30;

/// The stretch that is counted, by the operator's clock.
const STRETCH: SignedDuration = SignedDuration::from_mins(10);

/// How often every object is looked at in it at least: once a minute.
const LOOKS: u64 = 10;

const SCENARIO: &str = "
authority: {name: authority, version: 4.2.3.1}
storage: [{name: storage-01, version: 4.2.3.1}]
devices: [{count: 500, os: Windows, version: 4.2.0}]
";

async fn rests(_: Arc<Environment>) -> Outcome {
    let own = Environment::own("quiet").await?;
    let outcome = count(&own).await;
    own.end(outcome.is_err()).await?;
    Ok(outcome?)
}

/// One environment that waits, one that is where it was to go, one that is only watched, and one that cannot go on.
async fn count(own: &Environment) -> Result<(), Error> {
    stage::install(&own.client).await?;
    let (clock, _pace) = paced(&own.client, FACTOR);
    let http = free_address()?;
    let options = Options { http: Some(http), open_metrics: true, ..Options::default() };
    let operator = Operator::start_again(&own.plane, &own.client, &clock, options).await?;
    let mut sites = Vec::new();
    for (namespace, phase) in
        [("waits", "Waiting"), ("there", "Done"), ("watched", "Observing"), ("unpaved", "Stalled")]
    {
        let site = set_up(&own.client, namespace, Setting::of(SCENARIO), &clock).await?;
        let mut spec = match namespace {
            "waits" => site.wanting("4.3.5.3".parse()?),
            "there" => site.wanting("4.2.3.1".parse()?),
            "watched" => site.observing(),
            _ => site.wanting("8.2.6".parse()?),
        };
        spec["devices"] = json!({"upgrade": "Bundled"});
        site.commit(UPGRADE, spec).await?;
        sites.push((site, phase));
    }
    for (site, phase) in &sites {
        until_status(&own.client, &clock, site, |status| {
            status.phase == *phase && status.devices.as_ref().is_some_and(|devices| devices.total == 500)
        })
        .await?;
    }
    // What the first listings say.
    pass(&clock, http, &sites).await?;
    let before = own.plane.audit_log().events().await?.len();
    pass(&clock, http, &sites).await?;
    let events = own.plane.audit_log().events().await?;
    // Whether it still may is asked from time to time by dry runs, which change nothing.
    let writes = events[before..]
        .iter()
        .filter(|event| event.user == ACCOUNT && event.resource != "leases" && event.is_effective());
    let writes: Vec<String> = writes
        .map(|event| {
            let message =
                event.request.as_ref().and_then(|request| request.pointer("/status/message")).cloned();
            format!(
                "{} {} {:?} {:?} {message:?}",
                event.verb, event.resource, event.subresource, event.namespace
            )
        })
        .collect();
    assert!(writes.is_empty(), "{}", writes.join("\n"));
    let leases = events[before..].iter().filter(|event| event.resource == "leases").count();
    assert!(leases > 0, "the lease is renewed");
    operator.stop().await
}

/// Lets the stretch pass, in which every object has its looks.
async fn pass(clock: &Clock, http: SocketAddr, sites: &[(Site, &str)]) -> Result<(), Error> {
    let looks = async || {
        let mut looks = Vec::new();
        for (site, _) in sites {
            looks.push(looks::of(http, &site.namespace).await?.into_values().sum::<u64>());
        }
        Ok::<_, Error>(looks)
    };
    let (begun, first) = (clock.now(), looks().await?);
    let mut known = first.clone();
    let are_enough = |known: &[u64]| known.iter().zip(&first).all(|(known, first)| known - first >= LOOKS);
    while clock.now().duration_since(begun) < STRETCH || !are_enough(&known) {
        known =
            eventually("another look", async || Ok(Some(looks().await?).filter(|now| *now != known))).await?;
    }
    Ok(())
}
