//! The chart on a real API server, by helm itself: installed, used, upgraded, removed and installed again, and nothing is lost on the way.
//! No kubelet runs here, so the operator is started beside it, with the account and the rights that the chart gave it.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;

use codeupgrade::api::{CodeRelease, CodeUpgrade, CodeUpgradeOrder};
use codeupgrade::operator::Options;
use codeupgrade::translate;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::authentication::v1::TokenRequest;
use k8s_openapi::api::core::v1::{Namespace, Pod, ServiceAccount};
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use k8s_openapi::api::rbac::v1::ClusterRole;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams};
use kube::{Api, Client, ResourceExt};
use serde_json::json;
use tokio::process::Command;

use super::case::{Case, Outcome, case};
use super::environment::{Environment, Error, UPGRADE};
use super::operator::{Operator, SPEED, free_address, paced};
use super::wait::eventually;

pub(crate) fn cases() -> Vec<Case> {
    vec![case("chart_is_installed_upgraded_removed_and_installed_again_and_nothing_is_lost", life_of_a_chart)]
}

/// Where the operator is, as in the README.
const NAMESPACE: &str = "codeupgrade";

/// The namespace of the environment.
const TEAM: &str = "code42";

/// helm, acting as the administrator of a control plane.
struct Helm {
    program: PathBuf,
    kubeconfig: PathBuf,
}

impl Helm {
    /// Built where it is not yet; the script says what to do if it cannot.
    async fn of(own: &Environment) -> Result<Self, Error> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tools/build.sh");
        let output = Command::new(&script).stderr(Stdio::inherit()).output().await?;
        if !output.status.success() {
            return Err(format!("{} failed: it says why above", script.display()).into());
        }
        let folder = PathBuf::from(String::from_utf8(output.stdout)?.trim_end());
        Ok(Self { program: folder.join("helm"), kubeconfig: own.plane.admin_kubeconfig() })
    }

    /// What a command prints; fails with what it says where it fails.
    async fn run(&self, command: &str, more: &[&str]) -> Result<String, Error> {
        let chart = Path::new(env!("CARGO_MANIFEST_DIR")).join("charts/codeupgrade");
        let mut helm = Command::new(&self.program);
        helm.args([command, "codeupgrade"]);
        if command != "uninstall" {
            helm.arg(chart);
        }
        helm.args(["--namespace", NAMESPACE, "--kubeconfig"]).arg(&self.kubeconfig).args(more);
        let output = helm.output().await?;
        let (said, warned) = (String::from_utf8(output.stdout)?, String::from_utf8(output.stderr)?);
        if !output.status.success() {
            return Err(format!("helm {command} failed: {warned}").into());
        }
        assert_eq!(warned, "", "helm {command} warns");
        Ok(said)
    }
}

async fn life_of_a_chart(_: Arc<Environment>) -> Outcome {
    let own = Environment::own("chart").await?;
    let outcome = live(&own).await;
    own.end(outcome.is_err()).await?;
    Ok(outcome?)
}

async fn live(own: &Environment) -> Result<(), Error> {
    let (helm, client) = (Helm::of(own).await?, &own.client);
    let policies = ["--set", "policies.orderBy=true,policies.deleteInHop=true"];
    let notes = helm.run("install", &[&["--create-namespace"], &policies[..]].concat()).await?;
    assert!(notes.contains("helm test codeupgrade -n codeupgrade"), "{notes}");
    assert!(exists::<PodDisruptionBudget>(client, NAMESPACE).await?, "two replicas, so there is a budget");

    let (clock, _pace) = paced(client, SPEED);
    let http = free_address()?;
    let options = || Options { apply_releases: true, http: Some(http), ..Options::default() };
    let operator = Operator::start_again(&own.plane, client, &clock, options()).await?;
    releases_are_kept(client).await?;
    let before = an_object_with_a_status(client).await?;
    metrics_are_for_those_who_may(client, http).await?;
    orders_name_who_gives_them(client).await?;
    operator.stop().await?;
    a_hop_is_not_deleted_in_passing(client).await?;

    helm.run("upgrade", &["--set", "replicas=1,policies.catch=false"]).await?;
    assert!(!exists::<PodDisruptionBudget>(client, NAMESPACE).await?, "one replica, so there is none");

    let (removed, ()) = tokio::try_join!(helm.run("uninstall", &[]), hand_back_ends(client))?;
    assert!(removed.contains("kept due to the resource policy"), "{removed}");
    let deployments: Api<Deployment> = Api::namespaced(client.clone(), NAMESPACE);
    assert!(deployments.list(&ListParams::default()).await?.items.is_empty(), "the operator is gone");
    let roles: Api<ClusterRole> = Api::all(client.clone());
    let ours = roles.list(&ListParams::default().labels("app.kubernetes.io/name=codeupgrade")).await?;
    assert!(ours.items.is_empty(), "its roles are gone: {:?}", names(&ours.items));
    assert_eq!(uids(client).await?, before, "definitions and objects are still there");

    helm.run("install", &[]).await?;
    assert_eq!(uids(client).await?, before, "and are the same after it was installed again");
    let operator = Operator::start_again(&own.plane, client, &clock, options()).await?;
    releases_are_kept(client).await?;
    operator.stop().await
}

