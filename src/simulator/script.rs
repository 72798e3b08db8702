//! Stories in virtual time: the planner against a simulated environment, without any cluster.
//!
//! Input: a text of plain verbs, one a line (`tests/scripts/` has many). Output: a timeline of what was decided, when,
//! and why something was held. Time is the world's own: a year passes in a moment. Nothing here may decide anything:
//! the runner plays the API server, the kubelet and the people around the one `decide`.

mod cluster;
mod object;
mod run;
mod timeline;
mod verb;

pub use run::{CrashPoint, End, Outcome, run};
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
        verb::parse(text).map(|lines| Self { lines })
    }
}
