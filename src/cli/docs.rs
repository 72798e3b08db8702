//! `codeupgrade docs`: the documents that are written from what they document. A test holds them against what is in the repository.

mod definitions;
mod metrics;
mod values;

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use super::output::fail;
use crate::api;

/// Options of `docs`.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The top of the repository, below which the documents are written.
    #[arg(long, default_value = ".")]
    directory: PathBuf,
}

pub(super) fn main(arguments: &Arguments) -> ExitCode {
    let files = match files() {
        Ok(files) => files,
        Err(problem) => return fail(problem, None),
    };
    for (name, text) in files {
        let path = arguments.directory.join(name);
        let folder = path.parent().map_or_else(PathBuf::new, PathBuf::from);
        if let Err(error) = fs::create_dir_all(folder).and_then(|()| fs::write(&path, text)) {
            return fail(format!("failed to write {}: {error}", path.display()), None);
        }
    }
    ExitCode::SUCCESS
}

/// Every document that is written: its path and its text.
fn files() -> Result<Vec<(String, String)>, String> {
    let values = values::Values::read()?;
    let mut files = vec![
        ("charts/codeupgrade/README.md".to_owned(), values.readme()),
        ("charts/codeupgrade/values.schema.json".to_owned(), values.schema()?),
        ("docs/metrics.md".to_owned(), metrics::reference()),
        ("docs/definitions.md".to_owned(), definitions::reference()),
    ];
    let definitions =
        api::crd_files().map_err(|error| format!("the definitions cannot be written: {error}"))?;
    for (name, text) in definitions {
        files.push((format!("charts/codeupgrade/files/crds/{name}"), text.clone()));
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn documents_are_current() {
        for (name, text) in files().unwrap() {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(&name);
            let found = fs::read_to_string(path).unwrap_or_default();
            assert!(found == text, "{name} is not what it is written from: run `make generate`");
        }
    }

    #[test]
    fn the_chart_has_the_definitions_and_no_others() {
        let names = |folder: &str| {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
            let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
            entries.collect::<std::collections::BTreeSet<_>>()
        };
        assert_eq!(names("crds"), names("charts/codeupgrade/files/crds"));
    }
}
