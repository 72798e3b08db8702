//! The spec can be read, and memory as well.

use super::View;
use crate::planner::Memory;
use crate::planner::memory::{FORMAT_VERSION, UNKNOWN_FORMAT};
use crate::planner::observed::Definition;
use crate::planner::reason::Reason;
use crate::planner::report::Verdict;
use crate::planner::words;

/// Refuses a spec with a field that could not be read, naming the field and the mend.
pub fn check(view: &View<'_>) -> Verdict {
    if let Some(refusal) = check_memory(view.memory, view.observed.definition) {
        return refusal;
    }
    // By the clock that is furthest ahead: a clock that lags makes no mistake of a time that is right.
    let latest = view.observed.witnesses.latest();
    if let Some(last) = view.desired.last_upgrade.filter(|last| last.finished_at > latest) {
        return Verdict::refuse(
            Reason::InvalidSpec,
            format!("spec.lastUpgrade.finishedAt: {} lies in the future", words::instant(last.finished_at)),
            "write when the last server was upgraded, or remove spec.lastUpgrade",
        );
    }
    match view.desired.problems.as_slice() {
        [] => Verdict::Pass,
        [first, rest @ ..] => {
            let more = if rest.is_empty() { String::new() } else { format!(" (and {} more)", rest.len()) };
            Verdict::refuse(
                Reason::InvalidSpec,
                format!("{}: {}{more}", first.field, first.message),
                first.mend.clone(),
            )
        }
    }
}

/// Refuses a memory that cannot be read, or would not be kept.
fn check_memory(memory: &Memory, definition: Definition) -> Option<Verdict> {
    if memory.format_version == UNKNOWN_FORMAT {
        return Some(Verdict::refuse(
            Reason::MemoryUnreadable,
            "status.memory cannot be read: somebody edited it",
            "restore the object from a backup, or remove status.memory: the environment is then seen for the first time",
        ));
    }
    if !memory.is_readable() {
        return Some(Verdict::refuse(
            Reason::MemoryTooNew,
            format!(
                "status.memory has format {}; this operator knows {FORMAT_VERSION}",
                memory.format_version
            ),
            "run the operator version that wrote it, or a newer one",
        ));
    }
    (definition == Definition::Drops).then(|| {
        Verdict::refuse(
            Reason::DefinitionTooOld,
            "the definition of CodeUpgrade is older than the operator, and drops what it must remember",
            "kubectl apply --server-side -f crds/ --force-conflicts, with the files of the operator's version",
        )
    })
}
