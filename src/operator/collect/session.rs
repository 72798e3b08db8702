//! Getting to an authority: the account that may read its Secret, the host that may be talked to, the Secret that is
//! bound to it, whom to trust; and out of these a client.

use std::collections::BTreeMap;
use std::sync::Arc;

use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::api::Api;
use kube::{Client, ResourceExt};

use crate::api::problem::said;
use crate::api::{AUTHORITY_URL_ANNOTATION, CodeUpgrade};
use crate::code42::{self, ClientOptions, Credentials, ErrorKind, UnreachableReason};
use crate::observing::Failure;
use crate::operator::account::{self, Account, Accounts, Acting};
use crate::operator::hosts::{Denial, HostRules, Place, PlaceResolver, same_authority};
use crate::planner::observed::AccessFailure;

/// The key in a ConfigMap under which certificate authorities stand.
const CA_KEY: &str = "ca.crt";

/// How an object says to reach its authority.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    /// Who to act as.
    pub account: Account,
    /// The authority's url.
    pub url: String,
    /// The name of the Secret with the credentials.
    pub secret: String,
    /// The name of the ConfigMap with the certificate authority; `None` trusts whom the system trusts.
    pub ca: Option<String>,
}

impl Connection {
    /// What an object says; `None` for one without a namespace, which no API server returns.
    pub fn of(object: &CodeUpgrade) -> Option<Self> {
        let account =
            Account { namespace: object.namespace()?, name: object.spec.acting_account().to_owned() };
        let authority = &object.spec.authority;
        Some(Self {
            account,
            url: authority.url.clone(),
            secret: authority.credentials.clone(),
            ca: authority.ca.as_ref().map(|ca| ca.config_map.clone()),
        })
    }
}

impl From<&code42::Error> for Failure {
    fn from(error: &code42::Error) -> Self {
        let kind = match error.kind() {
            ErrorKind::Misconfigured => match error {
                code42::Error::Misconfigured { what: "ca", .. } => AccessFailure::CertificateAuthorityMissing,
                code42::Error::Misconfigured { what: "credentials", .. } => AccessFailure::SecretIncomplete,
                _ => AccessFailure::HostDenied,
            },
            ErrorKind::Unreachable(UnreachableReason::Tls) => AccessFailure::Untrusted,
            ErrorKind::Unreachable(UnreachableReason::NotHttp) => AccessFailure::Unexpected,
            ErrorKind::Unreachable(
                UnreachableReason::ConnectionRefused
                | UnreachableReason::NotResolved
                | UnreachableReason::NoRoute
                | UnreachableReason::TimedOut
                | UnreachableReason::ConnectionLost
                | UnreachableReason::Other,
            ) => AccessFailure::Unreachable,
            ErrorKind::Denied => AccessFailure::HostDenied,
            ErrorKind::TooMany => AccessFailure::TooMuch,
            ErrorKind::Refused => AccessFailure::Refused,
            ErrorKind::Forbidden => AccessFailure::Forbidden,
            ErrorKind::Missing
            | ErrorKind::Redirected
            | ErrorKind::Unexpected
            | ErrorKind::TooLarge
            | ErrorKind::ServerError => AccessFailure::Unexpected,
        };
        Self::new(kind, error.summary())
    }
}

/// A client of an authority, and what it was made from.
#[derive(Clone, Debug)]
pub struct Session {
    /// The client.
    pub authority: code42::Client,
    made_from: Sources,
}

/// Revisions of the objects that a client was made from: while they stay, so does the client.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Sources {
    secret: Option<String>,
    ca: Option<String>,
}

