//! What must be so in every course.

use std::collections::{BTreeMap, BTreeSet};

use codeupgrade::catalog::Version;
use codeupgrade::planner::report::Phase;
use codeupgrade::planner::step::Step;
use codeupgrade::simulator::script::{Outcome, Sight, Sighting, Told};
use jiff::{SignedDuration, Timestamp};

use super::course::{Course, NEW, OLD};
use super::person::Played;
use super::truth::{Change, Truth};

/// Something that is wrong.
#[derive(Clone, Debug)]
pub(super) struct Finding {
    rule: &'static str,
    /// What it is about: a reason, or nothing.
    subject: String,
    /// What was found.
    pub(super) text: String,
}

impl Finding {
    /// Findings of one kind have one cause, as a rule.
    pub(super) fn kind(&self) -> String {
        format!("{} {}", self.rule, self.subject).trim_end().to_owned()
    }
}

/// The vendor's wait after 4.2.x.
const WAIT: SignedDuration = SignedDuration::from_hours(24);

/// Judges a course that was played.
pub(super) fn judge(course: &Course, played: &Played) -> Vec<Finding> {
    let outcome = match &played.outcome {
        Ok(outcome) => outcome,
        Err(problem) => {
            let rule = "it can be played to its end";
            return vec![Finding { rule, subject: String::new(), text: problem.chars().take(400).collect() }];
        }
    };
    let mut findings = broken_rules(outcome);
    findings.extend(servers(course, played, outcome));
    findings.extend(words(outcome));
    findings.extend(quiet(outcome));
    findings.extend(healed(course, played, outcome));
    findings
}

/// What the runner itself found: the checker's complaints among them.
fn broken_rules(outcome: &Outcome) -> Vec<Finding> {
    let finding = |text: &String| {
        // Versions, names and numbers aside, one complaint is one kind.
        let subject = text.chars().filter(|letter| !letter.is_ascii_digit()).take(80).collect();
        Finding { rule: "the checker complains", subject, text: text.clone() }
    };
    outcome.failures.iter().map(finding).collect()
}

/// The order of tiers, once a hop, the wait, and that nothing rolls but by a step.
fn servers(course: &Course, played: &Played, outcome: &Outcome) -> Vec<Finding> {
    let (old, new): (Version, Version) = (OLD.parse().unwrap(), NEW.parse().unwrap());
    let begin = outcome.seen.first().map_or(Timestamp::UNIX_EPOCH, |first| first.at);
    let waited = course.setting.iter().any(|line| line == "waited");
    let mut truth = Truth::new(&outcome.servers);
    let mut ordered: BTreeMap<String, Version> = BTreeMap::new();
    let mut rises: BTreeMap<String, usize> = BTreeMap::new();
    let mut caught: BTreeSet<String> = BTreeSet::new();
    let mut findings = Vec::new();
    let mut wrong = |rule, at: Timestamp, text: String| {
        findings.push(Finding { rule, subject: String::new(), text: format!("{at}: {text}") });
    };
    for Sighting { at, what } in &outcome.seen {
        match what {
            Sight::Step(Step::UpgradeServer { server, to, .. }) => {
                let authority = &truth.servers["authority"];
                if server.0 != "authority" && authority.ran != *to {
                    let text =
                        format!("{server} is ordered to {to}, and the authority ran at {}", authority.ran);
                    wrong("authority before storage", *at, text);
                }
                if server.0 == "authority" && *to == new && authority.ran == old {
                    let since = wait_began(&truth, begin, waited);
                    if let Some(since) = since.filter(|since| at.duration_since(*since) < WAIT) {
                        let text = format!("the authority is ordered to {to}; the wait began {since}");
                        wrong("the wait after 4.2.x", *at, text);
                    }
                }
                ordered.insert(server.0.clone(), *to);
            }
            Sight::World(happening) => {
                let Some(Change { server, to }) = truth.take(*at, happening) else { continue };
                // Before its catch was closed for the first time, Git rolls a server as it always did.
                if is_in_hands(course, played, &server)
                    || !caught.contains(&server) && !ordered.contains_key(&server)
                {
                    continue;
                }
                if ordered.get(&server) != Some(&to) {
                    wrong("nothing rolls but by a step", *at, format!("{server} was started with {to}"));
                }
                let times = rises.entry(server.clone()).or_default();
                *times += 1;
                if *times > 1 {
                    wrong(
                        "once a hop",
                        *at,
                        format!("{server} was started with other software {times} times"),
                    );
                }
            }
            Sight::Step(Step::HoldCatch { server, .. }) => {
                caught.insert(server.0.clone());
            }
            Sight::Line(_) | Sight::Told(_) | Sight::Step(_) => {}
        }
    }
    findings
}

