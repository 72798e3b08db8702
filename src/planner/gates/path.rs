//! There is a documented path.

use super::{Context, Touched};
use crate::catalog::Version;
use crate::catalog::path::NoPath;
use crate::planner::intent::Intent;
use crate::planner::reason::Reason;
use crate::planner::report::Verdict;
use crate::planner::words;

/// Refuses where the documented edges or matrices do not lead to the wanted release.
pub fn check(context: &Context<'_>) -> Verdict {
    if let Some(problem) = context.observed.catalog_problems.first() {
        return Verdict::refuse(
            Reason::CatalogContradiction,
            problem.clone(),
            "make the CodeRelease objects agree, or delete one of them",
        );
    }
    match context.intent {
        Intent::NoWay(no_path) => refuse(no_path),
        Intent::Adopt { to, .. } => check_adopted(context, *to),
        Intent::Nothing | Intent::Hop(_) | Intent::Undecided => Verdict::Pass,
    }
}

/// Adopting what somebody began documents no edge: storage that is too far behind is left to a person.
fn check_adopted(context: &Context<'_>, to: Version) -> Verdict {
    let touched = context.touched();
    let far = touched
        .iter()
        .find(|touched| touched.server.version.is_none_or(|from| !context.catalog.has_edge(from, to)));
    let Some(Touched { server, .. }) = far else { return Verdict::Pass };
    let at = server.version.map_or_else(|| "an unknown release".to_owned(), |version| version.to_string());
    Verdict::refuse(
        Reason::NoPath,
        format!("no documented upgrade of {} from {at} to {to}", server.name),
        "bring that storage server there by hand, or add a CodeRelease whose upgradesFrom documents the step",
    )
}

/// Refuses to move devices at a release that nothing describes: what they are to run is not known.
pub fn check_devices(context: &Context<'_>) -> Verdict {
    let at = context.memory.settled.as_ref().map(|settled| settled.release);
    match at.filter(|release| context.catalog.release(*release).is_none()) {
        None => Verdict::Pass,
        Some(release) => Verdict::refuse(
            Reason::UnknownRelease,
            format!("no CodeRelease describes {release}, so what its devices are to run is not known"),
            "add a CodeRelease with the vendor's matrix, or set devices.upgrade to None",
        ),
    }
}

/// The refusal in words: what is missing, and how far one could go.
pub fn refuse(no_path: &NoPath) -> Verdict {
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
                "bring these devices along by hand, exempt them in devices.leaveBehind, or raise its atMost",
            )
        }
    }
}
