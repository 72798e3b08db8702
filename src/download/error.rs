//! Why a file is not there.

use std::path::{Path, PathBuf};

use reqwest::Url;

use super::checksums::Mismatch;

/// Why a file was not fetched.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No sum is known.
    #[error("nothing is known of the file: a size alone is no evidence")]
    NothingKnown,
    /// The client cannot be made.
    #[error("downloads are not possible: {0}")]
    Client(String),
    /// A mirror did not give the file.
    #[error("{0}")]
    Refused(Box<Refused>),
    /// No mirror gave the file.
    #[error("{}", each_refusal(.0))]
    NoMirror(Vec<Refused>),
    /// The disk has no room.
    #[error("{} has {free} bytes free, and {needed} more are needed", folder.display())]
    NoRoom {
        /// The folder.
        folder: PathBuf,
        /// In bytes.
        free: u64,
        /// In bytes.
        needed: u64,
    },
    /// A file could not be read or written.
    #[error("{} could not be {verb}: {source}", path.display())]
    File {
        /// What was tried.
        verb: &'static str,
        /// The file.
        path: PathBuf,
        /// What the operating system answered.
        source: std::io::Error,
    },
}

impl Error {
    pub(super) fn file(verb: &'static str, path: &Path, source: std::io::Error) -> Self {
        Self::File { verb, path: path.to_owned(), source }
    }
}

/// One mirror that did not give the file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{mirror}: {why}")]
pub struct Refused {
    /// The mirror.
    pub mirror: Url,
    /// Why.
    pub why: Why,
}

/// Why a mirror did not give the file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Why {
    /// The way there, or the connection, broke.
    #[error("the connection failed: {0}")]
    Connection(String),
    /// It ended too early.
    #[error("it ended after {got} of {length} bytes")]
    CutOff {
        /// In bytes.
        got: u64,
        /// In bytes.
        length: u64,
    },
    /// It sends more than it said, or than there should be.
    #[error("it sends more than the {length} bytes that the file has")]
    TooLong {
        /// In bytes.
        length: u64,
    },
    /// It is of another length than the file.
    #[error("it has {length} bytes and should have {expected}")]
    WrongLength {
        /// In bytes.
        expected: u64,
        /// In bytes.
        length: u64,
    },
    /// It answered with another status.
    #[error("it answered status {0}")]
    Status(u16),
    /// It sends elsewhere.
    #[error("it redirects to another host, {0}: name that one if it is to be trusted")]
    Redirected(String),
    /// It answered with a page.
    #[error("it answered a web page instead of the file: a login, a proxy, or a page about an error")]
    Page,
    /// It is another file.
    #[error("it is another file: {0}")]
    Mismatch(Mismatch),
    /// What was there of it and the rest make another file: it is fetched from its first byte.
    #[error("what was there of it was spoilt: {0}")]
    Spoilt(Mismatch),
}

impl Why {
    /// Whether something else than the file was given, so that asking once more would give the same.
    pub fn is_of_another_file(&self) -> bool {
        match self {
            Self::TooLong { .. }
            | Self::WrongLength { .. }
            | Self::Redirected(_)
            | Self::Page
            | Self::Mismatch(_)
            | Self::Spoilt(_) => true,
            Self::Connection(_) | Self::CutOff { .. } | Self::Status(_) => false,
        }
    }
}

impl Refused {
    /// Whether another attempt may pass.
    pub fn may_pass(&self) -> bool {
        match &self.why {
            Why::Connection(_) | Why::CutOff { .. } | Why::Spoilt(_) => true,
            // With 206 and 416 a part could not be continued: it was removed, and all of it is asked for.
            Why::Status(status) => matches!(status, 206 | 408 | 416 | 429 | 500 | 502 | 503 | 504),
            Why::TooLong { .. }
            | Why::WrongLength { .. }
            | Why::Redirected(_)
            | Why::Page
            | Why::Mismatch(_) => false,
        }
    }
}

fn each_refusal(refusals: &[Refused]) -> String {
    match refusals {
        [] => "there is no url to fetch the file from".to_owned(),
        [only] => only.to_string(),
        several => {
            let lines: Vec<String> = several.iter().map(|refused| format!("\n  {refused}")).collect();
            format!("none of {} urls gave the file:{}", several.len(), lines.concat())
        }
    }
}
