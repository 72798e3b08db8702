//! Every hook can be made a job of: found out before the first server or device, not in the middle. And those before a hop let it begin.

use super::View;
use crate::planner::desired::{Backup, HookMoment};
use crate::planner::hooks::{Answer, before};
use crate::planner::hop::trouble::refusal_mend;
use crate::planner::observed::HookReading;
use crate::planner::reason::Reason;
use crate::planner::report::Verdict;

/// Refuses while a hook between waves is not fit.
pub fn check_devices(view: &View<'_>) -> Verdict {
    check(view, |when| when == HookMoment::BetweenWaves)
}

/// Refuses while a hook about a hop or its servers is not fit, or the job that is to make its backup.
pub fn check_servers(view: &View<'_>) -> Verdict {
    match (check(view, |when| when != HookMoment::BetweenWaves), &view.desired.backup) {
        (Verdict::Pass, Backup::Hook { job, .. }) => template(view, "spec.backup.hook", job),
        (verdict, _) => verdict,
    }
}

/// Holds until the hooks before the hop and its authority say yes.
pub fn check_answers(view: &View<'_>) -> Verdict {
    match before::before_the_hop(view) {
        Answer::Pass => Verdict::Pass,
        Answer::NotYet(awaited) => {
            let message = awaited.message("before the hop begins");
            match awaited.mend() {
                Some(mend) => Verdict::ask(Reason::HookAwaited, message, mend),
                None => Verdict::hold(Reason::HookAwaited, message, awaited.again_at),
            }
        }
        Answer::No { hook, how } => Verdict::refuse(
            Reason::HookFailed,
            format!("the hop does not begin: hook {hook} {how}"),
            refusal_mend(&hook),
        ),
    }
}

/// Refuses while the template of a hook is missing or no job can be made from it.
fn check(view: &View<'_>, is_meant: impl Fn(HookMoment) -> bool) -> Verdict {
    let hooks = view.desired.hooks.iter().filter(|hook| is_meant(hook.when));
    let mut checks = hooks.map(|hook| template(view, &format!("hook {}", hook.name), &hook.job));
    checks.find(|verdict| !verdict.passes()).unwrap_or(Verdict::Pass)
}

/// Refuses while a template is missing or no job can be made from it.
fn template(view: &View<'_>, what: &str, name: &str) -> Verdict {
    match view.observed.hooks.get(name) {
        Some(HookReading::Ready) => Verdict::Pass,
        None => Verdict::unknown(Reason::NotYetObserved, format!("{what} has not been looked at yet"), None),
        Some(HookReading::Unfit(why)) => Verdict::refuse(
            Reason::HookUnfit,
            format!("{what}: {why}"),
            format!(
                "let PodTemplate {name} be there, and bind ClusterRole codeupgrade-hooks to the acting account"
            ),
        ),
    }
}
