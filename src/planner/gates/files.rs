//! The software of the release is there, for every server of the hop (ARCHITECTURE.md, rule 7).

use super::{Touched, View};
use crate::catalog::Version;
use crate::planner::aim::route;
use crate::planner::desired::{ImageFrom, Method, WorkloadRef};
use crate::planner::files::{self, Known, Needed};
use crate::planner::observed::{Catch, FileFault, FileRefusal, WorkloadFacts};
use crate::planner::reason::Reason;
use crate::planner::report::Verdict;
use crate::planner::words;

/// Refuses a release without a source, and a file that is not what it should be; holds until Git has set the image where Git writes it,
/// and until every file is checked.
pub fn check(view: &View<'_>) -> Verdict {
    let files = files::needed(view);
    let of_files = files.iter().map(|needed| check_file(view, needed));
    let verdicts: Vec<Verdict> = std::iter::once(check_images(view)).chain(of_files).collect();
    let refused = verdicts.iter().position(|verdict| matches!(verdict, Verdict::Refuse { .. }));
    let held = || verdicts.iter().position(|verdict| !verdict.passes());
    refused.or_else(held).and_then(|first| verdicts.into_iter().nth(first)).unwrap_or(Verdict::Pass)
}

/// What is known of one file.
fn check_file(view: &View<'_>, needed: &Needed) -> Verdict {
    let Needed { release, os, server } = needed;
    let name = view.desired.artifact(*release, *os).map_or("", |artifact| artifact.name());
    match files::known(view.facts, view.memory, needed) {
        Known::Verified(_) => Verdict::Pass,
        Known::Missing => Verdict::refuse(
            Reason::SourceMissing,
            format!("spec.sources names no file of {release} for {os}, which {server} needs"),
            format!("add {{os: {os}, url: …, md5: …}} to artifacts of {release} in spec.sources"),
        ),
        Known::Waiting | Known::Checking(_) => {
            Verdict::hold(Reason::FileAwaited, format!("{name} of {release} for {os} is being checked"), None)
        }
        Known::TooOld(file) => Verdict::hold(
            Reason::FileAwaited,
            format!("{name} of {release} for {os} was checked {} and is checked anew", words::past(file.at)),
            None,
        ),
        Known::ListUnread => Verdict::unknown(
            Reason::NotYetObserved,
            format!("the checksums of {name} have not been read yet"),
            None,
        ),
        Known::ListUnusable(why) => Verdict::refuse(
            Reason::FileUnavailable,
            format!("{name}: {why}"),
            format!("mend the ConfigMap, or write md5 instead; it is read at every look ({why})"),
        ),
        Known::Refused(refusal) => refused(name, refusal),
    }
}

fn refused(name: &str, refusal: &FileRefusal) -> Verdict {
    let FileRefusal { fault, why, all, again_at } = refusal;
    let (reason, mend) = match fault {
        FileFault::Wrong => (Reason::FileWrong, "correct its sums or urls in spec.sources, or the mirror"),
        FileFault::Unavailable => (Reason::FileUnavailable, "mend the mirror, or add another to its mirrors"),
        FileFault::Denied => (Reason::HostDenied, "name another url, or allow the host with --allow-host"),
    };
    let again =
        format!("{mend}: what is changed is tried at once, the same again {}", words::past(*again_at));
    Verdict::refuse(reason, format!("{name}: {why}"), format!("{again} ({all})"))
}

fn check_images(view: &View<'_>) -> Verdict {
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
    view.desired.methods().find_map(|method| missing_for(view, next, method)).unwrap_or(Verdict::Pass)
}

/// Refuses where a method has nothing to install of a release.
fn missing_for(view: &View<'_>, next: Version, method: &Method) -> Option<Verdict> {
    let source = view.desired.source(next);
    let (what, mend) = match method.file_for() {
        None if source.is_some_and(|source| source.image.is_some()) => return None,
        None => ("image".to_owned(), format!("add {{release: {next}, image: …}} to spec.sources")),
        Some(os) if view.desired.artifact(next, os).is_some() => return None,
        Some(os) => (
            format!("file for {os}"),
            format!("add {{os: {os}, url: …, md5: …}} to artifacts of {next} in spec.sources"),
        ),
    };
    let message = format!("spec.sources names no {what} of {next}, the release after it");
    Some(Verdict::refuse(Reason::SourceMissing, message, mend))
}
