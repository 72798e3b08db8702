//! What became so between two memories: events on transitions, never on repeats.

use super::memory::{Hop, Memory, VerifiedFile};
use super::report::{Phase, Report};
use super::{Event, Severity};

fn normal(reason: &'static str, note: String) -> Event {
    Event { severity: Severity::Normal, reason, note }
}

fn warning(reason: &'static str, note: String) -> Event {
    Event { severity: Severity::Warning, reason, note }
}

/// The transitions that the memory shows, in the order in which they happened.
pub(super) fn since(before: &Memory, after: &Memory) -> Vec<Event> {
    let mut events = Vec::new();
    if let (None, Some(guid)) = (&before.authority_guid, &after.authority_guid) {
        events.push(normal("AuthorityPinned", format!("the environment is authority {guid}")));
    }
    let servers_were = before.hop.as_ref();
    match (servers_were, &after.hop) {
        (None, Some(hop)) => {
            events.push(normal("HopStarted", format!("upgrading {} to {}", hop.from, hop.to)));
            events.extend(server_events(None, hop));
        }
        (Some(was), Some(hop)) => events.extend(server_events(Some(was), hop)),
        (Some(was), None) if after.settled.as_ref().is_some_and(|settled| settled.release == was.to) => {
            events.extend(last_verified(was));
            events.push(normal("HopFinished", format!("all own servers are at {}", was.to)));
        }
        (Some(was), None) => {
            events.push(warning(
                "HopAbandoned",
                format!("the hop from {} to {} was given up", was.from, was.to),
            ));
        }
        (None, None) => {}
    }
    events.extend(after.files.iter().filter(|file| !before.files.contains(file)).map(|file| {
        let (name, VerifiedFile { release, os, size, md5, .. }) = (file.name(), file);
        normal("FileVerified", format!("{name} of {release} for {os}: {size} bytes, MD5 {md5}"))
    }));
    if let (None, Some(restored)) = (&before.restored, &after.restored) {
        let note = format!("a server was brought back to {}; nothing moves", restored.release);
        events.push(warning("RestoredByHand", note));
    }
    if let (Some(was), Some(is)) = (&before.wait, &after.wait)
        && is.resets > was.resets
    {
        events.push(warning("WaitReset", format!("the wait of {} starts anew", is.release)));
    }
    events.extend(rollout_events(before, after));
    if let (false, Some(done)) = (before.is_done(), after.done.as_ref().filter(|_| after.is_done())) {
        events.push(normal("Done", format!("everything wanted for {} is done", done.release)));
    }
    if before.is_done() && !after.is_done() && after.done.is_some() {
        events.push(warning("DoneNoMore", "what was done is not so any more: see the message".to_owned()));
    }
    events
}

fn server_events(was: Option<&Hop>, hop: &Hop) -> Vec<Event> {
    let mut events = Vec::new();
    for entry in &hop.servers {
        let known = was.and_then(|was| was.servers.iter().find(|known| known.guid == entry.guid));
        let newly =
            |before: Option<jiff::Timestamp>, now: Option<jiff::Timestamp>| before.is_none() && now.is_some();
        if newly(known.and_then(|known| known.ordered_at), entry.ordered_at) && entry.verified_at.is_none() {
            events.push(normal("ServerOrdered", format!("{} is to become {}", entry.name, hop.to)));
        }
        if newly(known.and_then(|known| known.verified_at), entry.verified_at) && was.is_some() {
            events.push(normal("ServerVerified", format!("{} is verified at {}", entry.name, hop.to)));
        }
    }
    events
}

/// The servers that were verified in the very decision that ended the hop.
fn last_verified(was: &Hop) -> Vec<Event> {
    was.servers
        .iter()
        .filter(|entry| entry.verified_at.is_none())
        .map(|entry| normal("ServerVerified", format!("{} is verified at {}", entry.name, was.to)))
        .collect()
}

fn rollout_events(before: &Memory, after: &Memory) -> Vec<Event> {
    let mut events = Vec::new();
    for rollout in &after.rollouts {
        let was = before.rollouts.iter().find(|was| was.group == rollout.group && was.id == rollout.id);
        let group = &rollout.group;
        let opened = |rollout: &super::memory::Rollout| rollout.threshold.map(|_| rollout.wave);
        if rollout.completed_at.is_none()
            && opened(rollout).is_some()
            && was.and_then(opened) != opened(rollout)
        {
            events.push(normal("WaveOpened", format!("group {group}: wave {} is open", rollout.wave)));
        }
        if was.is_none_or(|was| was.halted_at.is_none()) && rollout.halted_at.is_some() {
            let note = match &rollout.halted_by_hook {
                Some(hook) => format!("group {group} is halted: hook {hook} said no"),
                None => format!("group {group} is halted: too many of its devices failed"),
            };
            events.push(warning("GroupHalted", note));
        }
        if was.is_none_or(|was| was.completed_at.is_none()) && rollout.completed_at.is_some() {
            events.push(normal("GroupComplete", format!("group {group} is complete")));
        }
    }
    events
}

/// What is to be said where it now waits, or waits for a person, for a reason that was not given before: `before` has the
/// names of phase and reason.
pub fn standstill(before: Option<(&str, &str)>, report: &Report) -> Option<Event> {
    let severity = match report.phase {
        Phase::Stalled => Severity::Warning,
        Phase::Suspended | Phase::Waiting => Severity::Normal,
        Phase::Observing | Phase::Checking | Phase::Upgrading | Phase::RollingOut | Phase::Done => {
            return None;
        }
    };
    let reason = report.reason.name();
    if before == Some((report.phase.name(), reason)) {
        return None;
    }
    let mend = report.mend.as_ref().map_or_else(String::new, |mend| format!(": {mend}"));
    Some(Event { severity, reason, note: format!("{}{mend}", report.message) })
}
