//! Jobs that upgrade a server in place: made from a `PodTemplate` of the object's namespace, one for each attempt, and left alone.
//!
//! The name is made of the attempt, so that making it twice makes one. No deadline ends it, nothing removes it when it has ended, and
//! no second pod follows a failed one: a server that is half upgraded is for a person to look at (ARCHITECTURE.md, rule 6).

use std::collections::BTreeMap;

use k8s_openapi::api::batch::v1::{Job, JobSpec};
use k8s_openapi::api::core::v1::{ContainerStateTerminated, Pod, PodTemplate, PodTemplateSpec};
use kube::api::{ListParams, ObjectMeta};
use kube::{Api, Client, ResourceExt};

use super::job::{self, Error, UPGRADE_LABEL};
use super::{Outcome, pods};
use crate::fleet::Guid;
use crate::planner::observed::{JobState, Rights, ServerJob};

/// Label of a job and its pods: which attempt at which server in which hop it is.
const RUN_LABEL: &str = "codeupgrade.dev/server-run";

/// Label of a job and its pods: the server's guid.
const SERVER_LABEL: &str = "codeupgrade.dev/server";

/// Nothing that makes room on nodes is to move it.
const NOT_TO_BE_MOVED: [(&str, &str); 2] =
    [("cluster-autoscaler.kubernetes.io/safe-to-evict", "false"), ("karpenter.sh/do-not-disrupt", "true")];

/// Longest words of a job that are repeated, in characters.
const MAX_WORDS: usize = 300;

/// A job to make.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// The `CodeUpgrade` that it is for.
    pub upgrade: &'a str,
    /// The server's name.
    pub server: &'a str,
    /// Its identity.
    pub guid: &'a str,
    /// The `PodTemplate` that the job is made from.
    pub template: &'a str,
    /// Which attempt at which server in which hop it is.
    pub run: &'a str,
    /// What the job is told, as environment variables.
    pub told: &'a [(&'a str, String)],
}

/// Makes the job, unless it is there.
///
/// # Errors
/// The template is not there, or the API server refused.
pub async fn make(client: &Client, namespace: &str, wanted: Wanted<'_>) -> Result<Outcome, Error> {
    let template = job::template(client, namespace, wanted.template).await?;
    job::make(client, namespace, &job(wanted, namespace, &template.template.unwrap_or_default())).await
}

/// What the API server would say of a job made from a template: nothing is made.
pub async fn rights(client: &Client, namespace: &str, template: &PodTemplate) -> Rights {
    let name = template.name_any();
    let wanted =
        Wanted { upgrade: "rights", server: "rights", guid: "0", template: &name, run: "rights", told: &[] };
    let Some(spec) = &template.template else { return Rights::Unchecked };
    job::rights(client, namespace, &job(wanted, namespace, spec)).await
}

/// The jobs of servers in a namespace, by run, whichever object they were made for.
///
/// # Errors
/// Jobs or pods may not be listed.
pub async fn jobs(client: &Client, namespace: &str) -> Result<BTreeMap<String, ServerJob>, Error> {
    let parameters = ListParams::default().labels(RUN_LABEL);
    let jobs: Api<Job> = Api::namespaced(client.clone(), namespace);
    let jobs = jobs.list(&parameters).await.map_err(job::refused("listed", "Job", namespace, "*"))?.items;
    if jobs.is_empty() {
        return Ok(BTreeMap::new());
    }
    let pods: Api<Pod> = Api::namespaced(client.clone(), namespace);
    let pods = pods.list(&parameters).await.map_err(job::refused("listed", "Pod", namespace, "*"))?.items;
    let read = |job: &Job| {
        let (run, server) = (job.labels().get(RUN_LABEL)?, job.labels().get(SERVER_LABEL)?);
        let own: Vec<Pod> =
            pods.iter().filter(|pod| pod.labels().get(RUN_LABEL) == Some(run)).cloned().collect();
        let name = job.name_any();
        Some((run.clone(), ServerJob { name, server: Guid(server.clone()), state: state(job, &own) }))
    };
    Ok(jobs.iter().filter_map(read).collect())
}

/// How far a job is. One whose pod may still run has not ended, whatever its conditions say.
fn state(job: &Job, own: &[Pod]) -> JobState {
    if job::condition(job, "Complete").is_some() {
        return JobState::Succeeded;
    }
    match job::condition(job, "Failed") {
        // Of a pod that has ended the job itself will say so in a moment.
        None => {
            let live: Vec<Pod> = own.iter().filter(|pod| !pods::is_over(pod)).cloned().collect();
            JobState::Running { failing: pods::failure(&live) }
        }
        Some(failed) => {
            let reason = || failed.reason.clone().unwrap_or_else(|| "it failed".to_owned());
            JobState::Failed { why: own.iter().find_map(last_words).unwrap_or_else(reason) }
        }
    }
}

/// Exit code and termination message of a pod that has ended.
fn last_words(pod: &Pod) -> Option<String> {
    let status = pod.status.as_ref()?;
    let mut ended =
        [&status.init_container_statuses, &status.container_statuses].into_iter().flatten().flatten();
    let ended = ended.find_map(|container| {
        container.state.as_ref()?.terminated.as_ref().filter(|ended| ended.exit_code != 0)
    })?;
    Some(told(ended).chars().flat_map(char::escape_debug).take(MAX_WORDS).collect())
}

