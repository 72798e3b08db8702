//! A rollout in one line: what happens to devices now, or what it waits for.

use super::headline::{Headline, held_by};
use crate::fleet::Wave;
use crate::fleet::instants;
use crate::planner::aim::Aim;
use crate::planner::draft::View;
use crate::planner::findings::Findings;
use crate::planner::gates;
use crate::planner::memory::{HaltCause, HaltedBy};
use crate::planner::report::{Gate, GateName, GroupReport, GroupState, Phase};
use crate::planner::{Reason, rollout, words};

/// How far devices are, or what stops them.
pub(super) fn rolling_out(view: &View<'_>, findings: &Findings, rollout: &rollout::Progress) -> Headline {
    if let Some(halt) = &rollout.halted {
        return halted(halt);
    }
    let behind = |state: GroupState| {
        rollout.groups.iter().find(|group| group.state == state && group.done < group.total)
    };
    // After a week a person is asked, whoever is awaited.
    if let Some(group) = behind(GroupState::Overdue) {
        return overdue(group);
    }
    if let Some(group) = behind(GroupState::Stuck) {
        return stuck(group);
    }
    if let Some((guid, since)) = rollout.first_awaited {
        let until = Some(instants::after(since, rollout::RETRY_TIME)).filter(|until| *until > view.now);
        let message =
            format!("the first device ({guid}) is being upgraded; the others follow when it has moved");
        return Headline { until, ..Headline::new(Phase::RollingOut, Reason::FirstDeviceAwaited, message) };
    }
    if let Some(asked) = &rollout.asked {
        return asking(asked);
    }
    if let Some(group) = behind(GroupState::Releasing) {
        let message = format!(
            "group {}: wave {} of {}, {} of {} done, {} under way{}",
            group.name,
            wave_of(group),
            group.waves,
            group.done,
            words::count(group.total, "device"),
            group.in_flight,
            missing(group)
        );
        return Headline::new(Phase::RollingOut, Reason::RollingOut, message);
    }
    if let Some(group) = behind(GroupState::Pausing) {
        let message = format!("group {}: wave {} of {} is complete", group.name, wave_of(group), group.waves);
        let mut headline = Headline::new(Phase::RollingOut, Reason::WavePause, message);
        if let Some(until) = rollout.wake_at {
            headline.message = format!("{}; the next begins {}", headline.message, words::instant(until));
            headline.until = Some(until);
        }
        return headline;
    }
    if let Some(group) = behind(GroupState::Held).filter(|_| rollout.complete) {
        let left = group.total - group.done;
        let message =
            format!("group {} is held by the spec: {} behind", group.name, words::count(left, "device"));
        let mend =
            format!("remove held of group {} in spec.devices.groups when its devices may follow", group.name);
        let headline = Headline::new(Phase::Suspended, Reason::GroupHeld, message);
        return Headline { mend: Some(mend), ..headline };
    }
    let unmatched = findings.overview.as_ref().map_or(0, |overview| overview.unmatched);
    if unmatched > 0 && rollout.complete {
        let message = format!("{} match no group and are held", words::count(unmatched, "device"));
        let mend = "let a group of spec.devices.groups match them, or exempt them with a reason";
        let headline = Headline::new(Phase::Suspended, Reason::GroupHeld, message);
        return Headline { mend: Some(mend.to_owned()), ..headline };
    }
    if let (Aim::Hop(_), true) = (view.aim, rollout.complete) {
        let gate = Gate { name: GateName::Compatibility, verdict: gates::compatibility::check(view) };
        return held_by(view, &gate);
    }
    if !rollout.complete {
        let message = "devices wait for room: those under way come first";
        return Headline::new(Phase::RollingOut, Reason::RollingOut, message);
    }
    stragglers(view, findings)
}

/// Those who are gone, where there are any.
fn missing(group: &GroupReport) -> String {
    if group.missing > 0 { format!(", {} missing", group.missing) } else { String::new() }
}

/// The open wave, as people count.
fn wave_of(group: &GroupReport) -> u32 {
    group.wave.map_or(0, Wave::number)
}

