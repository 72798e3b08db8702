//! The authority's switch that moves the whole fleet at its next restart is as the spec wants it
//! (ARCHITECTURE.md, rule 8; FACTS.md, auto-upgrade-switch).

use super::View;
use crate::planner::aim::Aim;
use crate::planner::desired::AutoUpgradeSwitch;
use crate::planner::observed::Switch;
use crate::planner::reason::Reason;
use crate::planner::report::Verdict;

/// Refuses, or holds while it is turned off, unless the spec allows it on.
pub fn check(view: &View<'_>) -> Verdict {
    match view.aim {
        Aim::Hop(_) => check_devices(view),
        Aim::Nothing | Aim::Adopt { .. } | Aim::NoWay(_) | Aim::Undecided => Verdict::Pass,
    }
}

/// The same while devices follow in waves: a restart in between would take all waves at once.
pub fn check_devices(view: &View<'_>) -> Verdict {
    let Some(settings) = &view.observed.settings else {
        return Verdict::unknown(
            Reason::NotYetObserved,
            "the auto-upgrade switch has not been read yet",
            None,
        );
    };
    match (settings.device_auto_upgrade, view.desired.devices.auto_upgrade_switch) {
        (_, AutoUpgradeSwitch::Allow) | (Switch::Off, _) => Verdict::Pass,
        (Switch::On, AutoUpgradeSwitch::RequireOff) => Verdict::refuse(
            Reason::AutoUpgradeSwitchOn,
            "auto-upgrade devices is on: the next restart would move the whole fleet at once",
            "turn it off in the console, or set devices.autoUpgradeSwitch to TurnOff or Allow",
        ),
        (Switch::On, AutoUpgradeSwitch::TurnOff) => Verdict::hold(
            Reason::AutoUpgradeSwitchTurningOff,
            "auto-upgrade devices is being turned off",
            None,
        ),
        (Switch::Unstated, AutoUpgradeSwitch::RequireOff | AutoUpgradeSwitch::TurnOff) => Verdict::unknown(
            Reason::AnswerUnexpected,
            "the authority does not say whether auto-upgrade devices is on",
            Some(settings.read_at),
        ),
    }
}

/// Holds until the switch was read after all other gates had passed: somebody may have turned it on meanwhile.
pub fn check_reading(view: &View<'_>) -> Verdict {
    let (Aim::Hop(_), Some(cleared)) = (view.aim, &view.memory.cleared) else { return Verdict::Pass };
    match view.observed.settings {
        Some(settings) if settings.read_at > cleared.at => Verdict::Pass,
        Some(_) | None => {
            Verdict::hold(Reason::NotYetObserved, "the auto-upgrade switch is read once more", None)
        }
    }
}