/// What a job leaves as its termination message, where it does so in JSON.
#[derive(Debug, serde::Deserialize)]
struct Evidence {
    step: Option<String>,
    exit: Option<i64>,
    #[serde(default)]
    lines: Vec<String>,
}

fn told(ended: &ContainerStateTerminated) -> String {
    let (code, message) = (ended.exit_code, ended.message.as_deref().unwrap_or_default().trim());
    if let Ok(Evidence { step, exit, lines }) = serde_json::from_str::<Evidence>(message) {
        let step = step.map_or_else(String::new, |step| format!(" in {step}"));
        let last = lines.last().map_or_else(String::new, |line| format!(": {line}"));
        return format!("exit {}{step}{last}", exit.unwrap_or_else(|| i64::from(code)));
    }
    let last = message.lines().last().map_or_else(String::new, |line| format!(": {line}"));
    format!("exit {code}{last}")
}

fn job(wanted: Wanted<'_>, namespace: &str, template: &PodTemplateSpec) -> Job {
    let labels = BTreeMap::from([
        (UPGRADE_LABEL.to_owned(), wanted.upgrade.to_owned()),
        (RUN_LABEL.to_owned(), wanted.run.to_owned()),
        (SERVER_LABEL.to_owned(), wanted.guid.to_owned()),
    ]);
    let mut template = job::with_variables(template, wanted.told);
    let metadata = template.metadata.get_or_insert_default();
    metadata.labels.get_or_insert_default().extend(labels.clone());
    let stays = NOT_TO_BE_MOVED.map(|(key, value)| (key.to_owned(), value.to_owned()));
    metadata.annotations.get_or_insert_default().extend(stays);
    for container in template.spec.iter_mut().flat_map(|pod| &mut pod.containers) {
        // A script that says nothing leaves the end of what it printed.
        container.termination_message_policy = Some("FallbackToLogsOnError".to_owned());
    }
    Job {
        metadata: ObjectMeta {
            name: Some(name_of(wanted)),
            namespace: Some(namespace.to_owned()),
            labels: Some(labels),
            ..ObjectMeta::default()
        },
        spec: Some(JobSpec {
            backoff_limit: Some(0),
            pod_replacement_policy: Some("Failed".to_owned()),
            template,
            ..JobSpec::default()
        }),
        status: None,
    }
}

/// The server's name, cut and made fit, and the attempt.
fn name_of(wanted: Wanted<'_>) -> String {
    let fit = |letter: char| if letter.is_ascii_alphanumeric() { letter.to_ascii_lowercase() } else { '-' };
    let server: String = wanted.server.chars().map(fit).take(40).collect();
    format!("upgrade-{}-{}", server.trim_matches('-'), wanted.run.chars().take(12).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    const WANTED: Wanted<'static> = Wanted {
        upgrade: "production",
        server: "VM 01.example",
        guid: "600624193549107457",
        template: "in-place-upgrade",
        run: "00ff00ff00ff00ff",
        told: &[],
    };

    #[test]
    fn a_job_is_made_once_and_left_alone() {
        let told = [("CODEUPGRADE_TO", "4.3.5.3".to_owned())];
        let template = serde_json::from_value(serde_json::json!({
            "metadata": {"labels": {"app": "upgrade"}},
            "spec": {"containers": [{"name": "main", "image": "i"}], "restartPolicy": "Always"},
        }))
        .unwrap();
        let job = job(Wanted { told: &told, ..WANTED }, "code42", &template);
        assert_eq!(job.metadata.name.as_deref(), Some("upgrade-vm-01-example-00ff00ff00ff"));
        assert_eq!(job.metadata.owner_references, None);
        let spec = job.spec.unwrap();
        assert_eq!((spec.backoff_limit, spec.pod_replacement_policy.as_deref()), (Some(0), Some("Failed")));
        assert_eq!((spec.active_deadline_seconds, spec.ttl_seconds_after_finished), (None, None));
        let metadata = spec.template.metadata.unwrap();
        assert_eq!(metadata.labels.unwrap()["app"], "upgrade");
        assert_eq!(metadata.annotations.unwrap()["cluster-autoscaler.kubernetes.io/safe-to-evict"], "false");
        let pod = spec.template.spec.unwrap();
        assert_eq!(pod.restart_policy.as_deref(), Some("Never"));
        assert_eq!(pod.containers[0].env.as_ref().unwrap()[0].value.as_deref(), Some("4.3.5.3"));
    }

    #[test]
    fn the_end_of_a_job_is_told_in_its_own_words() {
        for (code, message, expected) in [
            (3, "", "exit 3"),
            (1, "unpacking\nno space left on device\n", "exit 1: no space left on device"),
            (
                1,
                r#"{"step": "install", "exit": 28, "lines": ["a", "no space left"]}"#,
                "exit 28 in install: no space left",
            ),
            (137, r#"{"step": "stop"}"#, "exit 137 in stop"),
        ] {
            let ended = ContainerStateTerminated {
                exit_code: code,
                message: Some(message.to_owned()),
                ..ContainerStateTerminated::default()
            };
            assert_eq!(told(&ended), expected);
        }
    }
}
