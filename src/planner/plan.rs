//! What remains to be done, as data; and how long it takes, with the source.

use jiff::{SignedDuration, Timestamp};

use super::desired::{AtOnce, DeviceUpgrade};
use super::gates::{self, Context};
use super::intent::{Intent, route, starting_point};
use super::report::{Available, Gate, GateName, PlanItem, PlanWhat, Verdict};
use crate::catalog::path::Path;

/// The longest that one server usually takes: "15-30 minutes or more" for large environments in the vendor's
/// upgrade articles (typical: 5 to 10).
pub const SERVER_TAKES_AT_MOST: SignedDuration = SignedDuration::from_mins(30);

/// How long one server usually takes, in words, with the source.
pub const SERVER_USUALLY: &str = "5-10 min, large environments 15-30 min or more (vendor's upgrade articles)";

/// Most releases that `available` lists.
const MOST_AVAILABLE: usize = 16;

/// How much of a window a hop needs: the authority, then storage in its rounds, each at its longest.
pub fn hop_needs(servers: usize, at_once: AtOnce) -> SignedDuration {
    let storage = u32::try_from(servers.saturating_sub(1)).unwrap_or(u32::MAX);
    let first = at_once.first.max(1);
    let rounds =
        if storage == 0 { 0 } else { 1 + storage.saturating_sub(first).div_ceil(at_once.then.max(1)) };
    SERVER_TAKES_AT_MOST.saturating_mul(i32::try_from(rounds + 1).unwrap_or(i32::MAX))
}

/// The remaining waits, hops and rollouts. The gates are those of the next step.
pub fn items(context: &Context<'_>, path: Option<&Path>, next_gates: &[Gate]) -> Vec<PlanItem> {
    let mut items = Vec::new();
    if let Some(hop) = &context.memory.hop {
        items.push(PlanItem {
            what: PlanWhat::Hop { from: hop.from, to: hop.to },
            why: "in flight: it is finished first".into(),
            held_by: None,
            earliest: None,
            usually: Some(SERVER_USUALLY.into()),
        });
    }
    if let Intent::Adopt { from, to } = context.intent {
        items.push(PlanItem {
            what: PlanWhat::Hop { from: *from, to: *to },
            why: "storage is brought to its authority".into(),
            held_by: holder(next_gates),
            earliest: None,
            usually: Some(SERVER_USUALLY.into()),
        });
    }
    for (index, leg) in path.iter().flat_map(|path| &path.legs).enumerate() {
        push_leg(context, leg, index == 0, next_gates, &mut items);
    }
    let last = path.and_then(|path| path.legs.last()).map(|leg| leg.to).or(context
        .memory
        .hop
        .as_ref()
        .map(|hop| hop.to));
    if let (Some(at), DeviceUpgrade::Bundled) = (last, context.desired.devices.upgrade) {
        items.push(PlanItem {
            what: PlanWhat::Rollout { at },
            why: format!("devices follow to what {at} bundles"),
            held_by: None,
            earliest: None,
            usually: None,
        });
    }
    items
}

fn push_leg(
    context: &Context<'_>,
    leg: &crate::catalog::path::Leg,
    is_next: bool,
    next_gates: &[Gate],
    items: &mut Vec<PlanItem>,
) {
    let wait = context.catalog.release(leg.from).and_then(|release| release.post_upgrade_wait);
    let wait_over = gates::wait::over_at(context).filter(|_| is_next);
    if let Some(wait) = wait.filter(|_| !is_next || wait_over.is_some_and(|over| context.now < over)) {
        items.push(PlanItem {
            what: PlanWhat::Wait { at: leg.from },
            why: format!("{} asks for {} before the next upgrade", leg.from, super::words::duration(wait)),
            held_by: None,
            earliest: wait_over,
            usually: Some(super::words::duration(wait)),
        });
    }
    if leg.rollout_first {
        items.push(PlanItem {
            what: PlanWhat::Rollout { at: leg.from },
            why: format!("{} refuses devices as they are", leg.to),
            held_by: None,
            earliest: None,
            usually: None,
        });
    }
    let held_by = if is_next { holder(next_gates) } else { None };
    items.push(PlanItem {
        what: PlanWhat::Hop { from: leg.from, to: leg.to },
        why: if leg.risks.is_empty() {
            "documented".into()
        } else {
            format!("risks: {}", leg.risks.join(", "))
        },
        held_by,
        earliest: if is_next { latest_hold(next_gates) } else { None },
        usually: Some(SERVER_USUALLY.into()),
    });
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
pub fn available(context: &Context<'_>) -> Vec<Available> {
    let Some(from) = starting_point(context.standing, context.situation) else { return Vec::new() };
    if context.memory.hop.is_some() {
        return Vec::new();
    }
    let mut found: Vec<Available> = context
        .catalog
        .releases()
        .filter(|release| release.version > from)
        .filter_map(|release| {
            let path =
                route(context.catalog, context.desired, context.travellers, from, release.version).ok()?;
            Some(Available { release: release.version, path })
        })
        .collect();
    found.reverse();
    found.truncate(MOST_AVAILABLE);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_must_hold_the_authority_and_every_round_of_storage() {
        let at_once = AtOnce { first: 1, then: 4 };
        for (servers, minutes) in [(1, 30), (2, 60), (3, 90), (6, 90), (7, 120), (13, 150)] {
            assert_eq!(hop_needs(servers, at_once), SignedDuration::from_mins(minutes), "{servers} servers");
        }
    }
}
