//! The catch: nothing that happens to a workload at rest makes a server another version.

use std::sync::Arc;

use codeupgrade::api::CodeUpgrade;
use codeupgrade::catalog::Version;
use codeupgrade::operator::Options;
use codeupgrade::playground::site::Site;
use codeupgrade::playground::stage;
use k8s_openapi::api::apps::v1::{StatefulSet, StatefulSetStatus};
use k8s_openapi::api::core::v1::Namespace;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{ApiResource, DeleteParams, DynamicObject, GroupVersionKind, Patch, PatchParams, PostParams};
use kube::{Api, ResourceExt};
use serde_json::{Value, json};
use tokio::process::Command;

use super::case::{Case, Outcome, case};
use super::environment::{Environment, Error, Setting, UPGRADE, set_up};
use super::operator::{Operator, SPEED, paced};
use super::wait::{eventually, until_status};

pub(crate) fn cases() -> Vec<Case> {
    vec![
        case("one_commit_changes_image_and_version_and_the_catch_holds_until_its_time", one_commit),
        case("a_server_that_is_scaled_to_0_and_back_starts_no_image_before_its_turn", scaled_to_0_and_back),
        case("what_another_manager_brings_back_is_unfit", not_fought_over),
        case("an_image_that_is_changed_as_it_is_written_is_refused_before_the_hop", rewritten),
        case("the_catch_is_given_back_with_the_object", given_back),
        case("an_operator_that_is_to_be_removed_gives_back_what_it_holds", handed_back),
    ]
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

fn sets(environment: &Environment, site: &Site) -> Api<StatefulSet> {
    Api::namespaced(environment.client.clone(), &site.namespace)
}

fn partition(set: &StatefulSet) -> Option<i32> {
    set.spec.as_ref()?.update_strategy.as_ref()?.rolling_update.as_ref()?.partition
}

async fn until_partition(
    environment: &Environment,
    site: &Site,
    server: &str,
    wanted: i32,
) -> Result<(), Error> {
    eventually("the partition", async || {
        let set = sets(environment, site).get(server).await?;
        Ok((partition(&set) == Some(wanted)).then_some(()))
    })
    .await
}

/// The image is in the template before its turn, and somebody scales the server to 0 and back: Kubernetes then takes the newest
/// revision, whatever the partition. The API server refuses the pod until its image is the old one again.
async fn scaled_to_0_and_back(environment: Arc<Environment>) -> Outcome {
    let site = environment.site("scaled", Setting::of(SCENARIO)).await?;
    let (from, to): (Version, Version) = ("4.2.3.1".parse()?, "4.3.5.3".parse()?);
    let mut spec = site.wanting(to);
    spec["authority"]["imageFrom"] = "Git".into();
    spec["storage"][0]["imageFrom"] = "Git".into();
    spec["version"] = from.to_string().into();
    site.commit(UPGRADE, spec.clone()).await?;
    environment.until_status(&site, |status| status.phase == "Done").await?;
    until_partition(&environment, &site, "storage-01", 1).await?;
    let sets = sets(&environment, &site);
    let image = async |version: Version| {
        let containers = json!([{"name": "server", "image": stage::image(version)}]);
        let patch = json!({"spec": {"template": {"spec": {"containers": containers}}}});
        let parameters = PatchParams { field_manager: Some("git".to_owned()), ..PatchParams::default() };
        sets.patch("storage-01", &parameters, &Patch::Strategic(patch)).await
    };
    let scale = async |replicas: i32| {
        let patch = json!({"spec": {"replicas": replicas}});
        sets.patch("storage-01", &PatchParams::default(), &Patch::Merge(patch)).await
    };
    image(to).await?;
    spec["version"] = to.to_string().into();
    site.commit(UPGRADE, spec).await?;
    environment.until_status(&site, |status| !status.held_images.is_empty()).await?;
    let pods: Api<Pod> = Api::namespaced(environment.client.clone(), &site.namespace);
    let uid = sets.get("storage-01").await?.uid();
    let owner = json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "storage-01", "uid": uid, "controller": true});
    let tried: Pod = serde_json::from_value(json!({
        "metadata": {"name": "tried", "ownerReferences": [owner]},
        "spec": {"containers": [{"name": "server", "image": stage::image(to)}]},
    }))?;
    // The API server takes a policy up some moments after it was created.
    eventually("a policy that holds", async || {
        let dry = PostParams { dry_run: true, ..PostParams::default() };
        let refused = pods.create(&dry, &tried).await.err().map(|error| error.to_string());
        Ok(refused.filter(|why| why.contains("its turn has not come")).map(|_| ()))
    })
    .await?;
    scale(0).await?;
    let told = environment.until_status(&site, |status| status.message.contains("is scaled to 0")).await?;
    assert_eq!(told.reason, "WorkloadUnfit");
    assert!(told.mend.is_some_and(|mend| mend.contains("put the image of 4.2.3.1 back")));
    eventually("no pod", async || Ok(pods.get_opt("storage-01-0").await?.is_none().then_some(()))).await?;
    // With no pod left the newest revision becomes the current one; before that the old one would come up again.
    let one_revision = async || {
        eventually("one revision", async || {
            let set = sets.get("storage-01").await?;
            let is_one = |status: &StatefulSetStatus| {
                status.observed_generation == set.metadata.generation
                    && status.current_revision == status.update_revision
            };
            Ok(set.status.as_ref().is_some_and(is_one).then_some(()))
        })
        .await
    };
    one_revision().await?;
    scale(1).await?;
    // Its controller writes down that it has seen the new scale after it has tried; what it says of it as an event may get lost among
    // those of hundreds of others.
    eventually("a controller that has tried", async || {
        let set = sets.get("storage-01").await?;
        let is_seen = |status: &StatefulSetStatus| status.observed_generation == set.metadata.generation;
        Ok(set.status.as_ref().is_some_and(is_seen).then_some(()))
    })
    .await?;
    assert!(pods.get_opt("storage-01-0").await?.is_none(), "it was refused");
    assert_eq!(site.version_of("storage-01"), None, "nothing was started");
    // Up again it would still be made of the revision that became the current one: the old image must become that first.
    scale(0).await?;
    image(from).await?;
    one_revision().await?;
    scale(1).await?;
    eventually("the server as it was", async || {
        Ok((site.version_of("storage-01") == Some(from)).then_some(()))
    })
    .await?;
    Ok(())
}

