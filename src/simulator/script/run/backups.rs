//! The backups of a story.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::planner::observed::BackupFacts;
use crate::simulator::script::verb::BackupFate;

/// How long a backup takes.
const TAKES: SignedDuration = SignedDuration::from_mins(10);

/// The backups of a story, which outlive the operator's process.
#[derive(Clone, Debug, Default)]
pub(super) struct Backups {
    taken: BTreeMap<String, Taken>,
    failure: Option<String>,
    hang: bool,
}

#[derive(Clone, Copy, Debug)]
struct Taken {
    begun: Timestamp,
    /// As old as this is what it holds: where it failed for a while, its driver made it later than it was asked for.
    made: Timestamp,
    /// `None` while it hangs.
    done: Option<Timestamp>,
}

impl Backups {
    /// What becomes of backups from now on, those under way among them.
    pub(super) fn fare(&mut self, fate: &BackupFate, now: Timestamp) {
        self.hang = *fate != BackupFate::Works;
        let has_failed = self.failure.is_some();
        self.failure = match fate {
            BackupFate::Fails(why) => Some(why.clone()),
            BackupFate::Works | BackupFate::Hangs => None,
        };
        for taken in self.taken.values_mut() {
            match taken.done {
                Some(done) if done > now && self.hang => taken.done = None,
                None if !self.hang => {
                    taken.done = end(now);
                    taken.made = if has_failed { now } else { taken.made };
                }
                Some(_) | None => {}
            }
        }
    }

    /// A backup is begun, unless there is one of that name.
    pub(super) fn take(&mut self, name: &str, now: Timestamp) {
        let done = if self.hang { None } else { end(now) };
        self.taken.entry(name.to_owned()).or_insert(Taken { begun: now, made: now, done });
    }

    /// How many were begun.
    pub(super) fn count(&self) -> usize {
        self.taken.len()
    }

    /// What is found of them at a moment.
    pub(super) fn facts(&self, now: Timestamp) -> BackupFacts {
        let is_done = |taken: &&Taken| taken.done.is_some_and(|done| done <= now);
        let latest = self.taken.values().filter(|taken| !is_done(taken)).map(|taken| taken.begun).max();
        let newest = self.taken.iter().max_by_key(|(_, taken)| taken.begun).map(|(name, _)| name.clone());
        BackupFacts {
            latest: newest,
            newest: self.taken.values().filter(is_done).map(|taken| taken.made).max(),
            in_progress: latest.filter(|_| self.failure.is_none()),
            failure: self.failure.clone().filter(|_| latest.is_some()),
            ..BackupFacts::default()
        }
    }
}

fn end(now: Timestamp) -> Option<Timestamp> {
    now.checked_add(TAKES).ok()
}
