//! What every job has in common that is made from a `PodTemplate` of the object's namespace, whatever it is for.
//!
//! What must never happen here: a second job for what was asked once. The name says what a job is, so that making it twice makes one.

use k8s_openapi::api::batch::v1::{Job, JobCondition};
use k8s_openapi::api::core::v1::{EnvVar, PodTemplate, PodTemplateSpec};
use kube::api::PostParams;
use kube::{Api, Client, ResourceExt};

use super::{Outcome, Run};
use crate::api::FIELD_MANAGER;
use crate::api::problem::said;
use crate::planner::observed::Rights;

/// Label of a job: the `CodeUpgrade` that it was made for.
pub(super) const UPGRADE_LABEL: &str = "codeupgrade.dev/upgrade";

/// Why a job was not made, or not read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The template is not there, or holds none.
    #[error("PodTemplate {namespace}/{name} does not exist or holds no template")]
    Missing {
        /// The namespace.
        namespace: String,
        /// The name.
        name: String,
    },
    /// The API server refused, or did not answer.
    #[error("{kind} {namespace}/{name} could not be {verb}: {}", said(source))]
    Api {
        /// What was tried.
        verb: &'static str,
        /// The kind of the object.
        kind: &'static str,
        /// The namespace.
        namespace: String,
        /// The name.
        name: String,
        /// What the API server, or the way to it, answered.
        source: Box<kube::Error>,
    },
}

impl Error {
    /// Why, for people: in the API server's own words where it answered.
    pub fn why(&self) -> String {
        match self {
            Self::Missing { .. } => self.to_string(),
            Self::Api { source, .. } => said(source),
        }
    }
}

/// The error that the API server refused, or did not answer.
pub(super) fn refused(
    verb: &'static str,
    kind: &'static str,
    namespace: &str,
    name: &str,
) -> impl Fn(kube::Error) -> Error {
    move |source| Error::Api {
        verb,
        kind,
        namespace: namespace.to_owned(),
        name: name.to_owned(),
        source: Box::new(source),
    }
}

/// A template that jobs are made from.
///
/// # Errors
/// It is not there, or may not be read.
pub async fn template(client: &Client, namespace: &str, name: &str) -> Result<PodTemplate, Error> {
    let api: Api<PodTemplate> = Api::namespaced(client.clone(), namespace);
    let found = api.get_opt(name).await.map_err(refused("read", "PodTemplate", namespace, name))?;
    let missing = || Error::Missing { namespace: namespace.to_owned(), name: name.to_owned() };
    found.filter(|template| template.template.is_some()).ok_or_else(missing)
}

/// A template whose pod is tried once, and whose containers are told so much.
pub(super) fn with_variables(template: &PodTemplateSpec, told: &[(&str, String)]) -> PodTemplateSpec {
    let mut template = template.clone();
    let mut pod = template.spec.take().unwrap_or_default();
    pod.restart_policy = Some("Never".to_owned());
    let told = told.iter().map(|(name, value)| EnvVar {
        name: (*name).to_owned(),
        value: Some(value.clone()),
        value_from: None,
    });
    for container in pod.containers.iter_mut().chain(pod.init_containers.iter_mut().flatten()) {
        container.env.get_or_insert_default().extend(told.clone());
    }
    template.spec = Some(pod);
    template
}

/// Makes a job, unless it is there.
pub(super) async fn make(client: &Client, namespace: &str, job: &Job) -> Result<Outcome, Error> {
    match create(client, namespace, job, Run::Real).await {
        Ok(_) => Ok(Outcome::Changed),
        // The name says what it is: made before, by this very step.
        Err(kube::Error::Api(status)) if status.is_already_exists() => Ok(Outcome::AlreadySo),
        Err(error) => Err(refused("created", "Job", namespace, &job.name_any())(error)),
    }
}

/// What the API server would say of a job: nothing is made.
pub(super) async fn rights(client: &Client, namespace: &str, job: &Job) -> Rights {
    match create(client, namespace, job, Run::Dry).await {
        Ok(_) => Rights::Granted,
        Err(error) => Rights::Denied(said(&error)),
    }
}

async fn create(client: &Client, namespace: &str, job: &Job, run: Run) -> Result<Job, kube::Error> {
    let api: Api<Job> = Api::namespaced(client.clone(), namespace);
    let parameters = PostParams { dry_run: run == Run::Dry, field_manager: Some(FIELD_MANAGER.to_owned()) };
    api.create(&parameters, job).await
}

/// A condition of a job that holds.
pub(super) fn condition<'a>(job: &'a Job, type_: &str) -> Option<&'a JobCondition> {
    let mut conditions = job.status.iter().flat_map(|status| status.conditions.iter().flatten());
    conditions.find(|condition| condition.type_ == type_ && condition.status == "True")
}
