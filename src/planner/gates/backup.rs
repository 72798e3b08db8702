//! There is a fresh backup of the authority before a hop.

use super::Context;
use crate::planner::desired::Backup;
use crate::planner::intent::Intent;
use crate::planner::reason::Reason;
use crate::planner::report::Verdict;
use crate::planner::words;

/// Holds until a backup was made that is newer than the clearing of the other gates and not too old.
pub fn check(context: &Context<'_>) -> Verdict {
    // Storage that is brought to its authority is no new risk to the authority's data.
    if !matches!(context.intent, Intent::Hop(_)) {
        return Verdict::Pass;
    }
    let max_age = match &context.desired.backup {
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
    let facts = &context.observed.backup;
    if let Some(why) = &facts.failure {
        return Verdict::refuse(
            Reason::BackupFailed,
            format!("the backup failed: {why}"),
            "mend what the snapshot says; it is tried again by itself",
        );
    }
    match facts.newest {
        Some(made) if context.now.duration_since(made) <= max_age => Verdict::Pass,
        Some(made) => Verdict::hold(
            Reason::BackupAwaited,
            format!("a new backup is awaited: the last is of {}", words::instant(made)),
            None,
        ),
        None => Verdict::hold(Reason::BackupAwaited, "the backup before the hop is awaited", None),
    }
}
