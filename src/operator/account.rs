//! Acting as somebody else: the operator has no power over workloads and secrets of its own, so it impersonates the
//! `ServiceAccount` that the spec names, in the object's namespace and nowhere else.
//!
//! Only an account that carries the label is usable: whoever may write a `CodeUpgrade` must not thereby become any
//! account of the namespace.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use k8s_openapi::api::core::v1::ServiceAccount;
use kube::api::PartialObjectMeta;
use kube::{Api, Client, Config, ResourceExt};

use crate::api::USABLE_LABEL;
use crate::api::problem::said;

/// An account in a namespace.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Account {
    /// The namespace of the object and of the account.
    pub namespace: String,
    /// The name of the `ServiceAccount`.
    pub name: String,
}

impl Account {
    /// The user name that the API server knows it by.
    fn user(&self) -> String {
        format!("system:serviceaccount:{}:{}", self.namespace, self.name)
    }
}

impl std::fmt::Display for Account {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "ServiceAccount {}/{}", self.namespace, self.name)
    }
}

/// Why an account cannot be acted as.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such account.
    #[error("{0} does not exist")]
    Missing(Account),
    /// It lacks the label.
    #[error("{0} lacks the label {USABLE_LABEL}: \"true\"")]
    NotUsable(Account),
    /// It could not be read.
    #[error("{account} could not be read: {}", said(source))]
    Api {
        /// The account.
        account: Account,
        /// What the API server, or the way to it, answered.
        source: Box<kube::Error>,
    },
    /// No client could be made for it.
    #[error("no client could be made for {account}: {}", said(source))]
    Client {
        /// The account.
        account: Account,
        /// What the API server, or the way to it, answered.
        source: Box<kube::Error>,
    },
}

/// Makes and keeps a client for each account that is in use.
pub struct Accounts {
    config: Config,
    operator: Client,
    clients: Mutex<BTreeMap<Account, Acting>>,
}

/// A client that acts as an account.
#[derive(Clone)]
pub struct Acting {
    /// The account.
    pub account: Account,
    /// A client that impersonates it and repeats nothing by itself.
    pub client: Client,
}

impl std::fmt::Debug for Acting {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Acting").field("account", &self.account).finish_non_exhaustive()
    }
}

impl Accounts {
    /// Accounts reached by the operator's own connection.
    pub fn new(config: Config, operator: Client) -> Self {
        Self { config, operator, clients: Mutex::default() }
    }

    /// A client for the account, after asking whether it is usable now.
    ///
    /// # Errors
    /// It is missing, not labelled, or could not be read.
    pub async fn acting(&self, account: &Account) -> Result<Acting, Error> {
        let api: Api<PartialObjectMeta<ServiceAccount>> =
            Api::namespaced(self.operator.clone(), &account.namespace);
        let found = api
            .get_opt(&account.name)
            .await
            .map_err(|source| Error::Api { account: account.clone(), source: Box::new(source) })?;
        let object = found.ok_or_else(|| Error::Missing(account.clone()))?;
        if object.labels().get(USABLE_LABEL).map(String::as_str) != Some("true") {
            self.clients.lock().unwrap_or_else(PoisonError::into_inner).remove(account);
            return Err(Error::NotUsable(account.clone()));
        }
        self.client(account)
    }

    fn client(&self, account: &Account) -> Result<Acting, Error> {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = clients.get(account) {
            return Ok(known.clone());
        }
        let client = Client::try_from(impersonating(&self.config, account))
            .map_err(|source| Error::Client { account: account.clone(), source: Box::new(source) })?;
        let acting = Acting { account: account.clone(), client };
        clients.insert(account.clone(), acting.clone());
        Ok(acting)
    }

    /// Forgets the clients of accounts that nobody uses any more.
    pub fn retain(&self, in_use: impl Fn(&Account) -> bool) {
        self.clients.lock().unwrap_or_else(PoisonError::into_inner).retain(|account, _| in_use(account));
    }
}

/// The operator's connection, as somebody else, without retries: an effect whose answer was lost is looked at before
/// it is repeated.
fn impersonating(config: &Config, account: &Account) -> Config {
    let mut config = config.clone();
    config.default_retry = false;
    config.default_namespace.clone_from(&account.namespace);
    config.auth_info.impersonate = Some(account.user());
    config.auth_info.impersonate_groups = None;
    config
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_impersonated_without_groups_and_without_retries() {
        let account = Account { namespace: "code42".into(), name: "upgrader".into() };
        let config = impersonating(&Config::new("https://127.0.0.1".parse().unwrap()), &account);
        assert_eq!(config.auth_info.impersonate.as_deref(), Some("system:serviceaccount:code42:upgrader"));
        assert_eq!((config.auth_info.impersonate_groups, config.default_retry), (None, false));
    }
}
