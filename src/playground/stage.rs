//! Sets the stage on a real API server: the project's own objects, and a namespace with the workloads of an environment.
//!
//! For the demo and the cluster tests. Everything that a chart or a team would install is applied from the same files;
//! nothing here is read by the operator but through the API server.

use std::collections::BTreeMap;

use k8s_openapi::api::admissionregistration::v1::{
    ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding,
};
use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::authentication::v1::{TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::{Namespace, Secret, ServiceAccount};
use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding, Role, RoleBinding};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{ApiResource, DynamicObject, Patch, PatchParams, PostParams};
use kube::runtime::wait::{await_condition, conditions};
use kube::{Api, Client, Resource};
use serde_json::{Value, json};

use super::player;
use super::rest::Account;
use crate::api;
use crate::catalog::Version;
use crate::translate;

/// The namespace of the operator itself.
pub const OPERATOR_NAMESPACE: &str = "codeupgrade";

/// The name of the Secret with the credentials, as in the examples.
pub const CREDENTIALS: &str = "code42-api";

const CLUSTER_ROLE: &str = include_str!("../../charts/codeupgrade/files/cluster-role.yaml");
const ACTING_ROLE: &str = include_str!("../../charts/codeupgrade/files/acting-role.yaml");
const HOOKS_ROLE: &str = include_str!("../../charts/codeupgrade/files/hooks-role.yaml");
const DEVICE_VIEWER_ROLE: &str = include_str!("../../charts/codeupgrade/files/device-viewer-role.yaml");
const POLICY: &str = include_str!("../../charts/codeupgrade/files/admission-policy.yaml");
const POLICY_BINDING: &str = include_str!("../../charts/codeupgrade/files/admission-policy-binding.yaml");
const LEASE_ROLE: &str = include_str!("../../charts/codeupgrade/files/lease-role.yaml");

/// Who applies the stage: not the operator.
const STAGE_MANAGER: &str = "codeupgrade-stage";

/// Why the stage could not be set.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The API server refused an object.
    #[error("failed to apply {kind} {name}: {source}")]
    Apply {
        /// Its kind.
        kind: String,
        /// Its name.
        name: String,
        /// What the API server, or the way to it, answered.
        source: Box<kube::Error>,
    },
    /// A definition was not taken up.
    #[error("the definition {0} was not established")]
    NotEstablished(String),
    /// A file of the chart is not an object.
    #[error("a file of the chart cannot be read: {0}")]
    Chart(String),
    /// The API server gave no token.
    #[error("failed to get a token for ServiceAccount {OPERATOR_NAMESPACE}/codeupgrade")]
    Token(#[source] Option<Box<kube::Error>>),
}

/// How often an object is applied where the API server itself is at fault.
const ATTEMPTS: u32 = 5;

/// An object on its way to the API server, with the way there.
struct Addressed {
    kind: String,
    name: String,
    objects: Api<DynamicObject>,
    object: DynamicObject,
}

impl Addressed {
    /// An object of a kind; a namespaced one into `namespace`.
    fn new<K: Resource<DynamicType = ()>>(
        client: &Client,
        namespace: Option<&str>,
        mut object: Value,
    ) -> Result<Self, Error> {
        let resource = ApiResource::erase::<K>(&());
        object["apiVersion"] = K::api_version(&()).into();
        object["kind"] = K::kind(&()).into();
        let name = object["metadata"]["name"].as_str().unwrap_or_default().to_owned();
        let objects = match namespace {
            Some(namespace) => Api::namespaced_with(client.clone(), namespace, &resource),
            None => Api::all_with(client.clone(), &resource),
        };
        let object = serde_json::from_value(object).map_err(|error| Error::Chart(error.to_string()))?;
        Ok(Self { kind: resource.kind, name, objects, object })
    }

    /// What became of it, with its name where it was refused.
    fn answered(self, answer: kube::Result<DynamicObject>) -> Result<(), Error> {
        let Self { kind, name, .. } = self;
        answer.map(|_| ()).map_err(|source| Error::Apply { kind, name, source: Box::new(source) })
    }
}

/// Applies one object; a namespaced one into `namespace`.
pub async fn apply<K: Resource<DynamicType = ()>>(
    client: &Client,
    namespace: Option<&str>,
    object: Value,
) -> Result<(), Error> {
    let addressed = Addressed::new::<K>(client, namespace, object)?;
    let parameters = PatchParams::apply(STAGE_MANAGER).force();
    let patch = Patch::Apply(&addressed.object);
    for _ in 1..ATTEMPTS {
        match addressed.objects.patch(&addressed.name, &parameters, &patch).await {
            // It ran out of time by itself, as on a busy machine; what is applied twice is applied once.
            Err(kube::Error::Api(status)) if status.code >= 500 => {}
            other => return addressed.answered(other),
        }
    }
    let last = addressed.objects.patch(&addressed.name, &parameters, &patch).await;
    addressed.answered(last)
}

/// Creates an object unless it is there: whoever does so owns none of its fields, as a person who types `kubectl create`.
///
/// # Errors
/// The API server refuses it.
pub async fn create<K: Resource<DynamicType = ()>>(
    client: &Client,
    namespace: &str,
    object: Value,
) -> Result<(), Error> {
    let addressed = Addressed::new::<K>(client, Some(namespace), object)?;
    let parameters = PostParams { field_manager: Some(STAGE_MANAGER.to_owned()), ..PostParams::default() };
    match addressed.objects.create(&parameters, &addressed.object).await {
        Err(kube::Error::Api(status)) if status.is_already_exists() => Ok(()),
        other => addressed.answered(other),
    }
}

