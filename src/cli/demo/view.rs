//! The live view: tiers with their progress, and one sentence. On a terminal it is drawn over; elsewhere a line is
//! written when something changes.

use std::fmt::Write as _;
use std::io::IsTerminal as _;

use jiff::{SignedDuration, Timestamp};

use crate::api::CodeUpgradeStatus;
use crate::api::status::{HistoryEntry, ServerStatus};
use crate::cli::output::print;
use crate::fleet::ServerRole;
use crate::planner::reason::Reason;
use crate::planner::words;

/// How wide a bar is.
const BAR: u64 = 24;

/// What is on the screen.
pub(super) struct View {
    is_terminal: bool,
    lines: usize,
    last: String,
}

impl View {
    pub(super) fn new() -> Self {
        Self { is_terminal: std::io::stdout().is_terminal(), lines: 0, last: String::new() }
    }

    /// Shows a status.
    pub(super) fn draw(&mut self, now: Timestamp, status: &CodeUpgradeStatus) {
        if self.is_terminal {
            let text = tiers(now, status);
            self.erase();
            print(&text);
            self.lines = text.lines().count();
            return;
        }
        let line = one_line(status);
        if line != self.last {
            print(&format!("{}  {line}\n", clock(now)));
            self.last = line;
        }
    }

    /// A line that stays.
    pub(super) fn note(&mut self, now: Timestamp, text: &str) {
        self.erase();
        print(&format!("{}  {text}\n\n", clock(now)));
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

fn clock(now: Timestamp) -> String {
    now.strftime("%Y-%m-%d %H:%M").to_string()
}

fn one_line(status: &CodeUpgradeStatus) -> String {
    let columns = &status.columns;
    let mut line = format!("servers {:<5}", columns.servers.as_deref().unwrap_or("-"));
    let _ = write!(line, " devices {:<7}", columns.devices.as_deref().unwrap_or("-"));
    let _ = write!(line, " {:<11} {}", status.phase, status.message);
    line
}

fn tiers(now: Timestamp, status: &CodeUpgradeStatus) -> String {
    let mut text = format!("{}   {}: {}\n\n", clock(now), status.phase, status.message);
    let target = status.versions.target;
    let is_there = |server: &&ServerStatus| target.is_none() || server.version == target;
    for (title, role) in [("authority", ServerRole::Authority), ("storage", ServerRole::Storage)] {
        let servers: Vec<&ServerStatus> =
            status.servers.iter().filter(|server| server.role == role).collect();
        let done = servers.iter().copied().filter(|server| is_there(server)).count() as u64;
        let states: Vec<String> = servers
            .iter()
            .map(|server| {
                let version = server.version.map_or_else(|| "-".to_owned(), |version| version.to_string());
                format!("{} {version} {}", server.name, server.state)
            })
            .collect();
        let _ = writeln!(text, "  {title:<12}{}  {}", bar(done, servers.len() as u64), states.join(", "));
    }
    text += &wait(now, status).unwrap_or_default();
    if let Some(devices) = &status.devices {
        let counts = format!("{} of {} done, {} under way", devices.done, devices.total, devices.in_flight);
        let _ = writeln!(text, "  {:<12}{}  {counts}", "devices", bar(devices.done, devices.total));
        if let Some(estimate) = &devices.estimate {
            let done_at = words::instant(estimate.done_at);
            let _ = writeln!(text, "    at {} devices a day all are done about {done_at}", estimate.per_day);
        }
        for group in &devices.groups {
            let wave = group.wave.as_deref().unwrap_or("-");
            let _ = writeln!(
                text,
                "    {:<10}{}  {} wave {wave}",
                group.name,
                bar(group.done, group.total),
                group.state
            );
        }
    }
    text
}

/// How far the post-upgrade wait is, while it is what holds.
fn wait(now: Timestamp, status: &CodeUpgradeStatus) -> Option<String> {
    let until = status.until.filter(|_| status.reason == Reason::PostUpgradeWait.name())?;
    let started = status.memory.as_ref()?.wait.as_ref()?.started_at;
    let seconds =
        |from: Timestamp, to: Timestamp| u64::try_from(to.duration_since(from).as_secs()).unwrap_or(0);
    let (passed, left) = (seconds(started, now), seconds(now, until));
    let left_over = words::duration(SignedDuration::from_mins(i64::try_from(left / 60).unwrap_or(0)));
    Some(format!("  {:<12}{}  {left_over} left\n", "wait", bar(passed, passed + left)))
}

fn bar(done: u64, all: u64) -> String {
    let filled = (done * BAR).checked_div(all).unwrap_or(BAR).min(BAR);
    let width = usize::try_from(filled).unwrap_or(0);
    let rest = usize::try_from(BAR - filled).unwrap_or(0);
    format!("[{}{}]", "#".repeat(width), ".".repeat(rest))
}

/// One hop that was done.
pub(super) fn history_line(entry: &HistoryEntry) -> String {
    format!(
        "  {} -> {}  {} to {}, {}\n",
        entry.from,
        entry.to,
        words::past(entry.started_at),
        words::past(entry.finished_at),
        words::count(u64::from(entry.servers), "server"),
    )
}
