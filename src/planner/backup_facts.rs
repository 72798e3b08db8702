//! The backups that there are, whoever makes them: as they were found, or as the job says that makes them.

use super::desired::Backup;
use super::facts::Facts;
use super::memory::Memory;
use super::observed::{BackupFacts, HookRun};

/// What the hook is called whose job makes the backup.
pub const HOOK: &str = "backup";

/// The backups that there are. A job's begins when it was asked for: what it holds may be as old as that.
pub(super) fn known(facts: &Facts<'_>, memory: &Memory) -> BackupFacts {
    let Backup::Hook { job, .. } = &facts.desired.backup else { return facts.observed.backup.clone() };
    let Some(attempt) = memory.backup.as_ref().filter(|attempt| attempt.class == *job) else {
        return BackupFacts::default();
    };
    let begun = Some(attempt.begun_at);
    match facts.observed.hook_runs.get(&attempt.name) {
        Some(HookRun::Passed) => BackupFacts { newest: begun, ..BackupFacts::default() },
        Some(HookRun::Running | HookRun::AskAgain) | None => {
            BackupFacts { in_progress: begun, ..BackupFacts::default() }
        }
        Some(HookRun::Failed(how)) => BackupFacts { failure: Some(how.clone()), ..BackupFacts::default() },
    }
}
