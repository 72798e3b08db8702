//! `codeupgrade support-bundle`: one file with what somebody who helps needs to see, and nothing that they must not.
//!
//! Hosts, people and reasons are replaced, each by the same word everywhere; Secrets are never read.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use kube::api::ListParams;
use kube::{Api, ResourceExt as _};
use serde_json::{Value, json};

use super::cluster::{Cluster, Connection, block_on};
use super::output::{fail, print};
use crate::api::CodeRelease;
use crate::operator::clock;
use crate::screens::Environment;

/// Options of `support-bundle`.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The `CodeUpgrade`; the only one of the namespace where absent.
    name: Option<String>,
    /// The file; NAMESPACE-NAME.support.json where absent, - for standard output.
    #[arg(long, short)]
    file: Option<PathBuf>,
    #[command(flatten)]
    connection: Connection,
}

pub(super) fn main(arguments: &Arguments) -> ExitCode {
    match block_on(run(arguments)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(error, None),
    }
}

async fn run(arguments: &Arguments) -> Result<(), String> {
    let cluster = Cluster::connect(&arguments.connection).await?;
    let object = cluster.upgrade(arguments.name.as_deref()).await?;
    let environment = Environment::of(&object);
    let releases: Api<CodeRelease> = Api::all(cluster.client.clone());
    // What somebody may not read is left out, and said to be.
    let releases = releases.list(&ListParams::default()).await.map(|list| list.items).ok();
    let orders = cluster.orders_about(&object.name_any()).await.ok();
    let written = |error: serde_json::Error| error.to_string();
    let mut bundle = json!({
        "apiVersion": "cli.codeupgrade.dev/v1",
        "kind": "SupportBundle",
        "at": clock::wall(),
        "program": env!("CARGO_PKG_VERSION"),
        "upgrade": serde_json::to_value(&object).map_err(written)?,
        "orders": serde_json::to_value(orders).map_err(written)?,
        "releases": serde_json::to_value(releases).map_err(written)?,
    });
    Redaction::default().apply(&mut bundle);
    let text = serde_json::to_string_pretty(&bundle).map_err(written)? + "\n";
    let path = arguments.file.clone().unwrap_or_else(|| {
        PathBuf::from(format!("{}-{}.support.json", environment.namespace, environment.name))
    });
    if path.as_os_str() == "-" {
        print(&text);
        return Ok(());
    }
    std::fs::write(&path, text)
        .map_err(|error| format!("{} could not be written: {error}", path.display()))?;
    print(&format!(
        "{} is written: hosts, people and reasons in it are replaced; look before you send it\n",
        path.display()
    ));
    Ok(())
}

/// What was replaced by what.
#[derive(Debug, Default)]
struct Redaction {
    hosts: BTreeMap<String, String>,
    people: BTreeMap<String, String>,
}

impl Redaction {
    /// Replaces what must not be sent: first what fields say by their name, then every mention of it elsewhere.
    fn apply(&mut self, value: &mut Value) {
        self.collect(value);
        self.replace(value);
    }

    fn collect(&mut self, value: &Value) {
        match value {
            Value::Array(items) => items.iter().for_each(|item| self.collect(item)),
            Value::Object(fields) => {
                for (name, field) in fields {
                    match (name.as_str(), field) {
                        ("by", Value::String(person)) => {
                            let number = self.people.len() + 1;
                            self.people.entry(person.clone()).or_insert_with(|| format!("person-{number}"));
                        }
                        (_, field) => self.collect(field),
                    }
                }
            }
            Value::String(text) => {
                for host in hosts(text) {
                    let number = self.hosts.len() + 1;
                    self.hosts.entry(host).or_insert_with(|| format!("host-{number}.example"));
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn replace(&self, value: &mut Value) {
        match value {
            Value::Array(items) => items.iter_mut().for_each(|item| self.replace(item)),
            Value::Object(fields) => {
                fields.remove("managedFields");
                fields.remove("kubectl.kubernetes.io/last-applied-configuration");
                for (name, field) in fields.iter_mut() {
                    match (name.as_str(), &mut *field) {
                        ("reason", Value::String(text)) if text.contains(char::is_whitespace) => {
                            "a reason".clone_into(text);
                        }
                        (_, field) => self.replace(field),
                    }
                }
            }
            Value::String(text) => {
                // The longest first: one host may be the end of another.
                let mut pairs: Vec<(&String, &String)> = self.hosts.iter().chain(&self.people).collect();
                pairs.sort_by_key(|(from, _)| std::cmp::Reverse(from.len()));
                for (from, to) in pairs {
                    *text = text.replace(from.as_str(), to);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
}

/// The hosts of the urls in a text. Links to the vendor's public pages are nobody's secret.
fn hosts(text: &str) -> Vec<String> {
    let after = text.split("://").skip(1);
    let host = |rest: &str| {
        let end = rest.find(|letter: char| !(letter.is_alphanumeric() || ".-_".contains(letter)));
        rest[..end.unwrap_or(rest.len())].to_owned()
    };
    after.map(host).filter(|host| !host.is_empty() && !host.ends_with("code42.com")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_people_and_reasons_are_replaced_everywhere() {
        let mut value = json!({
            "metadata": {"managedFields": [1], "name": "production"},
            "spec": {"authority": {"url": "https://backup.bank.example:4285"}, "acceptedRisks": [{"reason": "CHG 12, agreed with otto"}]},
            "status": {"message": "https://backup.bank.example:4285 cannot be reached", "reason": "PostUpgradeWait"},
            "orders": [{"spec": {"by": "anna@bank.example"}, "status": {"message": "given by anna@bank.example"}}],
            "releases": [{"links": {"releaseNotes": "https://support.code42.com/notes"}}],
        });
        Redaction::default().apply(&mut value);
        let text = value.to_string();
        for secret in ["bank", "anna", "otto", "managedFields"] {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
        assert!(text.contains("https://host-1.example:4285 cannot be reached"), "{text}");
        assert!(text.contains("PostUpgradeWait") && text.contains("support.code42.com"), "{text}");
        assert!(text.contains("given by person-1"), "{text}");
    }
}
