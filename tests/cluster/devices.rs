//! Devices on a real API server: a rollout with a hook between its waves, a group that halts, and who may see which devices; and hooks
//! about a hop and its servers.

use std::path::Path;
use std::process::Output;
use std::sync::Arc;

use codeupgrade::playground::player;
use codeupgrade::playground::site::Site;
use codeupgrade::playground::stage::apply;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{Endpoints, Pod, PodTemplate, Service, ServiceAccount};
use k8s_openapi::api::rbac::v1::RoleBinding;
use kube::Api;
use kube::api::{ListParams, Patch, PatchParams};
use serde_json::{Value, json};
use tokio::process::Command;

use super::case::{Case, Outcome, case};
use super::environment::{Environment, Error, Setting, UPGRADE};

pub(crate) fn cases() -> Vec<Case> {
    vec![
        case("devices_are_shown_to_those_who_may_see_them", shown_to_those_who_may),
        case("hooks_between_waves_are_jobs_and_answer_by_their_exit_code", hooks_answer),
        case("hooks_of_a_hop_are_asked_before_and_after_each_server", hooks_of_a_hop),
    ]
}

/// Every third device fails, and three may.
const FAILING: &str = "
authority: {name: authority, version: 4.3.5.3}
devices: [{count: 30, os: Windows, version: 4.2.0, exceptions: [{every: 3, behaviour: Fails}]}]
";

async fn shown_to_those_who_may(environment: Arc<Environment>) -> Outcome {
    let site = environment.site("devices", Setting::of(FAILING)).await?;
    publish(&environment).await?;
    let here = Some(site.namespace.as_str());
    for account in ["codeupgrade-viewer", "somebody"] {
        apply::<ServiceAccount>(&environment.client, here, json!({"metadata": {"name": account}})).await?;
    }
    let mut spec = site.wanting("4.3.5.3".parse()?);
    spec["devices"] =
        json!({"upgrade": "Bundled", "groups": [{"name": "it", "all": true, "maxFailures": 3}]});
    site.commit(UPGRADE, spec).await?;
    environment.until_status(&site, |status| status.reason == "GroupHalted").await?;

    let denied = ask(&environment, &site, &[]).await?;
    assert!(!denied.status.success());
    assert!(said(&denied.stderr).contains("may not get codeupgrades/devices"), "{denied:?}");
    bind(&environment, &site, "codeupgrade-device-viewer", "codeupgrade-viewer").await?;
    let denied = ask(&environment, &site, &["--account", "somebody"]).await?;
    assert!(said(&denied.stderr).contains("somebody may not get"), "{denied:?}");
    let wrong = ask(&environment, &site, &["--state", "Broken"]).await?;
    assert!(said(&wrong.stderr).contains("--state Broken"), "{wrong:?}");

    let failed = page(&environment, &site, &["--state", "Failed"]).await?;
    let guids = guids_of(&failed);
    assert!(guids.len() > 3 && guids.len() <= 10, "{failed}");
    assert_eq!(failed["matching"], guids.len());
    assert!(failed["items"][0]["reason"].as_str().unwrap_or_default().contains("still at 4.2.0"));
    let done = page(&environment, &site, &["--state", "done", "--limit", "2"]).await?;
    let next = done["next"].as_str().ok_or("there is a second page")?.to_owned();
    assert_eq!(guids_of(&done).last(), Some(&next));
    let second = page(&environment, &site, &["--state", "Done", "--limit", "2", "--after", &next]).await?;
    assert!(guids_of(&second).iter().all(|guid| *guid > next), "{second}");

    let explained = ask(&environment, &site, &["--explain", &guids[0]]).await?;
    let text = said(&explained.stdout);
    assert!(text.starts_with(&format!("{} is Failed: connected for more than 90 min", guids[0])), "{text}");
    let guid: u64 = guids[0].parse()?;
    let name = site.simulation.at_present(|world| world.device_by_guid(guid).map(|device| device.name()));
    assert!(text.contains(&format!("name            {}", name.ok_or("it is there")?)), "{text}");
    let named = page(&environment, &site, &["--names", "--limit", "2"]).await?;
    assert!(named["items"][1]["name"].is_string(), "{named}");
    assert!(text.contains(&format!("echo -n {}/4.3.5.3 | md5sum", guids[0])), "{text}");
    let counts = said(&ask(&environment, &site, &["--counts"]).await?.stdout);
    assert!(counts.contains("it     CrashPlan  Windows  4.3.5    Done"), "{counts}");
    Ok(())
}

