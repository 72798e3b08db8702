//! The cluster of a story: workloads as a controller and a kubelet would run them, without either.

use std::collections::BTreeMap;

use crate::catalog::Version;
use crate::fleet::Guid;
use crate::planner::desired::{ImageFrom, WorkloadRef};
use crate::planner::observed::{Catch, Revisions, Rights, WorkloadFacts, WorkloadReading, WorkloadRollout};
use crate::simulator::server::ServerState;
use crate::simulator::world::World;

/// What is wrong with a workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ailment {
    /// Nothing.
    Well,
    /// A new pod fails.
    Broken,
    /// It is not there.
    Missing,
    /// It has more than one replica.
    Unfit,
    /// The acting account may not patch it.
    Denied,
}

/// One workload.
#[derive(Clone, Debug)]
pub(super) struct Workload {
    guid: Guid,
    template: Version,
    running: Version,
    pub(super) catch: Catch,
    ailment: Ailment,
    /// How often its pod was replaced.
    pub(super) rolls: u64,
}

/// All workloads of a story, by name; each runs the server of the same name.
#[derive(Clone, Debug, Default)]
pub(super) struct Cluster {
    workloads: BTreeMap<String, Workload>,
}

/// The image of a server version: pinned, and the same in every story.
pub(super) fn image(version: Version) -> String {
    format!(
        "registry.example/code42-server:{version}@sha256:{:064x}",
        u128::from(u64::from_be_bytes(packed(version)))
    )
}

fn packed(version: Version) -> [u8; 8] {
    let mut bytes = [0; 8];
    for (index, part) in version.parts().into_iter().enumerate() {
        bytes[index * 2..index * 2 + 2].copy_from_slice(&part.to_be_bytes());
    }
    bytes
}

/// The version of an image made by [`image`].
fn version_of(image: &str) -> Option<Version> {
    let tag = image.rsplit_once("/code42-server:")?.1;
    tag.split('@').next()?.parse().ok()
}

impl Cluster {
    pub(super) fn add(&mut self, name: &str, guid: Guid, version: Version) {
        let workload = Workload {
            guid,
            template: version,
            running: version,
            catch: Catch::Open,
            ailment: Ailment::Well,
            rolls: 0,
        };
        self.workloads.insert(name.to_owned(), workload);
    }

    pub(super) fn get(&self, name: &str) -> Option<&Workload> {
        self.workloads.get(name)
    }

    pub(super) fn ail(&mut self, name: &str, ailment: Ailment) {
        if let Some(workload) = self.workloads.get_mut(name) {
            workload.ailment = ailment;
        }
    }

    /// Git sets the image. An open catch lets it roll.
    pub(super) fn commit(&mut self, name: &str, version: Version) {
        if let Some(workload) = self.workloads.get_mut(name) {
            workload.template = version;
        }
    }

    /// Somebody restores or upgrades the server by hand: its workload runs that version.
    pub(super) fn set_by_hand(&mut self, name: &str, version: Version) {
        if let Some(workload) = self.workloads.get_mut(name) {
            workload.template = version;
            workload.running = version;
        }
    }

    /// Another server answers in the place of one.
    pub(super) fn replace(&mut self, name: &str, guid: Guid) {
        if let Some(workload) = self.workloads.get_mut(name) {
            workload.guid = guid;
        }
    }

    pub(super) fn hold(&mut self, reference: &WorkloadRef) {
        if let Some(workload) = self.workloads.get_mut(&reference.name) {
            workload.catch = Catch::Held;
        }
    }

    /// The operator's order: the image, where it writes it, and the catch open.
    pub(super) fn upgrade(&mut self, reference: &WorkloadRef, image: &str, image_from: ImageFrom) {
        let Some(workload) = self.workloads.get_mut(&reference.name) else { return };
        if let (ImageFrom::Operator, Some(version)) = (image_from, version_of(image)) {
            workload.template = version;
        }
        workload.catch = Catch::Open;
    }

    /// What the controllers do with open catches: a changed template replaces the pod, and with it the server.
    pub(super) fn roll(&mut self, world: &mut World) {
        for workload in self.workloads.values_mut() {
            if workload.catch == Catch::Open && workload.template != workload.running {
                workload.running = workload.template;
                workload.rolls += 1;
                // The commands fail only for servers that a story has removed.
                let _ = world.stop_server(&workload.guid);
                if workload.ailment != Ailment::Broken {
                    let _ = world.start_server(&workload.guid, workload.running);
                }
            }
        }
    }

    /// What the operator reads of them.
    pub(super) fn read(
        &self,
        references: &[(WorkloadRef, Option<ImageFrom>)],
        world: &World,
    ) -> BTreeMap<WorkloadRef, WorkloadReading> {
        references
            .iter()
            .map(|(reference, image_from)| (reference.clone(), self.read_one(reference, *image_from, world)))
            .collect()
    }

    fn read_one(
        &self,
        reference: &WorkloadRef,
        image_from: Option<ImageFrom>,
        world: &World,
    ) -> WorkloadReading {
        let Some(workload) =
            self.workloads.get(&reference.name).filter(|workload| workload.ailment != Ailment::Missing)
        else {
            return WorkloadReading::Missing;
        };
        let server = world.servers().into_iter().find(|server| server.guid == workload.guid);
        let state = server.map(|server| server.state);
        let is_up = matches!(state, Some(ServerState::Running { .. }));
        let rolled = workload.template == workload.running;
        let rollout = match state {
            Some(ServerState::Refusing) => {
                WorkloadRollout::Failing("CrashLoopBackOff: the database is newer".into())
            }
            _ if workload.ailment == Ailment::Broken && !is_up => {
                WorkloadRollout::Failing("CrashLoopBackOff: the server ended with code 1".into())
            }
            _ if rolled && is_up => WorkloadRollout::Settled,
            _ => WorkloadRollout::Unsettled,
        };
        WorkloadReading::Read(WorkloadFacts {
            uid: reference.name.clone(),
            container: "server".into(),
            template_image: image(workload.template),
            running_image: is_up.then(|| image(workload.running)),
            catch: workload.catch,
            rollout,
            revisions: if rolled { Revisions::One } else { Revisions::Several },
            image_from: image_from.unwrap_or(ImageFrom::Operator),
            misfits: match workload.ailment {
                Ailment::Unfit => vec!["it has 2 replicas; a server is one pod".into()],
                Ailment::Well | Ailment::Broken | Ailment::Missing | Ailment::Denied => Vec::new(),
            },
            rights: match workload.ailment {
                Ailment::Denied => Rights::Denied("statefulsets.apps is forbidden".into()),
                Ailment::Well | Ailment::Broken | Ailment::Missing | Ailment::Unfit => Rights::Granted,
            },
        })
    }
}
