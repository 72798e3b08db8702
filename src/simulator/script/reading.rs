//! How the lines of a story are read.

use jiff::SignedDuration;

use super::expectation::{Expectation, Until};
use super::verb::{BackupFate, Devices, HookEnd, JobFate, Line, ParseError, Proven, Pull, Verb};
use crate::api::duration;
use crate::catalog::Version;
use crate::fleet::DeviceState;
use crate::planner::observed::Finalizer;
use crate::planner::report::Truth;
use crate::simulator::scenario::{Behaviour, Exception, Hours, Minutes};

/// Reads all lines. Prose stands behind `#`; indented lines belong to the verb before them.
pub(super) fn lines(text: &str) -> Result<Vec<Line>, ParseError> {
    let mut lines: Vec<Line> = Vec::new();
    for (index, raw) in text.lines().enumerate() {
        let number = index + 1;
        if raw.trim().is_empty() || raw.starts_with('#') {
            continue;
        }
        if raw.starts_with(' ') {
            match lines.last_mut().map(|line| &mut line.verb) {
                Some(Verb::Release(body)) => {
                    body.push_str(raw);
                    body.push('\n');
                    continue;
                }
                _ => return Err(error(number, raw, "an indented line belongs to no verb")),
            }
        }
        let text = raw.split(" #").next().unwrap_or(raw).trim_end();
        let verb = read(text).map_err(|problem| error(number, raw, problem))?;
        lines.push(Line { number, text: text.to_owned(), verb });
    }
    Ok(lines)
}

fn error(number: usize, text: &str, problem: impl Into<String>) -> ParseError {
    ParseError { number, text: text.to_owned(), problem: problem.into() }
}

fn version(text: &str) -> Result<Version, String> {
    text.parse().map_err(|error: crate::catalog::version::ParseError| error.to_string())
}

fn length(text: &str) -> Result<SignedDuration, String> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let length = duration::parse(digits).map_err(|error| error.to_string())?;
    Ok(length * sign)
}

fn number(text: &str) -> Result<u32, String> {
    text.parse().map_err(|_| format!("{text} is no number"))
}

fn named<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, String> {
    serde_json::from_value(serde_json::Value::from(text)).map_err(|error| error.to_string())
}

