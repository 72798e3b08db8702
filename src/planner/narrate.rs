//! A decision in words: phase, sentence, conditions, tables.

mod conditions;
pub(super) mod headline;
mod rolling_out;
mod servers;

use self::headline::{Headline, held_by};
use super::aim::Aim;
use super::cadence::SERVERS_AT_REST;
use super::desired::DeviceUpgrade;
use super::draft::{Draft, View};
use super::facts::Facts;
use super::findings::{Failing, Findings};
use super::hooks::Answer;
use super::hop::trouble::refusal_mend;
use super::memory::{Hop, HopServer, Means, VerifiedFile};
use super::observed::{Access, AccessFailure, Catch, Ending};
use super::report::{
    BackupsInterrupted, DevicesReport, Gate, GateName, Now, Phase, Report, ServerState, Verdict,
};
use super::rollout::{self, Judge, Judged};
use super::standing::Standing;
use super::{Decision, Reason, Telling, Wants, asks, durations, files, gates, held_images, hop, plan, words};
use crate::catalog::Version;
use crate::fleet::streak::VERIFYING_SPAN;
use crate::fleet::{Server, ServerRole, Verification, instants};

/// The share of devices that must be done, in percent of those that are not stale.
const DONE_AT_PERCENT: u64 = 95;

/// Below this share what was done is done no more.
const UNDONE_BELOW_PERCENT: u64 = 90;

/// The report of a decision.
pub(super) fn report(view: &View<'_>, findings: &Findings) -> Report {
    let headline = headline(view, findings);
    let devices = devices(view, findings);
    let servers = servers::all(view, findings);
    let target = view.desired.target;
    let wanted = target.or(view.situation.at());
    let current = view.situation.own().filter(|server| is_current(view, server, wanted));
    let mut report = Report {
        phase: headline.phase,
        reason: headline.reason,
        message: words::bounded(headline.message),
        mend: headline.mend,
        until: headline.until,
        at: view.situation.at(),
        target,
        servers_current: u32::try_from(current.count()).unwrap_or(u32::MAX),
        servers_total: u32::try_from(view.situation.own().count()).unwrap_or(u32::MAX),
        asks: asks::list(view, findings, headline.phase),
        gates: findings.every_gate(),
        now: now(view, findings),
        servers,
        files: files::report(view),
        backups_interrupted: backups_interrupted(view),
        devices,
        plan: plan::items(view, findings.path.as_ref(), &findings.gates, &findings.rollout_gates),
        available: plan::available(view),
        held_images: held_images::list(view),
        conditions: Vec::new(),
    };
    report.conditions = conditions::all(view, &report);
    report
}

/// Whether a server is online and verified at a release: by its answers, or since it was settled there and nothing contradicts it.
fn is_current(view: &View<'_>, server: &Server, wanted: Option<Version>) -> bool {
    let Some(wanted) = wanted.filter(|wanted| server.online && server.version == Some(*wanted)) else {
        return false;
    };
    let settled = view.memory.settled.as_ref().filter(|settled| settled.release == wanted);
    let was_verified = settled.is_some_and(|settled| settled.servers.binary_search(&server.guid).is_ok());
    was_verified || server.verification(wanted) == Verification::Verified
}

/// What leads, and with it the retired server that nobody expects.
fn headline(view: &View<'_>, findings: &Findings) -> Headline {
    with_waiting_image(view, with_returned(view, leading(view, findings)))
}

fn leading(view: &View<'_>, findings: &Findings) -> Headline {
    let headline = due(view, findings);
    match &findings.failing {
        Some(Failing { purpose, why, mend }) if headline.phase != Phase::Stalled => {
            let message = format!("{purpose} fails: {why}");
            let failing = Headline::new(Phase::Stalled, Reason::StepFailed, message);
            // Uncut: the sentence may have no room for the reason.
            Headline { mend: Some(format!("{mend} ({why})")), ..failing }
        }
        Some(_) | None => headline,
    }
}

