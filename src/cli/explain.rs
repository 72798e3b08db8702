//! `codeupgrade explain`: why an environment stands as it stands, and what each check asks.

use std::process::ExitCode;

use super::cluster::{Cluster, Connection, block_on};
use super::output::{fail, print};
use super::screen::{Output, Screen, written};
use crate::operator::clock;
use crate::planner::report::GateName;
use crate::screens::{Environment, Outcome, explain};

/// Options of `explain`.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The `CodeUpgrade`; the only one of the namespace where absent.
    name: Option<String>,
    /// One check, such as Wait: what it asks, what it says, and what ends that.
    gate: Option<String>,
    /// How to print it.
    #[arg(short, long, value_enum, default_value_t = Output::Text)]
    output: Output,
    #[command(flatten)]
    connection: Connection,
    #[command(flatten)]
    screen: Screen,
}

pub(super) fn main(arguments: &Arguments) -> ExitCode {
    match block_on(run(arguments)) {
        Ok((text, outcome)) => {
            print(&text);
            match outcome {
                Outcome::UnderWay => ExitCode::SUCCESS,
                Outcome::Stalled | Outcome::Suspended | Outcome::Well => ExitCode::from(outcome.exit_code()),
            }
        }
        Err(error) => fail(error, None),
    }
}

async fn run(arguments: &Arguments) -> Result<(String, Outcome), String> {
    let (name, gate) = named(arguments.name.as_deref(), arguments.gate.as_deref());
    let cluster = Cluster::connect(&arguments.connection).await?;
    let environment = Environment::of(&cluster.upgrade(name).await?);
    let (paper, now) = (arguments.screen.paper(arguments.output), clock::wall());
    let text = match (arguments.output, gate) {
        (Output::Json | Output::Yaml, _) => written(&environment, arguments.output)?,
        (Output::Text | Output::Wide, None) => explain::render(&environment, &paper, now),
        (Output::Text | Output::Wide, Some(gate)) => explain::gate(&environment, gate, &paper, now)
            .ok_or_else(|| format!("there is no gate {gate}: there is {}", explain::gate_names()))?,
    };
    Ok((text, environment.outcome))
}

/// One word alone may name a check, where there is but one environment.
fn named<'a>(first: Option<&'a str>, second: Option<&'a str>) -> (Option<&'a str>, Option<&'a str>) {
    let is_gate = |word: &str| GateName::ALL.iter().any(|gate| gate.name() == word);
    match (first, second) {
        (Some(word), None) if is_gate(word) => (None, Some(word)),
        both => both,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_word_alone_may_name_a_check() {
        assert_eq!(named(Some("Wait"), None), (None, Some("Wait")));
        assert_eq!(named(Some("production"), None), (Some("production"), None));
        assert_eq!(named(Some("Wait"), Some("Path")), (Some("Wait"), Some("Path")));
    }
}
