//! The control plane itself: that it is a real one, with a record of every write.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::authentication::v1::TokenRequest;
use k8s_openapi::api::core::v1::{ConfigMap, Pod, ServiceAccount};
use kube::api::{ListParams, ObjectMeta, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client};
use serde_json::json;

use super::case::{Case, Outcome, case};
use super::environment::Environment;
use super::wait::eventually;

pub(crate) fn cases() -> Vec<Case> {
    vec![
        case("plane_records_a_write_in_the_audit_log", records_a_write),
        case("plane_leaves_reads_and_dry_runs_apart", leaves_reads_and_dry_runs_apart),
        case("plane_creates_the_pods_of_a_stateful_set", creates_pods),
        case("plane_decides_by_rbac_for_a_service_account", decides_by_rbac),
        case("plane_keeps_kubeconfigs_private", keeps_kubeconfigs_private),
    ]
}

fn config_map(name: &str) -> ConfigMap {
    let data = Some(BTreeMap::from([("a".to_owned(), "b".to_owned())]));
    let metadata = ObjectMeta { name: Some(name.to_owned()), ..ObjectMeta::default() };
    ConfigMap { metadata, data, ..ConfigMap::default() }
}

async fn records_a_write(environment: Arc<Environment>) -> Outcome {
    let namespace = environment.namespace("audit").await?;
    let config_maps: Api<ConfigMap> = Api::namespaced(environment.client.clone(), &namespace);
    config_maps.create(&PostParams::default(), &config_map("written")).await?;

    let audit_log = environment.plane.audit_log();
    let event = eventually("an audit event of the write", async || {
        let events = audit_log.events().await?;
        Ok(events.into_iter().find(|event| {
            event.namespace.as_ref() == Some(&namespace) && event.name.as_deref() == Some("written")
        }))
    })
    .await?;
    assert_eq!((event.verb.as_str(), event.resource.as_str()), ("create", "configmaps"));
    assert_eq!((event.user.as_str(), event.response_code), ("admin", 201));
    assert!(event.is_effective());
    assert_eq!(event.request, None, "contents are kept only of the kinds that tests ask about");
    Ok(())
}

async fn leaves_reads_and_dry_runs_apart(environment: Arc<Environment>) -> Outcome {
    let namespace = environment.namespace("reads").await?;
    let config_maps: Api<ConfigMap> = Api::namespaced(environment.client.clone(), &namespace);
    let dry_run = PostParams { dry_run: true, ..PostParams::default() };
    config_maps.create(&dry_run, &config_map("asked")).await?;
    config_maps.list(&ListParams::default()).await?;
    config_maps.create(&PostParams::default(), &config_map("last")).await?;

    let audit_log = environment.plane.audit_log();
    let events = eventually("an audit event of the last write", async || {
        let mut events = audit_log.events().await?;
        events.retain(|event| event.namespace.as_ref() == Some(&namespace) && event.user == "admin");
        Ok(events.iter().any(|event| event.name.as_deref() == Some("last")).then_some(events))
    })
    .await?;
    let effective: Vec<_> = events.iter().map(|event| (event.verb.as_str(), event.is_effective())).collect();
    // The first is the namespace itself.
    assert_eq!(effective, [("create", false), ("create", true)]);
    Ok(())
}

async fn creates_pods(environment: Arc<Environment>) -> Outcome {
    let namespace = environment.namespace("pods").await?;
    let stateful_set: StatefulSet = serde_json::from_value(json!({
        "metadata": {"name": "storage"},
        "spec": {
            "serviceName": "storage",
            "replicas": 1,
            "selector": {"matchLabels": {"app": "storage"}},
            "template": {
                "metadata": {"labels": {"app": "storage"}},
                "spec": {"containers": [{"name": "server", "image": "registry.example/server:1"}]},
            },
        },
    }))?;
    let stateful_sets: Api<StatefulSet> = Api::namespaced(environment.client.clone(), &namespace);
    stateful_sets.create(&PostParams::default(), &stateful_set).await?;

    let pods: Api<Pod> = Api::namespaced(environment.client.clone(), &namespace);
    let pod = eventually("a pod storage-0", async || Ok(pods.get_opt("storage-0").await?)).await?;
    let owners = pod.metadata.owner_references.unwrap_or_default();
    assert_eq!(owners.iter().map(|owner| owner.kind.as_str()).collect::<Vec<_>>(), ["StatefulSet"]);

    let audit_log = environment.plane.audit_log();
    let creator = eventually("an audit event of the pod", async || {
        let mut events = audit_log.events().await?.into_iter();
        Ok(events.find(|event| {
            event.namespace.as_ref() == Some(&namespace) && event.resource == "pods" && event.is_effective()
        }))
    })
    .await?;
    assert_eq!(creator.user, "system:serviceaccount:kube-system:statefulset-controller");
    Ok(())
}

async fn decides_by_rbac(environment: Arc<Environment>) -> Outcome {
    let namespace = environment.namespace("rbac").await?;
    let accounts: Api<ServiceAccount> = Api::namespaced(environment.client.clone(), &namespace);
    let account =
        eventually("a default service account", async || Ok(accounts.get_opt("default").await?)).await?;
    let name = account.metadata.name.unwrap_or_default();
    let request = TokenRequest::default();
    let answer = accounts.create_token_request(&name, &PostParams::default(), &request).await?;
    let token = answer.status.ok_or("the server gave no token")?.token;

    let path = environment.plane.kubeconfig_for(&format!("{namespace}-default"), &token)?;
    let kubeconfig = Kubeconfig::read_from(&path)?;
    let config = kube::Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await?;
    let config_maps: Api<ConfigMap> = Api::namespaced(Client::try_from(config)?, &namespace);
    let refusal =
        config_maps.list(&ListParams::default()).await.err().ok_or("an account without a role may list")?;
    let expected =
        format!("User \"system:serviceaccount:{namespace}:default\" cannot list resource \"configmaps\"");
    assert!(refusal.to_string().contains(&expected), "{refusal}");
    Ok(())
}

async fn keeps_kubeconfigs_private(environment: Arc<Environment>) -> Outcome {
    let mode = std::fs::metadata(environment.plane.admin_kubeconfig())?.permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    Ok(())
}
