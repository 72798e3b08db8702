//! The upgrade of the vendor's article (FACTS.md, upgrade-steps) from its first step to its last, as the API
//! server's own audit log saw it.

use std::sync::{Arc, Mutex, PoisonError};

use codeupgrade::api::{CodeUpgrade, CodeUpgradeStatus};
use codeupgrade::playground::site::Site;
use codeupgrade::simulator::journal::Happening;
use jiff::{SignedDuration, Timestamp};
use kube::Api;
use kube::runtime::{WatchStreamExt, watcher};
use serde_json::json;

use super::case::{Case, Outcome, case};
use super::deeds::{self, Deed};
use super::environment::{Environment, Error, Setting, UPGRADE};
use super::wait::eventually;

pub(crate) fn cases() -> Vec<Case> {
    vec![case("the_articles_upgrade_goes_in_its_order_and_with_its_wait", the_articles_upgrade)]
}

/// What the article asks for at least: one authority, several storage servers, apps of both products.
const SCENARIO: &str = "
authority: {name: authority, version: 4.2.3.1}
storage: [{name: storage-01, version: 4.2.3.1}, {name: storage-02, version: 4.2.3.1}, {name: storage-03, version: 4.2.3.1}]
devices:
- {count: 12, os: Windows, version: 4.2.0}
- {count: 4, os: Mac, product: SharePlan, version: 4.2.0}
- {count: 2, os: iOS, product: SharePlanMobile, version: 4.3.1}
";

async fn the_articles_upgrade(environment: Arc<Environment>) -> Outcome {
    let site = environment.site("article", Setting::of(SCENARIO)).await?;
    let clock = environment.operator().await?.clock.clone();
    let told = tell(&environment, &site);
    let mut spec = site.wanting("4.3.5.3".parse()?);
    spec["devices"] = json!({"upgrade": "Bundled"});
    site.commit(UPGRADE, spec).await?;
    environment.until_status(&site, |status| status.reason == "PostUpgradeWait").await?;
    assert_plan(&environment, &site).await?;
    environment.until_status(&site, |status| status.phase == "Done").await?;
    assert_eq!(site.servers_not_at("4.3.5.3".parse()?), Vec::<String>::new());

    let told = told.finish().await?;
    assert_told(&told);
    let deeds = deeds::of(&environment, &site).await?;
    deeds::assert_order(&deeds);
    // The wait that was told was kept, and no device was flagged before every server was there and held.
    let waits = told.iter().filter(|status| status.reason == "PostUpgradeWait");
    let wait = waits.filter_map(|status| status.until).max().ok_or("no wait was told")?;
    let at = |deed: &Deed| {
        clock.of_api_server(
            deeds.iter().find(|(known, _)| known == deed).map_or(Timestamp::MAX, |(_, at)| *at),
        )
    };
    let rolled = at(&Deed::Roll("authority".into()));
    assert!(rolled >= wait, "rolled at {rolled}, the wait ended {wait}");
    let began = told
        .iter()
        .find_map(|status| status.memory.as_ref()?.wait.as_ref())
        .ok_or("no wait was remembered")?;
    assert!(
        wait.duration_since(began.started_at) >= SignedDuration::from_hours(24),
        "{began:?}, until {wait}"
    );
    let closes = deeds.iter().filter(|(deed, _)| matches!(deed, Deed::Close(_)));
    let held = closes.map(|(_, at)| clock.of_api_server(*at)).max().ok_or("nothing was held")?;
    let flags = flagged(&site);
    assert!(!flags.is_empty() && flags.iter().all(|flag| *flag >= held), "{flags:?}, held {held}");
    Ok(())
}

