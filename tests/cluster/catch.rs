//! The catch: nothing that happens to a workload at rest makes a server another version.

use std::sync::Arc;

use codeupgrade::catalog::Version;
use codeupgrade::playground::site::Site;
use codeupgrade::playground::stage;
use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{DeleteParams, Patch, PatchParams};
use kube::{Api, ResourceExt};
use serde_json::json;

use super::case::{Case, Outcome, case};
use super::environment::{Environment, Error, Setting, UPGRADE};
use super::wait::eventually;

pub(crate) fn cases() -> Vec<Case> {
    vec![case("one_commit_changes_image_and_version_and_the_catch_holds_until_its_time", one_commit)]
}

const SCENARIO: &str = "
authority: {name: authority, version: 4.2.3.1}
storage: [{name: storage-01, version: 4.2.3.1}]
";

/// The environment is at rest at a wanted release, and images come from Git: one commit changes them all and asks for the version. Until the wait is over nothing moves, even where a
/// pod is deleted; then every server goes in its turn.
async fn one_commit(environment: Arc<Environment>) -> Outcome {
    let site = environment.site("git", Setting::of(SCENARIO)).await?;
    let (from, to): (Version, Version) = ("4.2.3.1".parse()?, "4.3.5.3".parse()?);
    site.commit(UPGRADE, site.wanting(from)).await?;
    environment.until_status(&site, |status| status.phase == "Done").await?;
    let sets: Api<StatefulSet> = Api::namespaced(environment.client.clone(), &site.namespace);
    eventually("a closed catch on both servers", async || {
        let partition = |set: &StatefulSet| {
            set.spec.as_ref()?.update_strategy.as_ref()?.rolling_update.as_ref()?.partition
        };
        let sets = sets.list(&kube::api::ListParams::default()).await?;
        Ok(sets.iter().all(|set| partition(set) == Some(1)).then_some(()))
    })
    .await?;

    for server in ["authority", "storage-01"] {
        let containers = json!([{"name": "server", "image": stage::image(to)}]);
        let patch = json!({"spec": {"template": {"spec": {"containers": containers}}}});
        let parameters = PatchParams { field_manager: Some("git".to_owned()), ..PatchParams::default() };
        sets.patch(server, &parameters, &Patch::Strategic(patch)).await?;
    }
    let mut spec = site.wanting(to);
    spec["authority"]["imageFrom"] = "Git".into();
    spec["storage"][0]["imageFrom"] = "Git".into();
    site.commit(UPGRADE, spec).await?;
    environment.until_status(&site, |status| status.reason == "PostUpgradeWait").await?;
    for server in ["authority", "storage-01"] {
        comes_back(&environment, &site, server).await?;
        assert_eq!(site.version_of(server), Some(from), "{server}");
    }
    let status = environment.until_status(&site, |status| status.phase == "Done").await?;
    assert_eq!(site.servers_not_at(to), Vec::<String>::new(), "{status:?}");
    Ok(())
}

/// Deletes the pod of a server and waits until the server is back.
async fn comes_back(environment: &Environment, site: &Site, server: &str) -> Result<(), Error> {
    let pods: Api<Pod> = Api::namespaced(environment.client.clone(), &site.namespace);
    let name = format!("{server}-0");
    let before = pods.get(&name).await?.uid();
    pods.delete(&name, &DeleteParams::default()).await?;
    eventually("the server again", async || {
        let pod = pods.get_opt(&name).await?;
        let is_another = pod.is_some_and(|pod| pod.uid() != before);
        Ok((is_another && site.version_of(server).is_some()).then_some(()))
    })
    .await
}
