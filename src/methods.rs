//! How one server gets a new version where it is a workload of this cluster: reading the workload, and the two
//! effects on it.
//!
//! Input: a client that acts as the object's account, and a workload of the object's namespace. Every effect reads
//! first, changes only what is not so already, and carries the uid and resourceVersion it was decided on, so that it
//! can be repeated and never lands on something else.
//!
//! What must never happen here: a choice of what to upgrade or when, a retry, a write without a precondition. A server
//! that a person upgrades (`manual`) needs no code: nothing is done to it.

pub mod catch;
mod deployment;
pub mod fit;
pub mod hook;
pub mod job;
mod kind;
mod ownership;
mod pods;
pub mod server_job;
pub mod snapshot;
mod stateful_set;

use k8s_openapi::api::apps::v1::{Deployment, StatefulSet};
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::api::{ListParams, Patch, PatchParams};
use kube::core::Selector;
use kube::{Api, Client, ResourceExt};
use serde_json::{Value, json};

use self::kind::Kind;
use crate::api::FIELD_MANAGER;
use crate::api::problem::said;
use crate::planner::desired::{ImageFrom, WorkloadKind, WorkloadRef};
use crate::planner::observed::{
    Catch, Hinders, Misfit, Revisions, Rights, WorkloadFacts, WorkloadReading, WorkloadRollout,
};

/// What the spec says of a workload.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// Which workload.
    pub reference: &'a WorkloadRef,
    /// The server's container; `None` where there is only one.
    pub container: Option<&'a str>,
    /// Who writes its image; `None` leaves it to the field's owner.
    pub image_from: Option<ImageFrom>,
    /// The version of the API server, where it is known.
    pub kubernetes: Option<&'a str>,
}

/// The upgrade of one server.
#[derive(Clone, Copy, Debug)]
pub struct Upgrade<'a> {
    /// Its workload.
    pub workload: &'a WorkloadRef,
    /// Its container.
    pub container: &'a str,
    /// The image to run.
    pub image: &'a str,
    /// Who writes it.
    pub image_from: ImageFrom,
}

/// What an effect found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It changed the workload.
    Changed,
    /// The workload was so already.
    AlreadySo,
}

/// Why an effect did not come about.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The workload is not there.
    #[error("{workload} does not exist in namespace {namespace}")]
    Missing {
        /// The namespace.
        namespace: String,
        /// The workload.
        workload: WorkloadRef,
    },
    /// It is not what the step was decided for.
    #[error("{workload} in namespace {namespace} cannot be changed: {problem}")]
    Unfit {
        /// The namespace.
        namespace: String,
        /// The workload.
        workload: WorkloadRef,
        /// What is wrong with it, as a part of a sentence.
        problem: String,
    },
    /// The API server refused, or did not answer: whether a change was made is not known then.
    #[error("{workload} in namespace {namespace} could not be {verb}: {}", said(source))]
    Api {
        /// What was tried.
        verb: &'static str,
        /// The namespace.
        namespace: String,
        /// The workload.
        workload: WorkloadRef,
        /// What the API server, or the way to it, answered.
        source: Box<kube::Error>,
    },
}

impl Error {
    /// Why, for people: in the API server's own words where it answered.
    pub fn why(&self) -> String {
        match self {
            Self::Missing { .. } => self.to_string(),
            Self::Unfit { problem, .. } => problem.clone(),
            Self::Api { source, .. } => said(source),
        }
    }
}

/// A workload as it was read, with what a dry run needs.
#[derive(Clone, Debug)]
pub struct Reading {
    /// What the planner learns.
    pub reading: WorkloadReading,
    /// The generation of the spec that was read; `None` where there was none.
    pub generation: Option<i64>,
}

/// Reads a workload and its pods. Rights are left unchecked.
pub async fn read(client: &Client, namespace: &str, wanted: Wanted<'_>) -> Reading {
    match wanted.reference.kind {
        WorkloadKind::StatefulSet => read_kind::<StatefulSet>(client, namespace, wanted).await,
        WorkloadKind::Deployment => read_kind::<Deployment>(client, namespace, wanted).await,
    }
}

