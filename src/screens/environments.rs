//! `status` of several environments: the worst first, each with its one sentence.

use jiff::Timestamp;

use super::environment::{Environment, Outcome, when};
use super::paper::{Paper, Tone};
use super::sheet::Sheet;
use crate::planner::words;

/// The whole screen.
pub fn render(environments: &[Environment], paper: &Paper, now: Timestamp) -> String {
    let mut sheet = Sheet::new(paper);
    let mut sorted: Vec<&Environment> = environments.iter().collect();
    sorted.sort_by_key(|environment| (environment.outcome, &environment.namespace, &environment.name));
    for environment in &sorted {
        one(&mut sheet, environment, now);
    }
    sheet.space();
    sheet.line(paper.toned(Tone::Faint, &sum(&sorted)));
    sheet.into_text()
}

fn one(sheet: &mut Sheet<'_>, environment: &Environment, now: Timestamp) {
    let Environment { namespace, name, outcome, status, .. } = environment;
    let sign = sheet.paper.toned(outcome.tone(), sheet.paper.sign(outcome.tone()));
    let title = sheet.paper.toned(Tone::Strong, &format!("{namespace}/{name}"));
    let columns = &status.columns;
    let servers = columns.servers.as_ref().map_or_else(String::new, |text| format!("  servers {text}"));
    let devices = columns.devices.as_ref().map_or_else(String::new, |text| format!("  devices {text}"));
    sheet.line(format!("{sign} {title}  {}{servers}{devices}", environment.versions()));
    let until = status.until.map_or_else(String::new, |until| format!(" [until {}]", when(until, now)));
    let text = format!("{}{until}", environment.message());
    sheet.hanging("    ", environment.phase(), outcome.tone(), 12, &text);
}

/// How many stand how.
fn sum(environments: &[&Environment]) -> String {
    let kinds = [
        (Outcome::Stalled, "stalled"),
        (Outcome::Suspended, "waiting for a person"),
        (Outcome::UnderWay, "under way"),
        (Outcome::Well, "as wanted"),
    ];
    let counted = kinds.iter().filter_map(|(outcome, word)| {
        let many = environments.iter().filter(|environment| environment.outcome == *outcome).count();
        (many > 0).then(|| format!("{many} {word}"))
    });
    let counted: Vec<String> = counted.collect();
    format!("{}: {}", words::count(environments.len() as u64, "environment"), counted.join(", "))
}
