//! Running a story: the world, the cluster and the people around the one `decide`.

mod asks;
mod backups;
mod collect;
mod course;
mod expectations;
mod hooks;
mod jobs;
mod outcome;
mod process;
mod record;
mod setting;
mod situation;
mod state;
mod verbs;

use jiff::SignedDuration;

pub use self::outcome::{CrashPoint, End, Outcome};
pub use self::record::{Sight, Sighting, Told};
use self::setting::Setting;
pub use self::situation::Situation;
use super::verb::Line;

/// A process that was killed has read and verified everything again by then.
const BACK_AFTER: SignedDuration = SignedDuration::from_mins(4);

/// How long after its last verb the end of a story is looked at.
const AFTERMATH: SignedDuration = SignedDuration::from_hours(26);

/// Runs the lines of a story, with the process killed at a boundary if one is given; expectations count only without.
///
/// # Errors
/// A line that cannot be played, or a decision that leads nowhere.
pub(super) fn run(lines: &[Line], crash_at: Option<CrashPoint>) -> Result<Outcome, String> {
    let (setting, rest) = Setting::read(lines)?;
    let mut run = setting.begin(crash_at)?;
    let listed = run.world.servers().into_iter();
    let servers = listed.map(|server| (server.guid, server.name.0)).collect();
    for line in rest {
        run.play(line)?;
        if std::mem::take(&mut run.was_killed) {
            // An order that is not carried out may still be given up: what people do next comes when it is.
            let back_at = run.now.checked_add(BACK_AFTER).map_err(|error| error.to_string())?;
            run.run_to(back_at, |_| false)?;
        }
    }
    run.fixpoint()?;
    let (timeline, boundaries) = (run.timeline.clone().into_text(), run.boundaries);
    let seen = run.record.clone().into_seen();
    let situations = run.situations.clone();
    // A process that was killed may be some minutes behind; a day later it must not matter any more.
    let settled = run.now.checked_add(AFTERMATH).map_err(|error| error.to_string())?;
    run.run_to(settled, |_| false)?;
    let end = run.end();
    let failures = if crash_at.is_some() { Vec::new() } else { run.failures };
    Ok(Outcome { timeline, failures, boundaries, end, seen, situations, servers })
}
