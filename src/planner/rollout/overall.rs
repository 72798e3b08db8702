//! All devices of an environment, counted for people.

use std::sync::Arc;

use super::losses::{count_losses, readable_lost};
use super::overview::{AppCount, Overview};
use super::surveys::Surveys;
use super::targets::Targets;
use super::verdict::{DeviceVerdict, Judge, Losses};
use crate::fleet::{Census, DeviceState, Devices};

/// Most apps that are counted one by one.
const MOST_APPS: usize = 16;

/// Counts all devices as a judge judges them; `losses` are those of the rollout that goes on, if one does, and `census` says what they
/// run.
pub fn overview(
    surveys: &Surveys,
    devices: &Arc<Devices>,
    judge: &Judge<'_>,
    losses: Option<&[Losses]>,
    census: &Census,
) -> Overview {
    let survey = surveys.survey(devices, judge);
    let counted = losses.is_none().then(|| count_losses(&survey, devices, judge));
    let losses = losses.or(counted.as_deref()).unwrap_or_default();
    let judged = judge.targets().is_some_and(Targets::ask_for_anything);
    let mut overview = Overview { judged, ..Overview::default() };
    survey.parts().for_each(|part| overview.add(&part.overview));
    // Who is blocked or deactivated and was not done is missing as well, and is counted with those that are not in the list.
    for gone in judge.watch().gone().filter(|gone| judge.is_missing(gone)) {
        match devices.find(gone.device.guid).map(|device| device.state) {
            Some(DeviceState::Blocked) => overview.verdicts.leave_out(DeviceVerdict::Blocked),
            Some(DeviceState::Deactivated) => overview.verdicts.leave_out(DeviceVerdict::Deactivated),
            Some(DeviceState::Active) | None => {}
        }
    }
    for (group, losses) in losses.iter().enumerate().take(judge.rollouts().len()) {
        let lost = readable_lost(&survey, group, losses);
        overview.verdicts.change(DeviceVerdict::InFlight, DeviceVerdict::Lost, lost);
        overview.verdicts.add_many(DeviceVerdict::Missing, losses.missing);
        overview.total += losses.missing;
        overview.behind += losses.missing;
    }
    let apps = census.classes.iter().map(|((product, os, version), count)| AppCount {
        product: *product,
        os: *os,
        version: *version,
        devices: count.live + count.stale,
    });
    (overview.apps, overview.other_apps) = most_used(apps.collect());
    overview
}

/// The apps that most devices run, in order, and how many devices run others.
fn most_used(mut apps: Vec<AppCount>) -> (Vec<AppCount>, u64) {
    apps.sort_by_key(|app| (std::cmp::Reverse(app.devices), *app));
    let others = apps.split_off(apps.len().min(MOST_APPS)).iter().map(|app| app.devices).sum();
    apps.sort();
    (apps, others)
}
