//! What one environment's status proves to another that asks for it.

use jiff::SignedDuration;

use crate::api::CodeUpgradeStatus;
use crate::catalog::Version;
use crate::planner::observed::ProofFinding;

/// Whether the environment with this status has completed a release, and runs it, or ran it for at least as long as is asked.
pub fn finding(status: Option<&CodeUpgradeStatus>, release: Version, asked: SignedDuration) -> ProofFinding {
    let entries = status.iter().flat_map(|status| &status.proven);
    let ripe = |until: Option<jiff::Timestamp>, since| {
        until.is_none_or(|until| until.duration_since(since) >= asked)
    };
    entries
        .filter(|entry| entry.release == release && ripe(entry.until, entry.since))
        .map(|entry| ProofFinding::Proven { release, since: entry.since, devices: entry.devices })
        .next()
        .unwrap_or(ProofFinding::NotYet)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::status::ProvenEntry;

    #[test]
    fn a_release_that_was_left_early_proves_nothing() {
        let at = |second| jiff::Timestamp::from_second(second).unwrap();
        let version = |text: &str| text.parse::<Version>().unwrap();
        let entry = |release: &str, since, until: Option<i64>| ProvenEntry {
            release: version(release),
            since: at(since),
            until: until.map(at),
            devices: 50,
        };
        let proven = vec![entry("4.3.5.3", 900, None), entry("4.2.3.1", 0, Some(900))];
        let status = CodeUpgradeStatus { proven, ..CodeUpgradeStatus::default() };
        let asked =
            |release, seconds| finding(Some(&status), version(release), SignedDuration::from_secs(seconds));
        let proven = |release, since| ProofFinding::Proven {
            release: version(release),
            since: at(since),
            devices: 50,
        };
        assert_eq!(asked("4.3.5.3", 10_000), proven("4.3.5.3", 900), "the gate waits for it to ripen");
        assert_eq!(asked("4.2.3.1", 900), proven("4.2.3.1", 0));
        assert_eq!(asked("4.2.3.1", 901), ProofFinding::NotYet);
        assert_eq!(asked("5.2.1", 0), ProofFinding::NotYet);
        assert_eq!(finding(None, version("5.2.1"), SignedDuration::ZERO), ProofFinding::NotYet);
    }
}
