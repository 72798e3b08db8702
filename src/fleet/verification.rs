//! How much evidence there is for what a server reports (ARCHITECTURE.md, rule 6).

use jiff::Timestamp;

use super::{Server, Streak};
use crate::catalog::Version;

/// What the evidence says of one server against a release.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verification {
    /// At the release and online, for long enough.
    Verified,
    /// At the release and online, not yet for long enough.
    Verifying,
    /// Online at an older release, for long enough to be sure.
    Below(Version),
    /// Online at a newer release, for long enough to be sure.
    Above(Version),
    /// Not connected, no version yet, or too little evidence of another version.
    Unsure,
}

impl Server {
    /// Judges the server against a release.
    pub fn verification(&self, release: Version) -> Verification {
        match self.version {
            Some(version) if self.online => match (version.cmp(&release), self.streak.verifies()) {
                (std::cmp::Ordering::Equal, true) => Verification::Verified,
                (std::cmp::Ordering::Equal, false) => Verification::Verifying,
                (std::cmp::Ordering::Less, true) => Verification::Below(version),
                (std::cmp::Ordering::Greater, true) => Verification::Above(version),
                (std::cmp::Ordering::Less | std::cmp::Ordering::Greater, false) => Verification::Unsure,
            },
            Some(_) | None => Verification::Unsure,
        }
    }

    /// Takes the streak over from the previous answer about the same server.
    pub fn continue_streak(&mut self, previous: Option<&Self>, at: Timestamp) {
        self.streak = match previous {
            Some(previous) if previous.version == self.version && previous.online == self.online => {
                previous.streak.extend(at)
            }
            Some(_) | None => Streak::begin(at),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::ServerRole;

    fn server(version: &str, online: bool, answers_every: &[i64]) -> Server {
        let mut streak = None::<Streak>;
        for second in answers_every {
            let at = Timestamp::from_second(*second).unwrap();
            streak = Some(streak.map_or_else(|| Streak::begin(at), |streak| streak.extend(at)));
        }
        Server {
            guid: "1".into(),
            name: "one".into(),
            role: ServerRole::Storage,
            version: Some(version.parse().unwrap()),
            online,
            online_devices: 0,
            backup_sessions: 0,
            streak: streak.unwrap(),
        }
    }

    #[test]
    fn it_takes_three_answers_over_two_minutes() {
        let release: Version = "4.3.5.3".parse().unwrap();
        let older: Version = "4.2.3.1".parse().unwrap();
        for (version, online, answers, expected) in [
            ("4.3.5.3", true, &[0, 60, 120][..], Verification::Verified),
            ("4.3.5.3", true, &[0, 120], Verification::Verifying),
            ("4.3.5.3", true, &[0, 15, 30, 45], Verification::Verifying),
            ("4.3.5.3", false, &[0, 60, 120], Verification::Unsure),
            ("4.2.3.1", true, &[0, 60, 120], Verification::Below(older)),
            ("4.2.3.1", true, &[0], Verification::Unsure),
        ] {
            assert_eq!(
                server(version, online, answers).verification(release),
                expected,
                "{version} {answers:?}"
            );
        }
    }

    #[test]
    fn one_different_answer_starts_anew() {
        let at = Timestamp::from_second(180).unwrap();
        let before = server("4.3.5.3", true, &[0, 60, 120]);
        let mut same = before.clone();
        same.continue_streak(Some(&before), at);
        assert_eq!(same.streak.answers, 4);
        let mut other = server("4.2.3.1", true, &[180]);
        other.continue_streak(Some(&before), at);
        assert_eq!(other.streak, Streak::begin(at));
    }
}