/// Git's manifest has the partition, by server-side apply as Flux does it and by `kubectl apply`.
async fn not_fought_over(environment: Arc<Environment>) -> Outcome {
    let site = environment.site("owned", Setting::of(SCENARIO)).await?;
    let (from, to): (Version, Version) = ("4.2.3.1".parse()?, "4.3.5.3".parse()?);
    let mut spec = site.wanting(to);
    spec["lastUpgrade"] = json!({"release": "4.2.3.1", "finishedAt": "2016-01-01T00:00:00Z"});
    spec["paused"] = true.into();
    site.commit(UPGRADE, spec.clone()).await?;
    let rests = |status: &codeupgrade::api::CodeUpgradeStatus| status.reason == "Paused";
    environment.until_status(&site, rests).await?;
    until_partition(&environment, &site, "storage-01", 1).await?;
    let sets = sets(&environment, &site);
    let manifest = |partition: bool| {
        let mut manifest = stage::stateful_set("storage-01", from);
        manifest["apiVersion"] = "apps/v1".into();
        manifest["kind"] = "StatefulSet".into();
        if let Some(container) = manifest.pointer_mut("/spec/template/spec/containers/0") {
            container.as_object_mut().map(|fields| fields.remove("image"));
        }
        if partition {
            manifest["spec"]["updateStrategy"] = json!({"rollingUpdate": {"partition": 0}});
        }
        manifest
    };
    let unfit = |status: &codeupgrade::api::CodeUpgradeStatus| {
        status.reason == "WorkloadUnfit" && status.message.contains("rollingUpdate.partition")
    };
    let flux = PatchParams::apply("kustomize-controller").force();
    sets.patch("storage-01", &flux, &Patch::Apply(manifest(true))).await?;
    let told = environment.until_status(&site, unfit).await?;
    assert!(told.message.contains("kustomize-controller owns"), "{}", told.message);
    assert!(
        told.mend.is_some_and(|mend| mend.contains("take spec.updateStrategy.rollingUpdate.partition out"))
    );
    sets.patch("storage-01", &flux, &Patch::Apply(manifest(false))).await?;
    environment.until_status(&site, rests).await?;
    until_partition(&environment, &site, "storage-01", 1).await?;

    let applied = |partition: bool| {
        let text = manifest(partition).to_string();
        json!({"metadata": {"annotations": {"kubectl.kubernetes.io/last-applied-configuration": text}}})
    };
    let kubectl =
        PatchParams { field_manager: Some("kubectl-client-side-apply".to_owned()), ..PatchParams::default() };
    sets.patch("storage-01", &kubectl, &Patch::Merge(applied(true))).await?;
    let told = environment.until_status(&site, unfit).await?;
    assert!(told.message.contains("kubectl apply owns"), "{}", told.message);
    sets.patch("storage-01", &kubectl, &Patch::Merge(applied(false))).await?;
    environment.until_status(&site, rests).await?;

    spec["paused"] = false.into();
    site.commit(UPGRADE, spec).await?;
    environment.until_status(&site, |status| status.phase == "Done").await?;
    assert_eq!(site.servers_not_at(to), Vec::<String>::new());
    Ok(())
}

