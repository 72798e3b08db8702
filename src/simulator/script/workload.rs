//! One workload of a story: a `StatefulSet` of one server, as its controller and a kubelet run it, without either.
//!
//! What Kubernetes does is kept to the letter, also where it does no good: below the partition a pod is rebuilt from
//! `currentRevision`, which moves only when a rollout is through; with no pod left it is the newest revision, whatever the
//! partition says; a pod that is not ready is waited for for ever (`OrderedReady`), even when the template is mended.

use super::images::{self, Images};
use crate::catalog::Version;
use crate::fleet::Guid;
use crate::planner::observed::{Catch, Misfit, Revisions, WorkloadRollout};
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
    /// The acting account may not even read it.
    Hidden,
}

/// One workload. A revision goes by the version in the name of its image.
#[derive(Clone, Debug)]
pub(super) struct Workload {
    name: String,
    pub(super) guid: Guid,
    pub(super) ailment: Ailment,
    pub(super) catch: Catch,
    pub(super) replicas: u32,
    /// The template, which is `updateRevision`.
    pub(super) template: Version,
    /// `currentRevision`: what ran when the last rollout was through.
    current: Version,
    pod: Option<Pod>,
    /// How often its pod was replaced by one of another revision.
    pub(super) rolls: u64,
}

/// Its one pod.
#[derive(Clone, Copy, Debug)]
struct Pod {
    revision: Version,
    container: Container,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Container {
    /// Its image cannot be pulled.
    Waits,
    /// It ends again and again.
    Crashes,
    /// It runs; whether it is ready is the server's matter.
    Runs,
}

impl Workload {
    /// One that has run for long.
    pub(super) fn running(name: &str, guid: Guid, version: Version) -> Self {
        Self {
            name: name.to_owned(),
            guid,
            ailment: Ailment::Well,
            catch: Catch::Open,
            replicas: 1,
            template: version,
            current: version,
            pod: Some(Pod { revision: version, container: Container::Runs }),
            rolls: 0,
        }
    }

    /// Whether the acting account can change it.
    pub(super) fn takes_changes(&self) -> bool {
        match self.ailment {
            Ailment::Well | Ailment::Broken | Ailment::Unfit => true,
            Ailment::Missing | Ailment::Denied | Ailment::Hidden => false,
        }
    }

    /// Somebody has put it and its server at a version, whatever it took.
    pub(super) fn set_by_hand(&mut self, version: Version) {
        (self.template, self.current) = (version, version);
        self.pod = Some(Pod { revision: version, container: Container::Runs });
    }

    /// Its pod is deleted: by somebody, or since its node is drained.
    pub(super) fn delete_pod(&mut self, world: &mut World) {
        if self.pod.take().is_some() {
            // The command fails only for a server that a story has removed.
            let _ = world.stop_server(&self.guid);
        }
    }

    /// What the controller and the kubelet do until nothing is left to do.
    pub(super) fn reconcile(&mut self, images: &Images, world: &mut World) {
        if self.ailment == Ailment::Missing {
            return;
        }
        self.run_container(images, world);
        if self.replicas == 0 {
            self.delete_pod(world);
            // Zero of zero pods are updated and ready: the rollout counts as through.
            self.current = self.template;
            return;
        }
        if self.pod.is_none() {
            let revision = match self.catch {
                Catch::Held => self.current,
                Catch::Open => self.template,
            };
            self.create_pod(revision, images, world);
        }
        // Not before what is there is ready.
        if !self.is_ready(world) {
            return;
        }
        let revision = self.pod.map(|pod| pod.revision);
        if revision == Some(self.template) {
            self.current = self.template;
        } else if self.catch == Catch::Open {
            self.delete_pod(world);
            self.rolls += 1;
            self.create_pod(self.template, images, world);
        }
    }

    fn create_pod(&mut self, revision: Version, images: &Images, world: &mut World) {
        self.pod = Some(Pod { revision, container: Container::Waits });
        self.run_container(images, world);
    }

    /// The kubelet starts what it can start.
    fn run_container(&mut self, images: &Images, world: &mut World) {
        let Some(pod) = &mut self.pod else { return };
        let next = match self.ailment {
            _ if pod.container == Container::Runs => Container::Runs,
            _ if !images.can_be_pulled(pod.revision) => Container::Waits,
            Ailment::Broken => Container::Crashes,
            Ailment::Well | Ailment::Missing | Ailment::Unfit | Ailment::Denied | Ailment::Hidden => {
                Container::Runs
            }
        };
        if next == Container::Runs && pod.container != Container::Runs {
            let _ = world.start_server(&self.guid, images.software(pod.revision));
        }
        pod.container = next;
    }

    fn server(&self, world: &World) -> Option<ServerState> {
        world.state_of(&self.guid)
    }

    fn is_ready(&self, world: &World) -> bool {
        self.pod.is_some_and(|pod| pod.container == Container::Runs)
            && matches!(self.server(world), Some(ServerState::Running { .. }))
    }

    /// The revision of its pod, where that is ready.
    pub(super) fn ready_revision(&self, world: &World) -> Option<Version> {
        self.pod.filter(|_| self.is_ready(world)).map(|pod| pod.revision)
    }

    /// Whether a rollout is under way, or held.
    pub(super) fn revisions(&self) -> Revisions {
        if self.current == self.template { Revisions::One } else { Revisions::Several }
    }

