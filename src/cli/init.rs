//! `codeupgrade init`: asks an authority what there is, and writes the objects with which the operator watches it.
//!
//! Nothing is wanted in them: they are for Git, and for somebody to read. Nothing is sent but questions.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use super::cluster::block_on;
use super::output::{fail, print};
use crate::code42::{self, ClientOptions, Credentials, OrganisationRecord, ServerRecord, ServerType};

/// Options of `init`.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The authority, such as <https://backup.example.com:4285>.
    #[arg(long)]
    url: String,
    /// A local account of the authority that may read servers, devices and settings.
    #[arg(long)]
    username: String,
    /// A file that holds its password; it is not written anywhere.
    #[arg(long)]
    password_file: PathBuf,
    /// A file of PEM certificates: who may have signed for the authority. Those whom the system trusts where absent.
    #[arg(long)]
    ca: Option<PathBuf>,
    /// The namespace of the objects.
    #[arg(short, long, default_value = "code42")]
    namespace: String,
    /// The name of the `CodeUpgrade`.
    #[arg(long, default_value = "production")]
    name: String,
}

pub(super) fn main(arguments: &Arguments) -> ExitCode {
    match block_on(run(arguments)) {
        Ok(text) => {
            print(&text);
            ExitCode::SUCCESS
        }
        Err(error) => fail(error, None),
    }
}

async fn run(arguments: &Arguments) -> Result<String, String> {
    let read = |path: &PathBuf| {
        std::fs::read(path).map_err(|error| format!("{} could not be read: {error}", path.display()))
    };
    let password = String::from_utf8(read(&arguments.password_file)?)
        .map_err(|_| format!("{} holds no text", arguments.password_file.display()))?;
    let password = code42::Secret::new(password.trim_end_matches(['\r', '\n']));
    let ca_pem = arguments.ca.as_ref().map(read).transpose()?;
    let credentials = Credentials { username: arguments.username.clone(), password };
    let options = ClientOptions { ca_pem, ..ClientOptions::new(&arguments.url, credentials) };
    let said = |error: code42::Error| error.summary();
    let client = code42::Client::new(&options).map_err(said)?;
    let authority = client.this_server().await.map_err(said)?.value;
    let servers = client.servers().await.map_err(said)?.value;
    let organisations = client.organisations().await.map_err(said)?.value;
    let found = Found { url: client.url(), authority, servers, organisations };
    Ok(objects(arguments, &found))
}

/// What the authority answered.
struct Found {
    url: String,
    authority: ServerRecord,
    servers: Vec<ServerRecord>,
    organisations: Vec<OrganisationRecord>,
}

