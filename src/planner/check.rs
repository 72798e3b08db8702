//! The safety rules once more, apart from the planner: a second pair of eyes on every decision.
//!
//! Restates the rules of ARCHITECTURE.md over what was observed and what was decided, and shares no gate with
//! the planner, so that a mistake in one is not a mistake in both. Every test runs it on every decision; in
//! production it guards each order to an authority, never storage in mid-hop: a server that is cut off must
//! not wait for a checker.

use jiff::{SignedDuration, Timestamp};

use super::desired::{Appliance, AutoUpgradeSwitch, DeviceUpgrade};
use super::memory::{Hop, HopServer, Means, Memory, WaitEvidence};
use super::observed::Switch;
use super::step::Step;
use super::words::MAX_MESSAGE;
use super::{Decision, Desired, Observed};
use crate::catalog::{Acceptance, Catalog, Version};
use crate::fleet::devices::{Device, DeviceState};
use crate::fleet::instants;
use crate::fleet::{ServerRole, Verification};

/// A rule that a decision breaks, as a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation(pub String);

/// What a decision was made from.
#[derive(Clone, Copy, Debug)]
pub struct Grounds<'a> {
    /// What was observed.
    pub observed: &'a Observed,
    /// What was wanted.
    pub desired: &'a Desired,
    /// What is documented.
    pub catalog: &'a Catalog,
    /// What was remembered.
    pub memory: &'a Memory,
    /// What the operator's clock showed.
    pub now: Timestamp,
}

/// All the rules that a decision breaks.
pub fn check(grounds: &Grounds<'_>, decision: &Decision) -> Vec<Violation> {
    let mut found = check_authority_order(grounds, decision);
    check_storage_orders(grounds, decision, &mut found);
    check_memory(grounds.memory, &decision.memory, &mut found);
    check_flags(grounds, decision, &mut found);
    if decision.report.message.chars().count() > MAX_MESSAGE {
        found.push(Violation(format!("the message is longer than {MAX_MESSAGE} characters")));
    }
    found
}

/// The rules that an order to the authority breaks: the guard in production.
pub fn check_authority_order(grounds: &Grounds<'_>, decision: &Decision) -> Vec<Violation> {
    let mut found = Vec::new();
    let (None, Some(hop)) = (&grounds.memory.hop, &decision.memory.hop) else { return found };
    let mut violated = |rule: String| found.push(Violation(rule));
    if hop.to <= hop.from {
        violated(format!("{} to {} is a downgrade", hop.from, hop.to));
    }
    if grounds.desired.appliance() != Appliance::SelfManaged {
        violated("the authority is, or may be, a managed appliance".into());
    }
    if hop.adopted {
        return found;
    }
    if !grounds.catalog.has_edge(hop.from, hop.to) {
        violated(format!("{} to {} is not documented", hop.from, hop.to));
    }
    let switch = grounds.observed.settings.map(|settings| settings.device_auto_upgrade);
    let allowed = grounds.desired.devices.auto_upgrade_switch == AutoUpgradeSwitch::Allow;
    if !allowed && switch != Some(Switch::Off) {
        violated("the auto-upgrade switch does not read off".into());
    }
    found.extend(check_wait(grounds, hop));
    found.extend(check_files(decision, hop));
    found.extend(check_servers(grounds, hop));
    found.extend(check_devices(grounds, hop));
    found
}

/// Every witness grants the wait of the release that is left.
fn check_wait(grounds: &Grounds<'_>, hop: &Hop) -> Option<Violation> {
    let Some(release) = grounds.catalog.release(hop.from) else {
        return Some(Violation(format!("nothing describes {}, so its wait is not known", hop.from)));
    };
    let length = release.post_upgrade_wait?;
    let Some(wait) = grounds.memory.wait.as_ref().filter(|wait| wait.release == hop.from) else {
        return Some(Violation(format!("nothing is remembered of the wait after {}", hop.from)));
    };
    let length = length.saturating_add(SignedDuration::from_secs(wait.down_seconds));
    let early =
        grounds.observed.witnesses.all().any(|witness| witness.duration_since(wait.started_at) < length);
    early.then(|| Violation(format!("the wait after {} is not over by every clock", hop.from)))
}

/// Every file of the hop was read to its end within a week, with the very sums that the hop has.
fn check_files(decision: &Decision, hop: &Hop) -> Vec<Violation> {
    let violated =
        |entry: &HopServer, what: &str| Violation(format!("{} is to be upgraded {what}", entry.name));
    let mut found = Vec::new();
    for entry in &hop.servers {
        let file = match &entry.means {
            Means::Workload(_) => continue,
            Means::Manual(means) => means.file.as_ref(),
            Means::Job(means) => means.file.as_ref(),
        };
        let Some(file) = file else {
            found.push(violated(entry, "without a file"));
            continue;
        };
        let is_remembered = decision.memory.files.contains(file) && file.release == hop.to;
        if !is_remembered || hop.started_at.duration_since(file.at) > SignedDuration::from_hours(7 * 24) {
            found.push(violated(entry, "with a file that was not checked lately"));
        }
    }
    found
}

