//! Servers that jobs upgrade in place, with the API server's own Job controller: a Job for each attempt, and none blindly.

use std::sync::Arc;

use codeupgrade::catalog::Version;
use codeupgrade::playground::player;
use codeupgrade::playground::site::{Site, Workloads};
use codeupgrade::playground::stage::{self, apply};
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::PodTemplate;
use kube::Api;
use kube::api::ListParams;
use serde_json::{Value, json};

use super::case::{Case, Outcome, case};
use super::devices::bind;
use super::environment::{Environment, Error, Setting, UPGRADE};
use super::files;

pub(crate) fn cases() -> Vec<Case> {
    vec![case("a_job_upgrades_a_server_in_place_and_none_follows_blindly", in_place)]
}

const SCENARIO: &str = "
authority: {name: authority, version: 4.2.3.1}
storage: [{name: storage-01, version: 4.2.3.1}]
";

const TEMPLATE: &str = "in-place-upgrade";

fn target() -> Version {
    Version::new([4, 3, 5, 3])
}

fn spec(site: &Site, file: &Value) -> Value {
    let (url, credentials) = (&site.url, stage::CREDENTIALS);
    json!({
        "version": target().to_string(),
        "authority": {
            "url": url, "credentials": credentials, "os": "Linux", "managedAppliance": false, "job": TEMPLATE,
        },
        "storage": [{"name": "storage-*", "os": "Linux", "job": TEMPLATE}],
        "sources": [{"release": target().to_string(), "artifacts": [file]}],
        "backup": {"none": "a simulated environment"},
        "lastUpgrade": {"release": "4.2.3.1", "finishedAt": "2016-01-01T00:00:00Z"},
    })
}

async fn template(environment: &Environment, site: &Site, annotations: Value) -> Result<(), Error> {
    let object = json!({
        "metadata": {"name": TEMPLATE},
        "template": {
            "metadata": {"annotations": annotations},
            "spec": {"containers": [{"name": "main", "image": "registry.example/upgrade:1"}]},
        },
    });
    Ok(apply::<PodTemplate>(&environment.client, Some(&site.namespace), object).await?)
}

async fn in_place(environment: Arc<Environment>) -> Outcome {
    let (_mirror, file) = files::served().await?;
    let setting = Setting { workloads: Workloads::None, ..Setting::of(SCENARIO) };
    let site = environment.site("jobs", setting).await?;
    site.commit(UPGRADE, spec(&site, &file)).await?;
    let status = environment.until_status(&site, |status| status.reason == "RightsMissing").await?;
    assert!(status.message.contains("forbidden"), "{}", status.message);
    bind(&environment, &site, "codeupgrade-hooks", "codeupgrade").await?;
    environment.until_status(&site, |status| status.message.contains("does not exist")).await?;

    // It fails: its own words are told, and no other follows.
    template(&environment, &site, json!({ player::FAILS: "disk full" })).await?;
    let status = environment.until_status(&site, |status| status.reason == "ServerFailing").await?;
    assert!(status.message.contains("failed: exit 1"), "{}", status.message);
    assert!(status.mend.as_deref().unwrap_or_default().contains("order Retry"), "{:?}", status.mend);
    let jobs: Api<Job> = Api::namespaced(environment.client.clone(), &site.namespace);
    let made = jobs.list(&ListParams::default()).await?.items;
    assert_eq!(made.len(), 1);
    assert!(made.iter().all(|job| job.metadata.owner_references.is_none()));
    assert_eq!(site.version_of("authority"), Some(Version::new([4, 2, 3, 1])));

    // Mended, and ordered once more.
    let works = json!({
        player::SERVER_VARIABLE: "CODEUPGRADE_SERVER",
        player::VERSION_VARIABLE: "CODEUPGRADE_TO",
    });
    template(&environment, &site, works).await?;
    let order = json!({
        "metadata": {"name": "once-more"},
        "spec": {
            "upgrade": UPGRADE, "action": "Retry", "for": "server authority", "reason": "mended", "by": "admin",
        },
    });
    apply::<codeupgrade::api::CodeUpgradeOrder>(&environment.client, Some(&site.namespace), order).await?;
    environment.until_status(&site, |status| status.phase == "Done").await?;
    assert_eq!(site.servers_not_at(target()), Vec::<String>::new());
    let made = jobs.list(&ListParams::default()).await?.items;
    assert_eq!(made.len(), 3, "two for the authority, one for storage");
    Ok(())
}