fn chart_file(text: &str) -> Result<Value, Error> {
    serde_saphyr::from_str(text).map_err(|error| Error::Chart(error.to_string()))
}

/// Installs what the chart installs but the operator's own Deployment: definitions, releases, roles, accounts.
pub async fn install(client: &Client) -> Result<(), Error> {
    for definition in api::crds() {
        let value = serde_json::to_value(&definition).map_err(|error| Error::Chart(error.to_string()))?;
        apply::<CustomResourceDefinition>(client, None, value).await?;
        let name = definition.metadata.name.unwrap_or_default();
        let definitions: Api<CustomResourceDefinition> = Api::all(client.clone());
        let established = await_condition(definitions, &name, conditions::is_crd_established());
        established.await.map_err(|_| Error::NotEstablished(name.clone()))?;
    }
    for release in translate::shipped() {
        let value = serde_json::to_value(&release).map_err(|error| Error::Chart(error.to_string()))?;
        apply::<api::CodeRelease>(client, None, value).await?;
    }
    apply::<ClusterRole>(client, None, chart_file(CLUSTER_ROLE)?).await?;
    apply::<ClusterRole>(client, None, chart_file(ACTING_ROLE)?).await?;
    apply::<ClusterRole>(client, None, chart_file(HOOKS_ROLE)?).await?;
    apply::<ClusterRole>(client, None, chart_file(DEVICE_VIEWER_ROLE)?).await?;
    apply::<ValidatingAdmissionPolicy>(client, None, chart_file(POLICY)?).await?;
    apply::<ValidatingAdmissionPolicyBinding>(client, None, chart_file(POLICY_BINDING)?).await?;
    apply::<Namespace>(client, None, named(OPERATOR_NAMESPACE)).await?;
    let own = Some(OPERATOR_NAMESPACE);
    apply::<ServiceAccount>(client, own, named("codeupgrade")).await?;
    apply::<Role>(client, own, chart_file(LEASE_ROLE)?).await?;
    let account = json!([{"kind": "ServiceAccount", "name": "codeupgrade", "namespace": OPERATOR_NAMESPACE}]);
    apply::<ClusterRoleBinding>(client, None, binding("ClusterRole", "codeupgrade", &account)).await?;
    apply::<RoleBinding>(client, own, binding("Role", "codeupgrade", &account)).await
}

fn named(name: &str) -> Value {
    json!({"metadata": {"name": name}})
}

fn binding(kind: &str, role: &str, subjects: &Value) -> Value {
    json!({
        "metadata": {"name": role},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": role},
        "subjects": subjects,
    })
}

/// A token of the operator's own account: it runs with the rights that the chart gives it, and no others.
pub async fn operator_token(client: &Client) -> Result<String, Error> {
    let accounts: Api<ServiceAccount> = Api::namespaced(client.clone(), OPERATOR_NAMESPACE);
    let spec = TokenRequestSpec { expiration_seconds: Some(24 * 3_600), ..TokenRequestSpec::default() };
    let request = TokenRequest { spec, ..TokenRequest::default() };
    let answer = accounts.create_token_request("codeupgrade", &PostParams::default(), &request).await;
    let answer = answer.map_err(|error| Error::Token(Some(Box::new(error))))?;
    answer.status.map(|status| status.token).ok_or(Error::Token(None))
}

/// The image of a server version: pinned, so that it is the same tomorrow.
pub fn image(version: Version) -> String {
    let [major, minor, patch, build] = version.parts();
    format!(
        "registry.example/code42-server:{version}@sha256:{major:016x}{minor:016x}{patch:016x}{build:016x}"
    )
}

/// What a team has in the namespace of its environment: an account that the operator may act as, the credentials, and
/// a `StatefulSet` for each server, with the version that it runs.
pub async fn place_environment(
    client: &Client,
    namespace: &str,
    url: &str,
    account: &Account,
    servers: &[(String, Version)],
) -> Result<(), Error> {
    apply::<Namespace>(client, None, named(namespace)).await?;
    let here = Some(namespace);
    let labels = BTreeMap::from([(api::USABLE_LABEL, "true")]);
    let usable = json!({"metadata": {"name": api::DEFAULT_SERVICE_ACCOUNT, "labels": labels}});
    apply::<ServiceAccount>(client, here, usable).await?;
    let subjects =
        json!([{"kind": "ServiceAccount", "name": api::DEFAULT_SERVICE_ACCOUNT, "namespace": namespace}]);
    apply::<RoleBinding>(client, here, binding("ClusterRole", "codeupgrade-acting", &subjects)).await?;
    place_credentials(client, namespace, url, account).await?;
    for (name, version) in servers {
        create::<StatefulSet>(client, namespace, stateful_set(name, *version)).await?;
    }
    Ok(())
}

/// The Secret with the credentials, bound to a url.
pub async fn place_credentials(
    client: &Client,
    namespace: &str,
    url: &str,
    account: &Account,
) -> Result<(), Error> {
    let annotations = BTreeMap::from([(api::AUTHORITY_URL_ANNOTATION, url)]);
    let secret = json!({
        "metadata": {"name": CREDENTIALS, "annotations": annotations},
        "stringData": {"username": account.username, "password": account.password},
    });
    apply::<Secret>(client, Some(namespace), secret).await
}

/// The workload of one server, which the player turns into that server of the simulated environment.
pub fn stateful_set(name: &str, version: Version) -> Value {
    let labels = json!({"app": name});
    json!({
        "metadata": {"name": name},
        "spec": {
            "serviceName": name,
            "replicas": 1,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels, "annotations": {player::SERVER: name}},
                "spec": {"containers": [{"name": "server", "image": image(version)}]},
            },
        },
    })
}
