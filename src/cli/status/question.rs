//! What `status` asks and prints at one moment, and the exit code that this makes.

use jiff::Timestamp;
use serde::Serialize;

use crate::cli::cluster::{Cluster, Connection};
use crate::cli::screen::{Output, Screen, written};
use crate::operator::clock;
use crate::screens::{Environment, Outcome, Paper, environments, status};

/// Options of `status`.
#[expect(clippy::struct_excessive_bools, reason = "flags of a command line")]
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The `CodeUpgrade`; all of the namespace where absent.
    pub(super) name: Option<String>,
    /// Those of all namespaces, the worst first.
    #[arg(short = 'A', long, conflicts_with = "name")]
    pub(super) all_namespaces: bool,
    /// Stay and draw it anew whenever something changes; ends by itself when nothing is due.
    #[arg(short, long)]
    pub(super) watch: bool,
    /// With --watch: stay when nothing is due.
    #[arg(long, requires = "watch")]
    pub(super) forever: bool,
    /// Wait until it is as wanted, or a person is needed; a line for each change.
    #[arg(long, conflicts_with = "watch")]
    pub(super) wait: bool,
    /// With --wait: give up after so long, such as 90m, with exit code 124.
    #[arg(long, requires = "wait")]
    pub(super) timeout: Option<String>,
    /// Exit with 5 where something is under way, instead of 0.
    #[arg(long)]
    pub(super) exit_code: bool,
    /// How to print it.
    #[arg(short, long, value_enum, default_value_t = Output::Text)]
    pub(super) output: Output,
    #[command(flatten)]
    pub(super) connection: Connection,
    #[command(flatten)]
    pub(super) screen: Screen,
}

/// What `-o json` and `-o yaml` print.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Value<'a> {
    api_version: &'static str,
    kind: &'static str,
    at: Timestamp,
    items: &'a [Environment],
}

/// The environments that were asked about. One GET where one is named.
pub(super) async fn look(arguments: &Arguments, cluster: &Cluster) -> Result<Vec<Environment>, String> {
    let found = match &arguments.name {
        Some(name) => vec![cluster.upgrade(Some(name)).await?],
        None if arguments.all_namespaces => cluster.list_all().await?,
        None => cluster.list().await?,
    };
    if found.is_empty() {
        let place = if arguments.all_namespaces {
            "this cluster".to_owned()
        } else {
            format!("namespace {} (-A looks everywhere)", cluster.namespace)
        };
        return Err(format!("there is no CodeUpgrade in {place}"));
    }
    Ok(found.iter().map(Environment::of).collect())
}

pub(super) fn rendered(arguments: &Arguments, found: &[Environment], paper: Paper) -> Result<String, String> {
    let now = clock::wall();
    match (arguments.output, found) {
        (Output::Json | Output::Yaml, items) => {
            let value = Value { api_version: "cli.codeupgrade.dev/v1", kind: "Status", at: now, items };
            written(&value, arguments.output)
        }
        (Output::Text | Output::Wide, [only]) => Ok(status::render(only, &paper, now)),
        (Output::Text | Output::Wide, several) => Ok(environments::render(several, &paper, now)),
    }
}

/// How the worst of them stands.
pub(super) fn worst(found: &[Environment]) -> Outcome {
    found.iter().map(|environment| environment.outcome).min().unwrap_or(Outcome::Well)
}

/// What is under way is no reason to fail, unless that is what was asked.
pub(super) fn exit_code(found: &[Environment], asks_for_under_way: bool) -> u8 {
    match worst(found) {
        Outcome::UnderWay if !asks_for_under_way => 0,
        outcome @ (Outcome::Stalled | Outcome::Suspended | Outcome::UnderWay | Outcome::Well) => {
            outcome.exit_code()
        }
    }
}
