//! Steady state: when nothing changes, nothing is written but the lease.

use std::sync::Arc;
use std::time::Duration;

use codeupgrade::operator::Options;
use codeupgrade::operator::clock::{self, Clock};
use codeupgrade::playground::stage;
use serde_json::json;

use super::case::{Case, Outcome, case};
use super::environment::{Environment, Error, Setting, UPGRADE, set_up, until_status};
use super::operator::{ACCOUNT, Operator, begins};

pub(crate) fn cases() -> Vec<Case> {
    vec![case("ten_minutes_at_rest_see_no_write_but_the_lease", rests)]
}

/// Seconds of the operator in a real second: ten minutes take twenty seconds. The lease is in real time all the same.
const FACTOR: u32 = 30;

/// The stretch that is counted, in real time.
const STRETCH: Duration = Duration::from_secs(10 * 60 / FACTOR as u64);

const SCENARIO: &str = "
authority: {name: authority, version: 4.2.3.1}
storage: [{name: storage-01, version: 4.2.3.1}]
devices: [{count: 500, os: Windows, version: 4.2.0}]
";

async fn rests(_: Arc<Environment>) -> Outcome {
    let own = Environment::start("quiet").await?;
    let outcome = count(&own).await;
    own.end(outcome.is_err()).await?;
    Ok(outcome?)
}

/// One environment that waits, one that is where it was to go, one that is only watched, and one that cannot go on.
async fn count(own: &Environment) -> Result<(), Error> {
    stage::install(&own.client).await?;
    let clock = Clock::scaled_from_now(begins(), FACTOR);
    let operator = Operator::start_again(&own.plane, &own.client, &clock, Options::default()).await?;
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
        until_status(&own.client, site, Duration::from_secs(60), |status| status.phase == *phase).await?;
    }
    // The first listings, and what they say.
    clock::sleep(STRETCH / 2).await;
    let before = own.plane.audit_log().events().await?.len();
    clock::sleep(STRETCH).await;
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
