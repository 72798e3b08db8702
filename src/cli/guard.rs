//! `codeupgrade guard`: keeps an older server off a data volume that a newer one has used.
//! There is no downgrade (FACTS.md, no-downgrade): an older server on a migrated database ends it.
//!
//! What the volume was used by last stands in a file on it, so that a volume which is restored from a backup brings its own with it.
//! Exit codes: 0 the server may start, 1 it must not, 2 the command line cannot be read.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde::{Deserialize, Serialize};

use super::output::{fail, tell};
use crate::catalog::Version;

/// The file on the volume.
const MARK: &str = ".codeupgrade-version.json";

/// Options of `guard`.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The folder of the volume that holds the server's database.
    #[arg(long, value_name = "FOLDER")]
    data: PathBuf,
    /// The release of the server that is about to start, as in its image.
    #[arg(long)]
    release: Version,
}

/// What a volume was used by.
#[derive(Debug, Serialize, Deserialize)]
struct Mark {
    /// The newest server version that was let through.
    version: Version,
}

/// Why a server must not start.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error("{} was used by {used}: a server at {version} would end its database", data.display())]
    Older { data: PathBuf, used: Version, version: Version },
    #[error("{} cannot be understood: {why}", mark.display())]
    Unreadable { mark: PathBuf, why: String },
    #[error("{} could not be {verb}: {source}", path.display())]
    File { verb: &'static str, path: PathBuf, source: io::Error },
}

impl Refusal {
    fn hint(&self) -> &'static str {
        match self {
            Self::Older { .. } => {
                "start the version that the volume was used by, or restore a backup of the older one"
            }
            Self::Unreadable { .. } => {
                "somebody edited it: write {\"version\": \"…\"} with what the volume was used by last"
            }
            Self::File { .. } => "mount the volume, and let this container write to it",
        }
    }
}

pub(super) fn main(arguments: &Arguments) -> ExitCode {
    match guard(&arguments.data, arguments.release) {
        Ok(()) => {
            tell(&format!("{}: a server at {} may start", arguments.data.display(), arguments.release));
            ExitCode::SUCCESS
        }
        Err(refusal) => fail(&refusal, Some(refusal.hint())),
    }
}

/// Lets a server through and notes it, unless the volume was used by a newer one.
fn guard(data: &Path, version: Version) -> Result<(), Refusal> {
    match used(data)? {
        Some(used) if used > version => {
            let data = data.to_owned();
            Err(Refusal::Older { data, used, version })
        }
        Some(used) if used == version => Ok(()),
        // Before the server starts: what it does to its database cannot be undone.
        Some(_) | None => note(data, version),
    }
}

/// What a volume was used by; nothing where nobody has noted it.
fn used(data: &Path) -> Result<Option<Version>, Refusal> {
    let mark = data.join(MARK);
    let text = match fs::read_to_string(&mark) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound && data.is_dir() => return Ok(None),
        Err(source) => return Err(Refusal::File { verb: "read", path: mark, source }),
    };
    let read: Result<Mark, _> = serde_json::from_str(&text);
    read.map(|read| Some(read.version)).map_err(|error| Refusal::Unreadable { mark, why: error.to_string() })
}

/// Written beside and renamed, so that a node that dies leaves the one or the other.
fn note(data: &Path, version: Version) -> Result<(), Refusal> {
    let (mark, part) = (data.join(MARK), data.join(format!("{MARK}.part")));
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| Refusal::File { verb: "written", path, source }
    };
    let text = serde_json::to_string(&Mark { version })
        .map_err(|error| Refusal::Unreadable { mark: mark.clone(), why: error.to_string() })?;
    let mut file = File::create(&part).map_err(failed(&part))?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(failed(&part))?;
    fs::rename(&part, &mark).map_err(failed(&mark))?;
    File::open(data).and_then(|folder| folder.sync_all()).map_err(failed(data))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> Version {
        text.parse().unwrap()
    }

    #[test]
    fn no_older_server_gets_to_a_newer_volume() {
        let volume = tempfile::tempdir().unwrap();
        let try_with =
            |text: &str| guard(volume.path(), version(text)).map_err(|refusal| refusal.to_string());
        assert_eq!(try_with("4.2.3.1"), Ok(()), "nothing is known of a new volume");
        assert_eq!(try_with("4.2.3.1"), Ok(()), "a restart");
        assert_eq!(try_with("4.3.5.3"), Ok(()), "an upgrade");
        let refusal = try_with("4.2.3.1").unwrap_err();
        assert!(
            refusal.ends_with("was used by 4.3.5.3: a server at 4.2.3.1 would end its database"),
            "{refusal}"
        );
        assert_eq!(try_with("4.3.5.3"), Ok(()), "the refusal changed nothing");
    }

    #[test]
    fn what_cannot_be_understood_lets_nobody_through() {
        let volume = tempfile::tempdir().unwrap();
        for text in ["", "4.3.5.3", r#"{"version": "new"}"#] {
            fs::write(volume.path().join(MARK), text).unwrap();
            let refusal = guard(volume.path(), version("8.2.6")).unwrap_err();
            assert!(matches!(refusal, Refusal::Unreadable { .. }), "{text}: {refusal}");
        }
        let nowhere = volume.path().join("not-mounted");
        let refusal = guard(&nowhere, version("4.3.5.3")).unwrap_err();
        assert!(matches!(refusal, Refusal::File { verb: "read", .. }), "{refusal}");
    }
}
