//! The cluster that a person asks, with the rights that they have: nothing here has any right of its own.
//!
//! What must never happen here: a change of a spec. People order; Git wants.

use std::path::PathBuf;

use kube::api::ListParams;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config, ResourceExt as _};

use crate::api::problem::{Problem, said};
use crate::api::{CodeUpgrade, CodeUpgradeOrder};

/// Which cluster, and which namespace of it.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Connection {
    /// The namespace; that of the kubeconfig's context where absent.
    #[arg(short, long)]
    namespace: Option<String>,
    /// The context of the kubeconfig.
    #[arg(long)]
    context: Option<String>,
    /// The kubeconfig.
    #[arg(long)]
    kubeconfig: Option<PathBuf>,
    /// Ask as this user, where you may.
    #[arg(long = "as", value_name = "USER")]
    acting_as: Option<String>,
}

impl Connection {
    /// A connection to a namespace of a context.
    pub(super) fn of(namespace: Option<String>, context: Option<String>) -> Self {
        Self { namespace, context, kubeconfig: None, acting_as: None }
    }
}

/// A cluster as somebody sees it.
pub(super) struct Cluster {
    pub(super) client: Client,
    pub(super) namespace: String,
}

impl Cluster {
    /// Reads the kubeconfig. Sends nothing.
    pub(super) async fn connect(connection: &Connection) -> Result<Self, String> {
        let Connection { namespace, context, kubeconfig, acting_as } = connection;
        let options = KubeConfigOptions { context: context.clone(), ..KubeConfigOptions::default() };
        let unusable = |error: &dyn std::fmt::Display| format!("the kubeconfig cannot be used: {error}");
        let mut config = match (kubeconfig, context) {
            (Some(path), _) => {
                let read = Kubeconfig::read_from(path).map_err(|error| unusable(&error))?;
                Config::from_custom_kubeconfig(read, &options).await.map_err(|error| unusable(&error))?
            }
            (None, Some(_)) => Config::from_kubeconfig(&options).await.map_err(|error| unusable(&error))?,
            (None, None) => Config::infer()
                .await
                .map_err(|error| format!("no cluster is configured, by a kubeconfig or by a pod: {error}"))?,
        };
        if acting_as.is_some() {
            config.auth_info.impersonate.clone_from(acting_as);
        }
        let namespace = namespace.clone().unwrap_or_else(|| config.default_namespace.clone());
        let client = Client::try_from(config).map_err(|error| said(&error))?;
        Ok(Self { client, namespace })
    }

    pub(super) fn upgrades(&self) -> Api<CodeUpgrade> {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    pub(super) fn orders(&self) -> Api<CodeUpgradeOrder> {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    /// The object of a name; without one, the only one of the namespace.
    pub(super) async fn upgrade(&self, name: Option<&str>) -> Result<CodeUpgrade, String> {
        let namespace = &self.namespace;
        if let Some(name) = name {
            let found = self.upgrades().get_opt(name).await;
            let found = found.map_err(|error| refused("get", "codeupgrades", Some(namespace), &error))?;
            let names = "kubectl get codeupgrades -A lists what there is";
            return found.ok_or_else(|| format!("there is no CodeUpgrade {namespace}/{name}: {names}"));
        }
        let mut found = self.list().await?;
        match (found.pop(), found.len()) {
            (Some(only), 0) => Ok(only),
            (None, _) => {
                Err(format!("there is no CodeUpgrade in namespace {namespace}: name another with -n"))
            }
            (Some(last), _) => {
                let mut names: Vec<String> = found.iter().map(kube::ResourceExt::name_any).collect();
                names.push(last.name_any());
                Err(format!("namespace {namespace} has several CodeUpgrades, name one: {}", names.join(", ")))
            }
        }
    }

    /// The objects of the namespace.
    pub(super) async fn list(&self) -> Result<Vec<CodeUpgrade>, String> {
        let found = self.upgrades().list(&ListParams::default()).await;
        let namespace = Some(self.namespace.as_str());
        found.map(|list| list.items).map_err(|error| refused("list", "codeupgrades", namespace, &error))
    }

    /// The objects of all namespaces.
    pub(super) async fn list_all(&self) -> Result<Vec<CodeUpgrade>, String> {
        let all: Api<CodeUpgrade> = Api::all(self.client.clone());
        let found = all.list(&ListParams::default()).await;
        found.map(|list| list.items).map_err(|error| refused("list", "codeupgrades", None, &error))
    }

    /// The orders about an object.
    pub(super) async fn orders_about(&self, name: &str) -> Result<Vec<CodeUpgradeOrder>, String> {
        let found = self.orders().list(&ListParams::default()).await;
        let namespace = Some(self.namespace.as_str());
        let found = found.map_err(|error| refused("list", "codeupgradeorders", namespace, &error))?;
        Ok(found.items.into_iter().filter(|order| order.spec.upgrade == name).collect())
    }
}

/// Why the API server did not do it; of a right that is missing, which one.
pub(super) fn refused(verb: &str, resource: &str, namespace: Option<&str>, error: &kube::Error) -> String {
    let place = namespace.map_or_else(|| "any namespace".to_owned(), |name| format!("namespace {name}"));
    match Problem::from(error) {
        Problem::Forbidden(words) => format!(
            "you may not {verb} {resource} in {place}: ask for a role with apiGroups [codeupgrade.dev], resources [{resource}], verbs [{verb}] ({words})"
        ),
        Problem::Missing(_) if verb == "list" || verb == "create" => format!(
            "this cluster does not know {resource}.codeupgrade.dev: install the definitions (kubectl apply --server-side -f crds/)"
        ),
        problem => format!("failed to {verb} {resource} in {place}: {problem}"),
    }
}

/// Runs what asks a cluster.
pub(super) fn block_on<T>(work: impl Future<Output = Result<T, String>>) -> Result<T, String> {
    let runtime =
        tokio::runtime::Runtime::new().map_err(|error| format!("no runtime could be started: {error}"))?;
    runtime.block_on(work)
}

#[cfg(test)]
mod tests {
    use kube::core::Status;

    use super::*;

    #[test]
    fn a_missing_right_is_named() {
        let forbidden = Status { code: 403, message: "it is forbidden".into(), ..Status::default() };
        let error = kube::Error::Api(Box::new(forbidden));
        assert_eq!(
            refused("create", "codeupgradeorders", Some("code42"), &error),
            "you may not create codeupgradeorders in namespace code42: ask for a role with apiGroups [codeupgrade.dev], \
             resources [codeupgradeorders], verbs [create] (it is forbidden)"
        );
        let missing = kube::Error::Api(Box::new(Status { code: 404, ..Status::default() }));
        assert!(refused("list", "codeupgrades", None, &missing).contains("install the definitions"));
    }
}
