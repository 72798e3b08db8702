//! The devices as the search of a path sees them: counted by what they run.

use std::sync::Arc;

use super::{Desired, Observed};
use crate::catalog::path::DeviceClass;
use crate::fleet::Census;

/// The devices as the path search sees them.
#[derive(Clone, Debug, Default)]
pub struct Travellers {
    /// The counts; `None` before the first listing.
    pub census: Option<Arc<Census>>,
    /// Live devices by class.
    pub classes: Vec<DeviceClass>,
    /// How many of them a hop may leave behind.
    pub may_leave_behind: u64,
}

impl Travellers {
    /// Counts the devices.
    pub fn count(observed: &Observed, desired: &Desired) -> Self {
        let Some(devices) = &observed.devices else { return Self::default() };
        let census = observed.surveys.census(devices, &desired.devices);
        let classes = census.live_classes();
        let may_leave_behind = desired.devices.leave_behind.at_most(census.live());
        Self { census: Some(census), classes, may_leave_behind }
    }
}
