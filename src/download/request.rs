//! What a caller asks of a download, and what comes of it.

use std::path::PathBuf;
use std::time::Duration;

use futures::future::BoxFuture;
use reqwest::Url;

use super::checksums::{Expected, Found};
use super::error::Refused;

/// What is to be fetched.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Where it can be had, in the order in which that is tried.
    pub mirrors: Vec<Url>,
    /// What is known of it.
    pub expected: Expected,
    /// Where it is to be.
    pub output: PathBuf,
}

/// What the caller does for a download.
pub struct Caller<'a> {
    /// Told how many bytes are there, and how many there will be.
    pub progress: &'a (dyn Fn(u64, Option<u64>) + Send + Sync),
    /// Waits.
    pub pause: &'a (dyn Fn(Duration) -> BoxFuture<'static, ()> + Send + Sync),
    /// Told what did not work and is tried again, or elsewhere.
    pub note: &'a (dyn Fn(&Refused) + Send + Sync),
}

/// How a file came to be there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// What was found.
    pub found: Found,
    /// From where; `None` where it was there already.
    pub from: Option<Url>,
    /// The first byte that had to be fetched: 0 unless it was resumed.
    pub resumed_at: u64,
}
