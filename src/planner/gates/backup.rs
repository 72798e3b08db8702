//! There is a fresh backup of the authority before a hop.

use jiff::SignedDuration;

use super::View;
use crate::planner::aim::Aim;
use crate::planner::backup_facts;
use crate::planner::desired::{Backup, Method};
use crate::planner::hooks::MANY_TIMES;
use crate::planner::reason::Reason;
use crate::planner::report::Verdict;
use crate::planner::words;

/// Holds until a backup was made that is newer than the clearing of the other gates and not too old.
pub fn check(view: &View<'_>) -> Verdict {
    // Storage that is brought to its authority is no new risk to the authority's data.
    if !matches!(view.aim, Aim::Hop(_)) {
        return Verdict::Pass;
    }
    match wanted(view) {
        Ok(Some(max_age)) => found(view, max_age),
        Ok(None) => Verdict::Pass,
        Err(refusal) => refusal,
    }
}

/// How old a backup may be, where the spec asks for one that can be made.
fn wanted(view: &View<'_>) -> Result<Option<SignedDuration>, Verdict> {
    let is_workload = view.desired.authority.method.as_ref().and_then(Method::workload).is_some();
    match &view.desired.backup {
        Backup::VolumeSnapshot { .. } if !is_workload => Err(Verdict::refuse(
            Reason::NotSupported,
            "a volume snapshot needs an authority that is a workload here",
            "back the authority up by hand and set spec.backup.none with the reason",
        )),
        Backup::VolumeSnapshot { max_age, .. } | Backup::Hook { max_age, .. } => Ok(Some(*max_age)),
        Backup::None { .. } => Ok(None),
        Backup::Unstated => Err(Verdict::refuse(
            Reason::BackupUnstated,
            "the spec does not say which backup is taken before the hop",
            "set spec.backup.volumeSnapshotClass, spec.backup.hook, or spec.backup.none with a reason",
        )),
    }
}

/// What the backups that are there say.
fn found(view: &View<'_>, max_age: SignedDuration) -> Verdict {
    let facts = &backup_facts::known(view.facts, view.memory);
    if let Some(why) = &facts.unreadable {
        return Verdict::refuse(
            Reason::BackupFailed,
            why.clone(),
            "install the VolumeSnapshot API and its controller, or set spec.backup.none with a reason",
        );
    }
    if let Some(begun) = facts.in_progress.filter(|begun| view.now.duration_since(*begun) > max_age) {
        // Whatever becomes of it, it would be too old to be used.
        return Verdict::refuse(
            Reason::BackupFailed,
            format!(
                "the backup begun {} is not ready after {}",
                words::past(begun),
                words::duration(max_age)
            ),
            match view.desired.backup {
                Backup::Hook { .. } => {
                    "look at its job; one that ends before spec.backup.maxAge is over counts"
                }
                Backup::VolumeSnapshot { .. } | Backup::None { .. } | Backup::Unstated => {
                    "look at the VolumeSnapshot and its driver; another class in spec.backup begins a new one"
                }
            },
        );
    }
    if let Some(why) = &facts.failure {
        let next = view.memory.backup.as_ref().map(backup_facts::next_attempt).filter(|at| *at > view.now);
        let mend = match (&view.desired.backup, next) {
            (Backup::Hook { .. }, _) => "look at its job, mend the cause, then order Retry".to_owned(),
            (Backup::VolumeSnapshot { .. } | Backup::None { .. } | Backup::Unstated, Some(at)) => {
                format!(
                    "mend what the snapshot says; it is tried again {}, or when you order Retry",
                    words::instant(at)
                )
            }
            (Backup::VolumeSnapshot { .. } | Backup::None { .. } | Backup::Unstated, None) => {
                "mend what the snapshot says; it is tried again by itself".to_owned()
            }
        };
        return Verdict::refuse(Reason::BackupFailed, format!("the backup failed: {why}"), mend);
    }
    let job = match &view.desired.backup {
        Backup::Hook { job, .. } => Some(job),
        Backup::VolumeSnapshot { .. } | Backup::None { .. } | Backup::Unstated => None,
    };
    if let (Some(job), Some(attempt)) = (job, &view.memory.backup)
        && attempt.attempts_before >= MANY_TIMES
    {
        return Verdict::ask(
            Reason::BackupAwaited,
            format!("the backup's job {job} put it off {} times", attempt.attempts_before),
            "see in its job what it waits for, or set spec.backup anew",
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
            format!("a new backup is awaited: the last is of {}", words::past(made)),
            None,
        ),
        None => Verdict::hold(Reason::BackupAwaited, "the backup before the hop is awaited", None),
    }
}

/// A backup is taken to last this long until one of this environment was watched.
const BACKUP_USUALLY: SignedDuration = SignedDuration::from_mins(15);

/// How long the backup before the next hop will still take, as far as one can tell.
pub fn time_left(view: &View<'_>) -> SignedDuration {
    let is_made = matches!(view.desired.backup, Backup::VolumeSnapshot { .. } | Backup::Hook { .. });
    if !is_made || check(view).passes() {
        return SignedDuration::ZERO;
    }
    let takes = view.memory.backup_takes_seconds.map_or(BACKUP_USUALLY, SignedDuration::from_secs);
    let gone = backup_facts::known(view.facts, view.memory)
        .in_progress
        .map_or(SignedDuration::ZERO, |begun| view.now.duration_since(begun).max(SignedDuration::ZERO));
    takes.saturating_sub(gone).max(SignedDuration::ZERO)
}