/// Binds a `ClusterRole` of the chart in the namespace of a site.
pub(crate) async fn bind(
    environment: &Environment,
    site: &Site,
    role: &str,
    account: &str,
) -> Result<(), Error> {
    let binding = json!({
        "metadata": {"name": role},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
        "subjects": [{"kind": "ServiceAccount", "name": account, "namespace": site.namespace}],
    });
    Ok(apply::<RoleBinding>(&environment.client, Some(&site.namespace), binding).await?)
}

fn guids_of(page: &Value) -> Vec<String> {
    let items = page["items"].as_array().map(Vec::as_slice).unwrap_or_default();
    items.iter().filter_map(|item| Some(item["guid"].as_str()?.to_owned())).collect()
}

async fn page(environment: &Environment, site: &Site, arguments: &[&str]) -> Result<Value, Error> {
    let output = ask(environment, site, &[arguments, &["-o", "json"]].concat()).await?;
    if !output.status.success() {
        return Err(said(&output.stderr).into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// Runs the shipped program as a person does.
async fn ask(environment: &Environment, site: &Site, arguments: &[&str]) -> Result<Output, Error> {
    let http = environment.operator().await?.http.ok_or("the operator serves HTTP")?;
    let program = Path::new(env!("CARGO_BIN_EXE_codeupgrade"));
    let output = Command::new(program)
        .args(["devices", UPGRADE, "--namespace", &site.namespace])
        .args(["--service", &format!("codeupgrade/codeupgrade:{}", http.port())])
        .args(arguments)
        .env("KUBECONFIG", environment.plane.admin_kubeconfig())
        .output()
        .await?;
    Ok(output)
}

fn said(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The Service of the operator with its pod and endpoints, which no kubelet and no controller make here: the API server's
/// proxy goes only to the address of a pod that has it.
async fn publish(environment: &Environment) -> Result<(), Error> {
    const NAME: &str = "codeupgrade";
    let client = &environment.client;
    let http = environment.operator().await?.http.ok_or("the operator serves HTTP")?;
    let ports = json!([{"name": "http", "port": http.port(), "protocol": "TCP"}]);
    let service = json!({"metadata": {"name": NAME}, "spec": {"ports": ports}});
    apply::<Service>(client, Some(NAME), service).await?;
    let containers = json!([{"name": "operator", "image": "registry.example/codeupgrade:1"}]);
    let pod = json!({"metadata": {"name": NAME}, "spec": {"containers": containers}});
    apply::<Pod>(client, Some(NAME), pod).await?;
    let pods: Api<Pod> = Api::namespaced(client.clone(), NAME);
    let status = json!({"status": {"phase": "Running", "podIP": http.ip(), "podIPs": [{"ip": http.ip()}]}});
    pods.patch_status(NAME, &PatchParams::default(), &Patch::Merge(status)).await?;
    let address = json!({"ip": http.ip(), "targetRef": {"kind": "Pod", "name": NAME, "namespace": NAME}});
    let endpoints =
        json!({"metadata": {"name": NAME}, "subsets": [{"addresses": [address], "ports": ports}]});
    apply::<Endpoints>(client, Some(NAME), endpoints).await?;
    Ok(())
}

const TEN: &str = "
authority: {name: authority, version: 4.3.5.3}
devices: [{count: 10, os: Windows, version: 4.2.0}]
";

async fn hooks_answer(environment: Arc<Environment>) -> Outcome {
    let site = environment.site("hooks", Setting::of(TEN)).await?;
    let mut spec = site.wanting("4.3.5.3".parse()?);
    spec["hooks"] = json!([{"name": "smoke", "when": "BetweenWaves", "job": "smoke-test"}]);
    spec["devices"] = json!({"upgrade": "Bundled", "waves": [1, "100%"], "pause": "1h"});
    site.commit(UPGRADE, spec).await?;
    let client = &environment.client;
    let status = environment.until_status(&site, |status| status.reason == "HookUnfit").await?;
    assert!(status.message.contains("is forbidden"), "{}", status.message);
    bind(&environment, &site, "codeupgrade-hooks", "codeupgrade").await?;
    environment.until_status(&site, |status| status.message.contains("does not exist")).await?;
    template(&environment, &site, Some("75")).await?;
    let jobs: Api<Job> = Api::namespaced(client.clone(), &site.namespace);
    // Asked again: a second job, of another name.
    environment.until_status(&site, |status| status.message.contains("asked again")).await?;
    template(&environment, &site, Some("1")).await?;
    let status = environment.until_status(&site, |status| status.reason == "HookFailed").await?;
    assert!(status.message.contains("hook smoke said no (job smoke-"), "{}", status.message);
    let asked = jobs.list(&ListParams::default()).await?.items;
    assert!(asked.len() >= 2, "{}", asked.len());
    assert!(asked.iter().all(|job| job.metadata.owner_references.is_none()));
    assert_eq!(told(&asked[0], "CODEUPGRADE_WAVE"), "2");
    // A pod that is drained with its node has not answered: the Job asks again with another.
    template(&environment, &site, Some(player::DRAINED)).await?;
    let order = json!({
        "metadata": {"name": "again"},
        "spec": {"upgrade": UPGRADE, "action": "Retry", "for": "group all", "reason": "mended", "by": "admin"},
    });
    apply::<codeupgrade::api::CodeUpgradeOrder>(client, Some(&site.namespace), order).await?;
    environment.until_status(&site, |status| status.phase == "Done").await?;
    Ok(())
}

const HOP: &str = "
authority: {name: authority, version: 4.2.3.1}
storage: [{name: storage-01, version: 4.2.3.1}]
";

async fn hooks_of_a_hop(environment: Arc<Environment>) -> Outcome {
    let site = environment.site("hop-hooks", Setting::of(HOP)).await?;
    bind(&environment, &site, "codeupgrade-hooks", "codeupgrade").await?;
    template(&environment, &site, Some("1")).await?;
    let mut spec = site.wanting("4.3.5.3".parse()?);
    let hook = |name: &str, when: &str| json!({"name": name, "when": when, "job": "smoke-test"});
    spec["hooks"] = json!([
        hook("notify", "BeforeHop"),
        hook("drain", "BeforeServer"),
        hook("smoke", "AfterServer"),
        hook("report", "AfterHop"),
    ]);
    spec["lastUpgrade"] = json!({"release": "4.2.3.1", "finishedAt": "2016-01-01T00:00:00Z"});
    site.commit(UPGRADE, spec).await?;
    let status = environment.until_status(&site, |status| status.reason == "HookFailed").await?;
    assert!(status.message.contains("hook notify said no (job notify-"), "{}", status.message);
    assert_eq!(site.version_of("authority"), "4.2.3.1".parse().ok(), "nothing is touched");
    template(&environment, &site, None).await?;
    let order = json!({
        "metadata": {"name": "again"},
        "spec": {"upgrade": UPGRADE, "action": "Retry", "reason": "mended", "by": "admin"},
    });
    apply::<codeupgrade::api::CodeUpgradeOrder>(&environment.client, Some(&site.namespace), order).await?;
    environment.until_status(&site, |status| status.phase == "Done").await?;
    let jobs: Api<Job> = Api::namespaced(environment.client.clone(), &site.namespace);
    let mut asked: Vec<(String, String)> = jobs
        .list(&ListParams::default())
        .await?
        .iter()
        .map(|job| (told(job, "CODEUPGRADE_MOMENT"), told(job, "CODEUPGRADE_SERVER")))
        .collect();
    asked.sort();
    asked.dedup();
    let expected = [
        ("AfterHop", ""),
        ("AfterServer", "authority"),
        ("AfterServer", "storage-01"),
        ("BeforeHop", ""),
        ("BeforeServer", "authority"),
        ("BeforeServer", "storage-01"),
    ];
    assert_eq!(asked, expected.map(|(moment, server)| (moment.to_owned(), server.to_owned())));
    Ok(())
}

/// What a job is told by an environment variable; nothing where it has none of that name.
fn told(job: &Job, name: &str) -> String {
    let pod = job.spec.as_ref().and_then(|spec| spec.template.spec.as_ref());
    let told = pod.and_then(|pod| pod.containers[0].env.clone()).unwrap_or_default();
    told.into_iter()
        .find(|variable| variable.name == name)
        .and_then(|variable| variable.value)
        .unwrap_or_default()
}

/// What the hook's jobs are made from: they fail with this exit code, or succeed.
async fn template(environment: &Environment, site: &Site, fails: Option<&str>) -> Result<(), Error> {
    let annotations =
        fails.map_or_else(|| json!({}), |code| json!({"simulator.codeupgrade.dev/fails": code}));
    let object = json!({
        "metadata": {"name": "smoke-test"},
        "template": {
            "metadata": {"annotations": annotations},
            "spec": {"containers": [{"name": "main", "image": "registry.example/smoke:1"}]},
        },
    });
    Ok(apply::<PodTemplate>(&environment.client, Some(&site.namespace), object).await?)
}
