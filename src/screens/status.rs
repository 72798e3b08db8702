//! `status` of one environment: the sentence, what a person must do, who cannot back up, servers, devices, what else holds, the plan.

use jiff::Timestamp;

use super::environment::{Environment, Outcome, PROGRAM, minutes, verb, when};
use super::paper::{Fold, Glyphs, Paper, Tone};
use super::sheet::Sheet;
use super::table::{self, Cell};
use crate::api::status::{
    DevicesStatus, GateStatus, GroupStatus, PlanItemStatus, ServerStatus, VerdictStatus,
};
use crate::planner::report::{GroupState, ServerState};
use crate::planner::words;

/// The whole screen. Where the paper has an end, what matters least is folded first.
pub fn render(environment: &Environment, paper: &Paper, now: Timestamp) -> String {
    let folds: &[Level] = match paper.fold {
        Fold::Nothing => &[Level::Whole],
        Fold::Fitting => &[Level::Normal, Level::Servers, Level::Groups, Level::Plan],
    };
    let fits = |sheet: &Sheet<'_>| paper.rows.is_none_or(|rows| sheet.height() <= rows);
    let mut sheet = written(environment, paper, now, folds[0]);
    for level in &folds[1..] {
        if fits(&sheet) {
            break;
        }
        sheet = written(environment, paper, now, *level);
    }
    sheet.into_text()
}

/// How much is folded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    /// Nothing.
    Whole,
    /// Servers that are as wanted, where there are very many.
    Normal,
    /// All servers that are as wanted.
    Servers,
    /// Groups that are complete or wait, too.
    Groups,
    /// The plan but for what comes next, too.
    Plan,
}

fn written<'a>(environment: &Environment, paper: &'a Paper, now: Timestamp, level: Level) -> Sheet<'a> {
    let mut sheet = Sheet::new(paper);
    head(&mut sheet, environment, now);
    sentence(&mut sheet, environment, now);
    what_to_do(&mut sheet, environment);
    servers(&mut sheet, environment, now, level);
    if let Some(found) = &environment.status.devices {
        devices(&mut sheet, environment, found, now, level);
    }
    also_held(&mut sheet, environment, now, level);
    plan(&mut sheet, environment, now, level);
    sheet.space();
    let Environment { name, namespace, .. } = environment;
    let more = format!("more: {PROGRAM} explain {name} -n {namespace} (or history, releases)");
    sheet.line(paper.toned(Tone::Faint, &more));
    sheet
}

fn head(sheet: &mut Sheet<'_>, environment: &Environment, now: Timestamp) {
    let left = format!("{}/{}   {}", environment.namespace, environment.name, environment.versions());
    let right = words::past(now);
    let room = sheet.paper.columns.min(120).saturating_sub(left.chars().count() + right.chars().count());
    let strong = sheet.paper.toned(Tone::Strong, &left);
    sheet.line(format!("{strong}{}{right}", " ".repeat(room.max(3))));
}

fn sentence(sheet: &mut Sheet<'_>, environment: &Environment, now: Timestamp) {
    let status = &environment.status;
    sheet.said(environment.phase(), environment.outcome.tone(), environment.message());
    if !environment.observed && !status.phase.is_empty() {
        sheet.more("the operator has not looked at the last edit of the spec yet");
    }
    if let Some(until) = status.until {
        sheet.said("until", Tone::Plain, &when(until, now));
    }
    if let Some(doing) = &status.now {
        let since = minutes(now.duration_since(doing.since));
        let usually = doing.usually.as_ref().map_or_else(String::new, |text| format!("; usually {text}"));
        sheet.said("now", Tone::Plain, &format!("{}: {} for {since}{usually}", doing.object, doing.what));
        if let (Some(slow), Some(stalls)) = (doing.warns_at, doing.stalls_at) {
            let (slow, stalls) = (words::instant(slow), words::instant(stalls));
            sheet.more(&format!("slow from {slow}, stalled from {stalls}"));
        }
        if let Some(next) = &doing.next {
            sheet.said("then", Tone::Plain, next);
        }
    }
    if let Some(cut) = status.backups_interrupted.as_ref().filter(|cut| cut.servers > 0) {
        let text = format!(
            "{}, {} since {}",
            words::count(u64::from(cut.servers), "server"),
            words::count(cut.devices, "device"),
            when(cut.since, now)
        );
        sheet.said("no backups", Tone::Asking, &text);
    }
}

/// What a person must do, what they may order, or that there is nothing to do.
fn what_to_do(sheet: &mut Sheet<'_>, environment: &Environment) {
    let (answers, options) = environment.asks();
    let tone = environment.outcome.tone();
    let is_asked = matches!(environment.outcome, Outcome::Stalled | Outcome::Suspended);
    match (&environment.status.mend, answers.as_slice()) {
        (Some(mend), _) => sheet.said("you", tone, mend),
        (None, []) if !is_asked => sheet.said("you", Tone::Plain, "nothing to do"),
        (None, _) => sheet.said("you", tone, "order one of these"),
    }
    for ask in answers {
        sheet.command(14, &environment.command(ask));
        sheet.hanging("              ", "", Tone::Plain, 2, &format!("to {}", ask.text));
    }
    if !options.is_empty() {
        let options: Vec<String> =
            options.iter().map(|ask| format!("{} (to {})", verb(ask.action), ask.text)).collect();
        sheet.said("you may", Tone::Plain, &options.join("; "));
    }
}

