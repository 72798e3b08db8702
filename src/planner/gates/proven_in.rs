//! The release has proven itself in other environments, where the spec asks for that.

use jiff::{SignedDuration, Timestamp};

use super::View;
use crate::catalog::Version;
use crate::fleet::instants;
use crate::planner::aim::Aim;
use crate::planner::observed::{ProofFinding, ProvenRelease};
use crate::planner::reason::Reason;
use crate::planner::report::Verdict;
use crate::planner::words;

/// Holds until every named environment has run the release long enough, with enough devices.
pub fn check(view: &View<'_>) -> Verdict {
    let Aim::Hop(leg) = view.aim else { return Verdict::Pass };
    for wanted in &view.desired.proven_in {
        let name = format!("{}/{}", wanted.namespace, wanted.name);
        let finding = view
            .observed
            .proofs
            .iter()
            .find(|proof| proof.namespace == wanted.namespace && proof.name == wanted.name)
            .map(|proof| &proof.finding);
        match finding {
            Some(ProofFinding::Read(proven)) => {
                let Some(found) = completed(proven, leg.to, wanted.for_) else {
                    return not_completed(&name, leg.to);
                };
                let ripe = instants::after(found.since, wanted.for_);
                if found.devices < wanted.min_devices {
                    let (devices, all) = (found.devices, wanted.min_devices);
                    let message = format!("{name} has {devices} of {all} devices on {}", leg.to);
                    return Verdict::hold(Reason::NotYetProven, message, None);
                }
                if view.now < ripe {
                    let message = format!("{name} has run {} long enough {}", leg.to, words::instant(ripe));
                    return Verdict::hold(Reason::NotYetProven, message, Some(ripe));
                }
            }
            Some(ProofFinding::Unreadable(why)) => {
                return Verdict::unknown(Reason::NotYetProven, format!("{name} cannot be read: {why}"), None);
            }
            None => return not_completed(&name, leg.to),
        }
    }
    Verdict::Pass
}

fn not_completed(name: &str, release: Version) -> Verdict {
    Verdict::hold(Reason::NotYetProven, format!("{name} has not completed {release} yet"), None)
}

/// What is proven of a release: one that still runs, or that ran for at least as long as is asked.
fn completed(proven: &[ProvenRelease], release: Version, asked: SignedDuration) -> Option<&ProvenRelease> {
    proven.iter().find(|proven| {
        let has_run = |until: Timestamp| until.duration_since(proven.since) >= asked;
        proven.release == release && proven.until.is_none_or(has_run)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_that_was_left_early_proves_nothing() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let version = |text: &str| text.parse::<Version>().unwrap();
        let entry = |release: &str, since, until: Option<i64>| ProvenRelease {
            release: version(release),
            since: at(since),
            until: until.map(at),
            devices: 50,
        };
        let proven = [entry("4.3.5.3", 900, None), entry("4.2.3.1", 0, Some(900))];
        let asked = |release, seconds| {
            completed(&proven, version(release), SignedDuration::from_secs(seconds)).map(|found| found.since)
        };
        assert_eq!(asked("4.3.5.3", 10_000), Some(at(900)), "the gate waits for it to ripen");
        assert_eq!(asked("4.2.3.1", 900), Some(at(0)));
        assert_eq!(asked("4.2.3.1", 901), None);
        assert_eq!(asked("5.2.1", 0), None);
    }
}
