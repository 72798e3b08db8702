//! The backup before a hop: made when every other gate has passed.

use jiff::{SignedDuration, Timestamp};

use super::backup_facts::{HOOK, known, next_attempt};
use super::desired::{Backup, Method};
use super::draft::Draft;
use super::facts::Facts;
use super::gates;
use super::hooks::ASK_AGAIN_AFTER;
use super::memory::BackupAttempt;
use super::observed::{Access, HookRun};
use super::order::{Action, Order, Subject};
use super::orders;
use super::report::GateName;
use super::step::{Occasion, Step};
use crate::catalog::Version;

/// Takes the backup that is still awaited, unless one is being made.
pub(super) fn take(facts: &Facts<'_>, draft: &mut Draft) {
    let gates = &draft.findings.gates;
    let awaited = gates.iter().any(|gate| gate.name == GateName::Backup && !gate.verdict.passes());
    match &facts.desired.backup {
        Backup::VolumeSnapshot { class, .. } if awaited => snapshot(facts, draft, class),
        Backup::Hook { job, .. } if awaited => run(facts, draft, job),
        Backup::VolumeSnapshot { .. } | Backup::Hook { .. } | Backup::None { .. } | Backup::Unstated => {}
    }
}

/// Has the job made that makes the backup. One that failed is somebody's to look at, and tried anew when they order it.
fn run(facts: &Facts<'_>, draft: &mut Draft, job: &str) {
    let (Some(cleared), Backup::Hook { max_age, .. }) = (&draft.memory.cleared, &facts.desired.backup) else {
        return;
    };
    let (from, to, at_most) = (cleared.from, cleared.to, *max_age);
    let known = draft.memory.backup.take().filter(|attempt| attempt.class == job);
    let is_over = |attempt: &BackupAttempt| match facts.observed.hook_runs.get(&attempt.name) {
        // The gate has not passed it: it is too old.
        Some(HookRun::Passed) => true,
        Some(HookRun::AskAgain) => again_at(attempt).is_some_and(|at| facts.now >= at),
        Some(HookRun::Running | HookRun::Failed(_)) | None => false,
    };
    let put_off =
        |attempt: &BackupAttempt| facts.observed.hook_runs.get(&attempt.name) == Some(&HookRun::AskAgain);
    let attempts_before = known
        .as_ref()
        .filter(|known| put_off(known))
        .map_or(0, |known| known.attempts_before.saturating_add(1));
    let attempt = match known.filter(|attempt| !is_over(attempt)) {
        Some(attempt) => attempt,
        None if is_of_use(facts, draft) => begin(facts, to, job, attempts_before),
        None => return,
    };
    let run = attempt.name.clone();
    if !facts.observed.hook_runs.contains_key(&run) {
        let occasion = Occasion::Backup { from, to, at_most };
        draft.steps.push(Step::RunHook { hook: HOOK.to_owned(), template: job.to_owned(), run, occasion });
    }
    draft.memory.backup = Some(attempt);
}

/// When a job that could not make the backup then is asked again.
fn again_at(attempt: &BackupAttempt) -> Option<Timestamp> {
    attempt.begun_at.checked_add(ASK_AGAIN_AFTER).ok()
}

/// Follows orders to try a backup anew that failed, each once, without a pause.
pub(super) fn retry(facts: &Facts<'_>, draft: &mut Draft) {
    if known(facts, &draft.memory).failure.is_none() {
        return;
    }
    let Some(begun_at) = draft.memory.backup.as_ref().map(|attempt| attempt.begun_at) else { return };
    let is_meant = |order: &&Order| {
        matches!(order.action, Action::Retry(Subject::Anything | Subject::Hop { .. }))
            && order.given_at > begun_at
    };
    let found = orders::open(facts.observed, &draft.memory).find(is_meant).map(|order| order.uid.clone());
    if let Some(uid) = found {
        draft.memory.backup = None;
        draft.memory.consume(uid);
    }
}

/// Takes snapshots.
fn snapshot(facts: &Facts<'_>, draft: &mut Draft, class: &str) {
    let workload = facts.desired.authority.method.as_ref().and_then(Method::workload);
    let (Some(cleared), Some(workload)) = (&draft.memory.cleared, workload) else { return };
    let known = draft.memory.backup.take().filter(|attempt| attempt.class == class);
    let observed = &facts.observed.backup;
    if observed.unreadable.is_some() {
        draft.memory.backup = known;
        return;
    }
    if let (Some(_), Some(known)) = (observed.in_progress, &known) {
        draft.memory.backup = Some(known.clone());
        if observed.cut_off.as_ref() == Some(&known.name) {
            // The same name: what is there of it stays, and the rest is asked for.
            let name = known.name.clone();
            draft.steps.push(Step::TakeBackup { name, workload, class: class.to_owned() });
        }
        return;
    }
    let since = cleared.at.min(facts.now);
    let is_failed = observed.failure.is_some();
    let attempts_before =
        known.as_ref().filter(|_| is_failed).map_or(0, |attempt| attempt.attempts_before.saturating_add(1));
    let is_good = |attempt: &BackupAttempt| {
        if is_failed { facts.now < next_attempt(attempt) } else { attempt.begun_at >= since }
    };
    let attempt = match known.filter(is_good) {
        Some(attempt) => attempt,
        None if is_of_use(facts, draft) => begin(facts, cleared.to, class, attempts_before),
        None => return,
    };
    let name = attempt.name.clone();
    draft.memory.backup = Some(attempt);
    let is_there = observed.latest.as_ref() == Some(&name) && observed.cut_off.as_ref() != Some(&name);
    if !is_there {
        draft.steps.push(Step::TakeBackup { name, workload, class: class.to_owned() });
    }
}

/// Whether the hop could begin once the backup is there. Otherwise one would be made, grow old and be made again, for as long as
/// devices cannot be listed.
fn is_of_use(facts: &Facts<'_>, draft: &Draft) -> bool {
    let is_listed = match &facts.observed.listing {
        Access::Good => true,
        Access::NotYet | Access::Failed { .. } => false,
    };
    let others: Vec<_> = draft.findings.gates.iter().filter(|gate| gate.name != GateName::Backup).collect();
    is_listed && gates::nothing_refuses(others)
}

/// Another class, or another time, is another attempt with a name of its own.
fn begin(facts: &Facts<'_>, to: Version, class: &str, attempts_before: u32) -> BackupAttempt {
    let name = format!("before-{to}-{}", facts.now.as_second()).replace('.', "-");
    BackupAttempt { name, class: class.to_owned(), begun_at: facts.now, attempts_before }
}

/// Learns from a backup that is complete how long they take here: the next window is judged by it. One that failed for a while
/// before it was made says nothing of how long they take, nor does one that came too late to be used.
pub(super) fn note(facts: &Facts<'_>, draft: &mut Draft) {
    let (Backup::VolumeSnapshot { max_age, .. }, Some(attempt)) =
        (&facts.desired.backup, &draft.memory.backup)
    else {
        return;
    };
    let backup = &facts.observed.backup;
    let made = backup.newest.filter(|made| backup.in_progress.is_none() && *made >= attempt.begun_at);
    let Some(made) = made else { return };
    let took = facts.now.duration_since(made).max(SignedDuration::ZERO);
    if took <= *max_age {
        draft.memory.backup_takes_seconds = Some(took.as_secs());
    }
    draft.memory.backup = None;
}
