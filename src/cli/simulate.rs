//! `codeupgrade simulate`: a story in virtual time.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use super::output::{fail, print, tell};
use crate::simulator::script::{Script, run};

/// Options of `simulate`.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// A story in plain verbs, such as those under tests/scripts.
    file: PathBuf,
}

pub(super) fn main(arguments: &Arguments) -> ExitCode {
    let text = match fs::read_to_string(&arguments.file) {
        Ok(text) => text,
        Err(error) => return fail(format!("failed to read {}: {error}", arguments.file.display()), None),
    };
    let script = match Script::parse(&text) {
        Ok(script) => script,
        Err(error) => return fail(format!("{}: {error}", arguments.file.display()), None),
    };
    match run(&script, None) {
        Ok(outcome) => {
            print(&outcome.timeline);
            outcome.failures.iter().for_each(|failure| tell(failure));
            if outcome.failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => fail(format!("{}: {error}", arguments.file.display()), None),
    }
}
