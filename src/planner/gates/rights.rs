//! The acting account may do all of the hop: the API server was asked by a dry run of every change.

use super::View;
use crate::planner::observed::Rights;
use crate::planner::reason::Reason;
use crate::planner::report::Verdict;

/// Refuses where a dry run was denied, or where what would be stored is not what was sent; unknown where none was made.
pub fn check(view: &View<'_>) -> Verdict {
    for touched in view.touched() {
        let Some((reference, _)) = touched.workload() else { continue };
        let Some(facts) = view.observed.workload(&reference) else { continue };
        match &facts.rights {
            Rights::Granted => {}
            Rights::Denied(why) => {
                return Verdict::refuse(
                    Reason::RightsMissing,
                    format!("the acting account may not patch {reference}: {why}"),
                    "give it the role of the README's example by a RoleBinding in this namespace",
                );
            }
            Rights::Rewritten { field, stored } => {
                return Verdict::refuse(
                    Reason::WorkloadUnfit,
                    format!("{reference}: a webhook changes {field} as it is written"),
                    format!(
                        "except this workload from the webhook, or name in spec.sources what it makes of the image ({stored})"
                    ),
                );
            }
            Rights::Unchecked => {
                return Verdict::unknown(
                    Reason::NotYetObserved,
                    format!("the dry run on {reference} has not been made yet"),
                    None,
                );
            }
        }
    }
    Verdict::Pass
}