/// What `codeupgrade plan` prints of the object while it waits.
async fn assert_plan(environment: &Environment, site: &Site) -> Outcome {
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_codeupgrade"));
    command.args(["plan", UPGRADE, "--namespace", &site.namespace]);
    command.env("KUBECONFIG", environment.plane.admin_kubeconfig());
    let output = command.output().await?;
    let plan = String::from_utf8(output.stdout)?;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    for line in [
        "4.2.3.1 -> 4.3.5.3   Waiting: the wait after the upgrade to 4.2.3.1 ends ",
        "\n   1  wait at 4.2.3.1             4.2.3.1 asks for 1 d before the next upgrade\n",
        "\n   2  servers 4.2.3.1 -> 4.3.5.3  documented\n",
        "\n        held by    Wait\n",
        "\n   3  devices at 4.3.5.3 ",
        "\n  hold     Wait              PostUpgradeWait: ",
    ] {
        assert!(plan.contains(line), "{line:?} is missing in\n{plan}");
    }
    Ok(())
}

/// When devices were flagged.
fn flagged(site: &Site) -> Vec<Timestamp> {
    site.simulation.at_present(|world| {
        let flags = world.journal().filter(|entry| matches!(entry.what, Happening::DeviceFlagged(_)));
        flags.map(|entry| entry.at).collect()
    })
}

/// Every status that the object had, as a watch tells them.
struct Told {
    statuses: Arc<Mutex<Vec<CodeUpgradeStatus>>>,
    watching: tokio::task::JoinHandle<()>,
}

fn tell(environment: &Environment, site: &Site) -> Told {
    let statuses: Arc<Mutex<Vec<CodeUpgradeStatus>>> = Arc::default();
    let upgrades: Api<CodeUpgrade> = Api::namespaced(environment.client.clone(), &site.namespace);
    let kept = Arc::clone(&statuses);
    let watching = tokio::spawn(async move {
        use futures::StreamExt as _;
        let mut changes = std::pin::pin!(watcher(upgrades, watcher::Config::default()).applied_objects());
        while let Some(change) = changes.next().await {
            let status = change.ok().and_then(|object| object.status);
            kept.lock().unwrap_or_else(PoisonError::into_inner).extend(status);
        }
    });
    Told { statuses, watching }
}

impl Told {
    /// Everything up to the end, which a watch may bring a moment after a read of the object.
    async fn finish(self) -> Result<Vec<CodeUpgradeStatus>, Error> {
        eventually("the last status in the watch", async || {
            let statuses = self.statuses.lock().unwrap_or_else(PoisonError::into_inner);
            Ok(statuses.last().is_some_and(|status| status.phase == "Done").then_some(()))
        })
        .await?;
        self.watching.abort();
        Ok(std::mem::take(&mut *self.statuses.lock().unwrap_or_else(PoisonError::into_inner)))
    }
}

/// At every moment one sentence says what is happening, and where something is waited for, until when.
fn assert_told(told: &[CodeUpgradeStatus]) {
    let mut phases: Vec<&str> = told.iter().map(|status| status.phase.as_str()).collect();
    phases.dedup();
    let expected = ["Checking", "Waiting", "Upgrading", "RollingOut", "Done"];
    let mut rest = phases.iter();
    assert!(expected.iter().all(|phase| rest.any(|known| known == phase)), "{phases:?}");
    for status in told {
        let told = format!("{} ({}): {}", status.phase, status.reason, status.message);
        assert!(!status.message.is_empty() && status.message.len() <= 120, "{told}");
        // A name that is missing in the sentence leaves two spaces.
        assert!(!status.message.contains("  "), "{told}");
        assert!(status.phase != "Stalled" && status.phase != "Suspended", "{told}");
        assert_eq!(status.until.is_some(), status.columns.until.is_some(), "{told}");
        let has_end = ["BackupsNotBack", "FirstDeviceAwaited"].contains(&status.reason.as_str());
        assert!(status.until.is_some() || !(has_end || status.message.contains(" ends ")), "{told}");
        for condition in
            ["Ready", "Reconciling", "Stalled", "ServersCurrent", "WaitElapsed", "BackupsRunning"]
        {
            assert!(
                status.conditions.iter().any(|known| known.type_ == condition),
                "{told} without {condition}"
            );
        }
    }
}