/// Reads the account, the Secret and the certificate authority, and makes a client, or keeps the one there is where
/// nothing of it has changed.
///
/// # Errors
/// What somebody must change, or that the API server could not be asked.
pub async fn open(
    connection: &Connection,
    accounts: &Accounts,
    hosts: &HostRules,
    known: Option<&Session>,
) -> Result<Session, Failure> {
    let place = Place::of(&connection.url).map_err(denied)?;
    // Before anything is read: a denied host is not worth a secret.
    hosts.addresses(&place).await.map_err(denied)?;
    let acting = accounts.acting(&connection.account).await.map_err(|error| account_failure(&error))?;
    let secret = read_secret(&acting, connection).await?;
    let ca = match &connection.ca {
        Some(name) => Some(read_ca(&acting.client, &connection.account.namespace, name).await?),
        None => None,
    };
    let made_from = Sources {
        secret: secret.resource_version(),
        ca: ca.as_ref().and_then(|(object, _)| object.resource_version()),
    };
    if let Some(known) = known.filter(|known| known.made_from == made_from) {
        return Ok(known.clone());
    }
    let options = ClientOptions {
        ca_pem: ca.map(|(_, pem)| pem),
        resolver: Some(Arc::new(PlaceResolver::new(hosts.clone(), place))),
        ..ClientOptions::new(&connection.url, credentials(&secret, connection)?)
    };
    let authority = code42::Client::new(&options).map_err(|error| Failure::from(&error))?;
    Ok(Session { authority, made_from })
}

/// A host that may not be talked to is for somebody to change; one that has no address now may have one later.
fn denied(denial: Denial) -> Failure {
    match denial {
        Denial::Unresolved(host) => {
            Failure::new(AccessFailure::Unreachable, format!("the host name {host} does not resolve"))
        }
        denied => Failure::new(AccessFailure::HostDenied, denied.to_string()),
    }
}

fn account_failure(error: &account::Error) -> Failure {
    let kind = match error {
        account::Error::Missing(_) | account::Error::NotUsable(_) => AccessFailure::AccountNotUsable,
        account::Error::Api { .. } | account::Error::Client { .. } => AccessFailure::Unreachable,
    };
    Failure::new(kind, error.to_string())
}

/// Reads the Secret as the acting account and checks that it is meant for this authority.
async fn read_secret(acting: &Acting, connection: &Connection) -> Result<Secret, Failure> {
    let (namespace, name) = (&connection.account.namespace, &connection.secret);
    let api: Api<Secret> = Api::namespaced(acting.client.clone(), namespace);
    let secret = match api.get_opt(name).await {
        Ok(Some(secret)) => secret,
        Ok(None) => {
            return Err(Failure::new(
                AccessFailure::SecretMissing,
                format!("there is no Secret {namespace}/{name}"),
            ));
        }
        Err(kube::Error::Api(status)) if status.is_forbidden() => {
            let message = format!("{} may not read Secret {namespace}/{name}", acting.account);
            return Err(Failure::new(AccessFailure::SecretForbidden, message));
        }
        Err(error) => {
            let message = format!("Secret {namespace}/{name} could not be read: {}", said(&error));
            return Err(Failure::new(AccessFailure::Unreachable, message));
        }
    };
    check_binding(secret.annotations(), connection)?;
    Ok(secret)
}

/// The Secret names the one authority that its password may be sent to: who writes the url in an object must not
/// thereby choose where the password goes.
fn check_binding(annotations: &BTreeMap<String, String>, connection: &Connection) -> Result<(), Failure> {
    let (namespace, name) = (&connection.account.namespace, &connection.secret);
    let message = match annotations.get(AUTHORITY_URL_ANNOTATION) {
        Some(bound) if same_authority(bound, &connection.url) => return Ok(()),
        Some(_) => format!("Secret {namespace}/{name} is bound to another url than {}", connection.url),
        None => format!("Secret {namespace}/{name} names no url that it is for"),
    };
    Err(Failure::new(AccessFailure::SecretForOtherHost, message))
}

fn credentials(secret: &Secret, connection: &Connection) -> Result<Credentials, Failure> {
    let (namespace, name) = (&connection.account.namespace, &connection.secret);
    let value = |key: &str| {
        let bytes = secret.data.as_ref().and_then(|data| data.get(key)).map(|bytes| bytes.0.as_slice());
        // A trailing newline is how many a password gets into a Secret; no password ends in one.
        let text = bytes
            .and_then(|bytes| std::str::from_utf8(bytes).ok())
            .map(|text| text.trim_end_matches(['\r', '\n']));
        text.filter(|text| !text.is_empty()).map(str::to_owned).ok_or_else(|| {
            Failure::new(
                AccessFailure::SecretIncomplete,
                format!("Secret {namespace}/{name} lacks the key {key}"),
            )
        })
    };
    Ok(Credentials { username: value("username")?, password: code42::Secret::new(value("password")?) })
}

