//! Servers that are no `StatefulSet`: a Deployment, and a machine that a person upgrades; over TLS with a certificate
//! authority of one's own.

use std::sync::Arc;

use codeupgrade::playground::site::Workloads;
use codeupgrade::playground::tls::Identity;
use codeupgrade::playground::{player, stage};
use codeupgrade::simulator::Command;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::Api;
use serde_json::{Value, json};

use super::case::{Case, Outcome, case};
use super::deeds::{self, Deed};
use super::environment::{Environment, Setting, UPGRADE};
use super::files;

pub(crate) fn cases() -> Vec<Case> {
    vec![case("a_deployment_and_a_machine_are_upgraded_over_tls", deployment_and_machine)]
}

const SCENARIO: &str = "
authority: {name: authority, version: 4.2.3.1}
storage: [{name: storage-01, version: 4.2.3.1}]
";

async fn deployment_and_machine(environment: Arc<Environment>) -> Outcome {
    let identity = Identity::generate(&["127.0.0.1"])?;
    let setting = Setting { scenario: SCENARIO, workloads: Workloads::None, identity: Some(&identity) };
    let site = environment.site("methods", setting).await?;
    let (from, to) = ("4.2.3.1".parse()?, "4.3.5.3".parse()?);
    let here = Some(site.namespace.as_str());
    stage::create::<Deployment>(&environment.client, &site.namespace, deployment(&stage::image(from)))
        .await?;

    let mut spec = site.wanting(to);
    spec["authority"] = json!({
        "url": site.url,
        "credentials": stage::CREDENTIALS,
        "ca": {"configMap": "code42-ca"},
        "deployment": "authority",
        "imageFrom": "Operator",
    });
    spec["storage"] = json!([{"name": "storage-01", "manual": {}, "os": "Linux"}]);
    let (_mirror, file) = files::served().await?;
    spec["sources"][0]["artifacts"] = json!([file]);
    spec["lastUpgrade"] = json!({"release": "4.2.3.1", "finishedAt": "2016-01-01T00:00:00Z"});
    site.commit(UPGRADE, spec).await?;
    // Without the certificate authority the server is not believed.
    environment.until_status(&site, |status| status.reason == "CertificateAuthorityMissing").await?;
    let trusted = json!({"metadata": {"name": "code42-ca"}, "data": {"ca.crt": identity.ca_pem()}});
    stage::apply::<ConfigMap>(&environment.client, here, trusted).await?;

    let asked = environment.until_status(&site, |status| status.reason == "ManualStep").await?;
    assert_eq!((asked.phase.as_str(), site.version_of("authority")), ("Suspended", Some(to)));
    assert!(asked.message.contains("storage-01 to 4.3.5.3 by hand"), "{}", asked.message);
    let by_hand = Command::UpgradeByHand { server: "storage-01".into(), version: to };
    site.simulation.at_present(|world| world.carry_out(by_hand))?;
    environment.until_status(&site, |status| status.phase == "Done").await?;
    assert_eq!(site.servers_not_at(to), Vec::<String>::new());

    let deployments: Api<Deployment> = Api::namespaced(environment.client.clone(), &site.namespace);
    let paused = deployments.get("authority").await?.spec.and_then(|spec| spec.paused);
    assert_eq!(paused, Some(true), "at rest the catch is closed");
    let deeds: Vec<Deed> = deeds::of(&environment, &site).await?.into_iter().map(|(deed, _)| deed).collect();
    let authority = || "authority".to_owned();
    let workload = [Deed::Close(authority()), Deed::Roll(authority()), Deed::Close(authority())];
    let touched: Vec<&Deed> =
        deeds.iter().filter(|deed| matches!(deed, Deed::Close(_) | Deed::Roll(_))).collect();
    assert_eq!(touched, workload.iter().collect::<Vec<_>>());
    Ok(())
}

fn deployment(image: &str) -> Value {
    let labels = json!({"app": "authority"});
    json!({
        "metadata": {"name": "authority"},
        "spec": {
            "replicas": 1,
            "strategy": {"type": "Recreate"},
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels, "annotations": {player::SERVER: "authority"}},
                "spec": {"containers": [{"name": "server", "image": image}]},
            },
        },
    })
}
