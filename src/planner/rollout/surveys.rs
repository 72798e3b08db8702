//! The counts of one environment's devices, kept from look to look: what is decided is the same with and without them.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::SignedDuration;

use super::survey::Survey;
use super::verdict::Judge;
use crate::catalog::Release;
use crate::fleet::{Census, Devices, Watch};
use crate::planner::desired::DevicePolicy;

/// The counts of the last listing.
#[derive(Debug, Default)]
pub struct Surveys {
    survey: Mutex<Option<Kept>>,
    census: Mutex<Option<Counted>>,
}

/// A survey with everything that it was made from, but for the rollouts, which each of its blocks knows.
#[derive(Debug)]
struct Kept {
    devices: Arc<Devices>,
    watch: Watch,
    release: Option<Release>,
    policy: DevicePolicy,
    misses: bool,
    survey: Arc<Survey>,
}

/// A census with everything that it was made from.
#[derive(Debug)]
struct Counted {
    devices: Arc<Devices>,
    unseen_for: SignedDuration,
    exempt: Vec<u64>,
    census: Arc<Census>,
}

impl Surveys {
    /// The devices of a listing, counted as a judge judges them.
    pub(super) fn survey(&self, devices: &Arc<Devices>, judge: &Judge<'_>) -> Arc<Survey> {
        let mut slot = self.survey.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = slot.take().and_then(|kept| kept.go_on(devices, judge));
        let kept = slot.insert(kept.unwrap_or_else(|| Kept::begin(devices, judge)));
        Arc::clone(&kept.survey)
    }

    /// The devices of a listing by what they run.
    pub fn census(&self, devices: &Arc<Devices>, policy: &DevicePolicy) -> Arc<Census> {
        let exempt = || policy.exempt.iter().map(|(guid, _)| *guid);
        let is_same = |counted: &Counted| {
            Arc::ptr_eq(&counted.devices, devices)
                && counted.unseen_for == policy.unseen_for
                && counted.exempt.iter().copied().eq(exempt())
        };
        let mut slot = self.census.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(counted) = slot.as_ref().filter(|counted| is_same(counted)) {
            return Arc::clone(&counted.census);
        }
        let exempt: Vec<u64> = exempt().collect();
        let census = Arc::new(Census::take(devices, policy.live_since(devices), &exempt));
        let counted = Counted {
            devices: Arc::clone(devices),
            unseen_for: policy.unseen_for,
            exempt,
            census: Arc::clone(&census),
        };
        *slot = Some(counted);
        census
    }
}

impl Kept {
    fn begin(devices: &Arc<Devices>, judge: &Judge<'_>) -> Self {
        Self {
            devices: Arc::clone(devices),
            watch: judge.watch().clone(),
            release: judge.release().cloned(),
            policy: judge.policy().clone(),
            misses: judge.misses(),
            survey: Arc::new(Survey::of(devices, judge)),
        }
    }

    /// The same at the next look; `None` where it was made from something else.
    fn go_on(mut self, devices: &Arc<Devices>, judge: &Judge<'_>) -> Option<Self> {
        let is_same = Arc::ptr_eq(&self.devices, devices)
            && self.release.as_ref() == judge.release()
            && self.policy == *judge.policy()
            && self.misses == judge.misses();
        let told = judge.watch().told_beyond(&self.watch).filter(|_| is_same)?;
        let survey = Arc::make_mut(&mut self.survey);
        told.filter_map(|guid| devices.find(guid)).for_each(|device| survey.forget(device));
        survey.recount(devices, judge);
        self.watch = judge.watch().clone();
        Some(self)
    }
}
