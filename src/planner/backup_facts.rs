//! The backups that there are, whoever makes them: as they were found, or as the job says that makes them.

use jiff::{SignedDuration, Timestamp};

use super::desired::Backup;
use super::facts::Facts;
use super::memory::{BackupAttempt, Memory};
use super::observed::{BackupFacts, HookRun};
use crate::fleet::instants;

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

/// A snapshot that failed is tried again after this time, and then ever more seldom: each attempt leaves an object behind.
const FIRST_PAUSE: SignedDuration = SignedDuration::from_mins(10);

/// By so much the pause grows with each attempt that fails.
const PAUSE_GROWS: i32 = 4;

/// At most this long: the night's window must not pass without one.
const LONGEST_PAUSE: SignedDuration = SignedDuration::from_hours(6);

/// When an attempt at a snapshot is followed by another, if it failed.
pub fn next_attempt(attempt: &BackupAttempt) -> Timestamp {
    let grown = PAUSE_GROWS.saturating_pow(attempt.attempts_before);
    let pause = FIRST_PAUSE.saturating_mul(grown).min(LONGEST_PAUSE);
    instants::after(attempt.begun_at, pause)
}