/// When the wait at the old release began, as far as anybody outside can say.
fn wait_began(truth: &Truth, begin: Timestamp, waited: bool) -> Option<Timestamp> {
    let rose =
        truth.servers.values().filter_map(|server| server.rose_at.filter(|_| server.ran.to_string() == OLD));
    let latest = rose.max();
    if waited { latest } else { latest.max(Some(begin)) }
}

/// Whether somebody does something to a server that lets it start with other software.
fn is_in_hands(course: &Course, played: &Played, server: &str) -> bool {
    // Where no version is wanted any more, nothing is held.
    let is_let_go = course.acts.iter().any(|act| act.verb == "want nothing");
    let mut verbs = course.acts.iter().map(|act| &act.verb).chain(&played.answers);
    verbs.any(|verb| {
        let words: Vec<&str> = verb.split(' ').collect();
        match words.as_slice() {
            ["restore" | "hand" | "catch" | "scale", name, ..] => *name == server,
            ["commit", name, ..] => is_let_go && *name == server,
            _ => false,
        }
    })
}

/// Every sentence fits, and what a person must act on says how.
fn words(outcome: &Outcome) -> Vec<Finding> {
    let mut findings = Vec::new();
    for told in told(outcome).map(|(_, told)| told) {
        let subject = told.reason.name().to_owned();
        if told.message.chars().count() > 120 {
            let rule = "a message has at most 120 characters";
            findings.push(Finding { rule, subject: subject.clone(), text: told.message.clone() });
        }
        let needs_mend = matches!(told.phase, Phase::Stalled | Phase::Suspended);
        if needs_mend && told.mend.as_deref().unwrap_or_default().is_empty() {
            let rule = "what stalls has a mend";
            findings.push(Finding { rule, subject, text: told.message.clone() });
        }
    }
    findings
}

fn told(outcome: &Outcome) -> impl Iterator<Item = (Timestamp, &Told)> {
    outcome.seen.iter().filter_map(|sighting| match &sighting.what {
        Sight::Told(told) => Some((sighting.at, told)),
        Sight::Line(_) | Sight::Step(_) | Sight::World(_) => None,
    })
}

/// The time in which nobody does anything must not see the same thing come and go.
const UNDISTURBED: SignedDuration = SignedDuration::from_hours(6);

/// How often the same may be told, or done to one server, in that time.
const MOST_TIMES: usize = 4;

/// Nothing flaps: neither what is told nor what is done.
fn quiet(outcome: &Outcome) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut recent: Vec<(Timestamp, String)> = Vec::new();
    let mut before = String::new();
    for Sighting { at, what } in &outcome.seen {
        let seen = match what {
            Sight::Line(_) => {
                recent.clear();
                continue;
            }
            Sight::Told(told) => {
                let seen = format!("tells {} {}", told.phase.name(), told.reason.name());
                if seen == before {
                    continue;
                }
                before.clone_from(&seen);
                seen
            }
            Sight::Step(Step::UpgradeServer { server, .. }) => format!("upgrades {server}"),
            Sight::Step(Step::HoldCatch { server, .. }) => format!("closes the catch of {server}"),
            Sight::Step(Step::TakeBackup { .. }) => "takes a backup".to_owned(),
            Sight::Step(_) | Sight::World(_) => continue,
        };
        recent.retain(|(then, _)| at.duration_since(*then) < UNDISTURBED);
        recent.push((*at, seen.clone()));
        let times = recent.iter().filter(|(_, other)| *other == seen).count();
        if times > MOST_TIMES {
            let text = format!("{at}: {times} times within {UNDISTURBED:#}");
            findings.push(Finding { rule: "nothing flaps:", subject: seen, text });
            recent.clear();
        }
    }
    findings
}

/// When all troubles have ended and the person has done what was asked, everything is as wanted.
fn healed(course: &Course, played: &Played, outcome: &Outcome) -> Vec<Finding> {
    let Some(last) = &played.last else { return Vec::new() };
    let is_new = |name: &String| outcome.end.servers.get(name).is_some_and(|version| version == NEW);
    if last.phase == Phase::Done && course.servers().iter().all(is_new) {
        return Vec::new();
    }
    let text =
        format!("{}: {} [{}]", last.phase.name(), last.message, last.mend.as_deref().unwrap_or_default());
    vec![Finding { rule: "everything heals, but for", subject: last.reason.name().to_owned(), text }]
}