/// What is due, or holds it.
fn due(view: &View<'_>, findings: &Findings) -> Headline {
    let rest_of_everything = gates::leading(&gates_worth_a_word(view, findings)).cloned();
    let rest_of_everything = rest_of_everything.as_ref();
    if let (Some(hop), Some(progress)) = (&view.memory.hop, &findings.hop) {
        return in_hop(view, hop, progress);
    }
    if view.desired.deleted {
        return Headline::new(
            Phase::Waiting,
            Reason::Deleting,
            "the object is being deleted; nothing starts",
        );
    }
    if view.facts.observed.ending == Ending::WithoutTheOperator {
        let message = "the operator is being removed: its catches are open, and nothing starts";
        return Headline::new(Phase::Waiting, Reason::HandingBack, message);
    }
    if view.desired.target.is_none() {
        return observing(view, rest_of_everything);
    }
    if let Some(rollout) = &findings.rollout
        && let Aim::Hop(_) = view.aim
        && rest_of_everything.is_none_or(|gate| gate.name == GateName::Compatibility)
    {
        return match gates::leading(&findings.rollout_gates) {
            Some(gate) => held_by(view, gate),
            None => rolling_out::rolling_out(view, findings, rollout),
        };
    }
    if let Some(gate) = rest_of_everything {
        return held_by(view, gate);
    }
    if let Some(headline) = lapsed_by_servers(view) {
        return headline;
    }
    // What is done stays done: a closed window or an approval of devices has nothing left to hold. A list that lacks devices which are
    // connected is news all the same: the account of the Secret has lost some of its rights.
    let matters = |gate: &&Gate| {
        let is_unlisted = gate.name == GateName::Facts && matches!(gate.verdict, Verdict::Refuse { .. });
        !view.memory.is_done() || gate.name == GateName::Paused || is_unlisted
    };
    let of_devices = gates::leading(&findings.rollout_gates).filter(matters);
    if let Some(gate) = of_devices {
        return held_by(view, gate);
    }
    if let Some(done) = view.memory.done.as_ref().filter(|_| view.memory.is_done()) {
        let mut message = format!("{} on all {}", done.release, words::count(own(view), "server"));
        if let (Some(rollout), true) = (&findings.rollout, view.observed.devices.is_some()) {
            let (done, total) = rollout
                .groups
                .iter()
                .fold((0, 0), |(done, total), group| (done + group.done, total + group.total));
            message = format!("{message}; {done} of {} done", words::count(total, "device"));
        }
        return Headline::new(Phase::Done, Reason::Done, message);
    }
    if let Some(rollout) = &findings.rollout {
        return rolling_out::rolling_out(view, findings, rollout);
    }
    Headline::new(Phase::Checking, Reason::ListingAwaited, "the devices are being listed")
}

/// The gates that are worth a word. At rest, an answer that is missing for a moment contradicts nothing that was read a moment
/// before: it holds what would begin, and it is told when it lasts.
fn gates_worth_a_word(view: &View<'_>, findings: &Findings) -> Vec<Gate> {
    let is_resting = matches!(view.aim, Aim::Nothing) && view.memory.settled.is_some();
    let is_moment = match &view.observed.access {
        Access::Failed { failure: AccessFailure::Unreachable | AccessFailure::Unexpected, since, .. } => {
            view.monotonic().duration_since(*since) < VERIFYING_SPAN
        }
        Access::Failed { .. } | Access::Good | Access::NotYet => false,
    };
    let is_told =
        |gate: &&Gate| !(gate.name == GateName::Access && is_resting && is_moment && view.situation.fresh);
    findings.gates.iter().filter(is_told).cloned().collect()
}

/// A retired server that is back at an older release takes no backups and nobody upgrades it: somebody must decide what it is.
fn with_returned(view: &View<'_>, headline: Headline) -> Headline {
    let at = view.memory.hop.as_ref().map(|hop| hop.to).or(view.situation.at());
    let is_behind =
        |server: &&&Server| at.is_some_and(|at| matches!(server.verification(at), Verification::Below(_)));
    let Some(server) = view.situation.retired.iter().find(is_behind).filter(|_| view.situation.fresh) else {
        return headline;
    };
    let release = server.version.map_or_else(String::new, |version| format!(" at {version}"));
    let longer = format!("{}; {}, retired, is back{release}", headline.message, server.name);
    let message = if longer.chars().count() <= words::MAX_MESSAGE { longer } else { headline.message };
    let mend = headline.mend.or_else(|| {
        Some(format!(
            "{} is retired in spec.storage and back{release}, where it takes no backups: switch it off, or give it a method there",
            server.name
        ))
    });
    Headline { message, mend, ..headline }
}

