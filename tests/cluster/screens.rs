//! The commands that people type, on a real API server: what they show, what they exit with, what they create, and what is said where a
//! right is missing.

use std::path::Path;
use std::process::Output;
use std::sync::Arc;

use codeupgrade::api::CodeUpgradeOrder;
use codeupgrade::playground::site::Site;
use codeupgrade::playground::stage::apply;
use k8s_openapi::api::core::v1::ServiceAccount;
use kube::Api;
use kube::api::ListParams;
use serde_json::{Value, json};
use tokio::process::Command;

use super::case::{Case, Outcome, case};
use super::environment::{Environment, Error, Setting, UPGRADE};

pub(crate) fn cases() -> Vec<Case> {
    vec![
        case("screens_show_a_stall_and_an_order_ends_it", shown_and_ordered),
        case("screens_name_the_right_that_is_missing", rights_are_named),
    ]
}

/// Every third device fails, and three may.
const FAILING: &str = "
authority: {name: authority, version: 4.3.5.3}
devices: [{count: 30, os: Windows, version: 4.2.0, exceptions: [{every: 3, behaviour: Fails}]}]
";

async fn shown_and_ordered(environment: Arc<Environment>) -> Outcome {
    let site = environment.site("screens", Setting::of(FAILING)).await?;
    let mut spec = site.wanting("4.3.5.3".parse()?);
    spec["devices"] =
        json!({"upgrade": "Bundled", "groups": [{"name": "it", "all": true, "maxFailures": 3}]});
    site.commit(UPGRADE, spec).await?;
    let status = environment.until_status(&site, |status| status.reason == "GroupHalted").await?;

    let shown = type_(&environment, &site, &["status", UPGRADE]).await?;
    assert_eq!(shown.status.code(), Some(3), "{shown:?}");
    let flat = |bytes: &[u8]| said(bytes).split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(flat(&shown.stdout).contains("Stalled group it is halted:"), "{}", said(&shown.stdout));
    let command = format!("kubectl codeupgrade retry {UPGRADE} -n {} --for \"group it\"", site.namespace);
    assert!(flat(&shown.stdout).contains(&command), "{}", said(&shown.stdout));
    let value: Value =
        serde_json::from_slice(&type_(&environment, &site, &["status", "-o", "json"]).await?.stdout)?;
    assert_eq!((&value["kind"], &value["items"][0]["outcome"]), (&json!("Status"), &json!("Stalled")));
    assert_eq!(value["items"][0]["status"]["memory"], Value::Null, "the operator's own notes are for nobody");
    let waited = type_(&environment, &site, &["status", UPGRADE, "--wait", "--timeout", "1m"]).await?;
    assert_eq!(waited.status.code(), Some(3), "{waited:?}");
    let explained = type_(&environment, &site, &["explain", UPGRADE]).await?;
    assert!(flat(&explained.stdout).contains(&command), "{}", said(&explained.stdout));
    let asked = type_(&environment, &site, &["explain", UPGRADE, "Approval"]).await?;
    assert!(said(&asked.stdout).contains("whether somebody approved it"), "{}", said(&asked.stdout));

    let refused = type_(&environment, &site, &["approve", UPGRADE]).await?;
    assert_eq!(refused.status.code(), Some(1));
    assert!(said(&refused.stderr).contains("nothing to approve now"), "{}", said(&refused.stderr));
    let ordered =
        type_(&environment, &site, &["retry", UPGRADE, "--reason", "CHG-1", "--wait", "1m"]).await?;
    assert_eq!(ordered.status.code(), Some(0), "{ordered:?}");
    assert!(said(&ordered.stdout).contains("is followed"), "{}", said(&ordered.stdout));
    let orders: Api<CodeUpgradeOrder> = Api::namespaced(environment.client.clone(), &site.namespace);
    let orders = orders.list(&ListParams::default()).await?.items;
    let [order] = orders.as_slice() else { return Err(format!("one order: {orders:?}").into()) };
    assert_eq!(order.spec.r#for.as_deref(), Some("group it"));
    assert!(!order.spec.by.is_empty(), "the API server says who it was");
    let history = type_(&environment, &site, &["history", UPGRADE]).await?;
    assert!(flat(&history.stdout).contains("followed Retry \"group it\" by"), "{}", said(&history.stdout));
    let releases = type_(&environment, &site, &["releases", UPGRADE]).await?;
    assert!(said(&releases.stdout).contains("is at 4.3.5.3"), "{}", said(&releases.stdout));
    assert!(status.asks.iter().any(|ask| ask.r#for.as_deref() == Some("group it")), "{:?}", status.asks);

    let bundle = type_(&environment, &site, &["support-bundle", UPGRADE, "--file", "-"]).await?;
    let bundle: Value = serde_json::from_slice(&bundle.stdout)?;
    assert!(bundle["upgrade"]["status"]["memory"].is_object(), "what decisions start from is in it");
    assert!(!bundle.to_string().contains("127.0.0.1"), "no host is in it");
    Ok(())
}

async fn rights_are_named(environment: Arc<Environment>) -> Outcome {
    // With it come the definitions.
    environment.operator().await?;
    let namespace = environment.namespace("screens-rights").await?;
    let account = json!({"metadata": {"name": "nobody"}});
    apply::<ServiceAccount>(&environment.client, Some(&namespace), account).await?;
    let nobody = format!("system:serviceaccount:{namespace}:nobody");
    let program = |arguments: &[&str]| {
        let mut command = program(&environment);
        command.args(arguments).args(["-n", &namespace, "--as", &nobody]);
        command
    };
    for (arguments, right) in [
        (&["status"][..], "you may not list codeupgrades in namespace"),
        (&["status", UPGRADE], "you may not get codeupgrades in namespace"),
        (&["pause", UPGRADE], "you may not get codeupgrades in namespace"),
        (&["status", "-A"], "you may not list codeupgrades in any namespace"),
    ] {
        let output = program(arguments).output().await?;
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        let error = said(&output.stderr);
        assert!(error.contains(right) && error.contains("apiGroups [codeupgrade.dev]"), "{error}");
        assert!(!error.contains("Status {"), "{error}");
    }
    let doctor = program(&["doctor", "--operator-namespace", "nowhere"]).output().await?;
    let text = said(&doctor.stdout);
    assert!(text.contains("may not create codeupgradeorders"), "{text}");
    assert!(text.contains("whether it leads is not known"), "{text}");
    let nowhere =
        type_in(&environment, "default", &["status", "production", "--kubeconfig", "/nowhere"]).await?;
    assert_eq!(nowhere.status.code(), Some(1));
    assert!(said(&nowhere.stderr).contains("the kubeconfig cannot be used"), "{}", said(&nowhere.stderr));
    Ok(())
}

fn program(environment: &Environment) -> Command {
    let mut command = Command::new(Path::new(env!("CARGO_BIN_EXE_codeupgrade")));
    command.env("KUBECONFIG", environment.plane.admin_kubeconfig());
    command
}

async fn type_(environment: &Environment, site: &Site, arguments: &[&str]) -> Result<Output, Error> {
    type_in(environment, &site.namespace, arguments).await
}

async fn type_in(environment: &Environment, namespace: &str, arguments: &[&str]) -> Result<Output, Error> {
    Ok(program(environment).args(arguments).args(["-n", namespace]).output().await?)
}

fn said(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
