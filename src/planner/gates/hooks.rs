//! Every hook between waves can be made a job of: found out before the first device, not after the first wave.

use super::View;
use crate::planner::desired::HookMoment;
use crate::planner::observed::HookReading;
use crate::planner::reason::Reason;
use crate::planner::report::Verdict;

/// Refuses while the template of a hook is missing or no job can be made from it.
pub fn check(view: &View<'_>) -> Verdict {
    for hook in view.desired.hooks_at(HookMoment::BetweenWaves) {
        match view.observed.hooks.get(&hook.name) {
            Some(HookReading::Ready) => {}
            None => {
                return Verdict::unknown(
                    Reason::NotYetObserved,
                    format!("hook {} has not been looked at yet", hook.name),
                    None,
                );
            }
            Some(HookReading::Unfit(why)) => {
                return Verdict::refuse(
                    Reason::HookUnfit,
                    format!("hook {}: {why}", hook.name),
                    format!(
                        "let PodTemplate {} be there, and bind ClusterRole codeupgrade-hooks to the acting account",
                        hook.job
                    ),
                );
            }
        }
    }
    Verdict::Pass
}
