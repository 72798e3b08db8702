//! Where the bytes of a file go: to a part on the disk that becomes the file, or nowhere, when only its sums are wanted.

use std::fs;
use std::path::Path;

use reqwest::Url;

use super::answer::Given;
use super::checksums::{Expected, Hasher};
use super::error::Error;
use super::part::{Names, Note};
use super::writer::Writer;

/// Where the bytes of a file go.
pub(super) enum Keep<'a> {
    /// Beside the place where the file is to be.
    OnDisk {
        /// The names of the part and its note.
        names: Names,
        /// Where the file is to be.
        output: &'a Path,
    },
    /// Nowhere: they are hashed as they pass.
    Nowhere {
        /// What passed before a connection broke.
        passed: Option<Box<Passed>>,
    },
}

/// What passed before a connection broke, where the mirror can go on after it.
pub(super) struct Passed {
    note: Note,
    got: u64,
    hasher: Option<Hasher>,
}

impl<'a> Keep<'a> {
    pub(super) fn on_disk(output: &'a Path) -> Self {
        Self::OnDisk { names: Names::of(output), output }
    }

    pub(super) const fn nowhere() -> Self {
        Self::Nowhere { passed: None }
    }

    /// What is there and of what it is a part, where it can be continued from this url for this file.
    pub(super) fn continued(&self, url: &Url, expected: &Expected) -> Option<(Note, u64)> {
        match self {
            Self::OnDisk { names, .. } => names.continued(url, expected),
            Self::Nowhere { passed } => {
                let passed = passed.as_ref().filter(|passed| passed.hasher.is_some())?;
                let (note, got) = (passed.note.clone(), passed.got);
                note.fits(url, expected, got).then_some((note, got))
            }
        }
    }

    /// Makes ready for what an answer gives.
    pub(super) fn begin(
        &mut self,
        mirror: &Url,
        given: &Given,
        expected: &Expected,
    ) -> Result<Writer, Error> {
        match self {
            Self::OnDisk { names, output } => {
                make_room(output, given)?;
                if given.from == 0 {
                    names.remove();
                    if let Some(note) = note_of(mirror, given, expected) {
                        names.write(&note)?;
                    }
                }
                Ok(Writer::begin(names.part.clone(), given.from, expected))
            }
            Self::Nowhere { passed } => {
                let before = passed.take().filter(|_| given.from > 0).and_then(|passed| passed.hasher);
                let note = note_of(mirror, given, expected);
                *passed = note.map(|note| Box::new(Passed { note, got: given.from, hasher: None }));
                Ok(Writer::hashing(before.unwrap_or_else(Hasher::of_everything)))
            }
        }
    }

    /// The connection broke: what is there stays, to be continued.
    pub(super) fn leave(&mut self, hashed: Hasher, at: u64) {
        match self {
            Self::OnDisk { .. } | Self::Nowhere { passed: None } => {}
            Self::Nowhere { passed: Some(passed) } => (passed.got, passed.hasher) = (at, Some(hashed)),
        }
    }

    /// Nothing can be made of what is there.
    pub(super) fn discard(&mut self) {
        match self {
            Self::OnDisk { names, .. } => names.remove(),
            Self::Nowhere { passed } => *passed = None,
        }
    }

    /// It is what it should be: on the disk first, then under its name, then the name on the disk.
    pub(super) fn complete(&mut self) -> Result<(), Error> {
        let Self::OnDisk { names, output } = self else { return Ok(()) };
        fs::rename(&names.part, *output).map_err(|source| Error::file("renamed", &names.part, source))?;
        let folder = folder_of(output);
        let synced = fs::File::open(folder).and_then(|folder| folder.sync_all());
        synced.map_err(|source| Error::file("written", folder, source))?;
        names.remove_note();
        Ok(())
    }
}

/// The note of what an answer gives, where it could be continued.
fn note_of(url: &Url, given: &Given, expected: &Expected) -> Option<Note> {
    let (etag, length) = (given.etag.clone()?, given.length?);
    Some(Note { url: url.to_string(), etag, length, expected: expected.clone() })
}

fn folder_of(output: &Path) -> &Path {
    output.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Refuses before the first byte what the disk has no room for.
fn make_room(output: &Path, given: &Given) -> Result<(), Error> {
    let Some(needed) = given.length.map(|length| length.saturating_sub(given.from)) else { return Ok(()) };
    let folder = folder_of(output);
    let disk = rustix::fs::statvfs(folder)
        .map_err(|error| Error::file("measured", folder, std::io::Error::from(error)))?;
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    if free < needed {
        return Err(Error::NoRoom { folder: folder.to_owned(), free, needed });
    }
    Ok(())
}
