//! `codeupgrade history` and `codeupgrade releases`: what was, and where one can go.

use std::process::ExitCode;

use super::cluster::{Cluster, Connection, block_on};
use super::output::{fail, print, tell};
use super::screen::{Output, Screen, written};
use crate::operator::clock;
use crate::screens::{Environment, history, releases};

/// Options of `history` and `releases`.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The `CodeUpgrade`; the only one of the namespace where absent.
    name: Option<String>,
    /// How to print it.
    #[arg(short, long, value_enum, default_value_t = Output::Text)]
    output: Output,
    #[command(flatten)]
    connection: Connection,
    #[command(flatten)]
    screen: Screen,
}

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// What was.
    History,
    /// Where one can go.
    Releases,
}

pub(super) fn main(arguments: &Arguments, asked: Asked) -> ExitCode {
    match block_on(run(arguments, asked)) {
        Ok(text) => {
            print(&text);
            ExitCode::SUCCESS
        }
        Err(error) => fail(error, None),
    }
}

async fn run(arguments: &Arguments, asked: Asked) -> Result<String, String> {
    let cluster = Cluster::connect(&arguments.connection).await?;
    let environment = Environment::of(&cluster.upgrade(arguments.name.as_deref()).await?);
    let paper = arguments.screen.paper(arguments.output);
    match (arguments.output, asked) {
        (Output::Json | Output::Yaml, Asked::History) => {
            written(&environment.status.history, arguments.output)
        }
        (Output::Json | Output::Yaml, Asked::Releases) => {
            written(&environment.status.available, arguments.output)
        }
        (Output::Text | Output::Wide, Asked::Releases) => Ok(releases::render(&environment, &paper)),
        (Output::Text | Output::Wide, Asked::History) => {
            // Who may not see orders sees the rest.
            let orders = cluster.orders_about(&environment.name).await.unwrap_or_else(|why| {
                tell(&format!("orders are left out: {why}"));
                Vec::new()
            });
            Ok(history::render(&environment, &orders, &paper, clock::wall()))
        }
    }
}
