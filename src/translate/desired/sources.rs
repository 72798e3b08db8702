//! Where software comes from, and the backup before it is used.

use jiff::SignedDuration;

use super::servers::server_os;
use crate::api::code_upgrade::source::{ArtifactSpec, ChecksumsSpec};
use crate::api::code_upgrade::{BackupSpec, SourceSpec};
use crate::planner::desired::{Artifact, Backup, Checksums, Source};
use crate::translate::reading::Reading;

/// Oldest backup that still counts, where the spec does not say.
const BACKUP_MAX_AGE: SignedDuration = SignedDuration::from_hours(4);

/// The sources of each release.
pub(super) fn sources(reading: &mut Reading, specs: &[SourceSpec]) -> Vec<Source> {
    let mut sources = Vec::new();
    for (index, spec) in specs.iter().enumerate() {
        let field = format!("spec.sources[{index}]");
        let SourceSpec { release, image, artifacts } = spec;
        let Some(release) = reading.version(&format!("{field}.release"), release) else { continue };
        if image.is_none() && artifacts.is_empty() {
            reading.note(
                field.as_str(),
                "the source has no image and no artifacts",
                "write image or artifacts",
            );
        }
        sources.push(Source {
            release,
            image: image.clone(),
            artifacts: files(reading, &format!("{field}.artifacts"), artifacts),
        });
    }
    reading.unique("spec.sources", ".release", sources.iter().map(|source| source.release));
    sources
}

fn files(reading: &mut Reading, list: &str, specs: &[ArtifactSpec]) -> Vec<Artifact> {
    let specs = specs.iter().enumerate();
    let files: Vec<Artifact> =
        specs.filter_map(|(index, spec)| file(reading, &format!("{list}[{index}]"), spec)).collect();
    reading.unique(list, ".os", files.iter().map(|file| file.os));
    files
}

fn file(reading: &mut Reading, field: &str, spec: &ArtifactSpec) -> Option<Artifact> {
    let ArtifactSpec { os, url, mirrors, md5, sha256, size, checksums: list } = spec;
    let md5 = match md5 {
        Some(text) => Some(sum(reading, &format!("{field}.md5"), text, 32)?),
        None => None,
    };
    let sha256 = match sha256 {
        Some(text) => Some(sum(reading, &format!("{field}.sha256"), text, 64)?),
        None => None,
    };
    let file = Artifact {
        os: server_os(*os),
        urls: std::iter::once(url).chain(mirrors).cloned().collect(),
        md5,
        sha256,
        size: size.and_then(|size| u64::try_from(size).ok()),
        checksums: list.as_ref().and_then(|list| checksums(reading, &format!("{field}.checksums"), list)),
    };
    if file.md5.is_none() && file.sha256.is_none() && file.checksums.is_none() {
        let mend = "write md5, sha256 or checksums, as the vendor publishes them";
        reading.note(field, "nothing is known that the file could be held against", mend);
        return None;
    }
    if file.checksums.is_some() && file.name().is_empty() {
        let mend = "let url end with the name that the list has, or write md5 instead";
        reading.note(format!("{field}.url"), "it names no file that a list could have", mend);
        return None;
    }
    Some(file)
}

/// Under which key a ConfigMap has a list, unless the spec says so.
const LIST_KEY: &str = "checksums";

fn checksums(reading: &mut Reading, field: &str, spec: &ChecksumsSpec) -> Option<Checksums> {
    let ChecksumsSpec { url, config_map, key } = spec;
    match (url, config_map) {
        (Some(url), None) => Some(Checksums::Url(url.clone())),
        (None, Some(name)) => {
            let key = key.as_deref().unwrap_or(LIST_KEY).to_owned();
            Some(Checksums::ConfigMap { name: name.clone(), key })
        }
        (Some(_), Some(_)) | (None, None) => {
            reading.note(field, "it is not clear which list is meant", "write one of url and configMap");
            None
        }
    }
}

/// A sum, in lower case.
fn sum(reading: &mut Reading, field: &str, text: &str, digits: usize) -> Option<String> {
    if text.len() == digits && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Some(text.to_ascii_lowercase());
    }
    let message = format!("it is not {digits} hexadecimal digits");
    reading.note(field, message, "copy the sum from the vendor's list");
    None
}

/// The backup before a hop.
pub(super) fn backup(reading: &mut Reading, spec: Option<&BackupSpec>) -> Backup {
    let Some(BackupSpec { volume_snapshot_class, hook, none, max_age }) = spec else {
        return Backup::Unstated;
    };
    let max_age = reading.duration_or("spec.backup.maxAge", max_age.as_deref(), BACKUP_MAX_AGE);
    match (volume_snapshot_class, hook, none) {
        (Some(class), None, None) => Backup::VolumeSnapshot { class: class.clone(), max_age },
        (None, Some(job), None) => Backup::Hook { job: job.clone(), max_age },
        (None, None, Some(reason)) => Backup::None { reason: reason.clone() },
        _ => {
            let mend = "write exactly one of volumeSnapshotClass, hook or none: \"<reason>\"";
            reading.note("spec.backup", "it is not clear which backup is meant", mend);
            Backup::Unstated
        }
    }
}