/// So many servers that are as wanted are shown one by one.
const FEW_SERVERS: usize = 12;

fn servers(sheet: &mut Sheet<'_>, environment: &Environment, now: Timestamp, level: Level) {
    let status = &environment.status;
    if status.servers.is_empty() {
        return;
    }
    let is_as_wanted = |server: &&ServerStatus| {
        [ServerState::Current, ServerState::Provider, ServerState::Retired]
            .map(ServerState::name)
            .contains(&server.state.as_str())
    };
    let (settled, moving): (Vec<&ServerStatus>, Vec<&ServerStatus>) =
        status.servers.iter().partition(is_as_wanted);
    let is_folded = match level {
        Level::Whole => false,
        Level::Normal => settled.len() > FEW_SERVERS,
        Level::Servers | Level::Groups | Level::Plan => settled.len() > 1,
    };
    let shown: Vec<&ServerStatus> = if is_folded { moving } else { status.servers.iter().collect() };
    let rows = shown.iter().map(|server| server_row(sheet.paper, server, now)).collect();
    let title = format!("SERVERS {}", status.columns.servers.as_deref().unwrap_or_default());
    part(sheet, &[title.trim_end(), "VERSION", "STATE", "SINCE"], rows);
    let folded = if is_folded { settled.len() } else { 0 };
    let left_out = folded + usize::try_from(status.servers_left_out).unwrap_or(0);
    if left_out > 0 {
        let good = sheet.paper.sign(Tone::Good);
        sheet.line(format!("  {good} {} more as wanted", words::count(left_out as u64, "server")));
    }
}

fn server_row(paper: &Paper, server: &ServerStatus, now: Timestamp) -> Vec<Cell> {
    let is = |state: ServerState| state.name() == server.state;
    let tone = if is(ServerState::Current) {
        Tone::Good
    } else if is(ServerState::Upgrading) || is(ServerState::Verifying) {
        Tone::Busy
    } else if is(ServerState::AwaitingPerson) {
        Tone::Asking
    } else if is(ServerState::Failing) || is(ServerState::Ahead) || is(ServerState::Offline) {
        Tone::Bad
    } else {
        Tone::Faint
    };
    let offline = if server.online || is(ServerState::Offline) { "" } else { ", not connected" };
    let version = server.version.map_or_else(|| "-".to_owned(), |version| version.to_string());
    let since = server.since.map_or_else(|| "-".to_owned(), |since| minutes(now.duration_since(since)));
    vec![
        (Tone::Plain, server.name.to_string()),
        (Tone::Plain, version),
        (tone, format!("{} {}{offline}", paper.sign(tone), server.state)),
        (Tone::Plain, since),
    ]
}

fn devices(
    sheet: &mut Sheet<'_>,
    environment: &Environment,
    found: &DevicesStatus,
    now: Timestamp,
    level: Level,
) {
    let title = environment.status.columns.devices.as_deref().unwrap_or_default();
    let counts = [
        ("done", found.done),
        ("under way", found.in_flight),
        ("not seen since", found.pending),
        ("waiting", found.waiting),
        ("held", found.held),
        ("failed", found.failed),
        ("fell back", found.fell_back),
        ("unreadable", found.unreadable),
        ("lost", found.lost),
        ("missing", found.missing),
        ("refused", found.refused),
        ("without a group", found.unmatched),
    ];
    let counts: Vec<String> =
        counts.iter().filter(|(_, many)| *many > 0).map(|(word, many)| format!("{word} {many}")).collect();
    sheet.space();
    let bar = if found.total > 0 { bar(sheet.paper, found.done, found.total) } else { String::new() };
    let title = sheet.paper.toned(Tone::Strong, &format!("DEVICES {title}"));
    sheet.line(format!("{title}   {bar}"));
    if !counts.is_empty() {
        sheet.hanging("  ", "", Tone::Plain, 0, &counts.join(", "));
    }
    let is_quiet = |group: &&GroupStatus| {
        [GroupState::Complete, GroupState::Waiting].map(GroupState::name).contains(&group.state.as_str())
    };
    let is_folded = level >= Level::Groups;
    let shown: Vec<&GroupStatus> =
        found.groups.iter().filter(|group| !is_folded || !is_quiet(group)).collect();
    if !shown.is_empty() {
        let rows = shown.iter().map(|group| group_row(sheet.paper, group, now)).collect();
        let head = ["GROUP", "WAVE", "RELEASED", "DONE", "UNDER WAY", "FAILED", "LOST", "STATE", "SINCE"];
        lines(sheet, &head, rows);
    }
    let folded = found.groups.len() - shown.len();
    if folded > 0 {
        let sign = sheet.paper.sign(Tone::Faint);
        sheet.line(format!("  {sign} {} more, complete or waiting", words::count(folded as u64, "group")));
    }
    if let Some(estimate) = &found.estimate {
        let at = when(estimate.done_at, now);
        sheet.line(format!("  all done about {at}, at {} devices a day", estimate.per_day));
    }
}

