//! How devices are brought along.

use jiff::SignedDuration;

use crate::api::code_upgrade::devices::{DeviceGroupSpec, DevicesSpec, LeaveBehindSpec, OfferedAppSpec};
use crate::api::share::CountOrPercent;
use crate::catalog::Product;
use crate::fleet::{GroupKeys, GroupRule};
use crate::planner::desired::{AutoUpgradeSwitch, DevicePolicy, DeviceUpgrade, Group, OfferedApp, Share};
use crate::translate::reading::Reading;

/// A device silent for longer is stale, where the spec does not say.
const UNSEEN_FOR: SignedDuration = SignedDuration::from_hours(30 * 24);
/// How many live devices a hop may cut off, where the spec does not say: none.
const LEAVE_BEHIND: Share = Share::Count(0);
/// Most devices flagged and not yet done, where the spec does not say.
const MAX_IN_FLIGHT: u32 = 200;
/// Most devices flagged in a minute, where the spec does not say.
const RATE_PER_MINUTE: u32 = 20;
/// The pause after a wave, where the spec does not say.
const PAUSE: SignedDuration = SignedDuration::from_hours(24);
/// Failures that halt a group, where the spec does not say.
const MAX_FAILURES: Share = Share::BasisPoints(200);
/// The share of a wave that releases every device of a group.
const ALL: Share = Share::BasisPoints(10_000);

/// How devices are brought along.
pub(super) fn policy(reading: &mut Reading, spec: Option<&DevicesSpec>) -> DevicePolicy {
    let absent = DevicesSpec {
        upgrade: DeviceUpgrade::None,
        offered: Vec::new(),
        auto_upgrade_switch: AutoUpgradeSwitch::RequireOff,
        leave_behind: None,
        max_in_flight: None,
        rate_per_minute: None,
        waves: None,
        pause: None,
        max_failures: None,
        groups: Vec::new(),
    };
    let DevicesSpec {
        upgrade,
        offered: offered_specs,
        auto_upgrade_switch,
        leave_behind,
        max_in_flight,
        rate_per_minute,
        waves: common_waves,
        pause,
        max_failures,
        groups: _,
    } = spec.unwrap_or(&absent);
    let LeaveBehindSpec { unseen_for, at_most, exempt } = leave_behind.clone().unwrap_or_default();
    let pace = Pace {
        waves: common_waves
            .as_ref()
            .map_or_else(|| vec![ALL], |given| waves(reading, "spec.devices.waves", given)),
        pause: reading.duration_or("spec.devices.pause", pause.as_deref(), PAUSE),
        max_failures: share_or(reading, "spec.devices.maxFailures", max_failures.as_ref(), MAX_FAILURES),
    };
    DevicePolicy {
        upgrade: *upgrade,
        offered: offered(reading, *upgrade, offered_specs),
        auto_upgrade_switch: *auto_upgrade_switch,
        unseen_for: reading.duration_or(
            "spec.devices.leaveBehind.unseenFor",
            unseen_for.as_deref(),
            UNSEEN_FOR,
        ),
        leave_behind: share_or(reading, "spec.devices.leaveBehind.atMost", at_most.as_ref(), LEAVE_BEHIND),
        exempt: {
            let mut devices = Vec::new();
            for (index, device) in exempt.iter().enumerate() {
                let field = format!("spec.devices.leaveBehind.exempt[{index}].guid");
                devices.extend(
                    reading.device_guid(&field, &device.guid).map(|guid| (guid, device.reason.clone())),
                );
            }
            reading.unique("spec.devices.leaveBehind.exempt", ".guid", devices.iter().map(|(guid, _)| *guid));
            devices.sort();
            devices
        },
        max_in_flight: max_in_flight.unwrap_or(MAX_IN_FLIGHT),
        rate_per_minute: rate_per_minute.unwrap_or(RATE_PER_MINUTE),
        groups: groups(reading, spec.map_or(&[], |spec| &spec.groups), &pace),
    }
}

