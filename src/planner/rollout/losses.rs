//! How many devices of each group are lost and missing, where no rollout that goes on has counted them.

use super::count::count;
use super::survey::Survey;
use super::verdict::{Judge, Judged, Losses};
use crate::fleet::{Devices, Watch};
use crate::planner::{Desired, Memory};

impl<'a> Judge<'a> {
    /// A judge of one listing.
    pub fn new(
        devices: &Devices,
        judged: &'a Judged<'a>,
        desired: &'a Desired,
        memory: &'a Memory,
        watch: &'a Watch,
    ) -> Self {
        let judge = Self::before_losses(devices, judged, desired, memory, watch);
        let losses = if judge.rollouts().is_empty() {
            Vec::new()
        } else {
            count_losses(&Survey::of(devices, &judge), devices, &judge)
        };
        judge.with_losses(devices, losses)
    }
}

/// Counts the losses of every group.
pub(super) fn count_losses(survey: &Survey, devices: &Devices, judge: &Judge<'_>) -> Vec<Losses> {
    count(survey, devices, judge, devices.finished).tallies.iter().map(Losses::of).collect()
}

/// How many of the lost devices of a group report a version that can be read: of the others it is said that nobody can read it.
pub(super) fn readable_lost(survey: &Survey, group: usize, losses: &Losses) -> u64 {
    let Some(last) = usize::try_from(losses.lost).ok().and_then(|lost| lost.checked_sub(1)) else { return 0 };
    let silent_since = losses.silent_since.as_second();
    let silent = survey.blocks(group).iter().flat_map(|block| &block.part.silent);
    let mut silent: Vec<_> = silent.filter(|silent| silent.last_connected < silent_since).collect();
    if last < silent.len() {
        // Those that are silent for longest.
        silent.select_nth_unstable(last);
        silent.truncate(last + 1);
    }
    silent.iter().filter(|silent| silent.is_readable).count() as u64
}
