//! By what the rows of a listing are arranged.

use md5::{Digest, Md5};

use super::GroupRule;
use super::digest::first_eight_bytes;
use crate::catalog::Version;

/// By what the rows of a listing are arranged: the groups that take them, and the release whose ranks they carry. Rows that
/// are arranged otherwise say nothing about a rollout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrangement {
    /// Digest of the groups, in their order.
    pub groups: u64,
    /// The release; without one nothing is ranked.
    pub release: Option<Version>,
}

impl Arrangement {
    /// By these groups, for a release.
    pub fn new<'a>(groups: impl IntoIterator<Item = &'a GroupRule>, release: Option<Version>) -> Self {
        let mut digest = Md5::new();
        for group in groups {
            digest.update(group.digest().to_be_bytes());
        }
        Self { groups: first_eight_bytes(digest), release }
    }
}
