//! The acting account may do all of the hop: the API server was asked by a dry run of every change.

use super::View;
use crate::planner::desired::Method;
use crate::planner::observed::{HookReading, Rights};
use crate::planner::reason::Reason;
use crate::planner::report::Verdict;

/// Refuses where a dry run was denied, or where what would be stored is not what was sent; unknown where none was made.
pub fn check(view: &View<'_>) -> Verdict {
    for touched in view.touched() {
        if let Method::Job { template, .. } = touched.method {
            let verdict = check_template(view, template);
            if !verdict.passes() {
                return verdict;
            }
        }
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

/// Whether the acting account may make the job of a template: a dry run of it was asked.
fn check_template(view: &View<'_>, template: &str) -> Verdict {
    let mend = "let the PodTemplate be there, and bind ClusterRole codeupgrade-hooks to the acting account";
    if let Err(why) = &view.observed.jobs {
        return Verdict::refuse(Reason::RightsMissing, format!("jobs cannot be read: {why}"), mend);
    }
    match view.observed.templates.get(template) {
        Some(HookReading::Ready) => Verdict::Pass,
        Some(HookReading::Unfit(why)) => {
            Verdict::refuse(Reason::RightsMissing, format!("no job can be made of {template}: {why}"), mend)
        }
        None => Verdict::unknown(
            Reason::NotYetObserved,
            format!("PodTemplate {template} has not been looked at yet"),
            None,
        ),
    }
}