/// Every wave is complete, and too few devices are done: those that are left are followed, and after a week somebody is asked.
fn stragglers(view: &View<'_>, findings: &Findings) -> Headline {
    let counted = |overview: &rollout::Overview| (overview.done(), overview.total, overview.verdicts);
    let (done, total, verdicts) = findings.overview.as_ref().map(counted).unwrap_or_default();
    let left = [
        (rollout::DeviceVerdict::Failed, "failed"),
        (rollout::DeviceVerdict::FellBack, "fell back"),
        (rollout::DeviceVerdict::Unreadable, "unreadable"),
        (rollout::DeviceVerdict::Lost, "lost"),
        (rollout::DeviceVerdict::Missing, "missing"),
        (rollout::DeviceVerdict::InFlight, "under way"),
        (rollout::DeviceVerdict::Pending, "not seen since their release"),
    ];
    let left = left.map(|(verdict, word)| (verdicts.count_of(verdict), word));
    let left: Vec<String> =
        left.iter().filter(|(many, _)| *many > 0).map(|(many, word)| format!("{many} {word}")).collect();
    let left = if left.is_empty() { String::new() } else { format!(" ({})", left.join(", ")) };
    let message = format!(
        "every wave is complete; {done} of {} done{left}, and 95 % are asked for",
        words::count(total, "device")
    );
    let completed = view.memory.rollouts.iter().filter_map(|rollout| rollout.completed_at).max();
    let due = completed.map(|at| instants::after(at, rollout::OVERDUE_AFTER));
    if due.is_none_or(|due| view.observed.witnesses.granted() < due) {
        return Headline { until: due, ..Headline::new(Phase::RollingOut, Reason::RollingOut, message) };
    }
    let mut headline = Headline::new(Phase::Suspended, Reason::WaveOverdue, message);
    let mend = "see them with codeupgrade devices --state Failed,FellBack,Unreadable,Lost,Missing,Pending; mend or exempt them";
    headline.mend = Some(mend.to_owned());
    headline
}

/// The states of devices that count against what a group may lose.
const FAILURES: &str = "Failed,FellBack,Unreadable,Lost,Missing";

fn halted(halt: &rollout::Halt) -> Headline {
    let rollout::Halt { group, hook, devices } = halt;
    if let Some((hook, how)) = hook {
        let message = format!("group {group} is halted: hook {hook} {how}");
        let mut headline = Headline::new(Phase::Stalled, Reason::HookFailed, message);
        let mend = format!("look at its job, mend the cause, then order Retry for \"group {group}\"");
        headline.mend = Some(mend);
        return headline;
    }
    let why = devices.as_ref().map_or_else(|| "too many of its devices failed".to_owned(), halting_devices);
    let message = format!("group {group} is halted: {why}");
    let mut headline = Headline::new(Phase::Stalled, Reason::GroupHalted, message);
    let mend = format!(
        "see them with codeupgrade devices --state {FAILURES}, mend the cause, then order Retry for \"group {group}\""
    );
    headline.mend = Some(mend);
    headline
}

/// How many halted their group, and who: those that are counted are those that are named.
fn halting_devices(by: &HaltedBy) -> String {
    let HaltedBy { cause, failed, fell_back, unreadable, lost, missing, verdicts, devices } = by;
    let counted = [
        (*failed, "failed"),
        (*fell_back, "fell back"),
        (*unreadable, "unreadable"),
        (*lost, "lost"),
        (*missing, "missing"),
    ];
    let counted = counted.into_iter().filter(|(many, _)| *many > 0);
    let counted: Vec<String> = counted.map(|(many, word)| format!("{many} {word}")).collect();
    let counted = match cause {
        HaltCause::FirstDevices => format!("its first devices do not move: {}", counted.join(", ")),
        HaltCause::Sample => format!("{failed} of a sample of {verdicts} failed"),
        HaltCause::TooMany | HaltCause::NoneLeft => counted.join(", "),
    };
    if devices.is_empty() {
        return counted;
    }
    let more = if by.failures() > devices.len() as u64 { ", ..." } else { "" };
    let names: Vec<&str> = devices.iter().map(|guid| guid.0.as_str()).collect();
    format!("{counted} ({}{more})", names.join(", "))
}

fn asking(asked: &rollout::Asked) -> Headline {
    let rollout::Asked { group, wave, awaited } = asked;
    let message = format!("group {group}: {}", awaited.message(&format!("before wave {wave} opens")));
    Headline::of_hooks(awaited, Phase::RollingOut, message)
}

/// The open wave goes no further: whoever is under way neither moves nor fails for sure, and leaves no room for others.
fn stuck(group: &GroupReport) -> Headline {
    let GroupReport { name, done, in_flight, pending, .. } = group;
    let wave = wave_of(group);
    let missing = missing(group);
    let message = format!(
        "group {name}: wave {wave} has released nobody for 7 days: {done} done, {in_flight} under way, {pending} not seen since{missing}"
    );
    let mut headline = Headline::new(Phase::Suspended, Reason::WaveOverdue, message);
    let mend = format!(
        "see them with codeupgrade devices --state InFlight,Pending; order Retry for \"group {name}\" to begin again with others"
    );
    headline.mend = Some(mend);
    headline
}

fn overdue(group: &GroupReport) -> Headline {
    let GroupReport { name, done, in_flight, pending, .. } = group;
    let wave = wave_of(group);
    let missing = missing(group);
    let message = format!(
        "group {name}: wave {wave} is not complete after 7 days: {done} done, {in_flight} under way, {pending} not seen since{missing}"
    );
    let mut headline = Headline::new(Phase::Suspended, Reason::WaveOverdue, message);
    let mend =
        format!("order Approve for \"group {name}\" to go on as it is, or Retry to give it another 7 days");
    headline.mend = Some(mend);
    headline
}
