//! What remains to be done, as data; and how long it takes, with the source.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::aim::{Aim, route, starting_point};
use super::desired::DeviceUpgrade;
use super::draft::View;
use super::durations::{SERVER_TAKES_AT_LEAST, SERVER_TAKES_AT_MOST, rounds};
use super::gates;
use super::report::{Available, Gate, GateName, PlanItem, PlanWhat, Verdict};
use super::rollout::Targets;
use super::words;
use crate::catalog::path::{self, Leg, Path};
use crate::catalog::{Os, Product, Version};
use crate::fleet::instants;

/// Most releases that `available` lists.
const MOST_AVAILABLE: usize = 16;

/// The plan while it is drawn up: each part begins when those before it can be over at the earliest.
struct Itinerary<'a> {
    view: &'a View<'a>,
    at: Timestamp,
    items: Vec<PlanItem>,
}

/// The remaining waits, hops and rollouts. The gates are those of the next step of servers, and of devices.
pub fn items(
    view: &View<'_>,
    path: Option<&Path>,
    next_gates: &[Gate],
    rollout_gates: &[Gate],
) -> Vec<PlanItem> {
    let mut itinerary = Itinerary { view, at: view.now, items: Vec::new() };
    let in_flight = view.memory.hop.as_ref().map(|hop| hop.to);
    let adopted = if let Aim::Adopt { to, .. } = view.aim { Some(*to) } else { None };
    if let Some(hop) = &view.memory.hop {
        itinerary.push_hop((hop.from, hop.to), hop.servers.len(), "in flight: it is finished first", None);
    }
    if let Aim::Adopt { from, to } = view.aim {
        let servers = view.touched().len() + 1;
        itinerary.at = latest_hold(next_gates).unwrap_or(itinerary.at);
        itinerary.push_hop((*from, *to), servers, "storage is brought to its authority", holder(next_gates));
    }
    let under_way = in_flight.or(adopted);
    let beyond =
        under_way.zip(view.desired.target).and_then(|(from, target)| route(view.facts, from, target).ok());
    for leg in beyond.iter().flat_map(|path| &path.legs) {
        itinerary.push_leg(leg, None);
    }
    for (index, leg) in path.iter().flat_map(|path| &path.legs).enumerate() {
        itinerary.push_leg(leg, (index == 0).then_some((next_gates, rollout_gates)));
    }
    let last = path.or(beyond.as_ref()).and_then(|path| path.legs.last()).map(|leg| leg.to).or(under_way);
    // Where the servers are there already, devices follow now.
    let settled = view.memory.settled.as_ref().map(|settled| settled.release);
    let now = settled.filter(|at| last.is_none() && Some(*at) == view.desired.target);
    if view.desired.devices.upgrade == DeviceUpgrade::Bundled
        && !view.memory.is_done()
        && let Some(at) = last.or(now)
    {
        let why = format!("devices follow to what {at} bundles");
        itinerary.push_rollout(at, &why, now.and_then(|_| holder(rollout_gates)));
    }
    itinerary.items
}

