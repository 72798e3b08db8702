//! `releases`: where one can go from here, what each way needs, and what to type.

use super::environment::Environment;
use super::paper::{Paper, Tone};
use super::sheet::Sheet;
use crate::api::status::AvailableStatus;
use crate::planner::words;

/// The whole screen.
pub fn render(environment: &Environment, paper: &Paper) -> String {
    let mut sheet = Sheet::new(paper);
    let Environment { namespace, name, status, .. } = environment;
    let at = status.versions.authority.map_or_else(|| "an unknown release".to_owned(), |at| at.to_string());
    sheet.line(paper.toned(Tone::Strong, &format!("{namespace}/{name} is at {at}")));
    if status.available.is_empty() {
        sheet.line(
            "  no release can be reached from here that the catalog describes (kubectl get codereleases)",
        );
        return sheet.into_text();
    }
    sheet.heading("CAN BE REACHED");
    for available in &status.available {
        one(&mut sheet, environment, available);
    }
    sheet.space();
    sheet.line("one edge of the catalog after the other; nothing is touched before every check of a whole step passes");
    sheet.line("to go there: set spec.version in Git, or");
    sheet.line(format!(
        "  kubectl patch codeupgrade {name} -n {namespace} --type merge -p '{{\"spec\":{{\"version\":\"VERSION\"}}}}'"
    ));
    sheet.into_text()
}

fn one(sheet: &mut Sheet<'_>, environment: &Environment, available: &AvailableStatus) {
    let AvailableStatus { release, path, rollouts, waiting, risks, unaccepted_risks } = available;
    let wanted = environment.status.versions.target == Some(*release);
    let mark = if wanted { " (wanted now)" } else { "" };
    let via: Vec<String> = path.iter().map(ToString::to_string).collect();
    let text = format!(
        "{}: {}{mark}; {} of devices between; {waiting} of waiting on the way",
        words::count(path.len() as u64, "hop"),
        via.join(" -> "),
        words::count(u64::from(*rollouts), "rollout"),
    );
    sheet.hanging("  ", &release.to_string(), Tone::Strong, 12, &text);
    if !risks.is_empty() {
        let tone = if *unaccepted_risks > 0 { Tone::Asking } else { Tone::Good };
        let needs = match unaccepted_risks {
            0 => "risks, all accepted".to_owned(),
            many => format!("needs {} in spec.acceptedRisks", words::count(u64::from(*many), "risk")),
        };
        let text = format!("{needs}: {}", risks.join(", "));
        sheet.hanging("              ", sheet.paper.sign(tone), tone, 2, &text);
    }
}
