//! The stories under `tests/scripts/`: each is played in virtual time and its timeline compared with the one beside it.
//!
//! `UPDATE_SCRIPTS=1 cargo test --test stories` writes the timelines anew; read the difference before it is committed.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use codeupgrade::simulator::script::{CrashPoint, Outcome, Script, run};

fn stories() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scripts");
    let mut found: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "txt"))
        .collect();
    found.sort();
    assert!(!found.is_empty(), "there are no stories");
    found
}

fn play(path: &Path, crash_at: Option<CrashPoint>) -> Result<Outcome, String> {
    let script = Script::parse(&fs::read_to_string(path).unwrap()).map_err(|error| error.to_string())?;
    run(&script, crash_at)
}

/// Plays every story on all cores and gathers what is wrong.
fn for_every_story(judge: impl Fn(&Path) -> Result<(), String> + Sync) {
    let queue = Mutex::new(stories());
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

#[test]
fn every_story_goes_as_written() {
    #[expect(clippy::disallowed_methods, reason = "a switch of the test itself")]
    let update = std::env::var_os("UPDATE_SCRIPTS").is_some();
    for_every_story(|path| {
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
fn killed_between_any_write_and_its_effect_a_story_ends_the_same() {
    for_every_story(|path| {
        let whole = play(path, None)?;
        for boundary in 0..whole.boundaries {
            let killed = play(path, Some(CrashPoint(boundary)))?;
            if killed.end != whole.end {
                return Err(format!("killed at boundary {boundary}:\n{:#?}\ninstead of\n{:#?}", killed.end, whole.end));
            }
        }
        Ok(())
    });
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
