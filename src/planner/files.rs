//! ARCHITECTURE.md, rule 7: the upgrade files of the next hop: which are needed, what is known of each, and what of that is
//! remembered.

use jiff::{SignedDuration, Timestamp};

use super::aim::Aim;
use super::desired::{Artifact, Checksums};
use super::draft::{Draft, View};
use super::facts::Facts;
use super::memory::{Hop, HopServer, Means, Memory, VerifiedFile};
use super::observed::{FileFound, FileReading, FileRefusal, Listed};
use super::report::{FileReport, FileState};
use crate::catalog::{Os, Version};
use crate::fleet::ServerName;

/// A file that was checked longer ago than this is read once more before a hop: mirrors change what they have.
pub const GOOD_FOR: SignedDuration = SignedDuration::from_hours(7 * 24);

/// An upgrade file that servers of the next hop need.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Needed {
    /// The release that it installs.
    pub release: Version,
    /// The operating system that it is for.
    pub os: Os,
    /// The first server that needs it.
    pub server: ServerName,
}

/// What is known of a needed file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Known<'a> {
    /// It was checked, lately enough.
    Verified(&'a VerifiedFile),
    /// It was checked so long ago that it is checked once more.
    TooOld(&'a VerifiedFile),
    /// Nothing of it was read yet.
    Waiting,
    /// It is being read, since then.
    Checking(Timestamp),
    /// It is not what it should be, or could not be had.
    Refused(&'a FileRefusal),
    /// The list in a ConfigMap that it is to be held against was not read yet.
    ListUnread,
    /// That list says nothing that can be used, and why.
    ListUnusable(&'a str),
    /// The spec names none.
    Missing,
}

/// The files that the next hop needs: one for each operating system.
pub fn needed(view: &View<'_>) -> Vec<Needed> {
    let Some(release) = view.to() else { return Vec::new() };
    let touched = view.touched();
    let of_servers = touched.iter().map(|touched| (touched.method.file_for(), &touched.server.name));
    each_once(release, of_servers)
}

/// The files that a hop in flight still needs.
fn needed_in(hop: &Hop, facts: &Facts<'_>) -> Vec<Needed> {
    let waiting = hop.servers.iter().filter(|entry| entry.verified_at.is_none());
    each_once(hop.to, waiting.map(|entry| (file_for(entry, facts), &entry.name)))
}

fn each_once<'a>(
    release: Version,
    servers: impl Iterator<Item = (Option<Os>, &'a ServerName)>,
) -> Vec<Needed> {
    let mut needed: Vec<Needed> = Vec::new();
    for (os, server) in servers {
        let Some(os) = os.filter(|os| needed.iter().all(|known| known.os != *os)) else { continue };
        needed.push(Needed { release, os, server: server.clone() });
    }
    needed
}

/// What is known of a file that is needed.
pub fn known<'a>(facts: &'a Facts<'_>, memory: &'a Memory, needed: &Needed) -> Known<'a> {
    let Some(artifact) = facts.desired.artifact(needed.release, needed.os) else { return Known::Missing };
    let asked = match resolved(facts, artifact) {
        Ok(asked) => asked,
        Err(Unresolved::Unread) => return Known::ListUnread,
        Err(Unresolved::Unusable(why)) => return Known::ListUnusable(why),
    };
    let verified = record(memory, needed.release, &asked);
    let is_lately = |file: &&VerifiedFile| facts.now.duration_since(file.at) <= GOOD_FOR;
    match (verified.filter(is_lately), facts.observed.files.get(&asked), verified) {
        (Some(file), _, _) => Known::Verified(file),
        (None, Some(FileReading::Refused(refusal)), _) => Known::Refused(refusal),
        (None, Some(FileReading::Checking(since)), None) => Known::Checking(*since),
        (None, _, Some(file)) => Known::TooOld(file),
        (None, Some(FileReading::Verified(_)) | None, None) => Known::Waiting,
    }
}

/// What is remembered of a file as it is asked for now.
fn record<'a>(memory: &'a Memory, release: Version, asked: &Artifact) -> Option<&'a VerifiedFile> {
    memory.files.iter().find(|file| file.release == release && file.fits(asked))
}

/// Why a list in a ConfigMap gives no sum.
enum Unresolved<'a> {
    Unread,
    Unusable(&'a str),
}

/// A file as it is asked for: with the sums that a list in a ConfigMap has, in its place.
fn resolved<'a>(facts: &'a Facts<'_>, artifact: &Artifact) -> Result<Artifact, Unresolved<'a>> {
    let Some(Checksums::ConfigMap { .. }) = &artifact.checksums else { return Ok(artifact.clone()) };
    match facts.observed.listed.get(artifact) {
        None => Err(Unresolved::Unread),
        Some(Listed::Unusable(why)) => Err(Unresolved::Unusable(why)),
        Some(Listed::Sums { md5, sha256 }) => {
            let (md5, sha256) = (md5.clone(), sha256.clone());
            Ok(Artifact { md5, sha256, checksums: None, ..artifact.clone() })
        }
    }
}

/// The verified file of a release for an operating system, as the spec asks for it now. A spec that does not ask for one any more
/// contradicts nothing.
pub fn verified(facts: &Facts<'_>, memory: &Memory, release: Version, os: Os) -> Option<VerifiedFile> {
    let asked = resolved(facts, facts.desired.artifact(release, os)?).ok()?;
    record(memory, release, &asked).cloned()
}

