//! There is a fresh backup of the authority before a hop.

use super::View;
use crate::planner::desired::{Backup, Method};
use crate::planner::intent::Intent;
use crate::planner::reason::Reason;
use crate::planner::report::Verdict;
use crate::planner::words;

/// Holds until a backup was made that is newer than the clearing of the other gates and not too old.
pub fn check(view: &View<'_>) -> Verdict {
    // Storage that is brought to its authority is no new risk to the authority's data.
    if !matches!(view.intent, Intent::Hop(_)) {
        return Verdict::Pass;
    }
    let is_workload = view.desired.authority.method.as_ref().and_then(Method::workload).is_some();
    let max_age = match &view.desired.backup {
        Backup::VolumeSnapshot { .. } if !is_workload => {
            return Verdict::refuse(
                Reason::NotSupported,
                "a volume snapshot needs an authority that is a workload here",
                "back the authority up by hand and set spec.backup.none with the reason",
            );
        }
        Backup::VolumeSnapshot { max_age, .. } | Backup::Hook { max_age, .. } => *max_age,
        Backup::None { .. } => return Verdict::Pass,
        Backup::Unstated => {
            return Verdict::refuse(
                Reason::BackupUnstated,
                "the spec does not say which backup is taken before the hop",
                "set spec.backup.volumeSnapshotClass, spec.backup.hook, or spec.backup.none with a reason",
            );
        }
    };
    let facts = &view.observed.backup;
    if let Some(why) = &facts.failure {
        return Verdict::refuse(
            Reason::BackupFailed,
            format!("the backup failed: {why}"),
            "mend what the snapshot says; it is tried again by itself",
        );
    }
    // A backup of the release before would lose the hop that led to this one.
    let reached_at = view.memory.wait.as_ref().map(|wait| wait.started_at);
    match facts.newest {
        Some(made)
            if reached_at.is_none_or(|reached| made >= reached)
                && view.now.duration_since(made) <= max_age =>
        {
            Verdict::Pass
        }
        Some(made) => Verdict::hold(
            Reason::BackupAwaited,
            format!("a new backup is awaited: the last is of {}", words::instant(made)),
            None,
        ),
        None => Verdict::hold(Reason::BackupAwaited, "the backup before the hop is awaited", None),
    }
}