/// Another image than the one that runs waits behind a catch: a workload that is scaled to nothing and back would start it. One that
/// the next hop is for is no surprise, until then.
fn with_waiting_image(view: &View<'_>, headline: Headline) -> Headline {
    if view.memory.hop.is_some() {
        return headline;
    }
    let awaited = view.to().and_then(|to| view.desired.source(to)).and_then(|source| source.image.as_ref());
    let waiting = view.facts.with_methods().find_map(|(_, method)| {
        let workload = method.workload()?;
        let facts = view.observed.workload(&workload)?;
        let running = facts.running_image.as_ref()?;
        let waits = *running != facts.template_image && awaited != Some(&facts.template_image);
        (waits && facts.catch == Catch::Held).then(|| (workload, running.clone()))
    });
    let Some((workload, running)) = waiting else { return headline };
    let longer = format!("{}; {workload} has another image than its pod", headline.message);
    let message = if longer.chars().count() <= words::MAX_MESSAGE { longer } else { headline.message };
    let mend = headline.mend.or_else(|| {
        Some(format!(
            "set the image of {workload} back to {running}; until then its catch holds, unless it is scaled to 0 and back"
        ))
    });
    Headline { message, mend, ..headline }
}

/// Everything was done, and a server is down since.
fn lapsed_by_servers(view: &View<'_>) -> Option<Headline> {
    let done = view.memory.done.as_ref().filter(|done| done.lapsed_at.is_some())?;
    view.situation.down().next()?;
    let verdict = gates::health::offline(view, &format!("{} is done but for that", done.release));
    Some(held_by(view, &Gate { name: GateName::Health, verdict }))
}

fn own(view: &View<'_>) -> u64 {
    view.situation.own().count() as u64
}

fn observing(view: &View<'_>, gate: Option<&Gate>) -> Headline {
    if let Some(gate) = gate.filter(|gate| gate.name != GateName::Adoption) {
        return held_by(view, gate);
    }
    let at =
        view.situation.at().map_or_else(|| "an unknown release".to_owned(), |version| version.to_string());
    let reach = plan::available(view)
        .first()
        .map_or_else(String::new, |newest| format!("; {} can be reached", newest.release));
    let message = format!("observing {} at {at}{reach}", words::count(own(view), "server"));
    Headline::new(Phase::Observing, Reason::Observing, message)
}

fn in_hop(view: &View<'_>, hop: &Hop, progress: &hop::Progress) -> Headline {
    if let Standing::RestoredByHand { .. } = view.standing {
        let gate = Gate { name: GateName::Restore, verdict: gates::restore::check(view) };
        return held_by(view, &gate);
    }
    if let Some(headline) = out_of_sight(view, hop) {
        return headline;
    }
    let in_trouble = progress.servers.iter().find_map(|server| Some((server, server.trouble.as_ref()?)));
    if let Some((server, trouble)) = in_trouble {
        let message = format!("{}: {}", server.name, trouble.message());
        let headline = Headline::new(Phase::Stalled, trouble.reason(), message);
        return Headline { mend: Some(trouble.mend()), ..headline };
    }
    if let Some(hop::AskedOfHop { occasion, answer: Answer::No { hook, how } }) = &progress.asked {
        let message = format!("{occasion}: hook {hook} {how}");
        let headline = Headline::new(Phase::Stalled, Reason::HookFailed, message);
        return Headline { mend: Some(refusal_mend(hook)), ..headline };
    }
    if view.memory.paused.as_ref().is_some_and(|paused| paused.now) {
        let gate = Gate { name: GateName::Paused, verdict: gates::paused::check(view) };
        return held_by(view, &gate);
    }
    if let Some(server) = progress.servers.iter().find(|server| server.state == ServerState::AwaitingPerson) {
        return by_hand(hop, server);
    }
    with_what_comes_after(view, hop, under_way(view, hop, progress))
}