/// Remembers the files that were found to be what they should be, forgets those of other releases, and says which are to be read.
pub(super) fn follow(facts: &Facts<'_>, draft: &mut Draft) {
    let needed = match &draft.memory.hop {
        Some(hop) => needed_in(hop, facts),
        None => needed(&draft.view(facts)),
    };
    // While nobody can tell what comes next, for a server is silent or somebody must decide, nothing is forgotten.
    let is_known =
        draft.memory.hop.is_some() || matches!(draft.aim, Aim::Hop(_) | Aim::Adopt { .. } | Aim::Nothing);
    if is_known {
        let wanted: Vec<Version> = needed.iter().map(|needed| needed.release).collect();
        let at = draft.memory.settled.as_ref().map(|settled| settled.release);
        draft.memory.files.retain(|file| wanted.contains(&file.release) || Some(file.release) == at);
    }
    for needed in &needed {
        let Some(artifact) = facts.desired.artifact(needed.release, needed.os) else { continue };
        let Ok(asked) = resolved(facts, artifact) else { continue };
        if let Some(FileReading::Verified(found)) = facts.observed.files.get(&asked) {
            remember(&mut draft.memory, needed, &asked, found);
        }
        let is_known = record(&draft.memory, needed.release, &asked)
            .is_some_and(|file| draft.memory.hop.is_some() || facts.now.duration_since(file.at) <= GOOD_FOR);
        if !is_known {
            draft.files.push(asked);
        }
    }
}

fn remember(memory: &mut Memory, needed: &Needed, asked: &Artifact, found: &FileFound) {
    let list = match &asked.checksums {
        Some(Checksums::Url(url)) => Some(url.clone()),
        Some(Checksums::ConfigMap { .. }) | None => None,
    };
    let file = VerifiedFile {
        release: needed.release,
        os: needed.os,
        mirror: found.mirror.clone(),
        size: found.size,
        md5: found.md5.clone(),
        sha256: found.sha256.clone(),
        list,
        at: found.at,
    };
    let is_news = memory.files.iter().all(|known| !known.fits(asked) || known.at < file.at);
    if is_news && file.fits(asked) {
        memory.files.retain(|known| (known.release, known.os) != (file.release, file.os));
        memory.files.push(file);
        memory.files.sort_by_key(|file| (file.release, file.os));
    }
}

/// The files for people: those of the next hop, or of the one in flight; without either those that were used last.
pub(super) fn report(view: &View<'_>) -> Vec<FileReport> {
    let needed = match &view.memory.hop {
        Some(hop) => of_hop(hop, view.facts),
        None => needed(view),
    };
    if needed.is_empty() && view.memory.hop.is_none() {
        return view.memory.files.iter().map(FileReport::verified).collect();
    }
    needed.iter().map(|needed| told(view, needed)).collect()
}

/// Every file of a hop in flight, whether its servers are verified by now or not.
fn of_hop(hop: &Hop, facts: &Facts<'_>) -> Vec<Needed> {
    let of_servers = hop.servers.iter().map(|entry| (file_for(entry, facts), &entry.name));
    each_once(hop.to, of_servers)
}

/// For which operating system a server of a hop needs a file: by its own copy, or by the spec.
fn file_for(entry: &HopServer, facts: &Facts<'_>) -> Option<Os> {
    let file = match &entry.means {
        Means::Manual(means) => means.file.as_ref(),
        Means::Job(means) => means.file.as_ref(),
        Means::Workload(_) => return None,
    };
    let method = || facts.with_methods().find(|(server, _)| server.guid == entry.guid);
    file.map(|file| file.os).or_else(|| method()?.1.file_for())
}

fn told(view: &View<'_>, needed: &Needed) -> FileReport {
    let artifact = view.desired.artifact(needed.release, needed.os);
    let blank = FileReport {
        release: needed.release,
        os: needed.os,
        name: artifact.map_or_else(String::new, |artifact| artifact.name().to_owned()),
        state: FileState::Waiting,
        size: None,
        md5: artifact.and_then(|artifact| artifact.md5.clone()),
        sha256: artifact.and_then(|artifact| artifact.sha256.clone()),
        mirror: None,
        at: None,
        why: None,
    };
    match known(view.facts, view.memory, needed) {
        Known::Verified(file) => FileReport::verified(file),
        Known::TooOld(file) => FileReport { state: FileState::Checking, ..FileReport::verified(file) },
        Known::Waiting | Known::ListUnread => blank,
        Known::Checking(since) => FileReport { state: FileState::Checking, at: Some(since), ..blank },
        Known::Refused(refusal) => {
            FileReport { state: FileState::Refused, why: Some(refusal.all.clone()), ..blank }
        }
        Known::ListUnusable(why) => {
            FileReport { state: FileState::Refused, why: Some(why.to_owned()), ..blank }
        }
        Known::Missing => FileReport { state: FileState::Missing, ..blank },
    }
}

impl FileReport {
    fn verified(file: &VerifiedFile) -> Self {
        Self {
            release: file.release,
            os: file.os,
            name: file.name().to_owned(),
            state: FileState::Verified,
            size: Some(file.size),
            md5: Some(file.md5.clone()),
            sha256: Some(file.sha256.clone()),
            mirror: Some(file.mirror.clone()),
            at: Some(file.at),
            why: None,
        }
    }
}
