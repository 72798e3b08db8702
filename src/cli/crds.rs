//! `codeupgrade crds`: the custom resource definitions that the Rust types describe.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use super::output::{fail, print};
use crate::api;

/// Options of `crds`.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Write one file a definition into this directory, instead of all to standard output.
    #[arg(long)]
    directory: Option<PathBuf>,
}

pub(super) fn main(arguments: &Arguments) -> ExitCode {
    let files = match api::crd_files() {
        Ok(files) => files,
        Err(error) => return fail(format!("failed to write the definitions as YAML: {error}"), None),
    };
    for (name, text) in files {
        match &arguments.directory {
            None => print(&format!("---\n{text}")),
            Some(directory) => {
                let path = directory.join(name);
                if let Err(error) = fs::create_dir_all(directory).and_then(|()| fs::write(&path, text)) {
                    return fail(format!("failed to write {}: {error}", path.display()), None);
                }
            }
        }
    }
    ExitCode::SUCCESS
}