/// A person upgrades a server, with the file that was verified.
fn by_hand(hop: &Hop, server: &hop::ServerProgress) -> Headline {
    let entry = hop.servers.iter().find(|entry| entry.guid == server.guid);
    let file = entry.and_then(|entry| match &entry.means {
        Means::Manual(means) => means.file.as_ref(),
        Means::Workload(_) | Means::Job(_) => None,
    });
    let asked = format!("upgrade {} to {} by hand now", server.name, hop.to);
    let goes_on = "the hop goes on by itself when it reports it";
    let (message, mend) = match file {
        None => (asked, format!("install {} on {}; {goes_on}", hop.to, server.name)),
        Some(file) => {
            let longer = format!("{asked}: {}, MD5 {}", file.name(), file.md5);
            let fits = longer.chars().count() <= words::MAX_MESSAGE;
            let VerifiedFile { mirror, md5, sha256, size, .. } = file;
            let mend = format!(
                "install it on {}; {goes_on}. File: {mirror} ({size} bytes, MD5 {md5}, SHA-256 {sha256})",
                server.name
            );
            (if fits { longer } else { asked }, mend)
        }
    };
    let headline = Headline::new(Phase::Suspended, Reason::ManualStep, message);
    Headline { mend: Some(mend), ..headline }
}

/// Which servers are being upgraded, and what that costs meanwhile.
fn under_way(view: &View<'_>, hop: &Hop, progress: &hop::Progress) -> Headline {
    let in_flight: Vec<&hop::ServerProgress> = progress
        .servers
        .iter()
        .filter(|server| matches!(server.state, ServerState::Upgrading | ServerState::Verifying))
        .collect();
    if let Some(headline) = asking(view, progress) {
        return headline;
    }
    if in_flight.is_empty() && progress.servers.iter().all(|server| server.state == ServerState::Current) {
        let message = format!("all servers are at {}; their catches are being closed", hop.to);
        return Headline::new(Phase::Upgrading, Reason::Upgrading, message);
    }
    let pending = progress.servers.iter().find(|server| server.state == ServerState::Pending);
    if let (true, Some(next)) = (in_flight.is_empty(), pending) {
        let message = format!("{} is to be ordered next, to {}", next.name, hop.to);
        return Headline::new(Phase::Upgrading, Reason::Upgrading, message);
    }
    let upgrading = in_flight.iter().filter(|server| server.state == ServerState::Upgrading);
    let since = upgrading.filter_map(|server| server.since).min();
    let is_slow = since.is_some_and(|since| view.now.duration_since(since) >= durations::SERVER_SLOW_AFTER);
    let reason = if is_slow { Reason::Slow } else { Reason::Upgrading };
    let slow = if is_slow { "slow: " } else { "" };
    let names = words::list(in_flight.iter().map(|server| &server.name), 2);
    let done = progress.servers.iter().filter(|server| server.state == ServerState::Current).count();
    let message = match backups_interrupted(view) {
        Some(cut) if cut.servers > 0 && done > 0 => format!(
            "{slow}upgrading {names} to {}; {} without backups since {}",
            hop.to,
            words::count(u64::from(cut.servers), "server"),
            words::past(cut.since)
        ),
        Some(_) | None => {
            format!("{slow}upgrading {names} to {} ({done} of {} done)", hop.to, progress.servers.len())
        }
    };
    let until = since.map(|since| instants::after(since, durations::SERVER_TAKES_AT_MOST));
    Headline { until: until.filter(|_| !is_slow), ..Headline::new(Phase::Upgrading, reason, message) }
}

/// The hook that is asked, where nothing is being upgraded meanwhile.
fn asking(view: &View<'_>, progress: &hop::Progress) -> Option<Headline> {
    let hop::AskedOfHop { occasion, answer } = progress.asked.as_ref()?;
    let Answer::NotYet(awaited) = answer else { return None };
    if progress.servers.iter().any(|server| server.state == ServerState::Upgrading) {
        return None;
    }
    let asked = awaited.message(&occasion.to_string());
    let message = match backups_interrupted(view).filter(|cut| cut.servers > 0) {
        Some(cut) => format!(
            "{asked}; {} without backups since {}",
            words::count(u64::from(cut.servers), "server"),
            words::past(cut.since)
        ),
        None => asked,
    };
    Some(Headline::of_hooks(awaited, Phase::Upgrading, message))
}

