//! The live view: the operator's own screen. On a terminal it is drawn over; elsewhere a line is written when something changes.

use jiff::Timestamp;

use crate::api::CodeUpgrade;
use crate::cli::output::print;
use crate::cli::screen::{is_terminal, size};
use crate::planner::words;
use crate::screens::{Environment, Paint, Paper, status};

/// What is on the screen.
pub(super) struct View {
    is_terminal: bool,
    lines: usize,
    last: String,
}

impl View {
    pub(super) fn new() -> Self {
        Self { is_terminal: is_terminal(), lines: 0, last: String::new() }
    }

    /// Shows an object.
    pub(super) fn draw(&mut self, now: Timestamp, object: &CodeUpgrade) {
        let shown = Environment::of(object);
        if self.is_terminal {
            let text = status::render(&shown, &paper(), now);
            self.erase();
            print(&text);
            self.lines = text.lines().count();
            return;
        }
        let line = one_line(&shown);
        if line != self.last {
            print(&format!("{}  {line}\n", words::past(now)));
            self.last = line;
        }
    }

    /// A line that stays.
    pub(super) fn note(&mut self, now: Timestamp, text: &str) {
        self.erase();
        print(&format!("{}  {text}\n\n", words::past(now)));
    }

    /// Leaves what is drawn where it is.
    pub(super) fn end(&mut self) {
        self.lines = 0;
    }

    fn erase(&mut self) {
        if self.lines > 0 {
            print(&format!("\x1b[{}A\x1b[J", self.lines));
            self.lines = 0;
        }
    }
}

/// The terminal, but for the lines that stay: what is drawn over must not scroll.
fn paper() -> Paper {
    let (columns, rows) = size().unwrap_or((100, 40));
    let rows = Some(usize::from(rows).saturating_sub(4).max(8));
    Paper { rows, paint: Paint::Coloured, ..Paper::plain(usize::from(columns)) }
}

fn one_line(shown: &Environment) -> String {
    let columns = &shown.status.columns;
    let (servers, devices) = (columns.servers.as_deref(), columns.devices.as_deref());
    format!(
        "servers {:<5} devices {:<7} {:<11} {}",
        servers.unwrap_or("-"),
        devices.unwrap_or("-"),
        shown.phase(),
        shown.message()
    )
}
