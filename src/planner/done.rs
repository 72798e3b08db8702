//! Whether everything wanted is done.

use super::desired::DeviceUpgrade;
use super::draft::Draft;
use super::facts::Facts;
use super::findings::Findings;
use super::memory::Done;
use super::narrate;
use super::report::Verdict;

/// Remembers when everything wanted was first done; it stays so until the target changes.
pub(super) fn note(facts: &Facts<'_>, draft: &mut Draft) {
    let (desired, memory) = (facts.desired, &mut draft.memory);
    let at_target = memory.hop.is_none()
        && desired.target.is_some()
        && memory.settled.as_ref().map(|settled| settled.release) == desired.target;
    if !at_target {
        memory.done = None;
        return;
    }
    let (Some(release), None) = (desired.target, &memory.done) else { return };
    if is_refused(&draft.findings) {
        return;
    }
    let devices_done = match desired.devices.upgrade {
        DeviceUpgrade::None => true,
        DeviceUpgrade::Bundled | DeviceUpgrade::ServerOffered => narrate::devices_are_done(&draft.findings),
    };
    let backups_back = memory.baseline.as_ref().is_none_or(|baseline| baseline.back_at.is_some());
    if devices_done && backups_back {
        memory.done = Some(Done { release, at: facts.observed.witnesses.operator });
    }
}

/// Whether something is refused or not known: nothing is called done by what a spec that cannot be followed says. A window or
/// a person that holds has nothing left to hold.
fn is_refused(findings: &Findings) -> bool {
    findings.every_gate().iter().any(|gate| match gate.verdict {
        Verdict::Pass | Verdict::Hold { .. } => false,
        Verdict::Unknown { .. } | Verdict::Refuse { .. } => true,
    })
}
