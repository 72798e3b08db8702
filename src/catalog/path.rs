//! The best way from one release to another over documented edges, for a fleet as it is
//! (ARCHITECTURE.md, rule 3).
//!
//! Best means: no unaccepted risk, then fewest rollouts, then least waiting, then fewest hops. A hop never cuts
//! off more live devices than may be left behind; where the next release refuses devices as they are, the path
//! has a rollout first. The same answer whatever the order of the inputs.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use jiff::SignedDuration;

use super::{Acceptance, Catalog, Os, Product, Release, Version};

/// Longest path, in hops. Far beyond any documented series; it bounds the search.
pub const MAX_HOPS: u32 = 12;

/// Devices that are alike to every matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DeviceClass {
    /// Their product.
    pub product: Product,
    /// Their operating system.
    pub os: Os,
    /// The version they run.
    pub version: Version,
    /// How many live devices there are, at least one.
    pub live: u64,
}

/// What the search is asked.
#[derive(Clone, Debug)]
pub struct Question<'a> {
    /// Every known release.
    pub catalog: &'a Catalog,
    /// Where the environment is.
    pub from: Version,
    /// Where it is to go.
    pub to: Version,
    /// Releases that must be visited in this order.
    pub via: &'a [Version],
    /// The live devices, one entry a class.
    pub devices: &'a [DeviceClass],
    /// How many live devices one hop may leave behind.
    pub may_leave_behind: u64,
    /// Whether devices may be brought along between hops.
    pub rollouts: Rollouts,
    /// Accepted risks: release and name.
    pub accepted: &'a BTreeSet<(Version, String)>,
}

/// Whether a rollout may stand between two hops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rollouts {
    /// Devices are brought to what a release bundles where the next one needs it.
    Allowed,
    /// `devices.upgrade` is `None`: devices stay as they are.
    Never,
}

/// One hop of a path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Leg {
    /// The release it starts from.
    pub from: Version,
    /// The release it ends at.
    pub to: Version,
    /// Whether devices must be brought to what `from` bundles before it.
    pub rollout_first: bool,
    /// Names of all the risks it carries, sorted.
    pub risks: Vec<String>,
    /// Live devices that `to` refuses even so.
    pub left_behind: u64,
    /// The documented wait after it.
    pub wait_after: Option<SignedDuration>,
}

/// What a path costs; the order of the fields is the order of preference.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cost {
    /// Risks that nobody has accepted.
    pub unaccepted_risks: u32,
    /// Rollouts between hops.
    pub rollouts: u32,
    /// Documented waits between hops, in seconds.
    pub waiting_seconds: i64,
    /// How many hops it takes.
    pub hops: u32,
}

/// A path.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Path {
    /// What it costs.
    pub cost: Cost,
    /// Its hops, in order; none where the environment is already there.
    pub legs: Vec<Leg>,
}

/// Why there is no path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoPath {
    /// No release describes the version.
    UnknownRelease {
        /// The version that no release describes.
        version: Version,
        /// The newest known release that can be reached.
        nearest: Option<Version>,
    },
    /// The target is below where the environment is: there is no downgrade.
    Downgrade,
    /// The documented edges do not connect.
    MissingEdge {
        /// The newest release that can be reached (where the environment is, if nothing else).
        from: Version,
        /// The releases from which the target could be reached, oldest first.
        to: Vec<Version>,
    },
    /// The edges connect, but a release refuses devices that nothing can bring along.
    MissingMatrixRow {
        /// The release before the hop.
        from: Version,
        /// The release that refuses them.
        to: Version,
        /// The refused classes, most devices first.
        refused: Vec<DeviceClass>,
        /// The newest release that can be reached.
        nearest: Option<Version>,
    },
}

/// Name of the built-in risk of a hop to a release without a published matrix.
pub const UNKNOWN_COMPATIBILITY: &str = "UnknownCompatibility";
/// Name of the built-in risk of a hop that leaves live devices behind.
pub const DEVICES_LEFT_BEHIND: &str = "DevicesLeftBehind";

