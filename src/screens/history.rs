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
        let head = ["FINISHED", "WHAT", "HOW LONG", "SERVERS"];
        let mut lines = table::lines(paper, &head, rows).into_iter();
        lines.by_ref().take(1).for_each(|head| sheet.line(head));
        for (line, entry) in lines.zip(&status.history) {
            sheet.line(line);
            for (what, remark) in remarks(entry) {
                sheet.hanging("  ", what, Tone::Faint, REMARKS, &remark);
            }
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
    let cells = [
        words::past(entry.finished_at),
        format!("{} -> {}", entry.from, entry.to),
        minutes(entry.finished_at.duration_since(entry.started_at)),
        entry.servers.to_string(),
    ];
    cells.map(|cell| (Tone::Plain, cell)).into()
}

/// How wide the words before remarks are.
const REMARKS: usize = 10;

/// What a change ticket asks besides: a word, and what is said of it.
fn remarks(entry: &HistoryEntry) -> Vec<(&'static str, String)> {
    let grounds = &entry.grounds;
    let risks = if grounds.risks.is_empty() { &entry.accepted_risks } else { &grounds.risks };
    let adopted = entry.adopted.then(|| "begun by somebody else".to_owned());
    let found = [
        ("adopted", adopted),
        ("approved", grounds.approved_by.as_ref().map(|who| format!("by {who}"))),
        ("risks", (!risks.is_empty()).then(|| risks.join(", "))),
        ("backup", backup(entry)),
        ("slowest", slowest(entry)),
    ];
    found.into_iter().filter_map(|(what, said)| Some((what, said?))).collect()
}

/// The backup that the hop had, as old as it was when the authority was ordered.
fn backup(entry: &HistoryEntry) -> Option<String> {
    let made = entry.grounds.backup_at.map(|at| {
        let age = entry.started_at.duration_since(at);
        format!("of {}, {} old", words::past(at), minutes(age))
    });
    made.or_else(|| entry.grounds.no_backup.as_ref().map(|reason| format!("none: {reason}")))
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
    Some(format!("{name} took {took} without backups{}", steps.unwrap_or_default()))
}
