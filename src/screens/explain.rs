//! `explain`: why it stands as it stands, gate by gate, and what a person can do about each.

use jiff::Timestamp;

use super::environment::{Environment, Outcome, when};
use super::paper::{Paper, Tone};
use super::sheet::Sheet;
use crate::api::status::{GateStatus, VerdictStatus};
use crate::planner::report::GateName;
use crate::planner::words;

/// How wide the names of gates are.
const GATE: usize = 18;

/// The whole screen.
pub fn render(environment: &Environment, paper: &Paper, now: Timestamp) -> String {
    let mut sheet = Sheet::new(paper);
    title(&mut sheet, environment);
    let gates = &environment.status.gates;
    let of = |wanted: VerdictStatus| gates.iter().filter(move |gate| gate.verdict == wanted);
    let (leading, later): (Vec<&GateStatus>, Vec<&GateStatus>) = of(VerdictStatus::Refuse)
        .chain(of(VerdictStatus::Hold))
        .partition(|gate| gate.message.as_deref() == Some(environment.message()));
    listed(&mut sheet, "HELD BY", &leading, now);
    let also = if leading.is_empty() { "WOULD HOLD WHAT COMES NEXT" } else { "HOLDS BESIDE IT" };
    listed(&mut sheet, also, &later, now);
    listed(&mut sheet, "NOT KNOWN, WHICH NEVER PASSES", &of(VerdictStatus::Unknown).collect::<Vec<_>>(), now);
    what_to_order(&mut sheet, environment);
    let passed: Vec<&str> = of(VerdictStatus::Pass).map(|gate| gate.name.as_str()).collect();
    if !passed.is_empty() {
        sheet.heading(&format!("PASSED {}", passed.len()));
        sheet.hanging("  ", "", Tone::Plain, 0, &passed.join(" "));
    }
    sheet.into_text()
}

/// One gate: what it asks, what it says, and what ends that. `None` where there is no such gate.
pub fn gate(environment: &Environment, name: &str, paper: &Paper, now: Timestamp) -> Option<String> {
    let known = GateName::ALL.into_iter().find(|gate| gate.name().eq_ignore_ascii_case(name))?;
    let mut sheet = Sheet::new(paper);
    title(&mut sheet, environment);
    sheet.heading(known.name());
    sheet.said("asks", Tone::Plain, known.question());
    match environment.status.gates.iter().find(|gate| gate.name == known.name()) {
        None => sheet.said("says", Tone::Faint, "it is not asked now: what it is about is not due"),
        Some(found) => {
            let GateStatus { verdict, reason, message, mend, until, .. } = found;
            let reason = reason.as_ref().map_or_else(String::new, |reason| format!(" {reason}"));
            let message = message.as_ref().map_or_else(String::new, |message| format!(": {message}"));
            let says = format!("{}{reason}{message}", verdict_word(*verdict));
            sheet.said("says", tone(*verdict), &says);
            if let Some(until) = until {
                sheet.said("until", Tone::Plain, &when(*until, now));
            }
            if let Some(mend) = mend {
                sheet.said("you", Tone::Plain, mend);
            }
        }
    }
    Some(sheet.into_text())
}

fn title(sheet: &mut Sheet<'_>, environment: &Environment) {
    let Environment { namespace, name, status, outcome, .. } = environment;
    let reason = if status.reason == status.phase { "" } else { status.reason.as_str() };
    let stands = format!("{namespace}/{name}: {} {reason}", environment.phase());
    sheet.line(sheet.paper.toned(outcome.tone(), stands.trim_end()));
    sheet.hanging("  ", "", Tone::Plain, 0, environment.message());
    if !environment.observed && !status.phase.is_empty() {
        sheet.hanging(
            "  ",
            "",
            Tone::Plain,
            0,
            "the operator has not looked at the last edit of the spec yet",
        );
    }
    if let Some(mend) = &status.mend {
        sheet.said("you", outcome.tone(), mend);
    } else if matches!(outcome, Outcome::UnderWay | Outcome::Well) {
        sheet.said("you", Tone::Plain, "nothing to do");
    }
}

fn listed(sheet: &mut Sheet<'_>, heading: &str, gates: &[&GateStatus], now: Timestamp) {
    if gates.is_empty() {
        return;
    }
    sheet.heading(heading);
    for gate in gates {
        let reason = gate.reason.as_deref().unwrap_or("-");
        let message = gate.message.as_deref().unwrap_or("-");
        sheet.hanging("  ", &gate.name, tone(gate.verdict), GATE, &format!("{reason}: {message}"));
        let mut more = |label: &str, text: &str| {
            sheet.hanging(&" ".repeat(GATE + 2), label, Tone::Faint, 6, text);
        };
        if let Some(until) = gate.until {
            more("until", &when(until, now));
        }
        if let Some(mend) = &gate.mend {
            more("you", mend);
        }
    }
}

/// Every order that would be followed now.
fn what_to_order(sheet: &mut Sheet<'_>, environment: &Environment) {
    if environment.status.asks.is_empty() {
        return;
    }
    sheet.heading("YOU MAY ORDER");
    for ask in &environment.status.asks {
        sheet.command(2, &environment.command(ask));
        sheet.hanging("      ", "", Tone::Plain, 0, &format!("to {}", ask.text));
    }
}

/// How a verdict is meant.
pub(super) const fn tone(verdict: VerdictStatus) -> Tone {
    match verdict {
        VerdictStatus::Pass => Tone::Good,
        VerdictStatus::Hold => Tone::Busy,
        VerdictStatus::Unknown => Tone::Asking,
        VerdictStatus::Refuse => Tone::Bad,
    }
}

const fn verdict_word(verdict: VerdictStatus) -> &'static str {
    match verdict {
        VerdictStatus::Pass => "passes",
        VerdictStatus::Hold => "holds",
        VerdictStatus::Unknown => "not known",
        VerdictStatus::Refuse => "refuses",
    }
}

/// The names of all gates, for whoever mistyped one.
pub fn gate_names() -> String {
    words::list(GateName::ALL.map(GateName::name), GateName::ALL.len())
}