/// Why nobody can see how the hop goes. An authority that is being upgraded is expected to be silent for a while.
fn out_of_sight(view: &View<'_>, hop: &Hop) -> Option<Headline> {
    let Access::Failed { failure, since, .. } = &view.observed.access else { return None };
    if view.monotonic().duration_since(*since) < VERIFYING_SPAN {
        return None;
    }
    let in_flight = |entry: &HopServer| entry.role == ServerRole::Authority && entry.verified_at.is_none();
    match failure {
        AccessFailure::Unreachable | AccessFailure::Unexpected if hop.servers.iter().any(in_flight) => None,
        AccessFailure::Unreachable
        | AccessFailure::Unexpected
        | AccessFailure::TooMuch
        | AccessFailure::SecretMissing
        | AccessFailure::SecretIncomplete
        | AccessFailure::SecretForbidden
        | AccessFailure::SecretForOtherHost
        | AccessFailure::AccountNotUsable
        | AccessFailure::HostDenied
        | AccessFailure::CertificateAuthorityMissing
        | AccessFailure::Untrusted
        | AccessFailure::Refused
        | AccessFailure::Forbidden => {
            let gate = Gate { name: GateName::Access, verdict: gates::access::check(view) };
            Some(held_by(view, &gate))
        }
    }
}

/// What is wrong with the spec is said while the hop goes on, since it holds what comes after.
fn with_what_comes_after(view: &View<'_>, hop: &Hop, headline: Headline) -> Headline {
    let checks = [
        gates::spec::check(view),
        gates::storage::check(view),
        gates::path::check_after(view, hop.to),
        gates::files::check_after(view, hop.to),
    ];
    let refusal = checks.into_iter().find_map(|verdict| match verdict {
        Verdict::Refuse { message, mend, .. } => Some((message, mend)),
        Verdict::Pass | Verdict::Hold { .. } | Verdict::Unknown { .. } => None,
    });
    let Some((problem, mend)) = refusal else { return headline };
    let longer = format!("{}; then: {problem}", headline.message);
    let fits = longer.chars().count() <= words::MAX_MESSAGE;
    let message = if fits { longer } else { headline.message.clone() };
    Headline { message, mend: Some(format!("after the hop: {problem}: {mend}")), ..headline }
}

/// The devices counted against the release that they follow; before they follow any, against the wanted one.
pub(super) fn overview(view: &View<'_>, findings: &Findings) -> Option<rollout::Overview> {
    let devices = view.observed.devices.as_ref()?;
    let release = rollout::judged_by(view.desired, view.memory, view.situation.at());
    let judged = Judged::by(release.and_then(|release| view.catalog.release(release)), view.desired);
    let judge = Judge::before_losses(devices, &judged, view.desired, view.memory, &view.observed.watch);
    let losses = findings.rollout.as_ref().map(|rollout| &rollout.losses[..]);
    Some(rollout::overview(
        &view.observed.surveys,
        devices,
        &judge,
        losses,
        view.travellers.census.as_deref()?,
    ))
}

fn devices(view: &View<'_>, findings: &Findings) -> DevicesReport {
    let Some(overview) = &findings.overview else { return DevicesReport::default() };
    let release = view.memory.settled.as_ref().map(|settled| settled.release).or(view.situation.at());
    let groups = findings.rollout.as_ref().map_or_else(Vec::new, |rollout| rollout.groups.clone());
    DevicesReport {
        known: true,
        judged: overview.judged,
        total: overview.total,
        done: overview.done(),
        verdicts: overview.verdicts,
        stale: overview.stale,
        apps: overview.apps.clone(),
        other_apps: overview.other_apps,
        estimate: findings.rollout.as_ref().and_then(|rollout| rollout.estimate),
        refused: release.map_or(0, |release| view.refused_by(release)),
        unmatched: overview.unmatched,
        unaccounted: view.observed.devices.as_ref().map_or(0, |devices| devices.without_row()),
        groups,
    }
}

