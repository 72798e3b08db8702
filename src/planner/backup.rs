//! The backup before a hop: made when every other gate has passed.

use super::desired::{Backup, Method};
use super::draft::Draft;
use super::facts::Facts;
use super::gates;
use super::memory::BackupAttempt;
use super::observed::Access;
use super::report::GateName;
use super::step::Step;
use crate::catalog::Version;

/// Takes the backup that is still awaited, unless one is being made.
pub(super) fn take(facts: &Facts<'_>, draft: &mut Draft) {
    let (Backup::VolumeSnapshot { class, .. }, Some(cleared)) =
        (&facts.desired.backup, &draft.memory.cleared)
    else {
        return;
    };
    let gates = &draft.findings.gates;
    let awaited = gates.iter().any(|gate| gate.name == GateName::Backup && !gate.verdict.passes());
    let workload = facts.desired.authority.method.as_ref().and_then(Method::workload);
    let (Some(workload), true) = (workload, awaited) else { return };
    let known = draft.memory.backup.take().filter(|attempt| attempt.class == *class);
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
            draft.steps.push(Step::TakeBackup { name, workload, class: class.clone() });
        }
        return;
    }
    let since = cleared.at.min(facts.now);
    let attempt = match known.filter(|attempt| attempt.begun_at >= since) {
        Some(attempt) => attempt,
        None if is_of_use(facts, draft) => begin(facts, cleared.to, class),
        None => return,
    };
    let name = attempt.name.clone();
    draft.memory.backup = Some(attempt);
    draft.steps.push(Step::TakeBackup { name, workload, class: class.clone() });
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
fn begin(facts: &Facts<'_>, to: Version, class: &str) -> BackupAttempt {
    let name = format!("before-{to}-{}", facts.now.as_second()).replace('.', "-");
    BackupAttempt { name, class: class.to_owned(), begun_at: facts.now }
}

/// Learns from a backup that is complete how long they take here: the next window is judged by it.
pub(super) fn note(facts: &Facts<'_>, draft: &mut Draft) {
    let backup = &facts.observed.backup;
    let Some(attempt) = &draft.memory.backup else { return };
    let is_complete =
        backup.in_progress.is_none() && backup.newest.is_some_and(|made| made >= attempt.begun_at);
    if is_complete {
        let took = facts.now.duration_since(attempt.begun_at).as_secs().max(0);
        draft.memory.backup_takes_seconds = Some(took);
        draft.memory.backup = None;
    }
}
