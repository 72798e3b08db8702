//! A person who mends all troubles in the end and does what the object asks for, as long as it asks.

use codeupgrade::planner::report::Phase;
use codeupgrade::simulator::script::{Outcome, Script, Sight, Told, run};

use super::course::{Course, NEW};

/// How often the person looks, at most.
const LOOKS: usize = 14;

/// How often the person only waits, at most: a wait, a window, a weekend and two pauses between waves take no longer.
const WAITS: usize = 4;

/// How long it takes until the person looks again.
const STRETCH: &str = "run 2d\n";

/// A course, played to its end.
pub(super) struct Played {
    /// The story, and what came of it.
    pub(super) outcome: Result<Outcome, String>,
    /// What the person did beside mending, in order.
    pub(super) answers: Vec<String>,
    /// The last thing that was told.
    pub(super) last: Option<Told>,
}

/// Plays a course: after every stretch of time the person looks, and answers what is asked.
pub(super) fn play(course: &Course) -> Played {
    let mut answers: Vec<String> = Vec::new();
    loop {
        let outcome = play_story(&with(course, &answers));
        let last = outcome.as_ref().ok().and_then(last_told);
        let done = last.as_ref().is_none_or(|told| told.phase == Phase::Done);
        let answer = last.as_ref().and_then(|told| answer(course, told, &answers));
        match answer {
            Some(answer) if !done && answers.len() < LOOKS => answers.push(answer),
            Some(_) | None => return Played { outcome, answers, last },
        }
    }
}

/// A course with the person's answers, as a story that can be played by anybody.
pub(super) fn story(course: &Course) -> String {
    with(course, &play(course).answers)
}

fn with(course: &Course, answers: &[String]) -> String {
    let answers: String = answers.iter().flat_map(|answer| [answer, "\n", STRETCH]).collect();
    format!("{}\n{}\n{}{STRETCH}{answers}", course.beginning(), course.middle(), course.mending())
}

fn play_story(text: &str) -> Result<Outcome, String> {
    let script = Script::parse(text).map_err(|error| error.to_string())?;
    run(&script, None)
}

fn last_told(outcome: &Outcome) -> Option<Told> {
    outcome.seen.iter().rev().find_map(|sighting| match &sighting.what {
        Sight::Told(told) => Some(told.clone()),
        Sight::Line(_) | Sight::Step(_) | Sight::World(_) => None,
    })
}

/// What a careful person does about what is told: nothing, where nothing is asked; `None` where all was tried.
fn answer(course: &Course, told: &Told, before: &[String]) -> Option<String> {
    let waits = before.iter().filter(|answer| answer.is_empty()).count();
    if !matches!(told.phase, Phase::Stalled | Phase::Suspended) && waits < WAITS {
        return Some(String::new());
    }
    let mend = told.mend.as_deref().unwrap_or_default();
    let both = format!("{} {mend}", told.message);
    let mut tries: Vec<String> = Vec::new();
    // What the sentence spells out.
    if let Some(subject) = both.split("Approve").nth(1).and_then(quoted) {
        tries.push(format!("order Approve {subject}"));
    }
    for action in ["Adopt", "Abandon", "Resume"] {
        if both.contains(action) {
            tries.push(format!("order {action}"));
        }
    }
    if both.contains("Retry") {
        tries.push("order Retry".to_owned());
    }
    for server in course.servers() {
        let named = both.contains(server.as_str());
        if named && both.contains("delete pod") {
            tries.push(format!("pod {server} restarts"));
        }
        if named && both.contains("image") {
            tries.push(format!("commit {server} {NEW}"));
        }
    }
    // What experience adds.
    tries.extend(course.servers().iter().map(|server| format!("commit {server} {NEW}")));
    tries.extend(course.servers().iter().map(|server| format!("pod {server} restarts")));
    tries.push("order Adopt".to_owned());
    tries.extend(course.servers().iter().map(|server| format!("hand {server} {NEW}")));
    tries.into_iter().find(|answer| !before.contains(answer))
}

/// The first text in quotation marks.
fn quoted(text: &str) -> Option<String> {
    text.split('"').nth(1).map(str::to_owned)
}
