//! An operator that is killed again and again, each time right after it wrote what it intends: the environment gets there
//! all the same, and no server is ordered twice.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use codeupgrade::api::{CodeUpgrade, CodeUpgradeStatus};
use codeupgrade::operator::clock::{self, Clock, Scale};
use codeupgrade::playground::stage;
use futures::StreamExt as _;
use jiff::{SignedDuration, Timestamp};
use kube::Api;
use kube::runtime::{WatchStreamExt, watcher};
use serde_json::json;
use tokio::process::Child;

use super::case::{Case, Outcome, case};
use super::deeds;
use super::environment::{Environment, Error, Setting, UPGRADE, set_up};
use super::operator::{SPEED, begins, kubeconfig};
use super::process::Order;

pub(crate) fn cases() -> Vec<Case> {
    vec![case("killed_after_every_intent_it_gets_there_and_orders_no_server_twice", is_killed)]
}

const SCENARIO: &str = "
authority: {name: authority, version: 4.2.3.1}
storage: [{name: storage-01, version: 4.2.3.1}, {name: storage-02, version: 4.2.3.1}, {name: storage-03, version: 4.2.3.1}]
devices: [{count: 12, os: Windows, version: 4.2.0}]
";

/// Seconds of the operator in a real second: slower than elsewhere, since time does not wait for a process that begins anew.
const FACTOR: u32 = SPEED / 3;

/// An operator that does nothing at all for so long will not get there. Each life begins with waiting for the lease of the one
/// before: 3 s and a little.
const PATIENCE: Duration = Duration::from_secs(300);

async fn is_killed(_: Arc<Environment>) -> Outcome {
    let own = Environment::own("killed").await?;
    let outcome = get_there(&own).await;
    own.end(outcome.is_err()).await?;
    Ok(outcome?)
}

async fn get_there(own: &Environment) -> Result<(), Error> {
    stage::install(&own.client).await?;
    let scale = (clock::wall(), begins(), FACTOR);
    let clock = Clock::with_scale(Scale::new(scale.0, scale.1, scale.2));
    let site = set_up(&own.client, "code42", Setting::of(SCENARIO), &clock).await?;
    let mut spec = site.wanting("4.3.5.3".parse()?);
    let finished = begins() - SignedDuration::from_hours(48);
    spec["lastUpgrade"] = json!({"release": "4.2.3.1", "finishedAt": finished.to_string()});
    spec["devices"] = json!({"upgrade": "Bundled"});
    site.commit(UPGRADE, spec).await?;
    let kubeconfig = kubeconfig(&own.plane, &own.client).await?;
    let lives = live_and_die(own, &kubeconfig, scale).await?;
    assert!(lives > 5, "{lives} lives");
    assert_eq!(site.servers_not_at("4.3.5.3".parse()?), Vec::<String>::new());
    let deeds = deeds::of(own, &site).await?;
    deeds::assert_order(&deeds);
    let flags = site.simulation.at_present(|world| world.devices().map(|device| device.flags).max());
    assert_eq!(flags, Some(1), "flags of one device");
    Ok(())
}

/// Kills the operator whenever its object shows a new intent, until the object says that all is done; returns how many lives
/// it took.
async fn live_and_die(
    own: &Environment,
    kubeconfig: &Path,
    scale: (Timestamp, Timestamp, u32),
) -> Result<usize, Error> {
    let upgrades: Api<CodeUpgrade> = Api::namespaced(own.client.clone(), "code42");
    let mut changes = std::pin::pin!(watcher(upgrades, watcher::Config::default()).applied_objects());
    let mut known = BTreeSet::new();
    let mut operator: Child = Order::start(kubeconfig, scale)?;
    let (mut lives, mut said) = (1, "nothing".to_owned());
    loop {
        let change = tokio::time::timeout(PATIENCE, changes.next()).await;
        let change = change.map_err(|_| format!("it stays at {said}"))?.ok_or("the watch ended")?;
        let Some(status) = change?.status else { continue };
        said = format!("{} ({}): {}", status.phase, status.reason, status.message);
        if status.phase == "Done" {
            break;
        }
        let intents = intents(&status);
        if intents.is_subset(&known) {
            continue;
        }
        known.extend(intents);
        operator.kill().await?;
        operator = Order::start(kubeconfig, scale)?;
        lives += 1;
    }
    operator.kill().await?;
    Ok(lives)
}

/// What a status says that is about to be done.
fn intents(status: &CodeUpgradeStatus) -> BTreeSet<String> {
    let Some(memory) = &status.memory else { return BTreeSet::new() };
    let hop = memory.hop.iter().flat_map(|hop| &hop.servers);
    let ordered = hop.clone().filter(|server| server.ordered_at.is_some());
    let verified = hop.filter(|server| server.verified_at.is_some());
    let thresholds = memory.rollouts.iter().flat_map(|rollout| &rollout.marks);
    ordered
        .map(|server| format!("order {}", server.name))
        .chain(verified.map(|server| format!("close {}", server.name)))
        .chain(thresholds.map(|mark| format!("release up to {}", mark.threshold)))
        .collect()
}
