//! `codeupgrade plan`: what would be done, and what holds it, without doing any of it. Of a file and a described
//! environment, without any cluster; or of an object in the cluster, by its own status.

mod text;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::output::{fail, print};
use crate::api::problem::said;
use crate::api::{CodeRelease, CodeUpgrade, CodeUpgradeStatus};
use crate::catalog::merge::Layer;
use crate::simulator::{Scenario, preview};
use crate::translate::catalog::shipped;
use crate::translate::status;

/// Options of `plan`.
#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("subject").required(true).args(["name", "file"]))]
pub(super) struct Arguments {
    /// A `CodeUpgrade` of the cluster of the kubeconfig: its own plan, as the operator last wrote it.
    name: Option<String>,
    /// Its namespace; that of the kubeconfig's context where absent.
    #[arg(short, long, requires = "name")]
    namespace: Option<String>,
    /// A `CodeUpgrade` as YAML instead, without any cluster.
    #[arg(short, long, requires = "environment")]
    file: Option<PathBuf>,
    /// The environment of that file, as YAML: authority, storage and devices with their versions
    /// (examples/environment.yaml).
    #[arg(long, requires = "file")]
    environment: Option<PathBuf>,
    /// A directory of further `CodeRelease` objects, as YAML.
    #[arg(long, requires = "file")]
    catalog: Option<PathBuf>,
    /// How to print it.
    #[arg(short, long, value_enum, default_value_t = Output::Text)]
    output: Output,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Output {
    Text,
    Json,
    Yaml,
}

pub(super) fn main(arguments: &Arguments) -> ExitCode {
    match plan(arguments) {
        Ok(text) => {
            print(&text);
            ExitCode::SUCCESS
        }
        Err(error) => fail(error, None),
    }
}

fn plan(arguments: &Arguments) -> Result<String, String> {
    let mut status = match (&arguments.name, &arguments.file, &arguments.environment) {
        (Some(name), _, _) => live(name, arguments.namespace.as_deref())?,
        (None, Some(file), Some(environment)) => offline(file, environment, arguments.catalog.as_deref())?,
        (None, _, _) => return Err("name a CodeUpgrade, or give --file and --environment".to_owned()),
    };
    // The operator's own notes, which no plan needs.
    status.memory = None;
    Ok(match arguments.output {
        Output::Text => text::render(&status),
        Output::Json => serde_json::to_string_pretty(&status).map_err(|error| error.to_string())? + "\n",
        Output::Yaml => serde_saphyr::to_string(&status).map_err(|error| error.to_string())?,
    })
}

/// What the operator says of an object in the cluster.
fn live(name: &str, namespace: Option<&str>) -> Result<CodeUpgradeStatus, String> {
    let runtime =
        tokio::runtime::Runtime::new().map_err(|error| format!("no runtime could be started: {error}"))?;
    runtime.block_on(async {
        let config =
            kube::Config::infer().await.map_err(|error| format!("no cluster is configured: {error}"))?;
        let namespace = namespace.map_or_else(|| config.default_namespace.clone(), str::to_owned);
        let client = kube::Client::try_from(config).map_err(|error| said(&error))?;
        let upgrades: kube::Api<CodeUpgrade> = kube::Api::namespaced(client, &namespace);
        let failed = |error| format!("failed to read CodeUpgrade {namespace}/{name}: {}", said(&error));
        let object = upgrades.get(name).await.map_err(failed)?;
        let unseen = || format!("CodeUpgrade {namespace}/{name} has no status yet: does the operator run?");
        object.status.ok_or_else(unseen)
    })
}

/// What the operator would say of a file if the environment were as described.
fn offline(file: &Path, environment: &Path, catalog: Option<&Path>) -> Result<CodeUpgradeStatus, String> {
    let upgrade = read_upgrade(file)?;
    let scenario = Scenario::from_yaml(&text_of(environment)?)
        .map_err(|error| format!("{}: {error}", environment.display()))?;
    let mut releases: Vec<(Layer, CodeRelease)> =
        shipped().into_iter().map(|release| (Layer::Shipped, release)).collect();
    for path in catalog.map_or_else(|| Ok(Vec::new()), yaml_files)? {
        releases.push((Layer::User, read(&path)?));
    }
    let (decision, at) = preview::decide_now(&upgrade, &scenario, releases)?;
    Ok(status::status(None, &decision, upgrade.metadata.generation, at))
}

fn text_of(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| format!("failed to read {}: {error}", path.display()))
}

fn read<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T, String> {
    serde_saphyr::from_str(&text_of(path)?).map_err(|error| format!("{}: {error}", path.display()))
}

/// The `CodeUpgrade` of a file, which may hold other objects beside it.
fn read_upgrade(path: &Path) -> Result<CodeUpgrade, String> {
    let text = text_of(path)?;
    let is_upgrade = |document: &&str| document.lines().any(|line| line.trim_end() == "kind: CodeUpgrade");
    let document = text
        .split("\n---")
        .find(is_upgrade)
        .ok_or_else(|| format!("{}: no document in it is of kind CodeUpgrade", path.display()))?;
    serde_saphyr::from_str(document).map_err(|error| format!("{}: {error}", path.display()))
}

fn yaml_files(directory: &Path) -> Result<Vec<PathBuf>, String> {
    let failed = |error| format!("failed to read {}: {error}", directory.display());
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}
