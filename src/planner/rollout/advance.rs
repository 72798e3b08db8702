//! One look at the rollout of a release: group by group, in order.

use std::sync::Arc;

use super::count::count;
use super::estimate::Remaining;
use super::evidence::Examiner;
use super::progress::Progress;
use super::release::Room;
use super::sample::MOST_SAMPLED;
use super::turn::Turn;
use super::verdict::{Judge, Judged, Losses};
use super::{Targets, edited, flag, judge, missing, orders, release, sample, start};
use crate::catalog::Version;
use crate::fleet::Devices;
use crate::planner::facts::Facts;
use crate::planner::memory::Memory;
use crate::planner::report::GroupState;

/// Takes the rollout further. With `may_release`, more devices may be released; without, only what is released
/// already is followed.
pub(super) fn advance(
    facts: &Facts<'_>,
    memory: &mut Memory,
    devices: &Arc<Devices>,
    release: Version,
    may_release: bool,
) -> Progress {
    let policy = &facts.desired.devices;
    let Some(described) = facts.catalog.release(release) else { return Progress::default() };
    let targets = Targets::of(described, policy);
    let granted = facts.observed.witnesses.granted();
    // By the clock that shows least: an order that is given later must not seem to be one of an earlier rollout.
    start::start_rollouts(memory, &policy.groups, &targets, release, granted);
    orders::follow(memory, facts);
    let watch = &*facts.observed.watch;
    let judged = Judged::by(Some(described), facts.desired);
    let (survey, counted) = {
        let judge = Judge::before_losses(devices, &judged, facts.desired, memory, watch);
        let survey = facts.observed.surveys.survey(devices, &judge);
        let counted = count(&survey, devices, &judge, granted);
        (survey, counted)
    };
    let examiner = Examiner::new(devices, &targets, watch);
    let losses = counted.tallies.iter().map(Losses::of).collect();
    let mut progress = Progress { complete: true, losses, ..Progress::default() };
    let mut room = Room::left(facts, &counted);
    let mut left_to_sample = MOST_SAMPLED;
    let mut remaining = Remaining::default();
    let mut open = may_release;
    let mut follows_another = false;
    for (index, group) in policy.groups.iter().enumerate() {
        let Some(found) = counted.tallies.get(index) else { continue };
        let Some(rollout) = memory.rollouts.iter_mut().find(|rollout| rollout.group == group.name) else {
            continue;
        };
        let turn = Turn {
            facts,
            devices,
            targets: &targets,
            examiner: &examiner,
            release,
            group,
            index,
            survey: &survey,
            tally: found,
            follows_another,
        };
        edited::follow_waves(&turn, rollout);
        let sample = sample::look(&turn, rollout, &mut left_to_sample);
        judge::judge(&turn, rollout, sample);
        missing::note(rollout, found, watch, devices);
        if group.held {
            progress.groups.push(turn.report(rollout, GroupState::Held));
            continue;
        }
        if open && rollout.halted_at.is_none() {
            release::release_more(&turn, rollout, &room, &mut progress);
            flag::flag(&turn, rollout, &mut room, &mut progress);
        }
        remaining.add(&turn, rollout);
        let state = turn.state(rollout);
        progress.groups.push(turn.report(rollout, state));
        progress.wake_at = [progress.wake_at, turn.wake_at(rollout)].into_iter().flatten().min();
        if rollout.halted_at.is_some() {
            progress.halted.get_or_insert_with(|| turn.halt(rollout));
        }
        if rollout.completed_at.is_none() || rollout.halted_at.is_some() {
            // The next group follows only when this one is complete, and waits again where a late one of it fails.
            open = false;
            progress.complete = false;
        }
        follows_another |= found.total > 0;
    }
    progress.estimate = remaining
        .estimate(policy.max_in_flight, policy.rate_per_minute, facts.now)
        .filter(|_| progress.halted.is_none());
    progress
}