/// The hop from one release to the next for devices at these versions, or the classes that it would cut off.
fn leg(
    question: &Question<'_>,
    from: Version,
    to: &Release,
    versions: &[Version],
) -> Result<Leg, Vec<DeviceClass>> {
    let mut refused = Vec::new();
    let mut unknown = false;
    let mut degraded = false;
    for (class, version) in question.devices.iter().zip(versions) {
        match to.acceptance(class.product, class.os, *version) {
            Acceptance::Refused => refused.push(DeviceClass { version: *version, ..*class }),
            Acceptance::Unknown => unknown = true,
            Acceptance::Degraded => degraded = true,
            Acceptance::Bundled | Acceptance::Accepted => {}
        }
    }
    // A hop to a release without a matrix is a risk even with no device in sight: devices may join.
    unknown |= to.compatibility.is_none();
    let left_behind = refused.iter().map(|class| class.live).sum();
    if left_behind > question.may_leave_behind {
        refused.sort_by_key(|class| (Reverse(class.live), *class));
        return Err(refused);
    }
    let mut risks: BTreeSet<String> = to.risks_from(from).map(|risk| risk.name.clone()).collect();
    let built_in =
        [(unknown, UNKNOWN_COMPATIBILITY), (left_behind > 0, DEVICES_LEFT_BEHIND), (degraded, "Degraded")];
    risks.extend(built_in.into_iter().filter(|(applies, _)| *applies).map(|(_, name)| name.to_owned()));
    Ok(Leg {
        from,
        to: to.version,
        rollout_first: false,
        risks: risks.into_iter().collect(),
        left_behind,
        wait_after: to.post_upgrade_wait,
    })
}

/// Where devices stand after a rollout at a release: each at what it bundles, never below where it was.
/// Mobile apps come from app stores and stay.
fn after_rollout(question: &Question<'_>, at: &Release, versions: &[Version]) -> Vec<Version> {
    question
        .devices
        .iter()
        .zip(versions)
        .map(|(class, version)| match class.product {
            Product::CrashPlan | Product::SharePlan => {
                at.bundled(class.product, class.os).map_or(*version, |bundled| bundled.max(*version))
            }
            Product::SharePlanMobile => *version,
        })
        .collect()
}

/// A partial path in the search.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Label {
    path: Path,
    at: Version,
    visited_via: usize,
    versions: Vec<Version>,
}

impl Label {
    fn extend(&self, question: &Question<'_>, leg: Leg, rolled_out: bool, versions: Vec<Version>) -> Self {
        let mut path = self.path.clone();
        let unaccepted =
            leg.risks.iter().filter(|name| !question.accepted.contains(&(leg.to, (*name).clone())));
        path.cost.unaccepted_risks += u32::try_from(unaccepted.count()).unwrap_or(u32::MAX);
        path.cost.rollouts += u32::from(rolled_out);
        path.cost.hops += 1;
        if leg.to != question.to {
            path.cost.waiting_seconds += leg.wait_after.map_or(0, |wait| wait.as_secs());
        }
        let visited_via = self.visited_via + usize::from(question.via.get(self.visited_via) == Some(&leg.to));
        let at = leg.to;
        path.legs.push(Leg { rollout_first: rolled_out, ..leg });
        Self { path, at, visited_via, versions }
    }
}

/// Finds the best path.
///
/// # Errors
/// [`NoPath`] names what is missing and the nearest release that can be reached.
pub fn find(question: &Question<'_>) -> Result<Path, NoPath> {
    if question.to == question.from {
        return Ok(Path::default());
    }
    if question.to < question.from {
        return Err(NoPath::Downgrade);
    }
    let mut search = search(question, Eagerness::WhereRefused);
    // A release that bundles nothing brings nobody along: what it leads to may need devices brought along before it.
    if search.found.is_none() && question.rollouts == Rollouts::Allowed {
        search = self::search(question, Eagerness::Anywhere);
    }
    match search.found {
        Some(path) => Ok(path),
        None => Err(explain(question, &search)),
    }
}

/// Where a rollout is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Eagerness {
    /// Only where the next release refuses devices as they are.
    WhereRefused,
    /// Before every hop, for a release further on that refuses them.
    Anywhere,
}

struct Search {
    found: Option<Path>,
    reached: BTreeSet<Version>,
    refused: BTreeMap<(Version, Version), Vec<DeviceClass>>,
}

fn search(question: &Question<'_>, eagerness: Eagerness) -> Search {
    let start = Label {
        path: Path::default(),
        at: question.from,
        // A release of `via` that lies behind is not asked for again.
        visited_via: question.via.iter().take_while(|version| **version <= question.from).count(),
        versions: question.devices.iter().map(|class| class.version).collect(),
    };
    let mut frontier = BinaryHeap::from([Reverse(start)]);
    // Where a label with no more hops was before, a later one is no better: it cost as much or more.
    let mut settled: BTreeMap<(Version, usize, Vec<Version>), u32> = BTreeMap::new();
    let mut result = Search { found: None, reached: BTreeSet::new(), refused: BTreeMap::new() };
    while let Some(Reverse(label)) = frontier.pop() {
        let fewest = settled.entry((label.at, label.visited_via, label.versions.clone())).or_insert(u32::MAX);
        if *fewest <= label.path.cost.hops {
            continue;
        }
        *fewest = label.path.cost.hops;
        result.reached.insert(label.at);
        if label.at == question.to {
            if label.visited_via == question.via.len() {
                result.found = Some(label.path);
                return result;
            }
            continue;
        }
        if label.path.cost.hops < MAX_HOPS {
            expand(question, &label, eagerness, &mut result.refused, |next| frontier.push(Reverse(next)));
        }
    }
    result
}

