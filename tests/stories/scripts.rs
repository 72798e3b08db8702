//! The stories under `tests/scripts/`: each is played in virtual time and its timeline compared with the one beside it.
//!
//! `UPDATE_SCRIPTS=1 cargo test --test stories` writes the timelines anew; read the difference before it is committed.
//!
//! Those under `tests/field/` are what users of such tools have met, each with its report. Only what they expect is judged.
//! `tests/field/open/` keeps what does not hold yet: a story there is moved up as soon as it passes.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use codeupgrade::api::CodeUpgradeStatus;
use codeupgrade::simulator::script::{CrashPoint, Outcome, Script, Situation, run};

const SCRIPTS: &str = "tests/scripts";
const FIELD: &str = "tests/field";
const OPEN: &str = "tests/field/open";

fn stories(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut found: Vec<PathBuf> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "txt"))
        .collect();
    found.sort();
    found
}

fn play(path: &Path, crash_at: Option<CrashPoint>) -> Result<Outcome, String> {
    let script = Script::parse(&fs::read_to_string(path).unwrap()).map_err(|error| error.to_string())?;
    run(&script, crash_at)
}

/// Plays every story of a folder on all cores and gathers what is wrong.
fn for_every_story(folder: &str, judge: impl Fn(&Path) -> Result<(), String> + Sync) {
    let queue = Mutex::new(stories(folder));
    let wrong = Mutex::new(String::new());
    let workers = std::thread::available_parallelism().map_or(2, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let Some(path) = queue.lock().unwrap().pop() else { return };
                    if let Err(problem) = judge(&path) {
                        let name = path.file_name().unwrap().to_string_lossy().into_owned();
                        writeln!(wrong.lock().unwrap(), "== {name}\n{problem}").unwrap();
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "stories that do not end as written:\n{wrong}");
}

/// A status that a story tells, of each phase and reason.
pub(crate) fn statuses() -> Vec<CodeUpgradeStatus> {
    let found = Mutex::new(BTreeMap::new());
    for folder in [SCRIPTS, FIELD] {
        for_every_story(folder, |path| {
            for Situation { status, .. } in play(path, None)?.situations {
                found.lock().unwrap().entry((status.phase.clone(), status.reason.clone())).or_insert(status);
            }
            Ok(())
        });
    }
    found.into_inner().unwrap().into_values().collect()
}

#[test]
fn every_story_goes_as_written() {
    assert!(!stories(SCRIPTS).is_empty(), "there are no stories");
    #[expect(clippy::disallowed_methods, reason = "a switch of the test itself")]
    let update = std::env::var_os("UPDATE_SCRIPTS").is_some();
    for_every_story(SCRIPTS, |path| {
        let outcome = play(path, None)?;
        let golden = path.with_extension("out");
        if update {
            fs::write(&golden, &outcome.timeline).unwrap();
        }
        if !outcome.failures.is_empty() {
            return Err(format!("{}\n{}", outcome.failures.join("\n"), outcome.timeline));
        }
        let written = fs::read_to_string(&golden).unwrap_or_default();
        if written == outcome.timeline { Ok(()) } else { Err(difference(&written, &outcome.timeline)) }
    });
}

#[test]
fn what_was_met_in_the_field_ends_as_expected() {
    assert!(!stories(FIELD).is_empty(), "there are no reports from the field");
    for_every_story(FIELD, |path| {
        let outcome = play(path, None)?;
        if outcome.failures.is_empty() {
            return Ok(());
        }
        Err(format!("{}\n{}", outcome.failures.join("\n"), outcome.timeline))
    });
}

/// What does not hold yet must be readable, and no more; what holds by now is named, so that it can be moved up.
#[test]
fn what_was_met_in_the_field_and_does_not_hold_yet_can_be_read() {
    for_every_story(OPEN, |path| {
        let script = Script::parse(&fs::read_to_string(path).unwrap()).map_err(|error| error.to_string())?;
        if run(&script, None).is_ok_and(|outcome| outcome.failures.is_empty()) {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            // Written past the test's capture of output: a test that passes would keep it to itself.
            writeln!(std::io::stderr(), "holds by now, move it up from {OPEN}: {name}").unwrap();
        }
        Ok(())
    });
}

#[test]
fn killed_between_any_write_and_its_effect_a_story_ends_the_same() {
    for_every_story(SCRIPTS, |path| {
        let whole = play(path, None)?;
        (0..whole.boundaries).try_for_each(|boundary| ends_the_same(path, &whole, boundary))
    });
}

/// At most so many boundaries of a story from the field are tried: some have hundreds that are alike.
const MOST_BOUNDARIES: usize = 20;

/// Only those that end well: trouble that comes right behind a write finds a killed process elsewhere, as it should.
#[test]
fn killed_between_a_write_and_its_effect_the_field_ends_the_same() {
    for_every_story(FIELD, |path| {
        let whole = play(path, None)?;
        if whole.end.phase != "Done" {
            return Ok(());
        }
        let stride = whole.boundaries.div_ceil(MOST_BOUNDARIES).max(1);
        (0..whole.boundaries).step_by(stride).try_for_each(|boundary| ends_the_same(path, &whole, boundary))
    });
}

fn ends_the_same(path: &Path, whole: &Outcome, boundary: usize) -> Result<(), String> {
    let killed = play(path, Some(CrashPoint(boundary)))?;
    if killed.end == whole.end {
        return Ok(());
    }
    Err(format!("killed at boundary {boundary}:\n{:#?}\ninstead of\n{:#?}", killed.end, whole.end))
}

fn difference(written: &str, found: &str) -> String {
    let mut text = String::new();
    let (mut written, mut found) = (written.lines(), found.lines());
    loop {
        match (written.next(), found.next()) {
            (None, None) => return text,
            (one, other) if one == other => {}
            (one, other) => {
                for (mark, line) in [('-', one), ('+', other)] {
                    if let Some(line) = line {
                        writeln!(text, "{mark} {line}").unwrap();
                    }
                }
            }
        }
    }
}
