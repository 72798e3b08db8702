//! Where software comes from, and the backup before it is used.

use jiff::SignedDuration;

use super::servers::server_os;
use crate::api::code_upgrade::source::ArtifactSpec;
use crate::api::code_upgrade::{BackupSpec, SourceSpec};
use crate::planner::desired::{Artifact, Backup, Source};
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
    let files: Vec<Artifact> = specs
        .iter()
        .enumerate()
        .filter_map(|(index, ArtifactSpec { os, url, md5, sha256 })| {
            let field = format!("{list}[{index}]");
            Some(Artifact {
                os: server_os(*os),
                url: url.clone(),
                md5: sum(reading, &format!("{field}.md5"), md5, 32)?,
                sha256: match sha256 {
                    Some(text) => Some(sum(reading, &format!("{field}.sha256"), text, 64)?),
                    None => None,
                },
            })
        })
        .collect();
    reading.unique(list, ".os", files.iter().map(|file| file.os));
    files
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