/// A house rewrites images to those of its own registry as they are written: the dry run shows it, before the hop.
async fn rewritten(environment: Arc<Environment>) -> Outcome {
    let site = environment.site("rewritten", Setting::of(SCENARIO)).await?;
    let (from, to): (Version, Version) = ("4.2.3.1".parse()?, "4.3.5.3".parse()?);
    let client = &environment.client;
    let policies: Api<DynamicObject> = Api::all_with(client.clone(), &policy("MutatingAdmissionPolicy"));
    let bindings: Api<DynamicObject> =
        Api::all_with(client.clone(), &policy("MutatingAdmissionPolicyBinding"));
    let (rule, binding) = mirror(&site.namespace);
    let house = PatchParams::apply("house").force();
    policies.patch(MIRROR, &house, &Patch::Apply(rule)).await?;
    bindings.patch(MIRROR, &house, &Patch::Apply(binding)).await?;
    let sets = sets(&environment, &site);
    eventually("another registry", async || {
        let tried = PatchParams { dry_run: true, ..PatchParams::default() };
        let patch = json!({"metadata": {"annotations": {"house": "looks"}}});
        let set = sets.patch("authority", &tried, &Patch::Merge(patch)).await?;
        Ok(serde_json::to_string(&set.spec)?.contains("mirror.example/").then_some(()))
    })
    .await?;
    let mut spec = site.wanting(to);
    spec["lastUpgrade"] = json!({"release": "4.2.3.1", "finishedAt": "2016-01-01T00:00:00Z"});
    site.commit(UPGRADE, spec).await?;
    let is_told = |status: &codeupgrade::api::CodeUpgradeStatus| {
        status.message.contains("a webhook changes the image of container server as it is written")
    };
    let told = environment.until_status(&site, is_told).await?;
    assert!(told.mend.is_some_and(|mend| mend.contains("(mirror.example/code42-server:4.3.5.3@")));
    assert_eq!(site.version_of("authority"), Some(from), "no order was given");
    policies.delete(MIRROR, &DeleteParams::default()).await?;
    environment.until_status(&site, |status| status.phase == "Done").await?;
    assert_eq!(site.servers_not_at(to), Vec::<String>::new());
    Ok(())
}

/// The name of what rewrites images.
const MIRROR: &str = "mirror";

fn policy(kind: &str) -> ApiResource {
    ApiResource::from_gvk(&GroupVersionKind::gvk("admissionregistration.k8s.io", "v1", kind))
}