impl Itinerary<'_> {
    /// The instant, to be told unless it is now.
    fn earliest(&self) -> Option<Timestamp> {
        Some(self.at).filter(|at| *at > self.view.now)
    }

    fn push_hop(
        &mut self,
        (from, to): (Version, Version),
        servers: usize,
        why: &str,
        held_by: Option<GateName>,
    ) {
        let rounds = rounds(servers, self.view.desired.storage_at_once);
        let shortest = SERVER_TAKES_AT_LEAST.saturating_mul(rounds);
        let cut = if servers > 1 { "; the last storage server has no backups meanwhile" } else { "" };
        let usually = format!(
            "{}-{} min, large ones {} or more (vendor's upgrade articles){cut}",
            shortest.as_mins(),
            shortest.as_mins().saturating_mul(2),
            words::duration(SERVER_TAKES_AT_MOST.saturating_mul(rounds)),
        );
        let why = format!("{why}{}", self.components(to));
        let earliest = self.earliest();
        self.items.push(PlanItem {
            what: PlanWhat::Hop { from, to },
            why,
            held_by,
            earliest,
            usually: Some(usually),
        });
        self.at = instants::after(self.at, shortest);
    }

    /// Which components a release changes and which stay, where the vendor's table says.
    fn components(&self, to: Version) -> String {
        let known = self.view.catalog.release(to).and_then(|release| release.components.as_ref());
        known.map_or_else(String::new, |known| {
            let stay = words::list(&known.not_upgraded, 3);
            let stay = if stay.is_empty() { stay } else { format!("; {stay} stay") };
            format!("; upgrades {}{stay}", words::list(&known.upgraded, 3))
        })
    }

    fn push_wait(&mut self, at: Version, wait: SignedDuration, over_at: Option<Timestamp>) {
        self.at = over_at.unwrap_or(instants::after(self.at, wait));
        self.items.push(PlanItem {
            what: PlanWhat::Wait { at },
            why: format!("{at} asks for {} before the next upgrade", words::duration(wait)),
            held_by: None,
            earliest: over_at,
            usually: Some(words::duration(wait)),
        });
    }

    fn push_rollout(&mut self, at: Version, why: &str, held_by: Option<GateName>) {
        let policy = &self.view.desired.devices;
        let moves = Moves::to(self.view, at);
        let flagging = moves.devices.div_ceil(u64::from(policy.rate_per_minute.max(1)));
        let flagging = SignedDuration::from_mins(i64::try_from(flagging).unwrap_or(i64::MAX / 60));
        let pauses =
            policy.groups.iter().filter(|group| !group.held).fold(SignedDuration::ZERO, |sum, group| {
                let between = i32::try_from(group.waves.len().saturating_sub(1)).unwrap_or(i32::MAX);
                sum.saturating_add(group.pause.saturating_mul(between))
            });
        let least = flagging.saturating_add(pauses);
        let usually = format!(
            "{} or more: {}, {} a minute, pauses of {} in all",
            words::duration(least),
            words::count(moves.devices, "device"),
            policy.rate_per_minute,
            words::duration(pauses)
        );
        let earliest = self.earliest();
        let why = format!("{why}{}", moves.words());
        self.items.push(PlanItem {
            what: PlanWhat::Rollout { at },
            why,
            held_by,
            earliest,
            usually: Some(usually),
        });
        self.at = instants::after(self.at, least);
    }

    /// One hop of the path and what must come before it; with the gates of servers and devices where it is the next.
    fn push_leg(&mut self, leg: &Leg, next: Option<(&[Gate], &[Gate])>) {
        let view = self.view;
        let wait = view.catalog.release(leg.from).and_then(|release| release.post_upgrade_wait);
        let over_at = gates::wait::over_at(view).filter(|_| next.is_some());
        if let Some(wait) = wait.filter(|_| next.is_none() || over_at.is_some_and(|over| view.now < over)) {
            self.push_wait(leg.from, wait, over_at);
        }
        if leg.rollout_first {
            let why = format!("{} or a later release refuses devices as they are", leg.to);
            self.push_rollout(leg.from, &why, next.and_then(|(_, gates)| holder(gates)));
        }
        if let Some(until) = next.and_then(|(gates, _)| latest_hold(gates)) {
            self.at = self.at.max(until);
        }
        let risks = leg.risks.join(", ");
        let why =
            if risks.is_empty() { "documented".to_owned() } else { format!("documented; risks: {risks}") };
        let servers = view.situation.own().count();
        self.push_hop((leg.from, leg.to), servers, &why, next.and_then(|(gates, _)| holder(gates)));
    }
}

/// What a rollout moves, as devices are now.
#[derive(Default)]
struct Moves {
    /// Devices that move.
    devices: u64,
    /// Devices that stay: at what is bundled or above, or nothing is bundled for them.
    staying: u64,
    /// The apps that move, the largest first.
    apps: Vec<(u64, Product, Os)>,
}

impl Moves {
    fn to(view: &View<'_>, at: Version) -> Self {
        let mut moves = Self::default();
        let Some(census) = &view.travellers.census else { return moves };
        let policy = &view.desired.devices;
        let targets = view.catalog.release(at).map(|release| Targets::of(release, policy));
        let mut apps: BTreeMap<(Product, Os), u64> = BTreeMap::new();
        for ((product, os, version), count) in &census.classes {
            let all = count.live + count.stale;
            if targets.as_ref().is_some_and(|targets| targets.is_app_behind(*product, *os, *version)) {
                moves.devices += all;
                *apps.entry((*product, *os)).or_default() += all;
            } else {
                moves.staying += all;
            }
        }
        moves.apps = apps.into_iter().map(|((product, os), devices)| (devices, product, os)).collect();
        moves.apps.sort_by_key(|(devices, ..)| Reverse(*devices));
        moves
    }

    fn words(&self) -> String {
        if self.devices + self.staying == 0 {
            return String::new();
        }
        let apps: Vec<String> =
            self.apps.iter().map(|(devices, product, os)| format!("{product} on {os} ({devices})")).collect();
        let moving = if apps.is_empty() { "none".to_owned() } else { words::list(&apps, 3) };
        format!("; {moving} to move, {} to stay", self.staying)
    }
}

fn holder(gates: &[Gate]) -> Option<GateName> {
    gates::leading(gates).map(|gate| gate.name)
}

/// The time at which the last of the holds that end by themselves ends, if all of them say when.
fn latest_hold(gates: &[Gate]) -> Option<Timestamp> {
    let holds = gates.iter().filter_map(|gate| match &gate.verdict {
        Verdict::Hold { until, .. } => Some(*until),
        Verdict::Pass | Verdict::Unknown { .. } | Verdict::Refuse { .. } => None,
    });
    holds.flatten().max()
}

/// Where one could go from here: every newer release with a path, the newest first.
pub fn available(view: &View<'_>) -> Vec<Available> {
    let Some(from) = starting_point(view.standing, &view.situation) else { return Vec::new() };
    if view.memory.hop.is_some() {
        return Vec::new();
    }
    let connected = path::connected(view.catalog, from);
    let newest_first = connected.into_iter().rev().filter(|release| *release > from);
    newest_first
        .filter_map(|release| Some(Available { release, path: route(view.facts, from, release).ok()? }))
        .take(MOST_AVAILABLE)
        .collect()
}