async fn read_kind<K: Kind>(client: &Client, namespace: &str, wanted: Wanted<'_>) -> Reading {
    let unreadable = |what: &str, error: &kube::Error| Reading {
        reading: WorkloadReading::Unreadable(format!("{what} could not be read: {}", said(error))),
        generation: None,
    };
    let api: Api<K> = Api::namespaced(client.clone(), namespace);
    let object = match api.get_opt(&wanted.reference.name).await {
        Ok(Some(object)) => object,
        Ok(None) => return Reading { reading: WorkloadReading::Missing, generation: None },
        Err(error) => return unreadable(&wanted.reference.to_string(), &error),
    };
    let pods = match own_pods(client, namespace, &object).await {
        Ok(pods) => pods,
        Err(error) => return unreadable(&format!("pods of {}", wanted.reference), &error),
    };
    Reading {
        generation: object.meta().generation,
        reading: WorkloadReading::Read(facts(&object, &pods, wanted)),
    }
}

async fn own_pods<K: Kind>(client: &Client, namespace: &str, object: &K) -> Result<Vec<Pod>, kube::Error> {
    let selector = object.selector().cloned().and_then(|selector| Selector::try_from(selector).ok());
    // Without a selector there is nothing to ask for; asking for all pods would find those of others.
    let Some(selector) = selector.filter(|selector| !selector.selects_all()) else { return Ok(Vec::new()) };
    let parameters = ListParams::default().labels_from(&selector);
    let pods = Api::<Pod>::namespaced(client.clone(), namespace).list(&parameters).await?.items;
    // Labels are anybody's: what the controller made says so itself.
    Ok(pods.into_iter().filter(|pod| object.is_own(pod)).collect())
}

/// The object that controls a pod.
fn controller(pod: &Pod) -> Option<&OwnerReference> {
    let owners = pod.metadata.owner_references.as_deref().unwrap_or_default();
    owners.iter().find(|owner| owner.controller == Some(true))
}

/// What the planner learns of a workload.
fn facts<K: Kind>(object: &K, pods: &[Pod], wanted: Wanted<'_>) -> WorkloadFacts {
    let mut misfits = fit::misfits(object);
    let choice = fit::container(object.template(), wanted.container);
    let (container, template_image) = match choice {
        Ok(found) => (found.name, found.image),
        Err(why) => {
            misfits.push(Misfit::of_upgrade(why, "name the server's container in the spec"));
            (wanted.container.unwrap_or_default().to_owned(), String::new())
        }
    };
    let running_image = pods::running_image(pods, &container);
    misfits.extend(wanted.kubernetes.and_then(K::misfit_on));
    misfits.extend(ownership::misfits(object, &container, wanted.image_from));
    misfits.extend(fit::rewritten_pods(object, &template_image, running_image.as_deref()));
    let rollout = match pods::failure(pods) {
        Some(words) => WorkloadRollout::Failing(words),
        None if object.is_rolled() => WorkloadRollout::Settled,
        None => WorkloadRollout::Unsettled,
    };
    WorkloadFacts {
        uid: object.uid().unwrap_or_default(),
        running_image,
        replicas: object.replicas(),
        catch: object.catch(),
        catch_by: ownership::catch_by(object),
        rollout,
        revisions: object.revisions(),
        image_from: wanted
            .image_from
            .unwrap_or_else(|| ownership::image_from(object.managed_fields(), &container)),
        misfits,
        rights: Rights::Unchecked,
        container,
        template_image,
    }
}

/// Asks the API server whether the acting account may make the operator's own change, by a dry run of that change.
/// Nothing is changed.
pub async fn check_rights(client: &Client, namespace: &str, upgrade: Upgrade<'_>) -> Rights {
    let outcome = match upgrade.workload.kind {
        WorkloadKind::StatefulSet => try_kind::<StatefulSet>(client, namespace, upgrade).await,
        WorkloadKind::Deployment => try_kind::<Deployment>(client, namespace, upgrade).await,
    };
    match outcome {
        Ok(rights) => rights,
        Err(Error::Api { source, .. }) => match *source {
            // Somebody wrote it in between, or the API server is not well: that says nothing about rights.
            kube::Error::Api(status) if status.is_conflict() || status.code >= 500 || status.code == 429 => {
                Rights::Unchecked
            }
            kube::Error::Api(status) => Rights::Denied(status.message),
            _ => Rights::Unchecked,
        },
        Err(Error::Missing { .. } | Error::Unfit { .. }) => Rights::Unchecked,
    }
}

/// Brings the catch of a workload into the holding position.
///
/// # Errors
/// The workload is missing or of a form that has no catch, or the API server refused.
pub async fn hold_catch(client: &Client, namespace: &str, workload: &WorkloadRef) -> Result<Outcome, Error> {
    move_catch(client, namespace, workload, Catch::Held).await
}

/// Opens the catch of a workload that the operator holds and that has settled: nothing rolls by it.
///
/// # Errors
/// The workload is missing, or its template waits, or the API server refused.
pub async fn open_catch(client: &Client, namespace: &str, workload: &WorkloadRef) -> Result<Outcome, Error> {
    move_catch(client, namespace, workload, Catch::Open).await
}

