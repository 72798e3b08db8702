//! The mirrors of a story, the lists of sums beside them, and what the operator's process reads there: a file takes five minutes.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use md5::{Digest as _, Md5};

use crate::planner::Desired;
use crate::planner::desired::{Artifact, Checksums, name_in};
use crate::planner::observed::{FileFault, FileFound, FileReading, FileRefusal, Listed};
use crate::simulator::script::verb::MirrorFate;

/// How long a file takes to be read.
const TAKES: SignedDuration = SignedDuration::from_mins(5);

/// What could not be had is tried again after this long.
const AGAIN_AFTER: SignedDuration = SignedDuration::from_mins(30);

/// How long every file is, in bytes.
const SIZE: u64 = 734_003_200;

/// The MD5 sum of the file at a url, as it was published: the same under one name everywhere.
pub(super) fn md5_of(url: &str) -> String {
    hexadecimal(format!("file {}", name_in(url)).as_bytes())
}

fn hexadecimal(bytes: &[u8]) -> String {
    let digits = |byte: &u8| [byte >> 4, byte & 15].map(|digit| char::from_digit(u32::from(digit), 16));
    Md5::digest(bytes).iter().flat_map(digits).flatten().collect()
}

/// The SHA-256 sum that goes with an MD5 sum in a story.
fn sha256_of(md5: &str) -> String {
    format!("{md5}{}", hexadecimal(md5.as_bytes()))
}

/// What mirrors give and lists have, which outlive the operator's process.
#[derive(Clone, Debug, Default)]
pub(super) struct Mirrors {
    fates: Vec<(String, MirrorFate)>,
    lists: BTreeMap<String, String>,
}

impl Mirrors {
    /// From now on urls with a text give this.
    pub(super) fn fare(&mut self, part: &str, fate: MirrorFate) {
        self.fates.push((part.to_owned(), fate));
    }

    /// From now on the lists in a ConfigMap have this sum.
    pub(super) fn list(&mut self, name: &str, sum: Option<String>) {
        match sum {
            Some(sum) => drop(self.lists.insert(name.to_owned(), sum)),
            None => drop(self.lists.remove(name)),
        }
    }

    fn fate(&self, url: &str) -> MirrorFate {
        let told = self.fates.iter().rev().find(|(part, _)| url.contains(part));
        told.map_or(MirrorFate::Works, |(_, fate)| *fate)
    }

    /// What lists in a ConfigMap say of the files that are held against them.
    pub(super) fn listed(&self, desired: &Desired) -> BTreeMap<Artifact, Listed> {
        let artifacts = desired.sources.iter().flat_map(|source| &source.artifacts);
        let of = |artifact: &Artifact| {
            let Some(Checksums::ConfigMap { name, .. }) = &artifact.checksums else { return None };
            Some(match self.lists.get(name) {
                Some(sum) => Listed::Sums { md5: Some(sum.clone()), sha256: artifact.sha256.clone() },
                None => Listed::Unusable(format!("there is no ConfigMap {name}")),
            })
        };
        artifacts.filter_map(|artifact| Some((artifact.clone(), of(artifact)?))).collect()
    }

    /// What reading a file comes to.
    fn read(&self, artifact: &Artifact, now: Timestamp) -> FileReading {
        let mut refusals: Vec<(FileFault, String, String)> = Vec::new();
        for url in &artifact.urls {
            let published = md5_of(url);
            let (fault, why) = match self.fate(url) {
                MirrorFate::Works if artifact.md5.as_ref().is_none_or(|md5| *md5 == published) => {
                    let sha256 = sha256_of(&published);
                    let found =
                        FileFound { mirror: url.clone(), size: SIZE, md5: published, sha256, at: now };
                    return FileReading::Verified(found);
                }
                MirrorFate::Works => (FileFault::Wrong, other(&published, artifact)),
                MirrorFate::Wrong => (FileFault::Wrong, other(&hexadecimal(url.as_bytes()), artifact)),
                MirrorFate::Short => (FileFault::Wrong, format!("it ended after 1048576 of {SIZE} bytes")),
                MirrorFate::Page => {
                    (FileFault::Wrong, "it answered a web page instead of the file".to_owned())
                }
                MirrorFate::Redirects => {
                    (FileFault::Wrong, "it redirects to another host, https://cdn.example".to_owned())
                }
                MirrorFate::Unreachable => (FileFault::Unavailable, "the connection failed".to_owned()),
                MirrorFate::Hangs => (FileFault::Unavailable, "nothing came for 60 s".to_owned()),
            };
            refusals.push((fault, why.clone(), format!("{url}: {why}")));
        }
        let leading = refusals.iter().find(|(fault, ..)| *fault == FileFault::Wrong).or(refusals.first());
        let (fault, why) = leading
            .map_or((FileFault::Unavailable, "there is no url".to_owned()), |(fault, why, _)| {
                (*fault, why.clone())
            });
        let all: Vec<String> = refusals.into_iter().map(|(_, _, all)| all).collect();
        let again_at = now.saturating_add(AGAIN_AFTER).unwrap_or(now);
        FileReading::Refused(FileRefusal { fault, why, all: all.join("; "), again_at })
    }
}

fn other(found: &str, artifact: &Artifact) -> String {
    format!("it is another file: MD5 {found}, not {}", artifact.md5.as_deref().unwrap_or("what is listed"))
}

/// What the operator's process reads, and has read: lost when it ends.
#[derive(Clone, Debug, Default)]
pub(super) struct Checks {
    known: BTreeMap<Artifact, Check>,
}

#[derive(Clone, Debug)]
struct Check {
    /// When the reading under way ends, or the next one does.
    ends: Timestamp,
    reading: FileReading,
}

impl Checks {
    /// Begins to read what is wanted and not known; forgets what is not wanted any more.
    pub(super) fn want(&mut self, wanted: &[Artifact], now: Timestamp) {
        self.known.retain(|artifact, _| wanted.contains(artifact));
        for artifact in wanted {
            let ends = now.saturating_add(TAKES).unwrap_or(now);
            let begun = || Check { ends, reading: FileReading::Checking(now) };
            self.known.entry(artifact.clone()).or_insert_with(begun);
        }
    }

    /// What has been read to its end by now. What was refused stays so until it is found to be right.
    pub(super) fn follow(&mut self, mirrors: &Mirrors, now: Timestamp) {
        for (artifact, check) in &mut self.known {
            let is_read = matches!(check.reading, FileReading::Verified(_));
            if is_read || check.ends > now {
                continue;
            }
            check.reading = mirrors.read(artifact, now);
            if let FileReading::Refused(refusal) = &check.reading {
                check.ends = refusal.again_at.saturating_add(TAKES).unwrap_or(refusal.again_at);
            }
        }
    }

    pub(super) fn readings(&self) -> BTreeMap<Artifact, FileReading> {
        self.known.iter().map(|(artifact, check)| (artifact.clone(), check.reading.clone())).collect()
    }

    /// When the next of them ends.
    pub(super) fn next_end(&self, now: Timestamp) -> Option<Timestamp> {
        self.known.values().map(|check| check.ends).filter(|ends| *ends > now).min()
    }
}