async fn exists<K>(client: &Client, namespace: &str) -> Result<bool, Error>
where
    K: kube::Resource<DynamicType = (), Scope = k8s_openapi::NamespaceResourceScope>
        + Clone
        + std::fmt::Debug
        + serde::de::DeserializeOwned,
{
    let objects: Api<K> = Api::namespaced(client.clone(), namespace);
    Ok(objects.get_opt("codeupgrade").await?.is_some())
}

fn names<K: ResourceExt>(objects: &[K]) -> BTreeSet<String> {
    objects.iter().map(ResourceExt::name_any).collect()
}

/// The shipped releases come by themselves; one that is deleted or edited comes back.
async fn releases_are_kept(client: &Client) -> Result<(), Error> {
    let releases: Api<CodeRelease> = Api::all(client.clone());
    let shipped = names(&translate::shipped());
    let all = || {
        eventually("every shipped release", async || {
            let found = names(&releases.list(&ListParams::default()).await?.items);
            Ok(shipped.is_subset(&found).then_some(()))
        })
    };
    all().await?;
    releases.delete("4.3.5.3", &DeleteParams::default()).await?;
    let edit = json!({"spec": {"upgradesFrom": ["1.0"]}});
    releases.patch("4.2.3.1", &PatchParams::default(), &Patch::Merge(edit)).await?;
    eventually("the release as it is shipped", async || {
        let edited = releases.get("4.2.3.1").await?;
        let as_shipped = translate::shipped().into_iter().find(|release| release.name_any() == "4.2.3.1");
        Ok(as_shipped.is_some_and(|shipped| shipped.spec == edited.spec).then_some(()))
    })
    .await?;
    all().await
}

/// An environment that cannot be reached: enough to be looked at, and to remember.
async fn an_object_with_a_status(client: &Client) -> Result<BTreeSet<String>, Error> {
    let namespaces: Api<Namespace> = Api::all(client.clone());
    let namespace = serde_json::from_value(json!({"metadata": {"name": TEAM}}))?;
    namespaces.create(&PostParams::default(), &namespace).await?;
    let upgrades: Api<CodeUpgrade> = Api::namespaced(client.clone(), TEAM);
    let object: CodeUpgrade = serde_json::from_value(json!({
        "apiVersion": "codeupgrade.dev/v1alpha1",
        "kind": "CodeUpgrade",
        "metadata": {"name": UPGRADE},
        "spec": {"authority": {"url": "https://code42.example:4285", "credentials": "code42-api"}},
    }))?;
    upgrades.create(&PostParams::default(), &object).await?;
    eventually("a status", async || Ok(upgrades.get(UPGRADE).await?.status)).await?;
    uids(client).await
}

/// The chart makes an account that may read metrics; nobody else may, with a token or without.
async fn metrics_are_for_those_who_may(client: &Client, http: SocketAddr) -> Result<(), Error> {
    let accounts: Api<ServiceAccount> = Api::namespaced(client.clone(), NAMESPACE);
    let token = async |account: &str| {
        let request = TokenRequest::default();
        let answer = accounts.create_token_request(account, &PostParams::default(), &request).await?;
        Ok::<_, Error>(answer.status.ok_or("the server gave no token")?.token)
    };
    let ask = async |token: Option<String>| {
        let mut request = reqwest::Client::new().get(format!("http://{http}/metrics"));
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        let answer = request.send().await?;
        Ok::<_, Error>((answer.status().as_u16(), answer.text().await?))
    };
    let (code, said) = ask(Some(token("codeupgrade-scraper").await?)).await?;
    assert_eq!(code, 200, "{said}");
    let of_the_object =
        format!("codeupgrade_condition{{namespace=\"{TEAM}\",name=\"{UPGRADE}\",type=\"Ready\"}}");
    assert!(said.contains(&of_the_object) && said.contains("codeupgrade_leading 1"), "{said}");
    for (who, token, refusal) in [
        ("nobody", None, 401),
        ("a forger", Some("not.a.token".to_owned()), 401),
        ("somebody else", Some(token("default").await?), 403),
    ] {
        let (code, said) = ask(token).await?;
        assert_eq!(code, refusal, "{who}: {said}");
        assert!(!said.contains("codeupgrade_"), "{who} is told something");
    }
    Ok(())
}

