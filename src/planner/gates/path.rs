//! There is a documented path (ARCHITECTURE.md, rule 3).

use jiff::Timestamp;

use super::{Touched, View};
use crate::catalog::Version;
use crate::catalog::path::{DeviceClass, NoPath};
use crate::fleet::census::EXAMPLES;
use crate::planner::aim::{Aim, route};
use crate::planner::reason::Reason;
use crate::planner::report::Verdict;
use crate::planner::words;

/// Refuses where the documented edges or matrices do not lead to the wanted release.
pub fn check(view: &View<'_>) -> Verdict {
    if let Some(problem) = view.observed.catalog_problems.first() {
        return Verdict::refuse(
            Reason::CatalogContradiction,
            problem.clone(),
            "make the CodeRelease objects agree, or delete one of them",
        );
    }
    match view.aim {
        Aim::NoWay(no_path) => refuse(view, no_path),
        Aim::Adopt { to, .. } => check_adopted(view, *to),
        Aim::Nothing | Aim::Hop(_) | Aim::Undecided => Verdict::Pass,
    }
}

/// Refuses where the hop in flight leads to nowhere that is wanted: the way down, or on, is not there.
pub fn check_after(view: &View<'_>, at: Version) -> Verdict {
    let Some(target) = view.desired.target.filter(|target| *target != at) else { return Verdict::Pass };
    if target < at {
        return Verdict::refuse(
            Reason::Downgrade,
            format!("{target} is wanted, and there is no downgrade"),
            format!("set spec.version to {at} or newer; the hop goes on to {at}"),
        );
    }
    match route(view.facts, at, target) {
        Ok(_) => Verdict::Pass,
        Err(no_path) => refuse(view, &no_path),
    }
}

/// Adopting what somebody began documents no edge: storage that is too far behind is left to a person.
fn check_adopted(view: &View<'_>, to: Version) -> Verdict {
    let touched = view.touched();
    let far = touched
        .iter()
        .find(|touched| touched.server.version.is_none_or(|from| !view.catalog.has_edge(from, to)));
    let Some(Touched { server, .. }) = far else { return Verdict::Pass };
    let at = server.version.map_or_else(|| "an unknown release".to_owned(), |version| version.to_string());
    Verdict::refuse(
        Reason::NoPath,
        format!("no documented upgrade of {} from {at} to {to}", server.name),
        "bring that storage server there by hand, or add a CodeRelease whose upgradesFrom documents the step",
    )
}

/// Refuses to move devices at a release that nothing describes: what they are to run is not known.
pub fn check_devices(view: &View<'_>) -> Verdict {
    let at = view.memory.settled.as_ref().map(|settled| settled.release);
    match at.filter(|release| view.catalog.release(*release).is_none()) {
        None => Verdict::Pass,
        Some(release) => Verdict::refuse(
            Reason::UnknownRelease,
            format!("no CodeRelease describes {release}, so what its devices are to run is not known"),
            "add a CodeRelease with the vendor's matrix, or set devices.upgrade to None",
        ),
    }
}

/// The refusal in words: what is missing, and how far one could go.
fn refuse(view: &View<'_>, no_path: &NoPath) -> Verdict {
    let reach = |nearest: &Option<crate::catalog::Version>| {
        nearest.map_or_else(
            || "nothing newer can be reached".to_owned(),
            |version| format!("{version} can be reached"),
        )
    };
    match no_path {
        NoPath::UnknownRelease { version, nearest } => Verdict::refuse(
            Reason::UnknownRelease,
            format!("no CodeRelease describes {version}; {}", reach(nearest)),
            "correct spec.version, or add a CodeRelease with the vendor's facts about it",
        ),
        NoPath::Downgrade => Verdict::refuse(
            Reason::Downgrade,
            "the wanted release is older than the environment; there is no downgrade",
            "set spec.version to the present release or a newer one",
        ),
        NoPath::MissingEdge { from, to } => Verdict::refuse(
            Reason::NoPath,
            format!("no documented upgrade from {from} to any of {}", words::list(to, 4)),
            format!("set spec.version to {from}, or add a CodeRelease whose upgradesFrom documents the step"),
        ),
        NoPath::MissingMatrixRow { from, to, refused, .. } => {
            let classes = refused
                .iter()
                .map(|class| format!("{} {} {} on {}", class.live, class.product, class.version, class.os));
            Verdict::refuse(
                Reason::DevicesRefused,
                format!("{to} refuses devices that {from} cannot bring along: {}", words::list(classes, 2)),
                format!(
                    "bring these devices along by hand, exempt them in devices.leaveBehind, or raise its atMost{}",
                    refused_devices(view, refused)
                ),
            )
        }
    }
}

/// Some of the refused devices, and when they stop counting if none of them is heard of again.
fn refused_devices(view: &View<'_>, refused: &[DeviceClass]) -> String {
    let Some(census) = &view.travellers.census else { return String::new() };
    let classes = refused.iter().filter_map(|class| {
        let count = census.classes.get(&(class.product, class.os, class.version))?;
        (count.live > 0).then_some(count)
    });
    let mut sample: Vec<u64> = classes.clone().flat_map(|count| count.examples).flatten().collect();
    sample.sort_unstable();
    sample.truncate(EXAMPLES);
    let sample: Vec<String> = sample.iter().map(u64::to_string).collect();
    let last_seen = classes.map(|count| count.last_connected).max();
    let clears = last_seen.and_then(|seen| Timestamp::from_second(seen).ok());
    let clears = clears.and_then(|seen| seen.checked_add(view.desired.devices.unseen_for).ok());
    // By the day: what moves with every sign of life would be written with every one.
    let clears = clears.map_or_else(String::new, |at| {
        format!("; if they stay silent they no longer count from {} on", at.strftime("%Y-%m-%d"))
    });
    if sample.is_empty() { clears } else { format!(" (such as {}){clears}", sample.join(", ")) }
}
