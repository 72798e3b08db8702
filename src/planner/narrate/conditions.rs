//! The conditions, all of them from the first report (ARCHITECTURE.md, health).

use crate::planner::aim::Aim;
use crate::planner::desired::DeviceUpgrade;
use crate::planner::draft::View;
use crate::planner::gates;
use crate::planner::gates::wait::Known;
use crate::planner::report::{
    ConditionName, ConditionReport, FileReport, FileState, GateName, Health, Report, Truth, Verdict,
};
use crate::planner::words;

/// All conditions.
pub(super) fn all(view: &View<'_>, report: &Report) -> Vec<ConditionReport> {
    let health = report.phase.health();
    let standard = |name, when: &[Health]| ConditionReport {
        name,
        truth: if when.contains(&health) { Truth::True } else { Truth::False },
        reason: report.reason.name(),
        message: report.message.clone(),
    };
    vec![
        standard(ConditionName::Ready, &[Health::Ready]),
        standard(ConditionName::Reconciling, &[Health::Reconciling, Health::Suspended]),
        standard(ConditionName::Stalled, &[Health::Stalled]),
        servers_current(view, report),
        devices_current(view, report),
        path_found(view, report),
        of_gates(
            report,
            ConditionName::Compatible,
            &[GateName::Path, GateName::Compatibility],
            "every live device is accepted",
        ),
        files_verified(report),
        wait_elapsed(view),
        backups_running(view),
    ]
}

fn condition(
    name: ConditionName,
    truth: Truth,
    reason: &'static str,
    message: impl Into<String>,
) -> ConditionReport {
    ConditionReport { name, truth, reason, message: words::bounded(message.into()) }
}

fn servers_current(view: &View<'_>, report: &Report) -> ConditionReport {
    let name = ConditionName::ServersCurrent;
    let message = format!("{} of {} own servers", report.servers_current, report.servers_total);
    match (report.servers_total, view.situation.fresh) {
        (0, _) | (_, false) => condition(name, Truth::Unknown, "FactsStale", message),
        (total, true) if report.servers_current == total => condition(name, Truth::True, "Current", message),
        (_, true) => condition(name, Truth::False, "Behind", message),
    }
}

fn devices_current(view: &View<'_>, report: &Report) -> ConditionReport {
    let name = ConditionName::DevicesCurrent;
    let devices = &report.devices;
    if view.desired.devices.upgrade == DeviceUpgrade::None {
        return condition(name, Truth::True, "NotWanted", "devices.upgrade is None");
    }
    if !devices.known {
        return condition(
            name,
            Truth::Unknown,
            "NotYetObserved",
            "the list of devices has not been read yet",
        );
    }
    let message = format!("{} of {} devices", devices.done, devices.total);
    if devices.done == devices.total || view.memory.is_done() {
        condition(name, Truth::True, "Current", message)
    } else {
        condition(name, Truth::False, "Behind", message)
    }
}

fn path_found(view: &View<'_>, report: &Report) -> ConditionReport {
    let name = ConditionName::PathFound;
    match view.aim {
        Aim::Nothing => condition(name, Truth::True, "NothingToDo", "no upgrade is due"),
        Aim::Hop(leg) => condition(name, Truth::True, "Found", format!("next: {} to {}", leg.from, leg.to)),
        Aim::Adopt { from, to } => {
            condition(name, Truth::True, "Found", format!("next: storage from {from} to {to}"))
        }
        Aim::NoWay(_) => of_gates(report, name, &[GateName::Path], ""),
        Aim::Undecided if view.memory.hop.is_some() => {
            condition(name, Truth::True, "InFlight", "a hop is in flight")
        }
        Aim::Undecided => condition(name, Truth::Unknown, "Undecided", "not known before the versions are"),
    }
}

/// What gates make of a condition: true where they pass or were not asked, for nothing is due.
fn of_gates(report: &Report, name: ConditionName, wanted: &[GateName], passes: &str) -> ConditionReport {
    let failing = report.gates.iter().find(|gate| wanted.contains(&gate.name) && !gate.verdict.passes());
    match failing.map(|gate| &gate.verdict) {
        None | Some(Verdict::Pass) => condition(name, Truth::True, "Passed", passes),
        Some(Verdict::Hold { reason, message, .. } | Verdict::Unknown { reason, message, .. }) => {
            condition(name, Truth::Unknown, reason.name(), message.clone())
        }
        Some(Verdict::Refuse { reason, message, .. }) => {
            condition(name, Truth::False, reason.name(), message.clone())
        }
    }
}

/// True of files that were checked, and of nothing else: where servers run images there is no file.
fn files_verified(report: &Report) -> ConditionReport {
    let name = ConditionName::FilesVerified;
    let gate = report.gates.iter().find(|gate| gate.name == GateName::Files);
    if gate.is_some_and(|gate| !gate.verdict.passes()) {
        return of_gates(report, name, &[GateName::Files], "");
    }
    let told = |file: &FileReport| {
        let at = file.at.map_or_else(String::new, words::past);
        format!("{} of {} for {} checked {at}", file.name, file.release, file.os)
    };
    match report.files.as_slice() {
        [] => condition(name, Truth::Unknown, "NoFiles", "no upgrade file is needed, so none was checked"),
        files if files.iter().all(|file| file.state == FileState::Verified) => {
            condition(name, Truth::True, "Verified", words::list(files.iter().map(told), 2))
        }
        _ => condition(name, Truth::Unknown, "NotChecked", "not every upgrade file was checked"),
    }
}

fn wait_elapsed(view: &View<'_>) -> ConditionReport {
    let name = ConditionName::WaitElapsed;
    match (gates::wait::known(view), gates::wait::over_at(view)) {
        (_, Some(over_at)) if view.now < over_at && view.memory.hop.is_none() => condition(
            name,
            Truth::False,
            "PostUpgradeWait",
            format!("the wait ends {}", words::instant(over_at)),
        ),
        (Known::Until(_), _) => condition(name, Truth::True, "Elapsed", "the post-upgrade wait is over"),
        (Known::NoWait, _) => condition(name, Truth::True, "NoWait", "the present release asks for no wait"),
        (Known::Unknown, _) => {
            condition(name, Truth::Unknown, "UnknownRelease", "the wait of the present release is not known")
        }
    }
}

fn backups_running(view: &View<'_>) -> ConditionReport {
    let name = ConditionName::BackupsRunning;
    if view.memory.hop.is_some() {
        return condition(
            name,
            Truth::False,
            "HopInFlight",
            "storage behind its authority cannot take backups",
        );
    }
    match gates::backups_running::check(view) {
        Verdict::Pass if view.situation.fresh => condition(name, Truth::True, "Running", "backups run"),
        Verdict::Pass => {
            condition(name, Truth::Unknown, "FactsStale", "the servers have not been read lately")
        }
        Verdict::Hold { reason, message, .. }
        | Verdict::Unknown { reason, message, .. }
        | Verdict::Refuse { reason, message, .. } => condition(name, Truth::False, reason.name(), message),
    }
}
