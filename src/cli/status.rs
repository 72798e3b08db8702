//! `codeupgrade status`: where environments stand, once, until something is so, or live.

mod watching;

use std::process::ExitCode;

use jiff::Timestamp;
use serde::Serialize;

use super::cluster::{Cluster, Connection, block_on};
use super::output::{fail, print};
use super::screen::{Output, Screen, written};
use crate::operator::clock;
use crate::screens::{Environment, Outcome, Paper, environments, status};

/// Options of `status`.
#[expect(clippy::struct_excessive_bools, reason = "flags of a command line")]
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The `CodeUpgrade`; all of the namespace where absent.
    name: Option<String>,
    /// Those of all namespaces, the worst first.
    #[arg(short = 'A', long, conflicts_with = "name")]
    all_namespaces: bool,
    /// Stay and draw it anew whenever something changes; ends by itself when nothing is due.
    #[arg(short, long)]
    watch: bool,
    /// With --watch: stay when nothing is due.
    #[arg(long, requires = "watch")]
    forever: bool,
    /// Wait until it is as wanted, or a person is needed; a line for each change.
    #[arg(long, conflicts_with = "watch")]
    wait: bool,
    /// With --wait: give up after so long, such as 90m, with exit code 124.
    #[arg(long, requires = "wait")]
    timeout: Option<String>,
    /// Exit with 5 where something is under way, instead of 0.
    #[arg(long)]
    exit_code: bool,
    /// How to print it.
    #[arg(short, long, value_enum, default_value_t = Output::Text)]
    output: Output,
    #[command(flatten)]
    connection: Connection,
    #[command(flatten)]
    screen: Screen,
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

/// The exit code of a wait that took too long, as `timeout` has it.
const TIMED_OUT: u8 = 124;

pub(super) fn main(arguments: &Arguments) -> ExitCode {
    match block_on(run(arguments)) {
        Ok(code) => ExitCode::from(code),
        Err(error) => fail(error, None),
    }
}

async fn run(arguments: &Arguments) -> Result<u8, String> {
    let cluster = Cluster::connect(&arguments.connection).await?;
    if arguments.watch || arguments.wait {
        return watching::run(arguments, &cluster).await;
    }
    let found = look(arguments, &cluster).await?;
    print(&rendered(arguments, &found, arguments.screen.paper(arguments.output))?);
    Ok(exit_code(&found, arguments.exit_code))
}

/// The environments that were asked about. One GET where one is named.
async fn look(arguments: &Arguments, cluster: &Cluster) -> Result<Vec<Environment>, String> {
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

fn rendered(arguments: &Arguments, found: &[Environment], paper: Paper) -> Result<String, String> {
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
fn worst(found: &[Environment]) -> Outcome {
    found.iter().map(|environment| environment.outcome).min().unwrap_or(Outcome::Well)
}

/// What is under way is no reason to fail, unless that is what was asked.
fn exit_code(found: &[Environment], asks_for_under_way: bool) -> u8 {
    match worst(found) {
        Outcome::UnderWay if !asks_for_under_way => 0,
        outcome @ (Outcome::Stalled | Outcome::Suspended | Outcome::UnderWay | Outcome::Well) => {
            outcome.exit_code()
        }
    }
}
