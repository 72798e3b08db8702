//! What a story expects, and where it ended.

use std::collections::BTreeMap;

use super::outcome::End;
use super::state::Run;
use crate::catalog::{Product, Version};
use crate::planner::Reason;
use crate::planner::observed::Catch;
use crate::planner::report::{ConditionName, FileReport, PlanWhat, Report, Verdict};
use crate::simulator::script::expectation::Expectation;
use crate::translate;

impl Run {
    pub(super) fn end(&self) -> End {
        let mut devices = BTreeMap::new();
        for device in self.world.devices() {
            let version = format!("{:?}", device.version);
            *devices.entry(format!("{} {} {version}", device.product, device.os)).or_default() += 1;
        }
        let servers = self.world.servers();
        let named = servers.iter().map(|server| {
            let version = server.version.map_or_else(|| "-".to_owned(), |version| version.to_string());
            (server.name.0.clone(), version)
        });
        let orders = servers
            .iter()
            .filter_map(|server| Some((server.name.0.clone(), self.cluster.get(&server.name.0)?.rolls)));
        let catches = servers.iter().filter_map(|server| {
            Some((server.name.0.clone(), self.cluster.get(&server.name.0)?.catch == Catch::Held))
        });
        End {
            catches: catches.collect(),
            phase: self.last.as_ref().map_or_else(String::new, |last| last.report.phase.name().to_owned()),
            orders: orders.collect(),
            servers: named.collect(),
            devices,
        }
    }

    /// What was found instead of what a story expects.
    pub(super) fn unmet(&self, expectation: &Expectation) -> Option<String> {
        let decision = self.last.as_ref()?;
        let report = &decision.report;
        let unless = |met: bool, found: String| (!met).then(|| format!("found {found}"));
        match expectation {
            Expectation::Phase(phase) => unless(report.phase.name() == phase, report.phase.name().to_owned()),
            Expectation::Reason(reason) => {
                unless(report.reason.name() == reason, report.reason.name().to_owned())
            }
            Expectation::Message(text) => {
                unless(report.message.contains(text.as_str()), report.message.clone())
            }
            Expectation::MessageNot(text) => {
                unless(!report.message.contains(text.as_str()), report.message.clone())
            }
            Expectation::Mend(text) => {
                let mend = report.mend.clone().unwrap_or_default();
                unless(mend.contains(text.as_str()), mend)
            }
            Expectation::Asks(text) => {
                let found = asks_line(report);
                unless(found == *text, found)
            }
            Expectation::Server(name, version) => {
                let found = report.servers.iter().find(|server| server.name.0 == *name);
                let found = found.and_then(|server| server.version);
                unless(found == Some(*version), format!("{found:?}"))
            }
            Expectation::Condition(name, truth, text) => {
                let found = report.conditions.iter().find(|condition| condition.name.name() == name);
                let met =
                    found.is_some_and(|found| found.truth == *truth && found.message.contains(text.as_str()));
                unless(met, format!("{found:?}"))
            }
            Expectation::File(os, state, text) => {
                let found = report.files.iter().find(|file| file.os == *os);
                let told = |file: &FileReport| file.why.clone().or(file.mirror.clone()).unwrap_or_default();
                let met = found
                    .is_some_and(|file| file.state.name() == state && told(file).contains(text.as_str()));
                unless(met, format!("{found:?}"))
            }
            Expectation::Gate(name, verdict, reason) => {
                let gate = report.gates.iter().find(|gate| gate.name.name() == name);
                let found = gate.map_or("nothing", |gate| verdict_name(&gate.verdict));
                let why = gate.and_then(|gate| gate.verdict.reason()).map_or("", Reason::name);
                let met = found == verdict && reason.as_ref().is_none_or(|reason| reason == why);
                unless(met, format!("{found} {why}"))
            }
            Expectation::PhaseNot(phase) => {
                unless(report.phase.name() != phase, report.phase.name().to_owned())
            }
            Expectation::Until(at) => unless(report.until == Some(*at), format!("{:?}", report.until)),
            Expectation::Catch(name, state) => {
                let held = self.cluster.get(name).is_some_and(|workload| workload.catch == Catch::Held);
                let found = if held { "held" } else { "open" };
                unless(found == state, found.to_owned())
            }
            Expectation::Plan(text) => {
                let found = plan_line(report);
                unless(found == *text, found)
            }
            Expectation::Available(wanted) => {
                let found: Vec<String> =
                    report.available.iter().map(|found| found.release.to_string()).collect();
                unless(found == *wanted, found.join(" "))
            }
            Expectation::Devices(product, version, count) => {
                let found = self.devices_at(*product, *version);
                unless(found == *count, found.to_string())
            }
            Expectation::Orders(name, count) => {
                let found = self.cluster.get(name).map_or(0, |workload| workload.rolls);
                unless(found == *count, found.to_string())
            }
            Expectation::Order(number, state, text) => {
                let Some(status) = self.object.order_status(*number) else {
                    return Some(format!("found no order {number}"));
                };
                let message = status.message.as_deref().unwrap_or_default();
                let met = status.state == *state && message.contains(text.as_str());
                unless(met, format!("{:?} {message}", status.state))
            }
            Expectation::Finalizer(finalizer) => {
                unless(self.finalizer == *finalizer, format!("{:?}", self.finalizer))
            }
            Expectation::Ready(truth) => {
                let mut conditions = report.conditions.iter();
                let found = conditions.find(|condition| condition.name == ConditionName::Ready);
                let found = found.map(|condition| condition.truth);
                unless(found == Some(*truth), format!("{found:?}"))
            }
            Expectation::BackupCount(count) => {
                unless(self.backup.count() == *count, self.backup.count().to_string())
            }
            Expectation::NoSteps => unless(decision.steps.is_empty(), format!("{:?}", decision.steps)),
        }
    }

    fn devices_at(&self, product: Product, version: Version) -> u64 {
        let wanted = crate::simulator::device::ReportedVersion::Version(version);
        self.world.devices().filter(|device| device.product == product && device.version == wanted).count()
            as u64
    }
}

fn verdict_name(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "pass",
        Verdict::Hold { .. } => "hold",
        Verdict::Unknown { .. } => "unknown",
        Verdict::Refuse { .. } => "refuse",
    }
}

/// What may be ordered, in one line: `Approve 4.2.3.1->4.3.5.3 servers, Pause`.
fn asks_line(report: &Report) -> String {
    let asks = report.asks.iter().map(|ask| {
        let (action, subject) = translate::order::written(&ask.action);
        let subject = subject.map_or_else(String::new, |subject| format!(" {subject}"));
        format!("{}{subject}", action.name())
    });
    let line = asks.collect::<Vec<_>>().join(", ");
    if line.is_empty() { "nothing".to_owned() } else { line }
}

/// The plan in one line: `wait 4.2.3.1, hop 4.2.3.1->4.3.5.3, rollout 4.3.5.3`.
fn plan_line(report: &Report) -> String {
    let items = report.plan.iter().map(|item| match &item.what {
        PlanWhat::Wait { at } => format!("wait {at}"),
        PlanWhat::Hop { from, to } => format!("hop {from}->{to}"),
        PlanWhat::Rollout { at } => format!("rollout {at}"),
    });
    items.collect::<Vec<_>>().join(", ")
}
