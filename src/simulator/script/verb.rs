//! The verbs of a story.

use jiff::{SignedDuration, Timestamp};

use super::expectation::{Expectation, Until};
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
    /// `backup fails WHY…`, `backup hangs` and `backup works`; a backup takes ten minutes.
    Backup(BackupFate),
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
    /// `claimed by NAMESPACE/NAME` and `claim released`
    ClaimedBy(Option<String>),
    /// `workload NAME broken|missing|unfit|denied|hidden|well`
    Workload(String, String),
    /// `commit NAME VERSION`: Git changes the image of a workload.
    Commit(String, Version),
    /// `pod NAME restarts`: it is deleted or drained, and comes back with what the workload's catch lets through.
    Pod(String),
    /// `catch NAME opens`: somebody opens it by hand, or by Git.
    CatchOpens(String),
    /// `scale NAME 0` and `scale NAME 1`: back from nothing a `StatefulSet` takes its newest revision.
    Scale(String, u32),
    /// `image VERSION cannot be pulled` and `image VERSION can be pulled`
    Pull(Version, Pull),
    /// `image VERSION is VERSION`: it holds another release than its name says.
    ImageIs(Version, Version),
    /// `clock operator|monotonic|api|authority +1h`
    Clock(String, SignedDuration),
    /// `crash`: the operator's process ends and starts anew.
    Crash,
    /// `operator down 2h`: no operator runs for so long; then a new process begins.
    OperatorDown(SignedDuration),
    /// `operator format 2`: an operator that writes this format of memory has written the status.
    OperatorFormat(u32),
    /// `hook NAME ends CODE`, `hook NAME hangs` and `hook NAME has no template`: what its jobs do from now on; they take
    /// two minutes.
    Hook(String, HookEnd),
    /// `job SERVER works|fails|stumbles|idles|hangs|unpullable` and `job TEMPLATE has no template`: how jobs that upgrade it go; one
    /// that stumbles has done its work.
    Job(String, JobFate),
    /// `job SERVER is deleted`: somebody deletes its jobs.
    JobDeleted(String),
    /// `mirror TEXT works|wrong|short|page|redirects|unreachable|hangs`: what urls that contain the text give from now on; a file takes
    /// five minutes.
    Mirror(String, MirrorFate),
    /// `list NAME SUM` and `list NAME gone`: the MD5 sum that every list in the ConfigMap of this name has from now on.
    List(String, Option<String>),
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
    /// Its job never ends; Kubernetes ends it after an hour.
    Never,
    /// No job can be made: its template is missing.
    NoTemplate,
}

/// What becomes of backups.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BackupFate {
    /// They are made.
    Works,
    /// They fail, and how.
    Fails(String),
    /// They never end.
    Hangs,
}

/// How a job that upgrades a server goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JobFate {
    /// It upgrades the server and ends with 0.
    Works,
    /// It ends otherwise and has done nothing.
    Fails,
    /// It upgrades the server and ends otherwise.
    Stumbles,
    /// It ends with 0 and has done nothing.
    Idles,
    /// It never ends and does nothing.
    Hangs,
    /// Its pod does not come up.
    Unpullable,
    /// None can be made: its template is missing.
    NoTemplate,
}

/// What a mirror gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MirrorFate {
    /// The file as it was published.
    Works,
    /// Another file of the same length.
    Wrong,
    /// The beginning of the file.
    Short,
    /// A web page.
    Page,
    /// A redirect to another host.
    Redirects,
    /// No connection.
    Unreachable,
    /// A connection, and nothing over it.
    Hangs,
}

/// Whether an image can be pulled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pull {
    /// It can.
    Works,
    /// It cannot.
    Fails,
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
