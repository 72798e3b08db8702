//! Every live device is accepted by the next release, judged on a listing begun after the other gates
//! passed (ARCHITECTURE.md, rule 4).

use jiff::Timestamp;

use super::{View, facts};
use crate::catalog::path::Leg;
use crate::planner::aim::Aim;
use crate::planner::backup_facts;
use crate::planner::desired::Backup;
use crate::planner::facts::Facts;
use crate::planner::memory::{Cleared, Memory};
use crate::planner::reason::Reason;
use crate::planner::report::Verdict;

/// A list of devices must have begun after this: when all other gates had passed, and the backup was begun.
pub fn listing_since(facts: &Facts<'_>, memory: &Memory, cleared: &Cleared) -> Timestamp {
    let backup = match facts.desired.backup {
        Backup::VolumeSnapshot { .. } | Backup::Hook { .. } => backup_facts::known(facts, memory).newest,
        Backup::None { .. } | Backup::Unstated => None,
    };
    backup.map_or(cleared.at, |backup| backup.max(cleared.at))
}

/// Why devices are brought along before a hop.
fn first(view: &View<'_>, leg: &Leg) -> String {
    match view.refused_by(leg.to) {
        0 => format!("devices are brought to what {} bundles first: a later release needs it", leg.from),
        1 => format!("{} refuses 1 device as it is; {} brings it along first", leg.to, leg.from),
        more => {
            format!("{} refuses {more} devices as they are; {} brings them along first", leg.to, leg.from)
        }
    }
}

/// Holds until there is such a listing. Which devices a hop would cut off, the path search has weighed already:
/// it is asked anew with every listing.
pub fn check(view: &View<'_>) -> Verdict {
    let Aim::Hop(leg) = view.aim else { return Verdict::Pass };
    let cleared =
        view.memory.cleared.as_ref().filter(|cleared| cleared.from == leg.from && cleared.to == leg.to);
    let Some(devices) = &view.observed.devices else {
        return Verdict::hold(Reason::ListingAwaited, "the list of devices has not been read yet", None);
    };
    if leg.rollout_first {
        return Verdict::hold(Reason::DevicesRefused, first(view, leg), None);
    }
    // A device that says nothing readable, or is not in the list, may be one that is cut off.
    let spare = view.travellers.may_leave_behind.saturating_sub(leg.left_behind);
    if devices.oddities.unaccounted() > spare {
        let crate::fleet::devices::Oddities { unreadable, missing, duplicates: _ } = devices.oddities;
        return Verdict::unknown(
            Reason::AnswerUnexpected,
            format!(
                "the authority's list of devices does not add up: {unreadable} unreadable, {missing} missing"
            ),
            Some(devices.finished),
        );
    }
    let listed = facts::check_devices(view);
    if !listed.passes() {
        return listed;
    }
    match cleared {
        Some(cleared) if devices.began > listing_since(view.facts, view.memory, cleared) => Verdict::Pass,
        Some(_) | None => Verdict::hold(
            Reason::ListingAwaited,
            "a list of devices begun after all other checks is awaited",
            None,
        ),
    }
}
