//! Whether everything wanted is done: found once, and looked at anew with every answer.
//!
//! What is not contradicted stays: missing or old facts end nothing. A server that is down for sure, devices that fall back, or a
//! group that is halted end it for as long as they last; the time for which it was not so does not count as proof of the release.

use super::desired::DeviceUpgrade;
use super::draft::Draft;
use super::facts::Facts;
use super::findings::Findings;
use super::memory::Done;
use super::narrate;
use super::report::Verdict;
use crate::catalog::Version;
use crate::fleet::Server;

/// Remembers since when everything wanted is done, and since when it is so no more.
pub(super) fn note(facts: &Facts<'_>, draft: &mut Draft) {
    let target = facts.desired.target;
    let settled = draft.memory.settled.as_ref().map(|settled| settled.release);
    let Some(release) = target.filter(|_| draft.memory.hop.is_none() && settled == target) else {
        draft.memory.done = None;
        return;
    };
    let (witnesses, is_whole) = (&facts.observed.witnesses, is_whole(facts, draft, release));
    let is_broken = is_broken(facts, draft, release);
    match &mut draft.memory.done {
        None if is_whole => {
            draft.memory.done = Some(Done { release, at: witnesses.operator, lapsed_at: None });
        }
        None => {}
        Some(done) => match done.lapsed_at {
            None if is_broken => done.lapsed_at = Some(witnesses.latest()),
            Some(since) if is_whole => {
                let lapsed = witnesses.granted().duration_since(since);
                done.at = done.at.saturating_add(lapsed.max(jiff::SignedDuration::ZERO)).unwrap_or(done.at);
                done.lapsed_at = None;
            }
            None | Some(_) => {}
        },
    }
}

/// Whether everything is as it is wanted: servers, backups and devices.
fn is_whole(facts: &Facts<'_>, draft: &Draft, release: Version) -> bool {
    let situation = &facts.situation;
    let servers =
        situation.fresh && situation.own().all(|server| server.online && server.version == Some(release));
    let devices = match facts.desired.devices.upgrade {
        DeviceUpgrade::None => true,
        DeviceUpgrade::Bundled | DeviceUpgrade::ServerOffered => narrate::devices_are_done(&draft.findings),
    };
    let baseline = draft.memory.baseline.as_ref();
    servers
        && devices
        && !is_refused(&draft.findings)
        && baseline.is_none_or(|baseline| baseline.back_at.is_some())
}

/// Whether something is not as it is wanted, for sure.
fn is_broken(facts: &Facts<'_>, draft: &Draft, release: Version) -> bool {
    let is_elsewhere = |server: &Server| server.streak.verifies() && server.version != Some(release);
    let mut own = facts.situation.own();
    let servers = facts.situation.fresh
        && own.any(|server| (!server.online && server.streak.verifies()) || is_elsewhere(server));
    servers || narrate::devices_are_undone(&draft.findings)
}

/// Whether something is refused or not known: nothing is called done by what a spec that cannot be followed says. A window or
/// a person that holds has nothing left to hold.
fn is_refused(findings: &Findings) -> bool {
    findings.every_gate().iter().any(|gate| match gate.verdict {
        Verdict::Pass | Verdict::Hold { .. } => false,
        Verdict::Unknown { .. } | Verdict::Refuse { .. } => true,
    })
}
