//! `history`: the hops that were finished, the releases that were proven, and the orders that people gave.

use jiff::Timestamp;

use super::environment::{Environment, minutes};
use super::orders;
use super::paper::{Paper, Tone};
use super::sheet::Sheet;
use super::table::{self, Cell};
use crate::api::CodeUpgradeOrder;
use crate::api::status::{HistoryEntry, SlowestServer};
use crate::planner::words;

/// The whole screen.
pub fn render(
    environment: &Environment,
    given: &[CodeUpgradeOrder],
    paper: &Paper,
    now: Timestamp,
) -> String {
    let mut sheet = Sheet::new(paper);
    let Environment { namespace, name, status, .. } = environment;
    sheet.line(paper.toned(Tone::Strong, &format!("{namespace}/{name}   {}", environment.versions())));
    sheet.space();
    if status.history.is_empty() {
        sheet.line("no hop was finished yet");
    } else {
        let rows = status.history.iter().map(row).collect();
        let head = ["FINISHED", "WHAT", "HOW LONG", "SERVERS", "REMARKS"];
        for line in table::lines(paper, &head, rows) {
            sheet.line(line);
        }
    }
    if !status.proven.is_empty() {
        sheet.heading("PROVEN");
        for entry in &status.proven {
            let until = entry
                .until
                .map_or_else(|| "since".to_owned(), |until| format!("until {}, since", words::past(until)));
            let devices = words::count(entry.devices, "device");
            sheet.line(format!("  {}  {until} {}, {devices}", entry.release, words::past(entry.since)));
        }
    }
    let given = orders::render(given, paper, now);
    let text = sheet.into_text();
    if given.is_empty() { text } else { format!("{text}\n{given}") }
}

/// The cells of one finished hop.
fn row(entry: &HistoryEntry) -> Vec<Cell> {
    let mut remarks = Vec::new();
    if entry.adopted {
        remarks.push("begun by somebody else, adopted".to_owned());
    }
    if !entry.accepted_risks.is_empty() {
        let reasons = &entry.grounds.risks;
        let risks = if reasons.is_empty() { &entry.accepted_risks } else { reasons };
        remarks.push(format!("risks accepted: {}", risks.join(", ")));
    }
    if let Some(who) = &entry.grounds.approved_by {
        remarks.push(format!("approved by {who}"));
    }
    remarks.extend(backup(entry));
    remarks.extend(slowest(entry));
    let cells = [
        words::past(entry.finished_at),
        format!("{} -> {}", entry.from, entry.to),
        minutes(entry.finished_at.duration_since(entry.started_at)),
        entry.servers.to_string(),
        remarks.join("; "),
    ];
    cells.map(|cell| (Tone::Plain, cell)).into()
}

/// The backup that the hop had, as old as it was when the authority was ordered.
fn backup(entry: &HistoryEntry) -> Option<String> {
    let made = entry.grounds.backup_at.map(|at| {
        let age = entry.started_at.duration_since(at);
        format!("backup of {}, {} old", words::past(at), minutes(age))
    });
    made.or_else(|| entry.grounds.no_backup.as_ref().map(|reason| format!("no backup: {reason}")))
}

/// Who took longest, and which of its steps.
fn slowest(entry: &HistoryEntry) -> Option<String> {
    let SlowestServer { name, begun_at, settled_at, verified_at } = entry.slowest.as_ref()?;
    let took = minutes(verified_at.duration_since(*begun_at));
    let steps = settled_at.map(|settled_at| {
        let (rolled, verified) =
            (settled_at.duration_since(*begun_at), verified_at.duration_since(settled_at));
        format!(" ({} to settle, {} to verify)", minutes(rolled), minutes(verified))
    });
    Some(format!("longest without backups: {name}, {took}{}", steps.unwrap_or_default()))
}