/// Who is who among what must not be lost.
async fn uids(client: &Client) -> Result<BTreeSet<String>, Error> {
    let definitions: Api<CustomResourceDefinition> = Api::all(client.clone());
    let upgrades: Api<CodeUpgrade> = Api::all(client.clone());
    let definitions = definitions.list(&ListParams::default()).await?.items;
    let upgrades = upgrades.list(&ListParams::default()).await?.items;
    Ok(definitions
        .iter()
        .filter_map(ResourceExt::uid)
        .chain(upgrades.iter().filter_map(ResourceExt::uid))
        .collect())
}

/// `by` is who creates the order, by the policy that was asked for.
async fn orders_name_who_gives_them(client: &Client) -> Result<(), Error> {
    let orders: Api<CodeUpgradeOrder> = Api::namespaced(client.clone(), TEAM);
    let order = |by: &str| {
        serde_json::from_value::<CodeUpgradeOrder>(json!({
            "apiVersion": "codeupgrade.dev/v1alpha1",
            "kind": "CodeUpgradeOrder",
            "metadata": {"generateName": "pause-"},
            "spec": {"upgrade": UPGRADE, "action": "Pause", "by": by},
        }))
    };
    let (forged, own) = (order("otto")?, order("admin")?);
    let dry_run = PostParams { dry_run: true, ..PostParams::default() };
    // A policy takes a moment until it holds.
    let refusal = eventually("a refusal of an order in another's name", async || {
        Ok(orders.create(&dry_run, &forged).await.err())
    })
    .await?;
    assert!(refusal.to_string().contains("spec.by must be who creates the order: write admin"), "{refusal}");
    orders.create(&dry_run, &own).await?;
    Ok(())
}

/// Whoever may delete may not do so in mid-hop, unless that is allowed apart.
async fn a_hop_is_not_deleted_in_passing(client: &Client) -> Result<(), Error> {
    let upgrades: Api<CodeUpgrade> = Api::namespaced(client.clone(), TEAM);
    let hop = json!({
        "from": "4.2.3.1", "to": "4.3.5.3", "startedAt": "2016-03-02T08:15:00Z", "servers": [],
        "atOnce": {"first": 1, "then": 4},
    });
    let status = json!({"status": {"memory": {"hop": hop}}});
    upgrades.patch_status(UPGRADE, &PatchParams::default(), &Patch::Merge(status)).await?;
    let roles: Api<ClusterRole> = Api::all(client.clone());
    let role = json!({
        "metadata": {"name": "deletes"},
        "rules": [{"apiGroups": ["codeupgrade.dev"], "resources": ["codeupgrades"], "verbs": ["get", "delete"]}],
    });
    roles.create(&PostParams::default(), &serde_json::from_value(role)?).await?;
    let bindings = Api::all(client.clone());
    let binding: k8s_openapi::api::rbac::v1::ClusterRoleBinding = serde_json::from_value(json!({
        "metadata": {"name": "deletes"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "deletes"},
        "subjects": [{"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": "otto"}],
    }))?;
    bindings.create(&PostParams::default(), &binding).await?;
    let path = format!("/apis/codeupgrade.dev/v1alpha1/namespaces/{TEAM}/codeupgrades/{UPGRADE}?dryRun=All");
    let delete = || {
        let request = http_delete(&path, "otto");
        async { client.request::<serde_json::Value>(request?).await.map_err(Error::from) }
    };
    let refusal = eventually("a refusal to delete in mid-hop", async || {
        let refusal = delete().await.err().map(|error| error.to_string());
        Ok(refusal.filter(|refusal| refusal.contains("has a hop under way")))
    })
    .await?;
    assert!(refusal.contains("delete-in-hop"), "{refusal}");
    let done = json!({"status": {"memory": {"hop": null}}});
    upgrades.patch_status(UPGRADE, &PatchParams::default(), &Patch::Merge(done)).await?;
    delete().await?;
    Ok(())
}

/// A request to delete as somebody else.
fn http_delete(path: &str, user: &str) -> Result<axum::http::Request<Vec<u8>>, Error> {
    Ok(axum::http::Request::delete(path).header("Impersonate-User", user).body(Vec::new())?)
}

/// Plays the pod that gives back, as a kubelet would tell its end.
async fn hand_back_ends(client: &Client) -> Result<(), Error> {
    let pods: Api<Pod> = Api::namespaced(client.clone(), NAMESPACE);
    let of_the_job = ListParams::default().labels("app.kubernetes.io/name=codeupgrade-hand-back");
    let pod = eventually("a pod that gives back", async || {
        Ok(pods.list(&of_the_job).await?.items.into_iter().next())
    })
    .await?;
    let ended = json!({"status": {"phase": "Succeeded"}});
    pods.patch_status(&pod.name_any(), &PatchParams::default(), &Patch::Merge(ended)).await?;
    Ok(())
}