fn expand(
    question: &Question<'_>,
    label: &Label,
    eagerness: Eagerness,
    refused: &mut BTreeMap<(Version, Version), Vec<DeviceClass>>,
    mut push: impl FnMut(Label),
) {
    let upward =
        question.catalog.above(label.at, question.to).filter(|next| next.upgrades_from_version(label.at));
    for next in upward {
        let direct = leg(question, label.at, next, &label.versions);
        let needs_rollout =
            eagerness == Eagerness::Anywhere || direct.as_ref().map_or(true, |leg| leg.left_behind > 0);
        if let Ok(leg) = &direct {
            push(label.extend(question, leg.clone(), false, label.versions.clone()));
        }
        let rolled = match (question.rollouts, question.catalog.release(label.at)) {
            (Rollouts::Allowed, Some(here)) if needs_rollout => {
                let versions = after_rollout(question, here, &label.versions);
                (versions != label.versions).then_some(versions)
            }
            _ => None,
        };
        match rolled.map(|versions| (leg(question, label.at, next, &versions), versions)) {
            Some((Ok(leg), versions)) => push(label.extend(question, leg, true, versions)),
            Some((Err(classes), _)) => {
                refused.entry((label.at, next.version)).or_insert(classes);
            }
            None => {
                if let Err(classes) = direct {
                    refused.entry((label.at, next.version)).or_insert(classes);
                }
            }
        }
    }
}

/// Releases to which documented edges lead from a version, whatever its devices are: outside of these there is no path to look for.
pub fn connected(catalog: &Catalog, from: Version) -> BTreeSet<Version> {
    let mut connected = BTreeSet::from([from]);
    // Edges only go up, so one pass from the oldest up sees every predecessor first.
    for release in catalog.releases().filter(|release| release.version > from) {
        if connected.iter().any(|version| release.upgrades_from_version(*version)) {
            connected.insert(release.version);
        }
    }
    connected
}

/// Releases from which the target can be reached over documented edges alone, the target included.
fn leads_to(question: &Question<'_>) -> BTreeSet<Version> {
    let mut found = BTreeSet::from([question.to]);
    // Edges only go up, so one pass from the newest down sees every successor first.
    let below: Vec<&Release> =
        question.catalog.releases().filter(|release| release.version < question.to).collect();
    for release in below.into_iter().rev() {
        if found.iter().any(|next| question.catalog.has_edge(release.version, *next)) {
            found.insert(release.version);
        }
    }
    found
}

