//! What is shown of each object, by the one process that acts: numbers and instants that its status says, so that an age survives whoever
//! tells it.
//!
//! Labels are bounded by the number of objects, by the groups of their specs, and by our own enums. Every family has all of its series
//! from an object's first look on, at 0 where there is nothing to say; with the object they go.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

use crate::api::CodeUpgradeStatus;
use crate::planner::Desired;
use crate::planner::observed::Observed;
use crate::planner::report::{GroupReport, GroupState, Phase, Report, ServerState, Truth, Verdict};
use crate::planner::rollout::DeviceVerdict;

/// A share of failures means nothing before so many verdicts, which the bound is told for.
const LEAST_VERDICTS: u64 = 20;

/// What a family of metrics is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Gauge,
    Counter,
}

/// A family of metrics about objects; each has the labels `namespace` and `name` as well.
#[derive(Debug)]
pub(super) struct Family {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) labels: &'static [&'static str],
    pub(super) help: &'static str,
}

const fn gauge(name: &'static str, labels: &'static [&'static str], help: &'static str) -> Family {
    Family { name, kind: Kind::Gauge, labels, help }
}

const fn counter(name: &'static str, labels: &'static [&'static str], help: &'static str) -> Family {
    Family { name, kind: Kind::Counter, labels, help }
}

/// Every family about objects.
pub(super) const FAMILIES: &[Family] = &[
    gauge("info", &["version", "target"], "1, with the release that the authority is at and the wanted one"),
    gauge("phase", &["phase"], "1 for the phase that an object is in"),
    gauge("reason", &["reason"], "1 for the reason that an object tells"),
    gauge(
        "condition",
        &["type"],
        "1 where the condition is true, 0 where it is false, -1 where it is unknown",
    ),
    gauge("condition_since_timestamp_seconds", &["type"], "Since when the condition is as it is"),
    gauge("gate", &["gate", "verdict"], "1 for what a gate of the next step says"),
    gauge("unknown_since_timestamp_seconds", &[], "Since when the oldest missing fact is missing, or 0"),
    gauge("until_timestamp_seconds", &[], "Until when it waits, or 0"),
    gauge("warns_at_timestamp_seconds", &[], "When what is being done will be called slow, or 0"),
    gauge("stalls_at_timestamp_seconds", &[], "When what is being done will be told as stalled, or 0"),
    gauge("servers", &["role", "state"], "Servers, by role and state"),
    gauge("servers_without_backup", &[], "Storage servers that cannot take backups while a hop is under way"),
    gauge("devices_without_backup", &[], "Devices that back up to them, as far as known"),
    gauge("backups_interrupted_since_timestamp_seconds", &[], "Since when they cannot, or 0"),
    gauge("devices", &["state"], "Devices, by state"),
    gauge("group_devices", &["group", "state"], "Devices of a group, by state"),
    gauge("device_failures", &["group"], "Devices of a group that failed, are lost or missing"),
    gauge("device_failures_allowed", &["group"], "How many of them the group may have before it halts"),
    gauge("group_halted", &["group"], "Whether too many devices of the group failed"),
    gauge("facts_timestamp_seconds", &["facts"], "When servers, settings and devices were last read, or 0"),
    gauge("releases_available", &[], "Releases that can be reached from here"),
    gauge("file_verified_timestamp_seconds", &["os"], "When the upgrade file was last verified, or 0"),
    gauge("last_hop_finished_timestamp_seconds", &[], "When the last hop was finished, or 0"),
    gauge("last_hop_duration_seconds", &[], "How long the last hop took, or 0"),
    counter("hops", &["outcome"], "Hops that were finished, by whether they were begun here or adopted"),
    counter("orders", &["action", "outcome"], "Orders that were answered, by what became of them"),
];

type Labels = Vec<(&'static str, String)>;

/// What is shown of one object.
#[derive(Debug, Default)]
struct Shown {
    gauges: BTreeMap<(&'static str, Labels), f64>,
    counters: BTreeMap<(&'static str, Labels), u64>,
}

impl Shown {
    fn set(&mut self, family: &'static str, labels: Labels, value: f64) {
        self.gauges.insert((family, labels), value);
    }

    fn count(&mut self, family: &'static str, labels: Labels, more: u64) {
        *self.counters.entry((family, labels)).or_default() += more;
    }
}

/// What an object is shown by.
#[derive(Clone, Copy, Debug)]
pub struct Sight<'a> {
    /// What was decided about it.
    pub report: &'a Report,
    /// Its status as it stands, with the instants that last.
    pub status: Option<&'a CodeUpgradeStatus>,
    /// What is wanted of it.
    pub desired: &'a Desired,
    /// What was known.
    pub observed: &'a Observed,
}

/// What is shown of all objects. Cheap to clone; clones show the same.
#[derive(Clone, Debug, Default)]
pub(super) struct Objects {
    shown: Arc<Mutex<BTreeMap<(String, String), Shown>>>,
}

impl Objects {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<(String, String), Shown>> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Shows an object as it is seen now.
    pub(super) fn show(&self, namespace: &str, name: &str, sight: Sight<'_>) {
        let mut all = self.lock();
        let shown = all.entry((namespace.to_owned(), name.to_owned())).or_default();
        shown.gauges.clear();
        life(shown, sight);
        servers(shown, sight.report);
        devices(shown, sight);
        instants(shown, sight);
        for outcome in ["done", "adopted"] {
            shown.count("hops", vec![("outcome", outcome.to_owned())], 0);
        }
        for action in ["Approve", "Pause", "Resume", "Retry", "Adopt", "Abandon"] {
            for outcome in ["Consumed", "Refused", "Expired"] {
                shown.count("orders", order_labels(action, outcome), 0);
            }
        }
    }

    /// Counts a hop that was finished.
    pub(super) fn count_hop(&self, namespace: &str, name: &str, adopted: bool) {
        let outcome = if adopted { "adopted" } else { "done" };
        self.count(namespace, name, "hops", vec![("outcome", outcome.to_owned())]);
    }

    /// Counts an order that was answered.
    pub(super) fn count_order(
        &self,
        namespace: &str,
        name: &str,
        action: &'static str,
        outcome: &'static str,
    ) {
        self.count(namespace, name, "orders", order_labels(action, outcome));
    }

    fn count(&self, namespace: &str, name: &str, family: &'static str, labels: Labels) {
        if let Some(shown) = self.lock().get_mut(&(namespace.to_owned(), name.to_owned())) {
            shown.count(family, labels, 1);
        }
    }

    /// Forgets an object that is gone.
    pub(super) fn forget(&self, namespace: &str, name: &str) {
        self.lock().remove(&(namespace.to_owned(), name.to_owned()));
    }
}

fn order_labels(action: &str, outcome: &str) -> Labels {
    vec![("action", action.to_owned()), ("outcome", outcome.to_owned())]
}

fn life(shown: &mut Shown, sight: Sight<'_>) {
    let Sight { report, status, .. } = sight;
    let version = |version: Option<crate::catalog::Version>| version.map(|version| version.to_string());
    let (at, target) = (version(report.at).unwrap_or_default(), version(report.target).unwrap_or_default());
    shown.set("info", vec![("version", at), ("target", target)], 1.0);
    for phase in PHASES {
        let is_in = f64::from(u8::from(phase == report.phase));
        shown.set("phase", vec![("phase", phase.name().to_owned())], is_in);
    }
    shown.set("reason", vec![("reason", report.reason.name().to_owned())], 1.0);
    for condition in &report.conditions {
        let labels = || vec![("type", condition.name.name().to_owned())];
        let value = match condition.truth {
            Truth::True => 1.0,
            Truth::False => 0.0,
            Truth::Unknown => -1.0,
        };
        shown.set("condition", labels(), value);
        let known = status
            .and_then(|status| status.conditions.iter().find(|known| known.type_ == condition.name.name()));
        let since = known.map(|known| known.last_transition_time.0);
        shown.set("condition_since_timestamp_seconds", labels(), seconds(since));
    }
    for gate in &report.gates {
        for verdict in ["Pass", "Hold", "Unknown", "Refuse"] {
            let is_said = f64::from(u8::from(verdict == verdict_name(&gate.verdict)));
            let labels = vec![("gate", gate.name.name().to_owned()), ("verdict", verdict.to_owned())];
            shown.set("gate", labels, is_said);
        }
    }
    shown.set("releases_available", Vec::new(), count(report.available.len() as u64));
}

fn verdict_name(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "Pass",
        Verdict::Hold { .. } => "Hold",
        Verdict::Unknown { .. } => "Unknown",
        Verdict::Refuse { .. } => "Refuse",
    }
}

fn servers(shown: &mut Shown, report: &Report) {
    const STATES: [ServerState; 10] = [
        ServerState::Current,
        ServerState::Pending,
        ServerState::Upgrading,
        ServerState::Verifying,
        ServerState::AwaitingPerson,
        ServerState::Failing,
        ServerState::Ahead,
        ServerState::Offline,
        ServerState::Provider,
        ServerState::Retired,
    ];
    for (role, word) in [
        (crate::fleet::ServerRole::Authority, "authority"),
        (crate::fleet::ServerRole::Storage, "storage"),
        (crate::fleet::ServerRole::Provider, "provider"),
    ] {
        for state in STATES {
            let found = report.servers.iter().filter(|server| server.role == role && server.state == state);
            let labels = vec![("role", word.to_owned()), ("state", state.name().to_owned())];
            shown.set("servers", labels, count(found.count() as u64));
        }
    }
    let interrupted = report.backups_interrupted.as_ref();
    let servers = interrupted.map_or(0, |interrupted| u64::from(interrupted.servers));
    shown.set("servers_without_backup", Vec::new(), count(servers));
    let devices = interrupted.map_or(0, |interrupted| interrupted.devices);
    shown.set("devices_without_backup", Vec::new(), count(devices));
    let since = seconds(interrupted.map(|interrupted| interrupted.since));
    shown.set("backups_interrupted_since_timestamp_seconds", Vec::new(), since);
}

fn devices(shown: &mut Shown, sight: Sight<'_>) {
    let devices = &sight.report.devices;
    for verdict in DeviceVerdict::ALL {
        let labels = vec![("state", verdict.name().to_owned())];
        shown.set("devices", labels, count(devices.verdicts.count_of(verdict)));
    }
    for group in &devices.groups {
        let in_state = [
            ("Done", group.done),
            ("InFlight", group.in_flight),
            ("Pending", group.pending),
            ("Waiting", group.waiting),
            ("Failed", group.failed),
            ("Lost", group.lost),
            ("Missing", group.missing),
        ];
        for (state, number) in in_state {
            let labels = vec![("group", group.name.clone()), ("state", state.to_owned())];
            shown.set("group_devices", labels, count(number));
        }
        let labels = || vec![("group", group.name.clone())];
        shown.set("device_failures", labels(), count(failures(group)));
        shown.set("device_failures_allowed", labels(), count(allowed(group, sight.desired)));
        let is_halted = f64::from(u8::from(group.state == GroupState::Halted));
        shown.set("group_halted", labels(), is_halted);
    }
}

fn failures(group: &GroupReport) -> u64 {
    group.failed + group.lost + group.missing
}

fn allowed(group: &GroupReport, desired: &Desired) -> u64 {
    let wanted = desired.devices.groups.iter().find(|wanted| wanted.name == group.name);
    let judged = (group.done + failures(group)).max(LEAST_VERDICTS);
    wanted.map_or(0, |wanted| wanted.max_failures.at_most(judged))
}

fn instants(shown: &mut Shown, sight: Sight<'_>) {
    let Sight { report, status, observed, .. } = sight;
    let unknown_since = report.gates.iter().filter_map(|gate| match &gate.verdict {
        Verdict::Unknown { since, .. } => *since,
        Verdict::Pass | Verdict::Hold { .. } | Verdict::Refuse { .. } => None,
    });
    let doing = report.now.as_ref();
    let last = status.and_then(|status| status.history.first());
    for (family, instant) in [
        ("unknown_since_timestamp_seconds", unknown_since.min()),
        ("until_timestamp_seconds", report.until),
        ("warns_at_timestamp_seconds", doing.and_then(|now| now.warns_at)),
        ("stalls_at_timestamp_seconds", doing.and_then(|now| now.stalls_at)),
        ("last_hop_finished_timestamp_seconds", last.map(|hop| hop.finished_at)),
    ] {
        shown.set(family, Vec::new(), seconds(instant));
    }
    let took = last.map_or(0.0, |hop| hop.finished_at.duration_since(hop.started_at).as_secs_f64());
    shown.set("last_hop_duration_seconds", Vec::new(), took);
    for (facts, read_at) in [
        ("servers", observed.servers.as_ref().map(|servers| servers.read_at)),
        ("settings", observed.settings.as_ref().map(|settings| settings.read_at)),
        ("devices", observed.devices.as_ref().map(|devices| devices.finished)),
    ] {
        shown.set("facts_timestamp_seconds", vec![("facts", facts.to_owned())], seconds(read_at));
    }
    for file in &report.files {
        let verified =
            (file.state == crate::planner::report::FileState::Verified).then_some(file.at).flatten();
        let labels = vec![("os", file.os.to_string())];
        shown.set("file_verified_timestamp_seconds", labels, seconds(verified));
    }
}

/// An instant as Prometheus has it; 0 where there is none.
fn seconds(instant: Option<Timestamp>) -> f64 {
    instant.map_or(0.0, |instant| instant.as_duration().as_secs_f64())
}

#[expect(clippy::cast_precision_loss, reason = "no fleet has so many devices")]
fn count(number: u64) -> f64 {
    number as f64
}

impl Collector for Objects {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let all = self.lock();
        for family in FAMILIES {
            let kind = match family.kind {
                Kind::Gauge => MetricType::Gauge,
                Kind::Counter => MetricType::Counter,
            };
            let mut series = encoder.encode_descriptor(family.name, family.help, None, kind)?;
            for ((namespace, name), shown) in all.iter() {
                let of = |labels: &Labels| {
                    let mut whole = vec![("namespace", namespace.clone()), ("name", name.clone())];
                    whole.extend(labels.iter().cloned());
                    whole
                };
                for ((_, labels), value) in shown.gauges.iter().filter(|((of, _), _)| *of == family.name) {
                    ConstGauge::new(*value).encode(series.encode_family(&of(labels))?)?;
                }
                for ((_, labels), value) in shown.counters.iter().filter(|((of, _), _)| *of == family.name) {
                    ConstCounter::new(*value).encode(series.encode_family(&of(labels))?)?;
                }
            }
        }
        Ok(())
    }
}

/// Every phase, so that each can be told and untold.
pub(super) const PHASES: [Phase; 8] = [
    Phase::Observing,
    Phase::Checking,
    Phase::Waiting,
    Phase::Upgrading,
    Phase::RollingOut,
    Phase::Done,
    Phase::Suspended,
    Phase::Stalled,
];