/// What was added at the authority; needed where devices get what it offers, and only there.
fn offered(reading: &mut Reading, upgrade: DeviceUpgrade, specs: &[OfferedAppSpec]) -> Vec<OfferedApp> {
    let list = "spec.devices.offered";
    match (upgrade, specs.is_empty()) {
        (DeviceUpgrade::ServerOffered, true) => {
            let mend = "write what was added at the authority, such as [{os: Windows, version: 6.0.3}]";
            reading.note(list, "it is not clear what the authority offers", mend);
        }
        (DeviceUpgrade::Bundled | DeviceUpgrade::None, false) => {
            let mend = "set spec.devices.upgrade to ServerOffered, or leave the list out";
            reading.note(list, "only ServerOffered reads it", mend);
        }
        (DeviceUpgrade::ServerOffered, false) | (DeviceUpgrade::Bundled | DeviceUpgrade::None, true) => {}
    }
    let mut apps = Vec::new();
    for (index, OfferedAppSpec { product, os, version }) in specs.iter().enumerate() {
        let field = format!("{list}[{index}]");
        if *product == Product::SharePlanMobile {
            let mend = "leave it out: mobile apps come from app stores";
            reading.note(format!("{field}.product"), "no server pushes mobile apps", mend);
        }
        let version = reading.version(&format!("{field}.version"), version);
        apps.extend(version.map(|version| OfferedApp { product: *product, os: *os, version }));
    }
    let named =
        |app: &OfferedApp| app.os.map_or(app.product.to_string(), |os| format!("{} on {os}", app.product));
    reading.unique(list, ".os", apps.iter().map(named));
    apps
}

/// What a group inherits.
struct Pace {
    waves: Vec<Share>,
    pause: SignedDuration,
    max_failures: Share,
}

/// The groups as they count: those listed, or else one of all devices.
fn groups(reading: &mut Reading, specs: &[DeviceGroupSpec], pace: &Pace) -> Vec<Group> {
    if specs.is_empty() {
        return vec![Group {
            name: "all".to_owned(),
            rule: GroupRule::all(),
            held: false,
            waves: pace.waves.clone(),
            pause: pace.pause,
            max_failures: pace.max_failures,
        }];
    }
    reading.unique("spec.devices.groups", ".name", specs.iter().map(|group| &group.name));
    let specs = specs.iter().enumerate();
    specs
        .map(|(index, spec)| {
            let field = format!("spec.devices.groups[{index}]");
            Group {
                name: spec.name.clone(),
                rule: rule(reading, &field, spec),
                held: spec.hold,
                waves: match &spec.waves {
                    Some(given) => waves(reading, &format!("{field}.waves"), given),
                    None => pace.waves.clone(),
                },
                pause: reading.duration_or(&format!("{field}.pause"), spec.pause.as_deref(), pace.pause),
                max_failures: share_or(
                    reading,
                    &format!("{field}.maxFailures"),
                    spec.max_failures.as_ref(),
                    pace.max_failures,
                ),
            }
        })
        .collect()
}

/// What a group matches.
fn rule(reading: &mut Reading, field: &str, spec: &DeviceGroupSpec) -> GroupRule {
    let DeviceGroupSpec {
        name: _,
        all,
        orgs,
        os,
        products,
        names,
        guids,
        hold: _,
        waves: _,
        pause: _,
        max_failures: _,
    } = spec;
    let has_keys = orgs.is_some() || os.is_some() || products.is_some() || names.is_some() || guids.is_some();
    if has_keys == *all {
        let mend = "write at least one of orgs, os, products, names and guids, or else all: true";
        reading.note(field, "it is not clear which devices the group means", mend);
    }
    let guids = guids.as_ref().map(|guids| {
        let guids = guids.iter().enumerate();
        guids
            .filter_map(|(index, guid)| reading.device_guid(&format!("{field}.guids[{index}]"), guid))
            .collect()
    });
    GroupRule::new(GroupKeys {
        organisations: orgs.clone(),
        os: os.clone(),
        products: products.clone(),
        names: names.clone(),
        guids,
    })
}

fn share_or(reading: &mut Reading, field: &str, given: Option<&CountOrPercent>, default: Share) -> Share {
    given.and_then(|given| reading.share(field, given)).unwrap_or(default)
}

/// Cumulative waves: each larger than the one before it of its kind, and the last is everything.
fn waves(reading: &mut Reading, list: &str, given: &[CountOrPercent]) -> Vec<Share> {
    let mut waves: Vec<Share> = Vec::new();
    let mut largest = (0, 0);
    for (index, wave) in given.iter().enumerate() {
        let field = format!("{list}[{index}]");
        let Some(share) = reading.share(&field, wave) else { continue };
        let grows = match share {
            Share::Count(count) => std::mem::replace(&mut largest.0, count) < count,
            Share::BasisPoints(points) => std::mem::replace(&mut largest.1, points) < points,
        };
        if !grows {
            let mend = "waves are cumulative: let each be larger than the one before";
            reading.note(field, "the wave releases nothing that was not released before", mend);
        }
        waves.push(share);
    }
    if waves.last() != Some(&ALL) {
        let mend = "end the list with \"100%\", or leave it out";
        reading.note(list, "the last wave does not release everything", mend);
    }
    waves
}
