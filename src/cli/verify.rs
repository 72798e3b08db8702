//! `codeupgrade verify`: whether files are what their vendor published.
//!
//! Exit codes: 0 all are, 1 one is not or is not listed, 2 the command line cannot be read.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::fetch::read_list;
use super::output::{fail, print, tell};
use crate::download::checksums::{Expected, Found, Md5Sum, Sha256Sum};
use crate::download::{self, Ways, checksum_list, hash_file};

/// Options of `verify`.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The files.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// A list of checksums, by file or url; - reads a list that is pasted. Without it the sums are printed.
    #[arg(long, value_name = "FILE|URL|-", conflicts_with_all = ["md5", "sha256"])]
    checksums: Option<String>,
    /// The MD5 sum of the only file.
    #[arg(long)]
    md5: Option<Md5Sum>,
    /// The SHA-256 sum of the only file.
    #[arg(long)]
    sha256: Option<Sha256Sum>,
}

pub(super) fn main(arguments: &Arguments) -> ExitCode {
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return fail(format!("no runtime could be started: {error}"), None),
    };
    match runtime.block_on(verify(arguments)) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(wrong) => {
            fail(format!("{wrong} of {} files are not as they should be", arguments.files.len()), None)
        }
        Err(error) => fail(error, None),
    }
}

/// Tells of each file; says how many are wrong.
async fn verify(arguments: &Arguments) -> Result<usize, String> {
    if arguments.files.len() > 1 && (arguments.md5.is_some() || arguments.sha256.is_some()) {
        return Err("--md5 and --sha256 are about one file: give --checksums for several".to_owned());
    }
    let list = match &arguments.checksums {
        Some(list) => {
            let client = download::client(Ways::default()).map_err(|error| error.to_string())?;
            Some(read_list(&client, list).await?)
        }
        None => None,
    };
    let mut wrong = 0;
    for file in &arguments.files {
        if let Err(problem) = verify_one(arguments, list.as_deref(), file).await {
            tell(&format!("{}: {problem}", file.display()));
            wrong += 1;
        }
    }
    Ok(wrong)
}

async fn verify_one(arguments: &Arguments, list: Option<&str>, file: &Path) -> Result<(), String> {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let expected = match list {
        Some(list) => checksum_list::find(list, &name).map_err(|error| error.to_string())?,
        None => Expected { md5: arguments.md5, sha256: arguments.sha256, size: None },
    };
    let found = hash_file(file, expected.clone()).await.map_err(|error| error.to_string())?;
    expected.check(&found).map_err(|mismatch| mismatch.to_string())?;
    let verdict = if expected.says_nothing() { "" } else { "OK, " };
    print(&sentence(file, verdict, &found));
    Ok(())
}

fn sentence(file: &Path, verdict: &str, found: &Found) -> String {
    let sha256 = found.sha256.map_or_else(String::new, |sum| format!(", SHA-256 {sum}"));
    format!("{}: {verdict}{} bytes, MD5 {}{sha256}\n", file.display(), found.size, found.md5)
}
