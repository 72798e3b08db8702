//! The software of the release is there, for every server of the hop (ARCHITECTURE.md, rule 7).

use super::{Touched, View};
use crate::catalog::Version;
use crate::planner::desired::{ImageFrom, WorkloadRef};
use crate::planner::intent::route;
use crate::planner::observed::{Catch, WorkloadFacts};
use crate::planner::reason::Reason;
use crate::planner::report::Verdict;
use crate::planner::words;

/// Refuses a release without a source; holds until Git has set the image where Git writes it.
pub fn check(view: &View<'_>) -> Verdict {
    let Some(to) = view.to() else { return Verdict::Pass };
    let touched = view.touched();
    let Some(first) = touched.iter().find(|touched| touched.workload().is_some()) else {
        return Verdict::Pass;
    };
    let Some(image) = view.desired.source(to).and_then(|source| source.image.as_deref()) else {
        return Verdict::refuse(
            Reason::SourceMissing,
            format!("spec.sources names no image for {to}, which {} needs", first.server.name),
            format!("add {{release: {to}, image: …}} to spec.sources"),
        );
    };
    if let Some(reference) = touched.iter().find_map(|touched| uncaught(view, touched)) {
        // Whoever is asked for the commit relies on the catch.
        let message = format!("the catch on {reference} is being closed before its image may change");
        return Verdict::hold(Reason::CatchOpen, message, None);
    }
    let awaited: Vec<WorkloadRef> =
        touched.iter().filter_map(|touched| awaited(view, touched, image)).collect();
    if awaited.is_empty() {
        return Verdict::Pass;
    }
    let names: Vec<String> = awaited.iter().map(WorkloadRef::to_string).collect();
    Verdict::ask(
        Reason::ImageAwaited,
        format!("set the image of {} in Git to that of {to} (imageFrom: Git)", words::list(&names, 2)),
        format!(
            "commit the image {image} in {}; or set imageFrom: Operator where the operator is to set it",
            words::list(&names, names.len())
        ),
    )
}

/// What the spec or the workload says of who sets its image.
fn reading<'a>(
    view: &'a View<'_>,
    touched: &Touched<'_>,
) -> Option<(WorkloadRef, ImageFrom, &'a WorkloadFacts)> {
    let (reference, workload) = touched.workload()?;
    let facts = view.facts.observed.workload(&reference)?;
    Some((reference, workload.image_from.unwrap_or(facts.image_from), facts))
}

/// A workload whose image Git sets while its catch is open.
fn uncaught(view: &View<'_>, touched: &Touched<'_>) -> Option<WorkloadRef> {
    let (reference, image_from, facts) = reading(view, touched)?;
    let is_open = image_from == ImageFrom::Git && facts.catch == Catch::Open && facts.has_a_catch();
    is_open.then_some(reference)
}

/// A workload whose image Git has not set yet.
fn awaited(view: &View<'_>, touched: &Touched<'_>, image: &str) -> Option<WorkloadRef> {
    let (reference, image_from, facts) = reading(view, touched)?;
    (image_from == ImageFrom::Git && facts.template_image != image).then_some(reference)
}

/// Refuses where the release after the hop in flight has no source: there is time to add one.
pub fn check_after(view: &View<'_>, at: Version) -> Verdict {
    let after = view.desired.target.filter(|target| *target > at);
    let path = after.and_then(|target| route(view.facts, at, target).ok());
    let Some(next) = path.and_then(|path| path.legs.first().map(|leg| leg.to)) else { return Verdict::Pass };
    let uses_image = view.desired.authority.method.as_ref().is_some_and(|method| method.workload().is_some());
    let has_image = view.desired.source(next).is_some_and(|source| source.image.is_some());
    if !uses_image || has_image {
        return Verdict::Pass;
    }
    Verdict::refuse(
        Reason::SourceMissing,
        format!("spec.sources names no image for {next}, the release after it"),
        format!("add {{release: {next}, image: …}} to spec.sources"),
    )
}
