//! Every risk of the hop is accepted by name, for that release.

use std::collections::BTreeSet;

use super::View;
use crate::catalog::Version;
use crate::catalog::path::{DEVICES_LEFT_BEHIND, UNKNOWN_COMPATIBILITY};
use crate::planner::aim::Aim;
use crate::planner::desired::Backup;
use crate::planner::observed::Switch;
use crate::planner::reason::Reason;
use crate::planner::report::Verdict;
use crate::planner::words;

/// A container image without a digest may be another one tomorrow.
pub const UNPINNED_IMAGE: &str = "UnpinnedImage";
/// No backup is taken before the hop; `backup.none` accepts it with its reason.
pub const NO_BACKUP: &str = "NoBackup";
/// Storage run by the vendor follows the Public Cloud Version Policy, which the operator cannot check
/// (FACTS.md, provider-policy).
pub const PROVIDER_POLICY_UNCHECKED: &str = "ProviderPolicyUnchecked";
/// The authority's own `autoUpgrade` switch is on; what it does is undocumented
/// (FACTS.md, unknown-server-switches).
pub const SERVER_AUTO_UPGRADE: &str = "ServerAutoUpgrade";
/// Some devices run with a named loss after the hop.
pub const DEGRADED: &str = "Degraded";

/// The risks that no catalog needs to name.
pub const BUILT_IN: [&str; 7] = [
    UNKNOWN_COMPATIBILITY,
    DEVICES_LEFT_BEHIND,
    UNPINNED_IMAGE,
    NO_BACKUP,
    PROVIDER_POLICY_UNCHECKED,
    SERVER_AUTO_UPGRADE,
    DEGRADED,
];

/// All the risks of the next step, sorted.
pub fn of_the_step(view: &View<'_>) -> BTreeSet<String> {
    let mut risks: BTreeSet<String> = match view.aim {
        Aim::Hop(leg) => leg.risks.iter().cloned().collect(),
        Aim::Adopt { .. } => BTreeSet::new(),
        Aim::Nothing | Aim::NoWay(_) | Aim::Undecided => return BTreeSet::new(),
    };
    let source = view.to().and_then(|to| view.desired.source(to));
    let uses_image = view.touched().iter().any(|touched| touched.workload().is_some());
    let unpinned =
        source.and_then(|source| source.image.as_ref()).is_some_and(|image| !image.contains("@sha256:"));
    let switch_on = view.observed.settings.is_some_and(|settings| settings.server_auto_upgrade == Switch::On);
    let built_in = [
        (uses_image && unpinned, UNPINNED_IMAGE),
        (matches!(view.desired.backup, Backup::None { .. }), NO_BACKUP),
        (!view.situation.providers.is_empty(), PROVIDER_POLICY_UNCHECKED),
        (switch_on, SERVER_AUTO_UPGRADE),
    ];
    risks.extend(built_in.into_iter().filter(|(applies, _)| *applies).map(|(_, name)| name.to_owned()));
    risks
}

/// The risks that nobody has accepted, sorted.
pub fn unaccepted(view: &View<'_>) -> Vec<String> {
    let Some(to) = view.to() else { return Vec::new() };
    // The reason that `backup.none` demands is the acceptance.
    of_the_step(view)
        .into_iter()
        .filter(|name| name != NO_BACKUP)
        .filter(|name| !view.desired.accepted_risks.contains_key(&(to, name.clone())))
        .collect()
}

/// Names that the spec accepts for the release and that exist nowhere.
pub fn unknown_names(view: &View<'_>, to: Version) -> Vec<String> {
    let known = |name: &str| {
        let release = view.catalog.release(to);
        BUILT_IN.contains(&name)
            || release.is_some_and(|release| release.risks.iter().any(|risk| risk.name == name))
    };
    let accepted = view.desired.accepted_risks.keys().filter(|(release, _)| *release == to);
    accepted.filter(|(_, name)| !known(name)).map(|(_, name)| name.clone()).collect()
}

/// Holds until every risk is accepted.
pub fn check(view: &View<'_>) -> Verdict {
    let Some(to) = view.to() else { return Verdict::Pass };
    let (unaccepted, unknown) = (unaccepted(view), unknown_names(view, to));
    if unaccepted.is_empty() {
        return match unknown.first() {
            None => Verdict::Pass,
            Some(name) => Verdict::ask(
                Reason::UnknownRiskName,
                format!(
                    "spec.acceptedRisks names {name} for {to}, a risk that exists nowhere: correct or remove it"
                ),
                format!("correct the name {name} there; `codeupgrade plan` names the risks of {to}"),
            ),
        };
    }
    let hint = if unknown.is_empty() {
        String::new()
    } else {
        format!("; no such risk: {}", words::list(unknown, 1))
    };
    Verdict::ask(
        Reason::RiskNotAccepted,
        format!("accept {} for {to} in spec.acceptedRisks{hint}", words::list(&unaccepted, 4)),
        format!(
            "add each to spec.acceptedRisks with release {to} and your reason; `codeupgrade plan` says what it means"
        ),
    )
}
