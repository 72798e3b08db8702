//! The spec can be read, and memory as well.

use super::View;
use crate::planner::memory::FORMAT_VERSION;
use crate::planner::reason::Reason;
use crate::planner::report::Verdict;
use crate::planner::words;

/// Refuses a spec with a field that could not be read, naming the field and the mend.
pub fn check(view: &View<'_>) -> Verdict {
    if view.memory.format_version > FORMAT_VERSION {
        return Verdict::refuse(
            Reason::MemoryTooNew,
            format!(
                "status.memory has format {}; this operator knows {FORMAT_VERSION}",
                view.memory.format_version
            ),
            "run the operator version that wrote it, or a newer one",
        );
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