/// Lets a server run an image: the template, where the operator writes it, and the catch open, in one write.
///
/// # Errors
/// The workload is missing, has no such container, or has another image where Git writes it, or the API server refused.
pub async fn upgrade(client: &Client, namespace: &str, upgrade: Upgrade<'_>) -> Result<Outcome, Error> {
    match upgrade.workload.kind {
        WorkloadKind::StatefulSet => upgrade_kind::<StatefulSet>(client, namespace, upgrade).await,
        WorkloadKind::Deployment => upgrade_kind::<Deployment>(client, namespace, upgrade).await,
    }
}

/// Whether a change is made or only tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Run {
    Real,
    Dry,
}

/// Brings the catch of a workload into a position, unless it is there or something hinders it.
async fn move_catch(
    client: &Client,
    namespace: &str,
    workload: &WorkloadRef,
    to: Catch,
) -> Result<Outcome, Error> {
    match workload.kind {
        WorkloadKind::StatefulSet => move_kind::<StatefulSet>(client, namespace, workload, to).await,
        WorkloadKind::Deployment => move_kind::<Deployment>(client, namespace, workload, to).await,
    }
}

async fn move_kind<K: Kind>(
    client: &Client,
    namespace: &str,
    workload: &WorkloadRef,
    to: Catch,
) -> Result<Outcome, Error> {
    let target = Target::<K>::new(client, namespace, workload);
    let object = target.get().await?;
    if object.catch() == to {
        return Ok(Outcome::AlreadySo);
    }
    if let Some(why) = hindrance(&object, to) {
        return Err(target.unfit(why));
    }
    target.patch(&object, K::catch_fields(to), Run::Real).await?;
    Ok(Outcome::Changed)
}

/// Why the catch of a workload cannot be brought into a position.
fn hindrance<K: Kind>(object: &K, to: Catch) -> Option<String> {
    match to {
        Catch::Held => {
            let mut misfits = fit::misfits(object).into_iter().chain(ownership::of_catch(object));
            misfits.find(|misfit| misfit.hinders == Hinders::Catch).map(|misfit| misfit.why)
        }
        Catch::Open => (object.revisions() != Revisions::One)
            .then(|| "its template waits: opened, it would roll at once".to_owned()),
    }
}

async fn upgrade_kind<K: Kind>(
    client: &Client,
    namespace: &str,
    upgrade: Upgrade<'_>,
) -> Result<Outcome, Error> {
    let target = Target::<K>::new(client, namespace, upgrade.workload);
    let object = target.get().await?;
    let image = target.image(&object, upgrade.container)?;
    if upgrade.image_from == ImageFrom::Git && image != upgrade.image {
        let problem = format!("Git has image {image} in its template, not {}", upgrade.image);
        return Err(target.unfit(problem));
    }
    if image == upgrade.image && object.catch() == Catch::Open {
        return Ok(Outcome::AlreadySo);
    }
    target.patch(&object, upgrade_fields::<K>(upgrade), Run::Real).await?;
    Ok(Outcome::Changed)
}

/// Tries an upgrade: what would be stored must be what was sent.
async fn try_kind<K: Kind>(client: &Client, namespace: &str, upgrade: Upgrade<'_>) -> Result<Rights, Error> {
    let target = Target::<K>::new(client, namespace, upgrade.workload);
    let object = target.get().await?;
    target.image(&object, upgrade.container)?;
    let answered = target.patch(&object, upgrade_fields::<K>(upgrade), Run::Dry).await?;
    if answered.catch() != Catch::Open {
        return Ok(Rights::Rewritten { field: K::CATCH.to_owned(), stored: "closed".to_owned() });
    }
    let image = target.image(&answered, upgrade.container)?;
    if upgrade.image_from == ImageFrom::Operator && image != upgrade.image {
        let field = format!("the image of container {}", upgrade.container);
        return Ok(Rights::Rewritten { field, stored: image });
    }
    Ok(Rights::Granted)
}

/// The fields of `spec` that let a server run an image.
fn upgrade_fields<K: Kind>(upgrade: Upgrade<'_>) -> Value {
    let mut fields = K::catch_fields(Catch::Open);
    if upgrade.image_from == ImageFrom::Operator {
        fields["template"] = json!({
            "spec": { "containers": [{ "name": upgrade.container, "image": upgrade.image }] }
        });
    }
    fields
}

/// One workload that is about to be changed.
struct Target<'a, K> {
    api: Api<K>,
    namespace: &'a str,
    workload: &'a WorkloadRef,
}

