//! A status for a terminal: what is planned, what holds it, and where else one could go.
//!
//! It renders what a `CodeUpgrade` says of itself, so that a plan made offline and one of a live object read the same.

use std::fmt::Write as _;

use crate::api::CodeUpgradeStatus;
use crate::api::status::{AvailableStatus, GateStatus, PlanItemStatus, VerdictStatus};
use crate::planner::words;

/// The whole text.
pub(super) fn render(status: &CodeUpgradeStatus) -> String {
    let mut text = String::new();
    let at = status.versions.authority.map_or_else(|| "?".to_owned(), |version| version.to_string());
    let target =
        status.versions.target.map_or_else(|| "(observe only)".to_owned(), |version| version.to_string());
    let _ = writeln!(text, "{at} -> {target}   {}: {}", status.phase, status.message);
    if let Some(mend) = &status.mend {
        let _ = writeln!(text, "to do: {mend}");
    }
    text += "\nPLAN\n";
    for (index, item) in status.plan.iter().enumerate() {
        let _ = writeln!(text, "  {:>2}  {}", index + 1, plan_line(item));
    }
    if status.plan.is_empty() {
        text += "  nothing is due\n";
    }
    text += "\nGATES\n";
    for gate in &status.gates {
        let _ = writeln!(text, "  {}", gate_line(gate));
    }
    text += "\nREACHABLE FROM HERE\n";
    for available in &status.available {
        let _ = writeln!(text, "  {}", available_line(available));
    }
    if status.available.is_empty() {
        text += "  nothing newer\n";
    }
    text
}

fn plan_line(item: &PlanItemStatus) -> String {
    let mut line = format!("{:<28}{}", item.what, item.why);
    // What a person asks of each part next, each on a line of its own.
    let mut more = |label: &str, text: &str| {
        let _ = write!(line, "\n        {label:<11}{text}");
    };
    if let Some(earliest) = item.earliest {
        more(if item.what.starts_with("wait") { "until" } else { "not before" }, &words::instant(earliest));
    }
    if let Some(gate) = &item.held_by {
        more("held by", gate);
    }
    if let Some(usually) = &item.usually {
        more("takes", usually);
    }
    line
}

fn gate_line(gate: &GateStatus) -> String {
    let GateStatus { name, verdict, reason, message, mend, until: _ } = gate;
    let verdict = match verdict {
        VerdictStatus::Pass => return format!("{:<9}{name}", "pass"),
        VerdictStatus::Hold => "hold",
        VerdictStatus::Unknown => "unknown",
        VerdictStatus::Refuse => "refuse",
    };
    let (reason, message) = (reason.as_deref().unwrap_or("-"), message.as_deref().unwrap_or("-"));
    let mend = mend.as_ref().map_or_else(String::new, |mend| format!(" [{mend}]"));
    format!("{verdict:<9}{name:<18}{reason}: {message}{mend}")
}

fn available_line(available: &AvailableStatus) -> String {
    let AvailableStatus { release, path, rollouts, waiting, risks, unaccepted_risks } = available;
    let hops = words::count(path.len() as u64, "hop");
    let rollouts = words::count(u64::from(*rollouts), "rollout");
    let risks = if risks.is_empty() {
        String::new()
    } else {
        format!(", risks: {} ({unaccepted_risks} not accepted)", risks.join(", "))
    };
    format!("{release:<10}{hops}, {rollouts} between, {waiting} of waiting{risks}")
}