fn read(text: &str) -> Result<Verb, String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let rest = |from: usize| words.get(from..).unwrap_or_default().join(" ");
    let owned = str::to_owned;
    Ok(match words.as_slice() {
        ["start", at] => Verb::Start(at.parse().map_err(|error: jiff::Error| error.to_string())?),
        ["seed", seed] => Verb::Seed(seed.parse().map_err(|_| "a seed is a number".to_owned())?),
        ["authority", name, at] => Verb::Authority(owned(name), version(at)?),
        ["storage", name, at] => Verb::Storage(owned(name), version(at)?),
        ["provider", name, at] => Verb::Provider(owned(name), version(at)?),
        ["organisation", ..] => Verb::Organisation(rest(1)),
        ["edition", edition] => Verb::Edition(named(edition)?),
        ["offset", hours] => Verb::Offset(hours.parse().map_err(|_| "an offset is a number".to_owned())?),
        ["migration", from, to] => Verb::Migration(Minutes { from: number(from)?, to: number(to)? }),
        ["waited"] => Verb::Waited,
        ["recreate"] => Verb::Recreate,
        ["pause", ..] => Verb::Pause(rest(1)),
        ["unpause"] => Verb::Unpause,
        ["server", "switch", "on"] => Verb::ServerSwitch(true),
        ["server", "switch", "off"] => Verb::ServerSwitch(false),
        ["backup", "works"] => Verb::Backup(BackupFate::Works),
        ["backup", "fails", ..] => Verb::Backup(BackupFate::Fails(rest(2))),
        ["backup", "hangs"] => Verb::Backup(BackupFate::Hangs),
        ["proof", name, "nothing"] => Verb::Proof(owned(name), Proven::Nothing),
        ["proof", name, "unreadable"] => Verb::Proof(owned(name), Proven::Unreadable),
        ["proof", name, release, devices] => {
            Verb::Proof(owned(name), Proven::Release(version(release)?, u64::from(number(devices)?)))
        }
        ["devices", ..] => Verb::Devices(devices(&words[1..])?),
        ["no", "catalog"] => Verb::NoCatalog,
        ["release"] => Verb::Release(String::new()),
        ["want", "nothing"] => Verb::WantNothing,
        ["want", version] => Verb::Want(owned(version)),
        ["set", path, ..] => Verb::Set(owned(path), rest(2)),
        ["unset", path] => Verb::Unset(owned(path)),
        ["delete"] => Verb::Delete,
        ["run", "until", "event", reason] => Verb::RunUntil(Until::Event(owned(reason), None)),
        ["run", "until", "event", reason, ..] => Verb::RunUntil(Until::Event(owned(reason), Some(rest(4)))),
        ["run", "until", "reason", reason] => Verb::RunUntil(Until::Reason(owned(reason))),
        ["run", "until", what] => Verb::RunUntil(match what.parse() {
            Ok(at) => Until::Time(at),
            Err(_) => Until::Phase(owned(what)),
        }),
        ["run", for_] => Verb::Run(length(for_)?),
        ["order", action] => Verb::Order(owned(action), None),
        ["order", action, ..] => Verb::Order(owned(action), Some(rest(2))),
        ["restore", name, to] => Verb::Restore(owned(name), version(to)?),
        ["hand", name, to] => Verb::Hand(owned(name), version(to)?),
        ["offline", name] => Verb::Offline(owned(name)),
        ["online", name] => Verb::Online(owned(name)),
        ["rename", name, new] => Verb::Rename(owned(name), owned(new)),
        ["replace", name] => Verb::Replace(owned(name)),
        ["switch", "on"] => Verb::Switch(true),
        ["switch", "off"] => Verb::Switch(false),
        ["dump", at] => Verb::Dump(owned(at)),
        ["fault", resource, kind] => Verb::Fault(owned(resource), owned(kind)),
        ["heal"] => Verb::Heal,
        ["access", failure] => Verb::Access(owned(failure)),
        ["claimed", "by", other] => Verb::ClaimedBy(Some(owned(other))),
        ["claim", "released"] => Verb::ClaimedBy(None),
        ["workload", name, state] => Verb::Workload(owned(name), owned(state)),
        ["commit", name, to] => Verb::Commit(owned(name), version(to)?),
        ["pod", name, "restarts"] => Verb::Pod(owned(name)),
        ["catch", name, "opens"] => Verb::CatchOpens(owned(name)),
        ["scale", name, "0"] => Verb::Scale(owned(name), 0),
        ["scale", name, "1"] => Verb::Scale(owned(name), 1),
        ["image", at, "cannot", "be", "pulled"] => Verb::Pull(version(at)?, Pull::Fails),
        ["image", at, "can", "be", "pulled"] => Verb::Pull(version(at)?, Pull::Works),
        ["image", at, "is", other] => Verb::ImageIs(version(at)?, version(other)?),
        ["clock", witness, by] => Verb::Clock(owned(witness), length(by)?),
        ["crash"] => Verb::Crash,
        ["operator", "down", for_] => Verb::OperatorDown(length(for_)?),
        ["operator", "format", format] => Verb::OperatorFormat(number(format)?),
        ["hook", name, "ends", code] => {
            let code = code.parse().map_err(|_| "a hook ends with a number".to_owned())?;
            Verb::Hook(owned(name), HookEnd::Code(code))
        }
        ["job", name, "is", "deleted"] => Verb::JobDeleted(owned(name)),
        ["job", name, "has", "no", "template"] => Verb::Job(owned(name), JobFate::NoTemplate),
        ["job", name, fate] => Verb::Job(owned(name), named(fate)?),
        ["mirror", part, fate] => Verb::Mirror(owned(part), named(fate)?),
        ["list", name, "gone"] => Verb::List(owned(name), None),
        ["list", name, sum] => Verb::List(owned(name), Some(owned(sum))),
        ["hook", name, "hangs"] => Verb::Hook(owned(name), HookEnd::Never),
        ["hook", name, "has", "no", "template"] => Verb::Hook(owned(name), HookEnd::NoTemplate),
        ["offer", product, at, os] => Verb::Offer(named(product)?, version(at)?, named(os)?),
        ["remove", count, product, at] => Verb::Remove(number(count)?, named(product)?, version(at)?),
        ["block", count, product, at] => {
            Verb::Standing(DeviceState::Blocked, number(count)?, named(product)?, version(at)?)
        }
        ["deactivate", count, product, at] => {
            Verb::Standing(DeviceState::Deactivated, number(count)?, named(product)?, version(at)?)
        }
        ["readmit", count, product, at] => {
            Verb::Standing(DeviceState::Active, number(count)?, named(product)?, version(at)?)
        }
        ["move", "organisation", path, "under", to] => Verb::MoveOrganisation(owned(path), owned(to)),
        ["expect", ..] => Verb::Expect(expectation(&words[1..])?),
        _ => return Err("no such verb".into()),
    })
}