fn explain(question: &Question<'_>, search: &Search) -> NoPath {
    let nearest = search.reached.iter().next_back().copied().filter(|version| *version != question.from);
    for version in question.via.iter().chain([&question.to]) {
        if question.catalog.release(*version).is_none() {
            return NoPath::UnknownRelease { version: *version, nearest };
        }
    }
    let leads = leads_to(question);
    // The refusal nearest to the target, on an edge that would have led on.
    let refusal = search.refused.iter().rev().find(|((_, to), _)| leads.contains(to));
    if let Some(((from, to), refused)) = refusal {
        return NoPath::MissingMatrixRow { from: *from, to: *to, refused: refused.clone(), nearest };
    }
    let from = nearest.unwrap_or(question.from);
    NoPath::MissingEdge { from, to: leads.into_iter().filter(|to| *to > from).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::{AcceptedVersion, CompatibilityRow, Support};

    fn version(text: &str) -> Version {
        text.parse().unwrap()
    }

    fn release(text: &str, from: &[&str], accepts: &[(&str, bool)], wait_hours: i64) -> Release {
        let mut release = Release::bare(version(text));
        release.upgrades_from = from.iter().map(|text| text.parse().unwrap()).collect();
        release.post_upgrade_wait = (wait_hours > 0).then(|| SignedDuration::from_hours(wait_hours));
        release.compatibility = Some(vec![CompatibilityRow {
            product: Product::CrashPlan,
            os: BTreeSet::new(),
            versions: accepts
                .iter()
                .map(|(text, bundled)| AcceptedVersion {
                    pattern: text.parse().unwrap(),
                    bundled: *bundled,
                    support: Support::Full,
                })
                .collect(),
        }]);
        release
    }

    fn ask(catalog: &Catalog, from: &str, to: &str, via: &[&str], device: &str) -> Result<Path, NoPath> {
        let via: Vec<Version> = via.iter().map(|text| version(text)).collect();
        let devices =
            [DeviceClass { product: Product::CrashPlan, os: Os::Windows, version: version(device), live: 3 }];
        find(&Question {
            catalog,
            from: version(from),
            to: version(to),
            via: &via,
            devices: &devices,
            may_leave_behind: 0,
            rollouts: Rollouts::Allowed,
            accepted: &BTreeSet::new(),
        })
    }

    fn hops(path: &Path) -> Vec<String> {
        let leg = |leg: &Leg| {
            format!("{}{}->{}", if leg.rollout_first { "rollout " } else { "" }, leg.from, leg.to)
        };
        path.legs.iter().map(leg).collect()
    }

    fn three() -> Catalog {
        Catalog::new([
            release("4.1", &[], &[("4.1", true)], 0),
            release("4.2", &["4.1.x"], &[("4.1", false), ("4.2", true)], 24),
            release("4.3", &["4.2.x"], &[("4.2.x", false), ("4.3", true)], 0),
        ])
    }

    #[test]
    fn devices_that_the_next_release_refuses_are_brought_along_first() {
        let path = ask(&three(), "4.1", "4.3", &[], "4.1").unwrap();
        assert_eq!(hops(&path), ["4.1.0->4.2.0", "rollout 4.2.0->4.3.0"]);
        assert_eq!(path.cost, Cost { unaccepted_risks: 0, rollouts: 1, waiting_seconds: 86_400, hops: 2 });
        let blocked = ask(&three(), "4.1", "4.3", &[], "4.3").unwrap_err();
        assert!(
            matches!(blocked, NoPath::MissingMatrixRow { .. }),
            "a device above the first hop is never moved down"
        );
    }

    #[test]
    fn waiting_counts_more_than_hops_and_via_pins() {
        let mut releases: Vec<Release> = three().releases().cloned().collect();
        releases.push(release("4.2.1", &["4.1"], &[("4.x", false)], 0));
        releases.push(release("4.2.2", &["4.2.1"], &[("4.x", false)], 0));
        releases.push(release("4.3.1", &["4.2", "4.2.2"], &[("4.x", false)], 0));
        let catalog = Catalog::new(releases);
        let path = ask(&catalog, "4.1", "4.3.1", &[], "4.1").unwrap();
        assert_eq!(hops(&path), ["4.1.0->4.2.1", "4.2.1->4.2.2", "4.2.2->4.3.1"]);
        let path = ask(&catalog, "4.1", "4.3.1", &["4.2"], "4.1").unwrap();
        assert_eq!(hops(&path), ["4.1.0->4.2.0", "4.2.0->4.3.1"]);
    }

    #[test]
    fn a_missing_edge_is_named_with_both_its_sides() {
        let catalog = Catalog::new([
            release("4.1.6", &["4.1.5.1"], &[("4.x", false)], 0),
            release("4.2", &[], &[("4.x", false)], 0),
            release("4.2.3.1", &["4.2"], &[("4.x", false)], 0),
            release("4.3.5.3", &["4.2.3.1"], &[("4.x", false)], 0),
        ]);
        assert_eq!(
            ask(&catalog, "4.1.5.1", "4.3.5.3", &[], "4.1"),
            Err(NoPath::MissingEdge {
                from: version("4.1.6"),
                to: ["4.2", "4.2.3.1", "4.3.5.3"].map(version).to_vec()
            })
        );
        assert_eq!(
            ask(&catalog, "4.2", "9.9", &[], "4.1"),
            Err(NoPath::UnknownRelease { version: version("9.9"), nearest: Some(version("4.3.5.3")) })
        );
        assert_eq!(ask(&catalog, "4.2", "4.1.6", &[], "4.1"), Err(NoPath::Downgrade));
    }

    #[test]
    fn outside_of_what_is_connected_there_is_no_path() {
        let catalog = Catalog::new([
            release("4.2.0", &["4.1.0"], &[("4.x", false)], 0),
            release("4.3.0", &["4.2.0"], &[("4.x", false)], 0),
            release("5.0.0", &["4.9.0"], &[("4.x", false)], 0),
            release("5.1.0", &["5.0.0"], &[("4.x", false)], 0),
        ]);
        let reached: Vec<String> =
            connected(&catalog, version("4.2.0")).iter().map(ToString::to_string).collect();
        assert_eq!(reached, ["4.2.0", "4.3.0"]);
        for release in catalog.releases() {
            let path = ask(&catalog, "4.2.0", &release.version.to_string(), &[], "4.1.0");
            assert!(path.is_err() || reached.contains(&release.version.to_string()), "{release:?}");
        }
    }
}
