//! `status` that stays: live on a terminal, a line for each change elsewhere, and the wait for an end.
//!
//! It asks again and again for the one object, which needs no right but to get it, and goes on where an answer was lost.

use std::time::Duration;

use jiff::Timestamp;

use super::question::{Arguments, exit_code, look, rendered, worst};
use crate::api::duration;
use crate::cli::cluster::Cluster;
use crate::cli::output::print;
use crate::cli::screen::{Live, is_terminal, size};
use crate::operator::clock;
use crate::planner::words;
use crate::screens::{Environment, Outcome};

/// The exit code of a wait that took too long, as `timeout` has it.
const TIMED_OUT: u8 = 124;

/// Between two looks at one object.
const PAUSE: Duration = Duration::from_secs(1);

/// Between two looks at many.
const PAUSE_OF_MANY: Duration = Duration::from_secs(10);

/// Stays until there is nothing more to wait for; the exit code says what for.
pub(super) async fn run(arguments: &Arguments, cluster: &Cluster) -> Result<u8, String> {
    let deadline = match &arguments.timeout {
        None => None,
        Some(text) => {
            let length = duration::parse(text).map_err(|error| format!("--timeout {text}: {error}"))?;
            clock::wall().checked_add(length).ok()
        }
    };
    // The first look tells what is wrong with the question; later ones may be lost.
    let mut found = look(arguments, cluster).await?;
    let mut lost = None;
    let mut teller = Teller::new(arguments);
    let stopped = tokio::signal::ctrl_c();
    tokio::pin!(stopped);
    loop {
        teller.tell(arguments, &found, lost.as_ref())?;
        if is_over(arguments, &found) {
            return teller.end(arguments, &found);
        }
        if deadline.is_some_and(|deadline| clock::wall() >= deadline) {
            teller.end(arguments, &found)?;
            return Ok(TIMED_OUT);
        }
        tokio::select! {
            () = clock::sleep(if found.len() > 1 { PAUSE_OF_MANY } else { PAUSE }) => {}
            _ = &mut stopped => return teller.end(arguments, &found),
        }
        match look(arguments, cluster).await {
            Ok(next) => (found, lost) = (next, None),
            Err(why) => lost = lost.or_else(|| Some((clock::wall(), why))),
        }
    }
}

fn is_over(arguments: &Arguments, found: &[Environment]) -> bool {
    match worst(found) {
        Outcome::UnderWay => false,
        Outcome::Well => !arguments.forever,
        // Who watches may be mending it.
        Outcome::Stalled | Outcome::Suspended => arguments.wait,
    }
}

/// Since when no answer came, and why.
type Lost = (Timestamp, String);

/// Tells what is new: a picture on a terminal, lines elsewhere.
enum Teller {
    Picture(Live),
    Lines(Vec<String>),
}

impl Teller {
    fn new(arguments: &Arguments) -> Self {
        if arguments.watch && is_terminal() {
            Self::Picture(Live::default())
        } else {
            Self::Lines(Vec::new())
        }
    }

    fn tell(
        &mut self,
        arguments: &Arguments,
        found: &[Environment],
        lost: Option<&Lost>,
    ) -> Result<(), String> {
        match self {
            Self::Picture(live) => {
                let mut paper = arguments.screen.paper(arguments.output);
                let rows = size().map_or(24, |(_, rows)| usize::from(rows));
                paper.rows = Some(rows.saturating_sub(usize::from(lost.is_some())));
                let mut picture = rendered(arguments, found, paper)?;
                if let Some((since, why)) = lost {
                    picture = format!("not live since {}: {why}\n{picture}", words::past(*since));
                }
                live.draw(&picture);
            }
            Self::Lines(last) => {
                let is_several = found.len() > 1;
                for line in found.iter().map(|environment| line(environment, is_several)) {
                    if !last.contains(&line) {
                        print(&format!("{}  {line}\n", words::past(clock::wall())));
                    }
                }
                *last = found.iter().map(|environment| line(environment, is_several)).collect();
            }
        }
        Ok(())
    }

    /// What was shown last stays on the screen that scrolls.
    fn end(&mut self, arguments: &Arguments, found: &[Environment]) -> Result<u8, String> {
        if let Self::Picture(live) = self {
            live.close();
            print(&rendered(arguments, found, arguments.screen.paper(arguments.output))?);
        }
        Ok(exit_code(found, arguments.exit_code))
    }
}

fn line(environment: &Environment, is_several: bool) -> String {
    let Environment { namespace, name, .. } = environment;
    let which = if is_several { format!("{namespace}/{name}  ") } else { String::new() };
    format!("{which}{}: {}", environment.phase(), environment.message())
}