fn devices(words: &[&str]) -> Result<Devices, String> {
    let [count, product, at, os, options @ ..] = words else {
        return Err("write: devices COUNT PRODUCT VERSION OS".into());
    };
    let mut devices = Devices {
        count: count.parse().map_err(|_| "the count is a number".to_owned())?,
        product: named(product)?,
        version: version(at)?,
        os: named(os)?,
        organisation: None,
        hours: Hours::Always,
        online_percent: 100,
        behaviour: Behaviour::Upgrades,
        exceptions: Vec::new(),
    };
    let mut options = options.iter();
    while let Some(option) = options.next() {
        let mut next = || options.next().copied().ok_or_else(|| format!("a word is missing behind {option}"));
        match *option {
            "in" => devices.organisation = Some(next()?.to_owned()),
            "office" => devices.hours = Hours::Office,
            "online" => {
                let percent =
                    next()?.trim_end_matches('%').parse().map_err(|_| "online takes a percentage".to_owned());
                devices.online_percent = percent?;
            }
            "every" => {
                let every = next()?.parse().map_err(|_| "every takes a number".to_owned())?;
                devices.exceptions.push(Exception { every, behaviour: named(next()?)? });
            }
            behaviour => devices.behaviour = named(behaviour)?,
        }
    }
    Ok(devices)
}

fn expectation(words: &[&str]) -> Result<Expectation, String> {
    let rest = words.get(1..).unwrap_or_default().join(" ");
    Ok(match words {
        ["phase", "not", phase] => Expectation::PhaseNot((*phase).to_owned()),
        ["phase", phase] => Expectation::Phase((*phase).to_owned()),
        ["reason", reason] => Expectation::Reason((*reason).to_owned()),
        ["message", "not", words @ ..] => Expectation::MessageNot(words.join(" ")),
        ["message", ..] => Expectation::Message(rest),
        ["mend", ..] => Expectation::Mend(rest),
        ["asks", ..] => Expectation::Asks(rest),
        ["server", name, at] => Expectation::Server((*name).to_owned(), version(at)?),
        ["gate", name, verdict, reason @ ..] => Expectation::Gate(
            (*name).to_owned(),
            (*verdict).to_owned(),
            reason.first().map(|reason| (*reason).to_owned()),
        ),
        ["until", at] => Expectation::Until(at.parse().map_err(|error: jiff::Error| error.to_string())?),
        ["catch", name, state] => Expectation::Catch((*name).to_owned(), (*state).to_owned()),
        ["plan", ..] => Expectation::Plan(rest),
        ["available", releases @ ..] => {
            Expectation::Available(releases.iter().map(|word| (*word).to_owned()).collect())
        }
        ["devices", product, at, count] => Expectation::Devices(
            named(product)?,
            version(at)?,
            count.parse().map_err(|_| "the count is a number".to_owned())?,
        ),
        ["orders", name, count] => Expectation::Orders(
            (*name).to_owned(),
            count.parse().map_err(|_| "the count is a number".to_owned())?,
        ),
        ["no", "steps"] => Expectation::NoSteps,
        ["order", nth, state, words @ ..] => {
            let nth = nth.parse().ok().filter(|nth| *nth > 0).ok_or("orders are counted from 1")?;
            Expectation::Order(nth, capitalised(state)?, words.join(" "))
        }
        ["finalizer", "present"] => Expectation::Finalizer(Finalizer::Present),
        ["finalizer", "absent"] => Expectation::Finalizer(Finalizer::Absent),
        ["condition", name, truth, words @ ..] => {
            let truth = match *truth {
                "true" => Truth::True,
                "false" => Truth::False,
                "unknown" => Truth::Unknown,
                other => return Err(format!("a condition is not {other}")),
            };
            Expectation::Condition((*name).to_owned(), truth, words.join(" "))
        }
        ["file", os, state, words @ ..] => {
            Expectation::File(named(os)?, (*state).to_owned(), words.join(" "))
        }
        ["ready", "true"] => Expectation::Ready(Truth::True),
        ["ready", "false"] => Expectation::Ready(Truth::False),
        ["ready", "unknown"] => Expectation::Ready(Truth::Unknown),
        ["backup-count", count] => Expectation::BackupCount(number(count)? as usize),
        _ => return Err("nothing of this kind can be expected".into()),
    })
}

/// A name of the API, written in small letters.
fn capitalised<T: serde::de::DeserializeOwned>(word: &str) -> Result<T, String> {
    let mut letters = word.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    named(&first.into_iter().chain(letters).collect::<String>())
}
