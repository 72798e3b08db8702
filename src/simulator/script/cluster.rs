//! The cluster of a story: its workloads, by name, each with the server of the same name.

use std::collections::BTreeMap;

use super::images::{self, Images};
use super::workload::{Ailment, Workload};
use crate::catalog::Version;
use crate::fleet::Guid;
use crate::observing::looks::Look;
use crate::planner::desired::{ImageFrom, WorkloadRef};
use crate::planner::observed::{Catch, CatchBy, Rights, WorkloadFacts, WorkloadReading};
use crate::simulator::world::World;

/// What the dry run of an image says: an image of another kind is made to one of the story's own, as a webhook of a house does.
fn tried(sent: &str) -> Rights {
    let stored = images::version_of(sent).map(images::name);
    match stored.filter(|stored| sent.contains('@') && sent != stored) {
        Some(stored) => Rights::Rewritten { field: "the image of container server".into(), stored },
        None => Rights::Granted,
    }
}

/// All workloads of a story.
#[derive(Clone, Debug, Default)]
pub(super) struct Cluster {
    workloads: BTreeMap<String, Workload>,
    pub(super) images: Images,
}

impl Cluster {
    pub(super) fn add(&mut self, name: &str, guid: Guid, version: Version) {
        self.workloads.insert(name.to_owned(), Workload::running(name, guid, version));
    }

    pub(super) fn get(&self, name: &str) -> Option<&Workload> {
        self.workloads.get(name)
    }

    pub(super) fn get_mut(&mut self, name: &str) -> Option<&mut Workload> {
        self.workloads.get_mut(name)
    }

    /// The operator closes a catch.
    pub(super) fn hold(&mut self, reference: &WorkloadRef) -> Result<(), String> {
        self.changeable(reference)?.catch = Catch::Held;
        Ok(())
    }

    /// The operator gives a catch back.
    pub(super) fn open(&mut self, reference: &WorkloadRef) -> Result<(), String> {
        self.changeable(reference)?.catch = Catch::Open;
        Ok(())
    }

    /// The operator's order: the image, where it writes it, and the catch open.
    pub(super) fn upgrade(
        &mut self,
        reference: &WorkloadRef,
        image: &str,
        image_from: ImageFrom,
    ) -> Result<(), String> {
        let workload = self.changeable(reference)?;
        if let (ImageFrom::Operator, Some(version)) = (image_from, images::version_of(image)) {
            workload.template = version;
        }
        workload.catch = Catch::Open;
        Ok(())
    }

    fn changeable(&mut self, reference: &WorkloadRef) -> Result<&mut Workload, String> {
        let workload = self.workloads.get_mut(&reference.name);
        workload
            .filter(|workload| workload.takes_changes())
            .ok_or_else(|| "statefulsets.apps is forbidden".to_owned())
    }

    /// Controllers and kubelets do what is left to do.
    pub(super) fn reconcile(&mut self, world: &mut World) {
        for workload in self.workloads.values_mut() {
            workload.reconcile(&self.images, world);
        }
    }

    /// What the operator reads of one.
    pub(super) fn read(&self, reference: &WorkloadRef, look: &Look, world: &World) -> WorkloadReading {
        let found = self.workloads.get(&reference.name);
        let Some(workload) = found.filter(|workload| workload.ailment != Ailment::Missing) else {
            return WorkloadReading::Missing;
        };
        if workload.ailment == Ailment::Hidden {
            return WorkloadReading::Unreadable(format!(
                "{reference} could not be read: statefulsets.apps is forbidden"
            ));
        }
        let mut facts = WorkloadFacts {
            uid: reference.name.clone(),
            container: look.container.clone().unwrap_or_else(|| "server".to_owned()),
            template_image: images::name(workload.template),
            running_image: workload.ready_revision(world).map(images::name),
            replicas: i32::try_from(workload.replicas).unwrap_or(i32::MAX),
            catch: workload.catch,
            // Nobody else moves it in a story.
            catch_by: CatchBy::Operator,
            rollout: workload.rollout(world),
            revisions: workload.revisions(),
            image_from: look.image_from.unwrap_or(ImageFrom::Operator),
            misfits: workload.misfits(),
            rights: Rights::Unchecked,
        };
        if let Some(image) = look.image_to_try(&facts) {
            facts.rights = match workload.ailment {
                Ailment::Denied => Rights::Denied("statefulsets.apps is forbidden".into()),
                Ailment::Well | Ailment::Broken | Ailment::Missing | Ailment::Unfit | Ailment::Hidden => {
                    tried(image)
                }
            };
        }
        WorkloadReading::Read(facts)
    }
}