/// Every own server is in the hop and verified at the release that is left.
fn check_servers(grounds: &Grounds<'_>, hop: &Hop) -> Vec<Violation> {
    let mut found = Vec::new();
    for server in
        grounds.observed.servers.iter().flat_map(|servers| &servers.list).filter(|server| server.is_own())
    {
        let entry = grounds.desired.storage_entry(&server.guid, &server.name);
        let retired = server.role == ServerRole::Storage
            && entry.is_some_and(|entry| matches!(entry.role, super::desired::StorageRole::Retired(_)));
        if retired {
            continue;
        }
        if !hop.servers.iter().any(|in_hop| in_hop.guid == server.guid) {
            found.push(Violation(format!("{} would be left behind", server.name)));
        }
        if server.verification(hop.from) != Verification::Verified {
            found.push(Violation(format!("{} is not verified at {}", server.name, hop.from)));
        }
    }
    found
}

/// No more live devices than allowed are refused by the next release.
fn check_devices(grounds: &Grounds<'_>, hop: &Hop) -> Option<Violation> {
    let Some(devices) = &grounds.observed.devices else {
        return Some(Violation("the devices are not known".into()));
    };
    let Some(release) = grounds.catalog.release(hop.to) else {
        return Some(Violation(format!(
            "nothing describes {}, so nobody knows which devices it accepts",
            hop.to
        )));
    };
    let policy = &grounds.desired.devices;
    let live_since = policy.live_since(devices);
    let (mut live, mut refused) = (0, 0);
    for device in devices.rows().iter().filter(|device| device.state == DeviceState::Active) {
        let exempt = policy.exempt.iter().any(|(guid, _)| *guid == device.guid);
        let readable = device.version.filter(|_| !exempt && device.seen_since(live_since));
        if let Some(version) = readable {
            live += 1;
            let acceptance = release.acceptance(device.product, device.os, version);
            refused += u64::from(acceptance == Acceptance::Refused);
        }
    }
    let most = policy.leave_behind.at_most(live);
    (refused > most).then(|| Violation(format!("{refused} live devices would be cut off; {most} may be")))
}

/// Storage goes only after its authority, and never two of the first.
fn check_storage_orders(grounds: &Grounds<'_>, decision: &Decision, found: &mut Vec<Violation>) {
    let hop = decision.memory.hop.as_ref();
    let ordered: Vec<&HopServer> = decision
        .steps
        .iter()
        .filter_map(|step| match step {
            Step::UpgradeServer { guid, .. } | Step::RunUpgradeJob { guid, .. } => {
                Some(hop.and_then(|hop| hop.servers.iter().find(|entry| entry.guid == *guid)))
            }
            _ => None,
        })
        .filter_map(|entry| {
            if entry.is_none() {
                found.push(Violation("a server is ordered that no hop in memory has".into()));
            }
            entry
        })
        .collect();
    let Some(hop) = hop else { return };
    let authority_done = hop
        .servers
        .iter()
        .filter(|entry| entry.role == ServerRole::Authority)
        .all(|entry| entry.verified_at.is_some());
    let mut violated = |rule: String| found.push(Violation(rule));
    for entry in ordered {
        if entry.ordered_at.is_none() {
            violated(format!("{} is ordered before memory says so", entry.name));
        }
        if entry.role == ServerRole::Storage && !authority_done {
            violated(format!("{} is ordered before its authority is verified", entry.name));
        }
        let above = grounds.observed.server(&entry.guid).and_then(|server| server.version);
        if above.is_some_and(|version| version > hop.to) {
            violated(format!("{} would be downgraded", entry.name));
        }
    }
    let storage = || hop.servers.iter().filter(|entry| entry.role == ServerRole::Storage);
    let in_flight =
        storage().filter(|entry| entry.ordered_at.is_some() && entry.verified_at.is_none()).count();
    let proven = storage().filter(|entry| entry.verified_at.is_some()).count();
    let first = usize::try_from(hop.at_once.first.max(1)).unwrap_or(1);
    let then = usize::try_from(hop.at_once.then.max(1)).unwrap_or(1);
    if in_flight > if proven < first { first } else { then.max(first) } {
        violated(format!("{in_flight} storage servers are in flight at once"));
    }
}