impl<'a, K: Kind> Target<'a, K> {
    fn new(client: &Client, namespace: &'a str, workload: &'a WorkloadRef) -> Self {
        Self { api: Api::namespaced(client.clone(), namespace), namespace, workload }
    }

    async fn get(&self) -> Result<K, Error> {
        let found =
            self.api.get_opt(&self.workload.name).await.map_err(|source| self.failed("read", source))?;
        found.ok_or_else(|| Error::Missing {
            namespace: self.namespace.to_owned(),
            workload: self.workload.clone(),
        })
    }

    /// The image of a container, if the workload can be upgraded at all.
    fn image(&self, object: &K, container: &str) -> Result<String, Error> {
        if let Some(misfit) = fit::misfits(object).into_iter().next() {
            return Err(self.unfit(misfit.why));
        }
        let found = fit::container(object.template(), Some(container));
        found.map(|found| found.image).map_err(|problem| self.unfit(problem))
    }

    /// Changes `spec` fields of exactly the object that was read, and returns what is stored then.
    async fn patch(&self, read: &K, fields: Value, run: Run) -> Result<K, Error> {
        let body = json!({
            "metadata": { "uid": read.uid(), "resourceVersion": read.resource_version() },
            "spec": fields,
        });
        let parameters = PatchParams {
            field_manager: Some(FIELD_MANAGER.to_owned()),
            dry_run: run == Run::Dry,
            ..PatchParams::default()
        };
        let patched = self.api.patch(&self.workload.name, &parameters, &Patch::Strategic(&body)).await;
        patched.map_err(|source| self.failed("changed", source))
    }

    fn unfit(&self, problem: String) -> Error {
        Error::Unfit { namespace: self.namespace.to_owned(), workload: self.workload.clone(), problem }
    }

    fn failed(&self, verb: &'static str, source: kube::Error) -> Error {
        let (namespace, workload) = (self.namespace.to_owned(), self.workload.clone());
        Error::Api { verb, namespace, workload, source: Box::new(source) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::planner::observed::CatchBy;

    const STATEFUL_SET: &str = "{metadata: {uid: u, generation: 1}, spec: {replicas: 1, selector: {matchLabels: {app: a}}, \
        updateStrategy: {type: RollingUpdate, rollingUpdate: {partition: 1}}, \
        template: {spec: {containers: [{name: server, image: 's:1'}, {name: logs, image: 'l:1'}]}}}, \
        status: {replicas: 1, readyReplicas: 1, currentRevision: r, updateRevision: r, observedGeneration: 1}}";

    const READY: &str = "{metadata: {name: a-0}, spec: {containers: [{name: server, image: 's:1'}]}, \
        status: {conditions: [{type: Ready, status: 'True'}]}}";

    const FAILING: &str = "{metadata: {name: a-0}, spec: {containers: [{name: server, image: 's:0'}]}, \
        status: {containerStatuses: [{name: server, ready: false, restartCount: 1, image: i, imageID: '', \
        state: {waiting: {reason: ErrImagePull}}}]}}";

    fn facts_of(pod: &str, container: Option<&str>) -> WorkloadFacts {
        let object: StatefulSet = serde_saphyr::from_str(STATEFUL_SET).unwrap();
        let pod: Pod = serde_saphyr::from_str(pod).unwrap();
        let reference = WorkloadRef::stateful_set("a");
        facts(
            &object,
            &[pod],
            Wanted { reference: &reference, container, image_from: None, kubernetes: Some("v1.36.4") },
        )
    }

    #[test]
    fn a_workload_is_read_with_the_image_that_runs() {
        let facts = facts_of(READY, Some("server"));
        assert_eq!(
            facts,
            WorkloadFacts {
                uid: "u".into(),
                container: "server".into(),
                template_image: "s:1".into(),
                running_image: Some("s:1".into()),
                replicas: 1,
                catch: Catch::Held,
                catch_by: CatchBy::Other,
                rollout: WorkloadRollout::Settled,
                revisions: Revisions::One,
                image_from: ImageFrom::Operator,
                misfits: Vec::new(),
                rights: Rights::Unchecked,
            }
        );
    }

    #[test]
    fn a_failing_pod_is_evidence_at_once_and_an_unnamed_container_a_misfit() {
        let facts = facts_of(FAILING, None);
        assert_eq!(facts.rollout, WorkloadRollout::Failing("pod a-0: image cannot be pulled: i".into()));
        assert_eq!(facts.misfits.len(), 1);
        assert_eq!((facts.running_image, facts.template_image.as_str()), (None, ""));
    }
}
