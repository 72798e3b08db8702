//! The part of a file that is there, and the note beside it that says of what it is a part.

use std::fs;
use std::path::{Path, PathBuf};

use reqwest::Url;
use serde::{Deserialize, Serialize};

use super::checksums::Expected;
use super::error::Error;

/// What a part is a part of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Note {
    /// Where it came from.
    pub(super) url: String,
    /// The strong validator that the mirror gave: without one nothing is resumed.
    pub(super) etag: String,
    /// The length of the whole, in bytes.
    pub(super) length: u64,
    /// What was known of the file.
    pub(super) expected: Expected,
}

impl Note {
    /// Whether so many bytes are a part of this file from this url, which is not complete.
    pub(super) fn fits(&self, url: &Url, expected: &Expected, there: u64) -> bool {
        self.url == url.as_str() && self.expected == *expected && there > 0 && there < self.length
    }
}

/// The names that a download uses beside the file's own.
#[derive(Clone, Debug)]
pub(super) struct Names {
    /// The bytes that are there.
    pub(super) part: PathBuf,
    /// The note about them.
    pub(super) note: PathBuf,
}

impl Names {
    pub(super) fn of(output: &Path) -> Self {
        let beside = |ending: &str| {
            let mut name = output.file_name().unwrap_or_default().to_owned();
            name.push(ending);
            output.with_file_name(name)
        };
        Self { part: beside(".part"), note: beside(".part.json") }
    }

    /// The note and the length of what is there, where it can be continued from this url for this file.
    pub(super) fn continued(&self, url: &Url, expected: &Expected) -> Option<(Note, u64)> {
        let note: Note = serde_json::from_str(&fs::read_to_string(&self.note).ok()?).ok()?;
        let there = fs::metadata(&self.part).ok()?.len();
        note.fits(url, expected, there).then_some((note, there))
    }

    /// Writes the note before any byte of what it speaks of.
    pub(super) fn write(&self, note: &Note) -> Result<(), Error> {
        let text = serde_json::to_string(note).map_err(|error| Error::Client(error.to_string()))?;
        fs::write(&self.note, text).map_err(|source| Error::file("written", &self.note, source))
    }

    /// Removes what nothing can be made of any more. What is not there is removed.
    pub(super) fn remove(&self) {
        let _ = fs::remove_file(&self.note);
        let _ = fs::remove_file(&self.part);
    }

    /// Removes the note alone: the part is the file by now.
    pub(super) fn remove_note(&self) {
        let _ = fs::remove_file(&self.note);
    }
}
