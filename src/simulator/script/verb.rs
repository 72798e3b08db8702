//! The verbs of a story, and how a line is read.

use jiff::{SignedDuration, Timestamp};

use crate::api::duration;
use crate::catalog::{Os, Product, Version};
use crate::fleet::DeviceState;
use crate::simulator::scenario::{Behaviour, ClusterType, Exception, Hours, Minutes};

/// A verb and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// The line's number, from 1.
    pub number: usize,
    /// The line as written.
    pub text: String,
    /// What it says.
    pub verb: Verb,
}

/// What a line says.
#[derive(Clone, Debug, PartialEq)]
pub enum Verb {
    /// `start 2016-03-01T08:00:00Z`: when the story begins.
    Start(Timestamp),
    /// `seed 7`: another course of chances.
    Seed(u64),
    /// `authority NAME VERSION`
    Authority(String, Version),
    /// `storage NAME VERSION`
    Storage(String, Version),
    /// `provider NAME VERSION`
    Provider(String, Version),
    /// `organisation NAME`
    Organisation(String),
    /// `edition Consumer`: another edition than the enterprise one.
    Edition(ClusterType),
    /// `offset -6`: how many hours the authority's time of day is ahead of UTC.
    Offset(i8),
    /// `migration 40 50`: how many minutes a server takes to start anew.
    Migration(Minutes),
    /// `devices 20 CrashPlan 4.2.0 Windows [in ORG] [office] [online 80%] [Bricks] [every 5 Bricks]`
    Devices(Devices),
    /// `no catalog`: only the releases of the story.
    NoCatalog,
    /// `release` and indented lines: the spec of a user's `CodeRelease`.
    Release(String),
    /// `want VERSION`
    Want(String),
    /// `want nothing`
    WantNothing,
    /// `waited`: the last upgrade was a month before the story, and the spec says so.
    Waited,
    /// `set PATH VALUE`: a field of the spec, as YAML.
    Set(String, String),
    /// `unset PATH`
    Unset(String),
    /// `delete`: somebody deletes the object.
    Delete,
    /// `recreate`: somebody deletes the object and creates it anew; nothing is remembered.
    Recreate,
    /// `pause WHAT…`: something above the spec pauses, such as the namespace.
    Pause(String),
    /// `unpause`
    Unpause,
    /// `run 1h30m`
    Run(SignedDuration),
    /// `run until …`
    RunUntil(Until),
    /// `order ACTION [SUBJECT…]`
    Order(String, Option<String>),
    /// `restore NAME VERSION`: somebody restores a backup.
    Restore(String, Version),
    /// `hand NAME VERSION`: somebody upgrades a server by hand.
    Hand(String, Version),
    /// `offline NAME`
    Offline(String),
    /// `online NAME`
    Online(String),
    /// `rename NAME NEW`
    Rename(String, String),
    /// `replace NAME`: another server under the same name.
    Replace(String),
    /// `switch on` and `switch off`: the authority's auto-upgrade switch.
    Switch(bool),
    /// `server switch on` and `server switch off`: the authority's own `autoUpgrade`.
    ServerSwitch(bool),
    /// `backup fails WHY…` and `backup works`; a backup takes ten minutes.
    Backup(Option<String>),
    /// `proof NAMESPACE/NAME VERSION COUNT`, `… nothing`, `… unreadable`: what another environment has proven by now.
    Proof(String, Proven),
    /// `dump HH:MM`: when the nightly services begin.
    Dump(String),
    /// `fault RESOURCE KIND`, `heal`: wrong answers of the authority.
    Fault(String, String),
    /// `heal`: all answers are good again.
    Heal,
    /// `access FAILURE`: the credentials or the host are wrong.
    Access(String),
    /// `claimed by NAMESPACE/NAME`
    ClaimedBy(String),
    /// `workload NAME broken|missing|unfit|denied|well`
    Workload(String, String),
    /// `commit NAME VERSION`: Git changes the image of a workload.
    Commit(String, Version),
    /// `clock operator|monotonic|api|authority +1h`
    Clock(String, SignedDuration),
    /// `crash`: the operator's process ends and starts anew.
    Crash,
    /// `hook NAME ends CODE` and `hook NAME has no template`: what its jobs do from now on; they take two minutes.
    Hook(String, HookEnd),
    /// `offer PRODUCT VERSION OS`: a person adds an app for devices at the authority, which turns the switch off.
    Offer(Product, Version, Os),
    /// `remove COUNT PRODUCT VERSION`: so many devices with that app leave.
    Remove(u32, Product, Version),
    /// `block COUNT PRODUCT VERSION`, `deactivate …`, `readmit …`: so many devices with that app.
    Standing(DeviceState, u32, Product, Version),
    /// `move organisation PATH under PATH`: with everything below it.
    MoveOrganisation(String, String),
    /// `expect …`
    Expect(Expectation),
}