    /// How far its rollout is, in the words of the kubelet.
    pub(super) fn rollout(&self, world: &World) -> WorkloadRollout {
        let container = self.pod.map(|pod| pod.container);
        match (container, self.server(world)) {
            (Some(Container::Waits), _) => WorkloadRollout::Failing(self.pulling()),
            (Some(Container::Crashes), _) => {
                WorkloadRollout::Failing("CrashLoopBackOff: the server ended with code 1".into())
            }
            (Some(Container::Runs), Some(ServerState::Refusing)) => {
                WorkloadRollout::Failing("CrashLoopBackOff: the database is newer".into())
            }
            _ if self.current == self.template && self.is_ready(world) => WorkloadRollout::Settled,
            _ => WorkloadRollout::Unsettled,
        }
    }

    fn pulling(&self) -> String {
        let image = self.pod.map(|pod| images::name(pod.revision)).unwrap_or_default();
        format!("pod {}-0: image cannot be pulled: {image}", self.name)
    }

    /// Why no operator can upgrade it.
    pub(super) fn misfits(&self) -> Vec<Misfit> {
        let replicas = if self.ailment == Ailment::Unfit { 2 } else { self.replicas };
        let why = format!("it has {replicas} replicas; a server is exactly one");
        let mend = "change the workload so, or upgrade this server by the method manual";
        match replicas {
            1 => Vec::new(),
            0 => vec![Misfit::of_upgrade(why, mend)],
            _ => vec![Misfit::of_catch(why, mend)],
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::catalog::Catalog;
    use crate::simulator::scenario::Scenario;

    struct Stage {
        world: World,
        images: Images,
        workload: Workload,
    }

    fn version(text: &str) -> Version {
        text.parse().unwrap()
    }

    impl Stage {
        fn new() -> Self {
            let scenario = "
start: 2016-03-01T10:00:00Z
authority: {name: authority, version: 4.2.3.1}
";
            let world = World::new(&Scenario::from_yaml(scenario).unwrap(), Catalog::default()).unwrap();
            let guid = world.authority().guid;
            let workload = Workload::running("authority", guid, version("4.2.3.1"));
            Self { world, images: Images::default(), workload }
        }

        fn reconcile(&mut self) {
            self.workload.reconcile(&self.images, &mut self.world);
        }

        /// Long enough for any start.
        fn pass(&mut self) {
            for _ in 0..30 {
                self.world.advance_to(self.world.now() + SignedDuration::from_mins(2));
                self.reconcile();
            }
        }

        fn ready(&self) -> Option<String> {
            self.workload.ready_revision(&self.world).map(|revision| revision.to_string())
        }
    }

    #[test]
    fn the_catch_brings_back_what_ran() {
        let mut stage = Stage::new();
        stage.workload.catch = Catch::Held;
        stage.workload.template = version("4.3.5.3");
        stage.pass();
        assert_eq!(stage.ready().as_deref(), Some("4.2.3.1"));
        stage.workload.delete_pod(&mut stage.world);
        assert_eq!(stage.ready(), None);
        stage.pass();
        assert_eq!(stage.ready().as_deref(), Some("4.2.3.1"));
        assert_eq!(stage.workload.rollout(&stage.world), WorkloadRollout::Unsettled);
        stage.workload.catch = Catch::Open;
        stage.pass();
        assert_eq!((stage.ready().as_deref(), stage.workload.rolls), (Some("4.3.5.3"), 1));
        assert_eq!(stage.workload.rollout(&stage.world), WorkloadRollout::Settled);
    }

    #[test]
    fn scaled_to_zero_and_back_it_walks_through_the_catch() {
        let mut stage = Stage::new();
        stage.workload.catch = Catch::Held;
        stage.workload.template = version("4.3.5.3");
        stage.workload.replicas = 0;
        stage.pass();
        assert_eq!(stage.workload.misfits()[0].why, "it has 0 replicas; a server is exactly one");
        stage.workload.replicas = 1;
        stage.pass();
        assert_eq!(stage.ready().as_deref(), Some("4.3.5.3"));
    }

    #[test]
    fn a_catch_that_is_closed_in_a_rollout_brings_the_old_image_back() {
        let mut stage = Stage::new();
        stage.workload.template = version("4.3.5.3");
        stage.reconcile();
        stage.workload.catch = Catch::Held;
        stage.workload.delete_pod(&mut stage.world);
        stage.pass();
        assert_eq!(stage.workload.pod.map(|pod| pod.revision), Some(version("4.2.3.1")));
        // The database has moved on: what is old does not come up on it.
        let words = "CrashLoopBackOff: the database is newer".to_owned();
        assert_eq!(stage.workload.rollout(&stage.world), WorkloadRollout::Failing(words));
    }

    #[test]
    fn a_stuck_pod_is_waited_for_until_somebody_deletes_it() {
        let mut stage = Stage::new();
        stage.images.withhold(version("4.3.5.3"));
        stage.workload.template = version("4.3.5.3");
        stage.pass();
        let image = images::name(version("4.3.5.3"));
        let words = format!("pod authority-0: image cannot be pulled: {image}");
        assert_eq!(stage.workload.rollout(&stage.world), WorkloadRollout::Failing(words));
        stage.workload.template = version("4.2.3.1");
        stage.pass();
        assert_eq!(stage.ready(), None);
        stage.workload.delete_pod(&mut stage.world);
        stage.pass();
        assert_eq!(stage.ready().as_deref(), Some("4.2.3.1"));
    }

    #[test]
    fn an_image_may_hold_something_else_than_it_says() {
        let mut stage = Stage::new();
        stage.images.hold(version("4.3.5.3"), version("4.3.0"));
        stage.workload.template = version("4.3.5.3");
        stage.pass();
        assert_eq!(stage.ready().as_deref(), Some("4.3.5.3"));
        assert_eq!(stage.world.authority().version, Some(version("4.3.0")));
    }
}