fn group_row(paper: &Paper, group: &GroupStatus, now: Timestamp) -> Vec<Cell> {
    let GroupStatus { name, state, since, wave, released, total, done, in_flight, failed, lost, .. } = group;
    let is = |wanted: GroupState| wanted.name() == state;
    let tone = if is(GroupState::Complete) {
        Tone::Good
    } else if is(GroupState::Halted) {
        Tone::Bad
    } else if is(GroupState::Overdue) || is(GroupState::Stuck) {
        Tone::Asking
    } else if is(GroupState::Releasing) || is(GroupState::Asking) || is(GroupState::Pausing) {
        Tone::Busy
    } else {
        Tone::Faint
    };
    let plain = |text: String| (Tone::Plain, text);
    let or_dash = |text: &Option<String>| plain(text.clone().unwrap_or_else(|| "-".to_owned()));
    let since = since.map_or_else(|| "-".to_owned(), |since| minutes(now.duration_since(since)));
    let wrong = |many: u64| (if many > 0 { Tone::Bad } else { Tone::Plain }, many.to_string());
    vec![
        plain(name.clone()),
        or_dash(wave),
        or_dash(released),
        plain(format!("{done}/{total}")),
        plain(in_flight.to_string()),
        wrong(*failed),
        wrong(*lost),
        (tone, format!("{} {state}", paper.sign(tone))),
        plain(since),
    ]
}

/// How wide a bar is.
const BAR: u64 = 24;

fn bar(paper: &Paper, done: u64, all: u64) -> String {
    let filled = (done.saturating_mul(BAR)).checked_div(all).unwrap_or(0).min(BAR);
    let (full, empty) = match paper.glyphs {
        Glyphs::Unicode => ("█", "░"),
        Glyphs::Ascii => ("#", "."),
    };
    let times = |count: u64| usize::try_from(count).unwrap_or(0);
    format!("{}{}", full.repeat(times(filled)), empty.repeat(times(BAR - filled)))
}

/// What holds beside what the sentence says.
fn also_held(sheet: &mut Sheet<'_>, environment: &Environment, now: Timestamp, level: Level) {
    let status = &environment.status;
    let holds = |gate: &&GateStatus| match gate.verdict {
        VerdictStatus::Pass => level == Level::Whole,
        VerdictStatus::Hold | VerdictStatus::Unknown | VerdictStatus::Refuse => {
            gate.message.as_ref() != Some(&status.message)
        }
    };
    let gates: Vec<&GateStatus> = status.gates.iter().filter(holds).collect();
    if gates.is_empty() || level >= Level::Plan {
        return;
    }
    sheet.heading("ALSO HELD BY");
    for gate in gates {
        let until = gate.until.map_or_else(String::new, |until| format!(", until {}", when(until, now)));
        let text = format!("{}{until}", gate.message.as_deref().unwrap_or("passes"));
        sheet.hanging("  ", &gate.name, super::explain::tone(gate.verdict), 18, &text);
    }
}

/// So many items of the plan are shown where there is little room.
const NEXT_ITEMS: usize = 2;

fn plan(sheet: &mut Sheet<'_>, environment: &Environment, now: Timestamp, level: Level) {
    let items = &environment.status.plan;
    if items.is_empty() {
        return;
    }
    sheet.heading("PLAN");
    let most = if level >= Level::Plan { NEXT_ITEMS } else { items.len() };
    for (index, item) in items.iter().take(most).enumerate() {
        let PlanItemStatus { what, why: _, held_by, earliest, usually } = item;
        let mut text = vec![what.clone()];
        text.extend(earliest.map(|at| {
            let word = if what.starts_with("wait") { "until" } else { "not before" };
            format!("{word} {}", when(at, now))
        }));
        text.extend(held_by.as_ref().map(|gate| format!("held by {gate}")));
        text.extend(usually.as_ref().map(|usually| format!("takes {usually}")));
        sheet.hanging("  ", &(index + 1).to_string(), Tone::Faint, 3, &text.join("; "));
    }
    if items.len() > most {
        let sign = sheet.paper.sign(Tone::Faint);
        sheet.line(format!("  {sign} {} more steps", items.len() - most));
    }
}

/// A part of the screen: its heading is the first line of its table.
fn part(sheet: &mut Sheet<'_>, head: &[&str], rows: Vec<Vec<Cell>>) {
    sheet.space();
    let lines = table::lines(sheet.paper, head, rows);
    for (index, line) in lines.iter().enumerate() {
        match index {
            0 => sheet.line(sheet.paper.toned(Tone::Strong, line)),
            _ => sheet.line(line),
        }
    }
}

/// The lines of a table within a part.
fn lines(sheet: &mut Sheet<'_>, head: &[&str], rows: Vec<Vec<Cell>>) {
    for line in table::lines(sheet.paper, head, rows) {
        sheet.line(format!("  {line}"));
    }
}