/// Rewrites the images of stateful sets in one namespace to those of another registry, as houses do.
fn mirror(namespace: &str) -> (Value, Value) {
    let container = "Object.spec.template.spec.containers{name: container.name, image: container.image.replace('registry.example/', 'mirror.example/')}";
    let expression = format!(
        "Object{{spec: Object.spec{{template: Object.spec.template{{spec: Object.spec.template.spec{{containers: \
         object.spec.template.spec.containers.map(container, {container})}}}}}}}}"
    );
    let rule = json!({
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingAdmissionPolicy",
        "metadata": {"name": MIRROR},
        "spec": {
            "reinvocationPolicy": "Never",
            "failurePolicy": "Fail",
            "matchConstraints": {"resourceRules": [{
                "apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"], "resources": ["statefulsets"],
            }]},
            "mutations": [{"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": expression}}],
        },
    });
    let labels = json!({"kubernetes.io/metadata.name": namespace});
    let binding = json!({
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingAdmissionPolicyBinding",
        "metadata": {"name": MIRROR},
        "spec": {"policyName": MIRROR, "matchResources": {"namespaceSelector": {"matchLabels": labels}}},
    });
    (rule, binding)
}

/// The object is deleted: what was held for it is given back, and it goes. So does its namespace, in the middle of a hop.
async fn given_back(environment: Arc<Environment>) -> Outcome {
    let site = environment.site("given-back", Setting::of(SCENARIO)).await?;
    site.commit(UPGRADE, site.wanting("4.2.3.1".parse()?)).await?;
    environment.until_status(&site, |status| status.phase == "Done").await?;
    until_partition(&environment, &site, "storage-01", 1).await?;
    let upgrades: Api<CodeUpgrade> = Api::namespaced(environment.client.clone(), &site.namespace);
    upgrades.delete(UPGRADE, &DeleteParams::default()).await?;
    eventually("an end of the object", async || Ok(upgrades.get_opt(UPGRADE).await?.is_none().then_some(())))
        .await?;
    for server in ["authority", "storage-01"] {
        assert_eq!(partition(&sets(&environment, &site).get(server).await?), Some(0), "{server}");
    }

    let mut spec = site.wanting("4.3.5.3".parse()?);
    spec["lastUpgrade"] = json!({"release": "4.2.3.1", "finishedAt": "2016-01-01T00:00:00Z"});
    site.commit(UPGRADE, spec).await?;
    environment.until_status(&site, |status| status.phase == "Upgrading").await?;
    let namespaces: Api<Namespace> = Api::all(environment.client.clone());
    namespaces.delete(&site.namespace, &DeleteParams::default()).await?;
    eventually("an end of the namespace", async || {
        Ok(namespaces.get_opt(&site.namespace).await?.is_none().then_some(()))
    })
    .await?;
    Ok(())
}

/// Before the operator is removed: every catch is open, no object bears its finalizer, and it holds nothing again.
async fn handed_back(_: Arc<Environment>) -> Outcome {
    let own = Environment::own("hand-back").await?;
    let outcome = hand_back(&own).await;
    own.end(outcome.is_err()).await?;
    Ok(outcome?)
}

async fn hand_back(own: &Environment) -> Result<(), Error> {
    stage::install(&own.client).await?;
    let (clock, _pace) = paced(&own.client, SPEED);
    let operator = Operator::start_again(&own.plane, &own.client, &clock, Options::default()).await?;
    let site = set_up(&own.client, "handed-back", Setting::of(SCENARIO), &clock).await?;
    site.commit(UPGRADE, site.wanting("4.2.3.1".parse()?)).await?;
    until_status(&own.client, &clock, &site, |status| status.phase == "Done").await?;
    until_partition(own, &site, "storage-01", 1).await?;
    let output = Command::new(env!("CARGO_BIN_EXE_codeupgrade"))
        .arg("hand-back")
        .env("KUBECONFIG", own.plane.admin_kubeconfig())
        .output()
        .await?;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    for server in ["authority", "storage-01"] {
        assert_eq!(partition(&sets(own, &site).get(server).await?), Some(0), "{server}");
    }
    let upgrades: Api<CodeUpgrade> = Api::namespaced(own.client.clone(), &site.namespace);
    assert_eq!(upgrades.get(UPGRADE).await?.finalizers(), Vec::<String>::new());
    until_status(&own.client, &clock, &site, |status| status.reason == "HandingBack").await?;
    operator.stop().await
}
