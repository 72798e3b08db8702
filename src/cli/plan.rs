//! `codeupgrade plan`: what would be done, and what holds it, without doing any of it.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::output::{fail, print};
use crate::api::{CodeRelease, CodeUpgrade};
use crate::catalog::merge::Layer;
use crate::planner::report::{Gate, PlanItem, PlanWhat, Report, Verdict};
use crate::planner::words;
use crate::simulator::{Scenario, preview};
use crate::translate::catalog::shipped;
use crate::translate::status;

/// Options of `plan`.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The `CodeUpgrade`, as YAML.
    #[arg(short, long)]
    file: PathBuf,
    /// The environment, as YAML: authority, storage and devices with their versions (examples/environment.yaml).
    #[arg(long)]
    environment: PathBuf,
    /// A directory of further `CodeRelease` objects, as YAML.
    #[arg(long)]
    catalog: Option<PathBuf>,
    /// How to print it.
    #[arg(short, long, value_enum, default_value_t = Output::Text)]
    output: Output,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Output {
    Text,
    Json,
    Yaml,
}

pub(super) fn main(arguments: &Arguments) -> ExitCode {
    match plan(arguments) {
        Ok(text) => {
            print(&text);
            ExitCode::SUCCESS
        }
        Err(error) => fail(error, None),
    }
}

fn plan(arguments: &Arguments) -> Result<String, String> {
    let upgrade = read_upgrade(&arguments.file)?;
    let scenario = Scenario::from_yaml(&text_of(&arguments.environment)?)
        .map_err(|error| format!("{}: {error}", arguments.environment.display()))?;
    let mut releases: Vec<(Layer, CodeRelease)> =
        shipped().into_iter().map(|release| (Layer::Shipped, release)).collect();
    for path in arguments
        .catalog
        .iter()
        .map(|directory| yaml_files(directory))
        .collect::<Result<Vec<_>, _>>()?
        .concat()
    {
        releases.push((Layer::User, read(&path)?));
    }
    let (decision, at) = preview::decide_now(&upgrade, &scenario, releases)?;
    let as_status = || status::status(None, &decision, upgrade.metadata.generation, at);
    Ok(match arguments.output {
        Output::Text => render(&decision.report),
        Output::Json => serde_json::to_string_pretty(&as_status()).map_err(|error| error.to_string())? + "\n",
        Output::Yaml => serde_saphyr::to_string(&as_status()).map_err(|error| error.to_string())?,
    })
}

fn text_of(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| format!("failed to read {}: {error}", path.display()))
}

fn read<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T, String> {
    serde_saphyr::from_str(&text_of(path)?).map_err(|error| format!("{}: {error}", path.display()))
}

/// The `CodeUpgrade` of a file, which may hold other objects beside it.
fn read_upgrade(path: &Path) -> Result<CodeUpgrade, String> {
    let text = text_of(path)?;
    let is_upgrade = |document: &&str| document.lines().any(|line| line.trim_end() == "kind: CodeUpgrade");
    let document = text
        .split("\n---")
        .find(is_upgrade)
        .ok_or_else(|| format!("{}: no document in it is of kind CodeUpgrade", path.display()))?;
    serde_saphyr::from_str(document).map_err(|error| format!("{}: {error}", path.display()))
}

fn yaml_files(directory: &Path) -> Result<Vec<PathBuf>, String> {
    let failed = |error| format!("failed to read {}: {error}", directory.display());
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// The report for a terminal.
fn render(report: &Report) -> String {
    let mut text = String::new();
    let version = |version: Option<crate::catalog::Version>| {
        version.map_or("?".to_owned(), |version| version.to_string())
    };
    let target = report.target.map_or_else(|| "(observe only)".to_owned(), |target| target.to_string());
    let _ =
        writeln!(text, "{} -> {target}   {}: {}", version(report.at), report.phase.name(), report.message);
    if let Some(mend) = &report.mend {
        let _ = writeln!(text, "to do: {mend}");
    }
    let _ = writeln!(text, "\nPLAN");
    for (index, item) in report.plan.iter().enumerate() {
        let _ = writeln!(text, "  {:>2}  {}", index + 1, plan_line(item));
    }
    if report.plan.is_empty() {
        let _ = writeln!(text, "  nothing is due");
    }
    let _ = writeln!(text, "\nGATES");
    for gate in &report.gates {
        let _ = writeln!(text, "  {}", gate_line(gate));
    }
    let _ = writeln!(text, "\nREACHABLE FROM HERE");
    for available in &report.available {
        let cost = &available.path.cost;
        let risks: Vec<&str> =
            available.path.legs.iter().flat_map(|leg| &leg.risks).map(String::as_str).collect();
        let wait = jiff::SignedDuration::from_secs(cost.waiting_seconds);
        let _ = writeln!(
            text,
            "  {:<10}{}, {}, {} of waiting{}",
            available.release,
            words::count(u64::from(cost.hops), "hop"),
            words::count(u64::from(cost.rollouts), "rollout"),
            words::duration(wait),
            if risks.is_empty() { String::new() } else { format!(", risks: {}", risks.join(", ")) }
        );
    }
    text
}

fn plan_line(item: &PlanItem) -> String {
    let what = match &item.what {
        PlanWhat::Wait { at } => format!("wait     at {at}"),
        PlanWhat::Hop { from, to } => format!("hop      {from} -> {to}"),
        PlanWhat::Rollout { at } => format!("rollout  at {at}"),
    };
    let mut line = format!("{what:<28}{}", item.why);
    // What a person asks of each part next, each on a line of its own.
    let mut more = |label: &str, text: &str| {
        let _ = write!(line, "\n        {label:<11}{text}");
    };
    if let Some(earliest) = item.earliest {
        let until = matches!(item.what, PlanWhat::Wait { .. });
        more(if until { "until" } else { "not before" }, &words::instant(earliest));
    }
    if let Some(gate) = item.held_by {
        more("held by", gate.name());
    }
    if let Some(usually) = &item.usually {
        more("takes", usually);
    }
    line
}

fn gate_line(gate: &Gate) -> String {
    let name = gate.name.name();
    match &gate.verdict {
        Verdict::Pass => format!("{:<9}{name}", "pass"),
        Verdict::Hold { reason, message, .. } => {
            format!("{:<9}{name:<18}{}: {message}", "hold", reason.name())
        }
        Verdict::Unknown { reason, message, .. } => {
            format!("{:<9}{name:<18}{}: {message}", "unknown", reason.name())
        }
        Verdict::Refuse { reason, message, mend } => {
            format!("{:<9}{name:<18}{}: {message} [{mend}]", "refuse", reason.name())
        }
    }
}