/// The certificates that an object trusts beside those of the system.
///
/// # Errors
/// The account cannot be acted as, or the ConfigMap is not there or holds none.
pub async fn certificates(
    connection: &Connection,
    accounts: &Accounts,
    name: &str,
) -> Result<Vec<u8>, Failure> {
    let acting = accounts.acting(&connection.account).await.map_err(|error| account_failure(&error))?;
    let (_, pem) = read_ca(&acting.client, &connection.account.namespace, name).await?;
    Ok(pem)
}

async fn read_ca(client: &Client, namespace: &str, name: &str) -> Result<(ConfigMap, Vec<u8>), Failure> {
    let missing = |message: String| Failure::new(AccessFailure::CertificateAuthorityMissing, message);
    let api: Api<ConfigMap> = Api::namespaced(client.clone(), namespace);
    let found = api
        .get_opt(name)
        .await
        .map_err(|error| {
            missing(format!("ConfigMap {namespace}/{name} could not be read: {}", said(&error)))
        })?
        .ok_or_else(|| missing(format!("there is no ConfigMap {namespace}/{name}")))?;
    let text = found.data.as_ref().and_then(|data| data.get(CA_KEY)).map(|text| text.clone().into_bytes());
    let bytes = || found.binary_data.as_ref().and_then(|data| data.get(CA_KEY)).map(|bytes| bytes.0.clone());
    let pem = text.or_else(bytes).filter(|pem| !pem.is_empty());
    let pem = pem.ok_or_else(|| missing(format!("ConfigMap {namespace}/{name} lacks the key {CA_KEY}")))?;
    Ok((found, pem))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connection() -> Connection {
        Connection {
            account: Account { namespace: "code42".into(), name: "upgrader".into() },
            url: "https://backup.example.com:4285".into(),
            secret: "code42-api".into(),
            ca: None,
        }
    }

    #[test]
    fn a_secret_is_for_one_url() {
        let annotated = |url: &str| BTreeMap::from([(AUTHORITY_URL_ANNOTATION.to_owned(), url.to_owned())]);
        for (annotations, fits) in [
            (annotated("https://backup.example.com:4285"), true),
            (annotated("https://BACKUP.example.com:4285/"), true),
            (annotated("https://other.example.com:4285"), false),
            (annotated("http://backup.example.com:4285"), false),
            (annotated(""), false),
            (BTreeMap::new(), false),
        ] {
            let outcome = check_binding(&annotations, &connection()).map_err(|failure| failure.kind);
            let expected = if fits { Ok(()) } else { Err(AccessFailure::SecretForOtherHost) };
            assert_eq!(outcome, expected, "{annotations:?}");
        }
    }

    #[test]
    fn a_secret_holds_name_and_password() {
        for (data, missing) in [
            ("{username: YWRh, password: d29yZAo=}", None),
            ("{username: YWRh}", Some("Secret code42/code42-api lacks the key password")),
            ("{password: d29yZA==}", Some("Secret code42/code42-api lacks the key username")),
            ("{username: YWRh, password: ''}", Some("Secret code42/code42-api lacks the key password")),
            ("{username: YWRh, password: /w==}", Some("Secret code42/code42-api lacks the key password")),
        ] {
            let secret: Secret = serde_saphyr::from_str(&format!("data: {data}")).unwrap();
            let outcome = credentials(&secret, &connection());
            assert_eq!(outcome.as_ref().err().map(|failure| failure.message.as_str()), missing, "{data}");
            if let Ok(Credentials { username, password }) = outcome {
                assert_eq!((username.as_str(), password.expose()), ("ada", "word"));
            }
        }
    }
}
