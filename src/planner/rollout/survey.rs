//! The devices of one listing by rank, in blocks that are counted once: a block is counted anew only where something changed for one
//! of its devices, so that a look between two listings costs the same in a fleet of any size.
//!
//! What must never happen here: a count that depends on the time of a look, or a device that two blocks have.

use jiff::Timestamp;

use super::part::Part;
use super::verdict::Judge;
use crate::fleet::devices::Device;
use crate::fleet::{Devices, Rank};
use crate::planner::memory::Rollout;

/// How many devices a block of a listing has: with the root of all of them neither the number of blocks nor a block is large; and since
/// adding a block up takes less than counting it, there are some more and smaller ones.
fn devices_in_a_block(devices: usize) -> usize {
    (devices.isqrt() / 4).max(2)
}

/// The devices of one listing by rank, counted in blocks.
#[derive(Clone, Debug)]
pub(super) struct Survey {
    /// Rows of the listing, by group and rank.
    order: Box<[u32]>,
    blocks: Vec<Block>,
}

/// Some devices of one group that stand side by side.
#[derive(Clone, Debug)]
pub(super) struct Block {
    group: u16,
    /// The rank of the first of them.
    pub(super) first: Rank,
    /// The rank of the last.
    pub(super) last: Rank,
    rows: (usize, usize),
    /// What they were counted by; `None` before they were.
    basis: Option<Basis>,
    pub(super) part: Part,
}

/// What a block was counted by beside the listing: while that is the same, so are the counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Basis {
    /// Up to which rank devices were released when, as far as these go.
    marks: Vec<(Rank, Timestamp)>,
    /// Up to which of these ranks the threshold goes.
    threshold: Option<Rank>,
    /// When the open wave began, where any of these was released.
    opened_at: Option<Timestamp>,
    /// When the rollout began; `None` where there is none.
    started_at: Option<Timestamp>,
}

impl Basis {
    fn of(rollout: Option<&Rollout>, first: Rank, last: Rank) -> Self {
        let Some(rollout) = rollout else { return Self::default() };
        let marks: Vec<_> = marks(rollout, first, last).collect();
        let threshold = threshold(rollout, first, last);
        let is_reached = !marks.is_empty() || threshold.is_some();
        let opened_at = rollout.wave_opened_at.filter(|_| is_reached);
        Self { marks, threshold, opened_at, started_at: Some(rollout.started_at) }
    }

    /// Whether it is that of a rollout, found without making another.
    fn is_of(&self, rollout: Option<&Rollout>, first: Rank, last: Rank) -> bool {
        let Some(rollout) = rollout else { return *self == Self::default() };
        let is_reached = !self.marks.is_empty() || self.threshold.is_some();
        self.started_at == Some(rollout.started_at)
            && self.opened_at == rollout.wave_opened_at.filter(|_| is_reached)
            && self.threshold == threshold(rollout, first, last)
            && self.marks.iter().copied().eq(marks(rollout, first, last))
    }
}

/// The marks by which devices between two ranks were released.
fn marks(rollout: &Rollout, first: Rank, last: Rank) -> impl Iterator<Item = (Rank, Timestamp)> {
    let mut is_over = false;
    let marks = rollout.marks.iter().filter(move |mark| mark.threshold >= first);
    let marks = marks.take_while(move |mark| !std::mem::replace(&mut is_over, mark.threshold >= last));
    marks.map(move |mark| (mark.threshold.min(last), mark.at))
}

fn threshold(rollout: &Rollout, first: Rank, last: Rank) -> Option<Rank> {
    rollout.threshold.filter(|threshold| *threshold >= first).map(|threshold| threshold.min(last))
}

impl Survey {
    /// The devices of a listing, counted.
    pub(super) fn of(devices: &Devices, judge: &Judge<'_>) -> Self {
        let place =
            |(row, device): (usize, &Device)| Some((device.group, device.rank, u32::try_from(row).ok()?));
        let mut places: Vec<_> = devices.rows().iter().enumerate().filter_map(place).collect();
        places.sort_unstable();
        let size = devices_in_a_block(places.len());
        let mut blocks = Vec::with_capacity(places.len() / size + 1);
        let mut begin = 0;
        for of_group in places.chunk_by(|one, other| one.0 == other.0) {
            for chunk in of_group.chunks(size) {
                if let (Some((group, first, _)), Some((_, last, _))) = (chunk.first(), chunk.last()) {
                    let (group, first, last, end) = (*group, *first, *last, begin + chunk.len());
                    let rows = (begin, end);
                    blocks.push(Block { group, first, last, rows, basis: None, part: Part::default() });
                    begin = end;
                }
            }
        }
        let order = places.iter().map(|(_, _, row)| *row).collect();
        let mut survey = Self { order, blocks };
        survey.recount(devices, judge);
        survey
    }

    /// Counts the blocks anew that were counted by something else.
    pub(super) fn recount(&mut self, devices: &Devices, judge: &Judge<'_>) {
        for block in &mut self.blocks {
            let (rollout, first, last) = (judge.rollout_of(block.group), block.first, block.last);
            if block.basis.as_ref().is_some_and(|basis| basis.is_of(rollout, first, last)) {
                continue;
            }
            let rows = self.order[block.rows.0..block.rows.1].iter().map(|row| *row as usize);
            block.part = Part::count(devices, rows, judge);
            block.basis = Some(Basis::of(rollout, first, last));
        }
    }

    /// Forgets the counts of which a device is part.
    pub(super) fn forget(&mut self, device: &Device) {
        let range = self.blocks_of(device.group);
        let blocks = self.blocks[range].iter_mut();
        blocks
            .filter(|block| (block.first..=block.last).contains(&device.rank))
            .for_each(|block| block.basis = None);
    }

    fn blocks_of(&self, group: u16) -> std::ops::Range<usize> {
        let begin = self.blocks.partition_point(|block| block.group < group);
        begin..self.blocks.partition_point(|block| block.group <= group)
    }

    /// The blocks of a group, in the order of rank.
    pub(super) fn blocks(&self, group: usize) -> &[Block] {
        u16::try_from(group).map_or(&[][..], |group| &self.blocks[self.blocks_of(group)])
    }

    /// What every device was counted as.
    pub(super) fn parts(&self) -> impl Iterator<Item = &Part> {
        self.blocks.iter().map(|block| &block.part)
    }

    /// The devices of a block with their rows, in the order of rank.
    pub(super) fn devices<'a>(
        &'a self,
        block: &Block,
        devices: &'a Devices,
    ) -> impl Iterator<Item = (usize, &'a Device)> + use<'a> {
        self.order[block.rows.0..block.rows.1]
            .iter()
            .map(|row| (*row as usize, &devices.rows()[*row as usize]))
    }
}