/// How a hook ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HookEnd {
    /// Its job ends with this code.
    Code(u8),
    /// No job can be made: its template is missing.
    NoTemplate,
}

/// Devices that are alike.
#[derive(Clone, Debug, PartialEq)]
pub struct Devices {
    /// How many.
    pub count: u32,
    /// Their app.
    pub product: Product,
    /// Their version.
    pub version: Version,
    /// Their operating system.
    pub os: Os,
    /// Their organisation.
    pub organisation: Option<String>,
    /// When they are on.
    pub hours: Hours,
    /// On how many of a hundred days.
    pub online_percent: u8,
    /// What they do.
    pub behaviour: Behaviour,
    /// What every n-th does.
    pub exceptions: Vec<Exception>,
}

/// What another environment has proven.
#[derive(Clone, Debug, PartialEq)]
pub enum Proven {
    /// Nothing yet.
    Nothing,
    /// It cannot be read.
    Unreadable,
    /// A release since now, with so many devices.
    Release(Version, u64),
}

/// What a run waits for.
#[derive(Clone, Debug, PartialEq)]
pub enum Until {
    /// An instant.
    Time(Timestamp),
    /// A phase, by name.
    Phase(String),
    /// An event, by reason, and a word that its note contains.
    Event(String, Option<String>),
    /// A reason.
    Reason(String),
}

/// What a story expects at this moment.
#[derive(Clone, Debug, PartialEq)]
pub enum Expectation {
    /// `expect phase NAME`
    Phase(String),
    /// `expect reason NAME`
    Reason(String),
    /// `expect message TEXT…`: it is contained.
    Message(String),
    /// `expect mend TEXT…`: it is contained.
    Mend(String),
    /// `expect server NAME VERSION`
    Server(String, Version),
    /// `expect gate NAME pass|hold|unknown|refuse [REASON]`
    Gate(String, String, Option<String>),
    /// `expect until TIME`: when the present wait ends.
    Until(Timestamp),
    /// `expect catch NAME held|open`
    Catch(String, String),
    /// `expect phase not NAME`
    PhaseNot(String),
    /// `expect plan TEXT…`: the plan in one line.
    Plan(String),
    /// `expect available VERSION…`
    Available(Vec<String>),
    /// `expect devices PRODUCT VERSION COUNT`
    Devices(Product, Version, u64),
    /// `expect orders NAME COUNT`: how often a server was started anew.
    Orders(String, u64),
    /// `expect no steps`: deciding again does nothing.
    NoSteps,
}

/// A line that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {number}: {problem}: {text}")]
pub struct ParseError {
    /// The line's number, from 1.
    pub number: usize,
    /// The line.
    pub text: String,
    /// What is wrong.
    pub problem: String,
}

/// Reads all lines. Prose stands behind `#`; indented lines belong to the verb before them.
pub(super) fn parse(text: &str) -> Result<Vec<Line>, ParseError> {
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
        ["backup", "works"] => Verb::Backup(None),
        ["backup", "fails", ..] => Verb::Backup(Some(rest(2))),
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
        ["claimed", "by", other] => Verb::ClaimedBy(owned(other)),
        ["workload", name, state] => Verb::Workload(owned(name), owned(state)),
        ["commit", name, to] => Verb::Commit(owned(name), version(to)?),
        ["clock", witness, by] => Verb::Clock(owned(witness), length(by)?),
        ["crash"] => Verb::Crash,
        ["hook", name, "ends", code] => {
            let code = code.parse().map_err(|_| "a hook ends with a number".to_owned())?;
            Verb::Hook(owned(name), HookEnd::Code(code))
        }
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
        ["message", ..] => Expectation::Message(rest),
        ["mend", ..] => Expectation::Mend(rest),
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
        _ => return Err("nothing of this kind can be expected".into()),
    })
}