/// The objects, as YAML.
fn objects(arguments: &Arguments, found: &Found) -> String {
    let Arguments { username, namespace, name, .. } = arguments;
    let Found { url, authority, .. } = found;
    let version = authority.version.as_deref().unwrap_or("a version that it does not tell");
    let mut text = format!(
        "# {name}: the authority {} at {version}, as it answered. Without a version nothing of it is changed.
apiVersion: v1
kind: Secret
metadata:
  name: {name}-api
  namespace: {namespace}
  annotations:
    # The one url that this password may be sent to.
    codeupgrade.dev/authority-url: {}
stringData:
  username: {}
  password: replace-me
---
# Who the operator acts as. To watch, it need only read the Secret.
apiVersion: v1
kind: ServiceAccount
metadata:
  name: codeupgrade
  namespace: {namespace}
  labels:
    codeupgrade.dev/usable: \"true\"
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: codeupgrade
  namespace: {namespace}
rules:
  - {{apiGroups: [\"\"], resources: [secrets], resourceNames: [{name}-api], verbs: [get]}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: codeupgrade
  namespace: {namespace}
roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: Role, name: codeupgrade}}
subjects:
  - {{kind: ServiceAccount, name: codeupgrade, namespace: {namespace}}}
---
apiVersion: codeupgrade.dev/v1alpha1
kind: CodeUpgrade
metadata:
  name: {name}
  namespace: {namespace}
spec:
  # version: set it when you want more than to watch; kubectl codeupgrade releases says where one can go
  authority:
    guid: {}
    url: {}
    credentials: {name}-api
",
        quoted(&authority.name),
        quoted(url),
        quoted(username),
        quoted(authority.guid.as_str()),
        quoted(url),
    );
    text += &storage(&found.servers);
    text += &devices(&found.organisations);
    text
}

/// The storage servers, for somebody to say how each is upgraded: nobody can see that from here.
fn storage(servers: &[ServerRecord]) -> String {
    let mut text = String::new();
    let own = servers.iter().filter(|server| server.server_type == ServerType::Storage);
    for server in own {
        let version = server.version.as_deref().unwrap_or("no version");
        if let Some(provider) = &server.provider_destination_name {
            let _ = writeln!(
                text,
                "  # {} at {version} is run by {}: reported, never upgraded",
                quoted(&server.name),
                quoted(provider)
            );
        } else {
            let _ = writeln!(
                text,
                "  # - {{name: {}, statefulSet: NAME}}  # at {version}; or deployment, job, manual",
                quoted(&server.name)
            );
        }
    }
    if text.is_empty() {
        String::new()
    } else {
        format!("  # storage: before a version is wanted, say how each is upgraded\n{text}")
    }
}

/// A group for each organisation at the top, and one for everybody else.
fn devices(organisations: &[OrganisationRecord]) -> String {
    let is_open = |organisation: &&OrganisationRecord| {
        organisation.parent.is_none()
            && organisation.active != Some(false)
            && organisation.blocked != Some(true)
    };
    let mut text = "  devices:\n    upgrade: Bundled\n    # In this order, one group after the other: put those first who can bear most.\n    groups:\n".to_owned();
    let mut names: Vec<String> = Vec::new();
    // So many groups an object has; the last is for everybody else.
    for organisation in organisations.iter().filter(is_open).take(31) {
        let name = group_name(&organisation.name, names.len());
        if names.contains(&name) || name == "rest" {
            continue;
        }
        let _ = writeln!(text, "      - {{name: {name}, orgs: [{}]}}", quoted(&organisation.name));
        names.push(name);
    }
    text + "      - {name: rest, all: true}\n"
}

/// A name that an object may bear: small letters, digits, dashes.
fn group_name(organisation: &str, index: usize) -> String {
    let mut name = String::new();
    for letter in organisation.chars().map(|letter| letter.to_ascii_lowercase()).take(48) {
        if letter.is_ascii_alphanumeric() {
            name.push(letter);
        } else if !name.ends_with('-') && !name.is_empty() {
            name.push('-');
        }
    }
    let name = name.trim_matches('-');
    if name.is_empty() { format!("group-{}", index + 1) } else { name.to_owned() }
}

/// A text as YAML: what an authority answers is anybody's. JSON's strings are YAML's.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(name: &str, server_type: ServerType, provider: Option<&str>) -> ServerRecord {
        ServerRecord {
            guid: code42::Guid::parse("600624193549107457").unwrap(),
            server_id: None,
            name: name.to_owned(),
            server_type,
            version: Some("4.2.3.1".to_owned()),
            online: true,
            out_of_date: None,
            cluster_server_id: None,
            destination_id: None,
            destination_name: None,
            provider_destination_name: provider.map(str::to_owned),
            primary_address: None,
            computer_count: None,
            online_computer_count: None,
            backup_session_count: None,
        }
    }

    fn organisation(name: &str, parent: Option<u64>) -> OrganisationRecord {
        OrganisationRecord {
            organisation_id: code42::OrganisationId(7),
            organisation_uid: None,
            name: name.to_owned(),
            parent: parent.map(code42::OrganisationId),
            status: None,
            active: Some(true),
            blocked: None,
        }
    }

    #[test]
    fn what_is_written_is_an_object_that_only_watches() {
        let arguments = Arguments {
            url: "https://a.example:4285".into(),
            username: "reader: \"x\"".into(),
            password_file: "p".into(),
            ca: None,
            namespace: "code42".into(),
            name: "production".into(),
        };
        let found = Found {
            url: "https://a.example:4285".into(),
            authority: server("authority", ServerType::Authority, None),
            servers: vec![
                server("storage-01", ServerType::Storage, None),
                server("far", ServerType::Storage, Some("Vendor")),
            ],
            organisations: vec![
                organisation("IT & Ops", None),
                organisation("Board", Some(1)),
                organisation("日本", None),
            ],
        };
        let text = objects(&arguments, &found);
        let documents: Vec<serde_json::Value> =
            text.split("\n---\n").map(|document| serde_saphyr::from_str(document).unwrap()).collect();
        let kinds: Vec<&str> = documents.iter().filter_map(|document| document["kind"].as_str()).collect();
        assert_eq!(kinds, ["Secret", "ServiceAccount", "Role", "RoleBinding", "CodeUpgrade"]);
        assert_eq!(documents[0]["stringData"]["username"], "reader: \"x\"");
        let upgrade: crate::api::CodeUpgrade = serde_json::from_value(documents[4].clone()).unwrap();
        let desired = crate::translate::desired(&upgrade);
        assert_eq!(desired.target, None);
        let names: Vec<&str> = desired.devices.groups.iter().map(|group| group.name.as_str()).collect();
        assert_eq!(names, ["it-ops", "group-2", "rest"]);
        assert!(text.contains("# - {name: \"storage-01\", statefulSet: NAME}  # at 4.2.3.1"), "{text}");
        assert!(text.contains("run by \"Vendor\": reported, never upgraded"), "{text}");
    }
}