/// Whether devices are where the target wants them: every group fully released and complete, and at least 95 % of
/// those that are not stale done. Nothing to do counts as done.
pub(super) fn devices_are_done(findings: &Findings) -> bool {
    let (Some(rollout), Some(overview)) = (&findings.rollout, &findings.overview) else { return false };
    rollout.complete
        && rollout.halted.is_none()
        && overview.in_held_group == 0
        && is_share_done(overview, DONE_AT_PERCENT)
}

/// Whether devices are no more where the target wants them: a group is halted, or so many are behind that it is no matter of a few
/// that come and go.
pub(super) fn devices_are_undone(findings: &Findings) -> bool {
    let (Some(rollout), Some(overview)) = (&findings.rollout, &findings.overview) else { return false };
    rollout.halted.is_some() || !is_share_done(overview, UNDONE_BELOW_PERCENT)
}

/// Whether so many in a hundred of the devices that are not stale are done.
fn is_share_done(overview: &rollout::Overview, percent: u64) -> bool {
    let live_behind = overview.behind - overview.stale_behind;
    let live = overview.total - overview.stale;
    (live - live_behind.min(live)) * 100 >= live * percent
}

/// Storage that cannot take backups: in a hop, every server behind its authority or being restarted.
fn backups_interrupted(view: &View<'_>) -> Option<BackupsInterrupted> {
    let hop = view.memory.hop.as_ref()?;
    let cut: Vec<_> = hop
        .servers
        .iter()
        .filter(|entry| entry.role == ServerRole::Storage && entry.verified_at.is_none())
        .map(|entry| &entry.guid)
        .collect();
    let devices = view.memory.baseline.iter().flat_map(|baseline| &baseline.servers);
    let devices =
        devices.filter(|before| cut.contains(&&before.guid)).map(|before| u64::from(before.online_devices));
    Some(BackupsInterrupted {
        servers: u32::try_from(cut.len()).unwrap_or(u32::MAX),
        devices: devices.sum(),
        since: hop.started_at,
    })
}

fn now(view: &View<'_>, findings: &Findings) -> Option<Now> {
    let (hop, progress) = (view.memory.hop.as_ref()?, findings.hop.as_ref()?);
    let server = progress
        .servers
        .iter()
        .find(|server| !matches!(server.state, ServerState::Current | ServerState::Pending))?;
    let since = server.since?;
    let by_person = server.state == ServerState::AwaitingPerson;
    let limit = |limit| Some(instants::after(since, limit)).filter(|_| !by_person);
    let next = progress.servers.iter().find(|server| server.state == ServerState::Pending);
    let follow = match view.desired.devices.upgrade {
        DeviceUpgrade::Bundled | DeviceUpgrade::ServerOffered => "devices follow",
        DeviceUpgrade::None => "the hop is done",
    };
    Some(Now {
        what: format!("upgrade to {}", hop.to),
        object: server.name.0.clone(),
        since,
        usually: (!by_person).then(|| durations::SERVER_USUALLY.to_owned()),
        warns_at: limit(durations::SERVER_SLOW_AFTER),
        stalls_at: limit(durations::SERVER_DEADLINE),
        next: Some(next.map_or_else(|| follow.to_owned(), |next| format!("upgrade {}", next.name))),
    })
}

/// The decision where memory cannot be read, or would not be kept: nothing is done, and memory stays as it is.
pub(super) fn nothing_to_remember_by(facts: &Facts<'_>, mut draft: Draft) -> Decision {
    let gate = Gate { name: GateName::Spec, verdict: gates::spec::check(&draft.view(facts)) };
    draft.findings.gates = vec![gate];
    let report = report(&draft.view(facts), &draft.findings);
    Decision {
        steps: Vec::new(),
        memory: draft.memory,
        report,
        events: Vec::new(),
        wants: Wants { servers_every: SERVERS_AT_REST, ..Wants::first(facts.desired) },
        files: Vec::new(),
        wake_at: None,
        telling: Telling::Tell,
    }
}
