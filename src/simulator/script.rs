//! Stories in virtual time: the planner against a simulated environment, without any cluster.
//!
//! Input: a text of plain verbs, one a line (`tests/scripts/` has many). Output: a timeline of what was decided, when,
//! and why something was held. Time is the world's own: a year passes in a moment. Nothing here may decide anything:
//! the runner plays the API server, the kubelet and the people around the one `decide`.

mod cluster;
mod expectation;
mod images;
mod mirrors;
mod object;
mod reading;
mod run;
mod timeline;
mod verb;
mod workload;

pub use run::{CrashPoint, End, Outcome, Sight, Sighting, Situation, Told};
pub use verb::{Line, ParseError, Verb};

/// A story.
#[derive(Clone, Debug, PartialEq)]
pub struct Script {
    /// Its verbs, in order.
    pub lines: Vec<Line>,
}

impl Script {
    /// Reads a story.
    ///
    /// # Errors
    /// Names the line and what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        reading::lines(text).map(|lines| Self { lines })
    }
}

/// Runs a story, with the operator's process killed at a boundary if one is given; expectations count only without.
///
/// # Errors
/// A line that cannot be played, or a decision that leads nowhere.
pub fn run(script: &Script, crash_at: Option<CrashPoint>) -> Result<Outcome, String> {
    run::run(&script.lines, crash_at)
}
