//! `codeupgrade completion`: words that complete what somebody types, by kubectl's own protocol.
//!
//! kubectl asks an executable `kubectl_complete-codeupgrade` on the PATH with the words so far, and reads a candidate a line, with a tab and
//! its description, and a last line `:4` that says that files are none.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Command;
use kube::ResourceExt as _;

use super::cluster::{Cluster, Connection, block_on};
use super::output::{fail, print};
use crate::operator::clock;
use crate::planner::report::GateName;

/// Options of `completion`.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Wanted,
}

#[derive(Debug, clap::Subcommand)]
enum Wanted {
    /// Write the executable that kubectl asks, beside this one.
    Install {
        /// Where instead: a directory of the PATH.
        #[arg(long)]
        directory: Option<PathBuf>,
    },
    /// Print that executable.
    Print,
}

/// The name that kubectl looks for.
const NAME: &str = "kubectl_complete-codeupgrade";

/// What kubectl runs.
const SCRIPT: &str = "#!/bin/sh\nexec kubectl codeupgrade __complete \"$@\"\n";

pub(super) fn main(arguments: &Arguments) -> ExitCode {
    match &arguments.command {
        Wanted::Print => {
            print(SCRIPT);
            ExitCode::SUCCESS
        }
        Wanted::Install { directory } => match install(directory.as_deref()) {
            Ok(path) => {
                print(&format!("{} is written: kubectl codeupgrade <TAB> completes now\n", path.display()));
                ExitCode::SUCCESS
            }
            Err(error) => {
                fail(error, Some("--directory names a directory of the PATH that you may write to"))
            }
        },
    }
}

fn install(directory: Option<&Path>) -> Result<PathBuf, String> {
    let own =
        std::env::current_exe().map_err(|error| format!("where this program is cannot be told: {error}"))?;
    let beside = own.parent().unwrap_or(Path::new("."));
    let path = directory.unwrap_or(beside).join(NAME);
    let failed = |error: std::io::Error| format!("{} could not be written: {error}", path.display());
    std::fs::write(&path, SCRIPT).map_err(failed)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).map_err(failed)?;
    }
    Ok(path)
}

/// Options of `__complete`: the words so far, the one that is typed last.
#[derive(Debug, clap::Args)]
pub(super) struct Words {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    words: Vec<String>,
}

/// Prints what the last word may become. Whatever goes wrong, nothing is offered: who types is not to be disturbed.
pub(super) fn complete<P: clap::Parser>(words: &Words) -> ExitCode {
    let program = P::command();
    let (last, before) =
        words.words.split_last().map_or(("", &[][..]), |(last, before)| (last.as_str(), before));
    let mut offered = offered(&program, before, last);
    if offered.is_empty() {
        offered = names(before);
    }
    for (word, about) in offered.iter().filter(|(word, _)| word.starts_with(last)) {
        print(&format!("{word}\t{about}\n"));
    }
    print(":4\n");
    ExitCode::SUCCESS
}

type Candidate = (String, String);

/// What can be said without a cluster: subcommands, flags, checks.
fn offered(program: &Command, before: &[String], last: &str) -> Vec<Candidate> {
    let about = |command: &Command| command.get_about().map(ToString::to_string).unwrap_or_default();
    let Some(command) = before.first().and_then(|word| program.find_subcommand(word)) else {
        let shown = program.get_subcommands().filter(|command| !command.is_hide_set());
        return shown.map(|command| (command.get_name().to_owned(), about(command))).collect();
    };
    if last.starts_with('-') {
        let flags = command.get_arguments().filter(|argument| !argument.is_hide_set());
        let named = flags.filter_map(|argument| Some((argument.get_long()?, argument.get_help())));
        return named
            .map(|(long, help)| (format!("--{long}"), help.map(ToString::to_string).unwrap_or_default()))
            .collect();
    }
    let positional = before.iter().skip(1).filter(|word| !word.starts_with('-')).count();
    if command.get_name() == "explain" && positional > 0 {
        return GateName::ALL
            .iter()
            .map(|gate| (gate.name().to_owned(), gate.question().to_owned()))
            .collect();
    }
    Vec::new()
}

/// So long somebody who types may wait.
const PATIENCE: Duration = Duration::from_secs(2);

/// The objects that the cluster has.
fn names(before: &[String]) -> Vec<Candidate> {
    let value = |short: &str, long: &str| {
        let at = before.iter().position(|word| word == short || word == long)?;
        before.get(at + 1).cloned()
    };
    let connection = Connection::of(value("-n", "--namespace"), value("--context", "--context"));
    let found = block_on(async {
        let cluster = Cluster::connect(&connection).await?;
        tokio::select! {
            found = cluster.list() => found,
            () = clock::sleep(PATIENCE) => Err("it took too long".to_owned()),
        }
    });
    let about = |object: &crate::api::CodeUpgrade| {
        object
            .status
            .as_ref()
            .map_or_else(String::new, |status| format!("{}: {}", status.phase, status.message))
    };
    found.unwrap_or_default().iter().map(|object| (object.name_any(), about(object))).collect()
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;
    use crate::cli::Arguments as Program;

    fn words(before: &[&str], last: &str) -> Vec<String> {
        let before: Vec<String> = before.iter().map(|word| (*word).to_owned()).collect();
        let found = offered(&Program::command(), &before, last);
        found.into_iter().map(|(word, _)| word).filter(|word| word.starts_with(last)).collect()
    }

    #[test]
    fn words_are_completed_without_a_cluster() {
        assert_eq!(words(&[], "appr"), ["approve"]);
        assert!(words(&[], "").contains(&"status".to_owned()));
        assert!(!words(&[], "").contains(&"__complete".to_owned()));
        assert_eq!(words(&["status"], "--wa"), ["--watch", "--wait"]);
        assert_eq!(words(&["explain", "production"], "Wa"), ["Wait"]);
    }
}