/// What memory must never do.
fn check_memory(before: &Memory, after: &Memory, found: &mut Vec<Violation>) {
    let mut violated = |rule: &str| found.push(Violation(rule.to_owned()));
    if before.authority_guid.is_some() && before.authority_guid != after.authority_guid {
        violated("the pinned authority changed");
    }
    let settled_anew = before.restored.is_some() && after.restored.is_none();
    if before.high_water_mark > after.high_water_mark && !settled_anew {
        violated("the high-water mark fell");
    }
    if let (Some(was), Some(is)) = (&before.wait, &after.wait)
        && was.release == is.release
        && is.until(SignedDuration::ZERO, is.started_at) < was.until(SignedDuration::ZERO, was.started_at)
        // The spec told of the time before the operator came.
        && (is.evidence, was.evidence) != (WaitEvidence::LastUpgrade, WaitEvidence::FirstObserved)
        && !settled_anew
    {
        violated("a wait was shortened");
    }
    if let (Some(was), Some(is)) = (&before.hop, &after.hop)
        && (was.to != is.to || was.from != is.from || was.started_at != is.started_at)
    {
        violated("the hop in flight became another");
    }
    for is in &after.rollouts {
        let was = before.rollouts.iter().find(|was| was.group == is.group && was.id == is.id);
        if was.is_some_and(|was| was.threshold > is.threshold) {
            violated("a threshold fell");
        }
        if is.threshold.is_some_and(|threshold| threshold > is.limit) {
            violated("a threshold passed the limit of its wave");
        }
        if is.marks.len() > 16 {
            violated("a rollout keeps more than 16 marks");
        }
    }
}

/// Devices are flagged only within what memory released, online, behind, and not too many at once.
fn check_flags(grounds: &Grounds<'_>, decision: &Decision, found: &mut Vec<Violation>) {
    let mut violated = |rule: String| found.push(Violation(rule));
    let policy = &grounds.desired.devices;
    let mut flagged = 0;
    for step in &decision.steps {
        let Step::FlagDevices { group, release, devices } = step else { continue };
        flagged += devices.len();
        let rollout = decision.memory.rollouts.iter().find(|rollout| rollout.group == *group);
        let wanted = policy.groups.iter().find(|wanted| wanted.name == *group);
        if rollout.is_none_or(|rollout| rollout.halted_at.is_some())
            || wanted.is_none_or(|wanted| wanted.held)
        {
            violated(format!("group {group} is flagged although it is halted, held or unknown"));
        }
        let threshold = rollout.and_then(|rollout| rollout.threshold);
        let online_since = instants::before(grounds.now, SignedDuration::from_mins(15));
        for order in devices {
            let Some(device) = grounds.observed.devices.as_ref().and_then(|devices| devices.find(order.guid))
            else {
                violated(format!("device {} is flagged and not listed", order.guid));
                continue;
            };
            if threshold.is_none_or(|threshold| device.rank > threshold) {
                violated(format!("device {} is flagged beyond the threshold", order.guid));
            }
            let target = target_of(grounds, *release, device);
            if target.zip(device.version).is_none_or(|(target, version)| version >= target) {
                violated(format!("device {} is flagged although it is not behind", order.guid));
            }
            let first = rollout.and_then(|rollout| rollout.first.as_ref());
            let is_first = first.filter(|first| first.moved_at.is_none()).is_some_and(|first| {
                let mut before = first.before.iter().filter_map(|guid| guid.0.parse::<u64>().ok());
                first.guid == order.guid || before.any(|guid| guid == order.guid)
            });
            // The first device, or one tried before it, is flagged again after a crash, wherever it is by then: the order was given.
            if !is_first && !device.seen_since(online_since) {
                violated(format!("device {} is flagged although it is not online", order.guid));
            }
        }
    }
    if flagged > 0 {
        let under_way = flagged + devices_under_way(grounds);
        if under_way > usize::try_from(policy.max_in_flight).unwrap_or(usize::MAX) {
            violated(format!("{under_way} devices are under way; {} may be", policy.max_in_flight));
        }
    }
    if flagged > usize::try_from(policy.rate_per_minute).unwrap_or(usize::MAX) {
        violated(format!(
            "{flagged} devices are flagged at once; the rate is {} a minute",
            policy.rate_per_minute
        ));
    }
}

/// Devices that this process told within a day, and that were not seen at another version since, nor connected for so long that they
/// failed.
fn devices_under_way(grounds: &Grounds<'_>) -> usize {
    let Some(devices) = &grounds.observed.devices else { return 0 };
    let Some(settled) = &grounds.memory.settled else { return 0 };
    let sightings = grounds.observed.watch.sightings(devices);
    let is_under_way = |(row, device): &(usize, &Device)| {
        let seen = sightings.of(*row, device);
        let lately = instants::before(grounds.now, SignedDuration::from_hours(24));
        let target = target_of(grounds, settled.release, device);
        seen.told_at.is_some_and(|told| told > lately)
            && device.state == DeviceState::Active
            && target.is_some_and(|target| device.version.is_none_or(|version| version < target))
            && seen.connected < SignedDuration::from_mins(90)
            && !seen.fell_back
    };
    devices.rows().iter().enumerate().filter(is_under_way).count()
}

/// What a device is to run at a release: what that bundles, or what the spec says that was added at the authority.
fn target_of(grounds: &Grounds<'_>, release: Version, device: &Device) -> Option<Version> {
    let policy = &grounds.desired.devices;
    match policy.upgrade {
        DeviceUpgrade::ServerOffered => policy
            .offered
            .iter()
            .find(|app| app.product == device.product && app.os.is_none_or(|os| os == device.os))
            .map(|app| app.version),
        DeviceUpgrade::Bundled | DeviceUpgrade::None => {
            grounds.catalog.release(release)?.bundled(device.product, device.os)
        }
    }
}
