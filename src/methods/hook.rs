//! Hooks: jobs made from a `PodTemplate` of the object's namespace, whose exit code is an answer.
//!
//! A job's name is made of what it is asked, so that asking twice makes one job. It carries no owner reference: deleting the
//! `CodeUpgrade` kills nothing that runs (ARCHITECTURE.md, rule 12).

use std::collections::BTreeMap;

use jiff::SignedDuration;
use k8s_openapi::api::batch::v1::{
    Job, JobSpec, PodFailurePolicy, PodFailurePolicyOnExitCodesRequirement,
    PodFailurePolicyOnPodConditionsPattern, PodFailurePolicyRule,
};
use k8s_openapi::api::core::v1::{PodTemplate, PodTemplateSpec};
use kube::api::{ListParams, ObjectMeta};
use kube::{Api, Client, ResourceExt};

use super::Outcome;
use super::job::{self, Error, UPGRADE_LABEL};
use crate::fleet::digest::first_eight_bytes_of;
use crate::planner::observed::{HookRun, Rights};

/// Label of a job: which time of asking it is.
const RUN_LABEL: &str = "codeupgrade.dev/hook-run";

/// The exit code that asks to be asked again later: `EX_TEMPFAIL` of sysexits.
const ASK_AGAIN: i32 = 75;

/// A finished job is kept this long for people to look at, in seconds.
const KEPT_FOR: i32 = 7 * 86_400;

/// A hook to ask.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// The `CodeUpgrade` that it is for.
    pub upgrade: &'a str,
    /// Its name.
    pub hook: &'a str,
    /// The `PodTemplate` that the job is made from.
    pub template: &'a str,
    /// Which time of asking it is.
    pub run: &'a str,
    /// A job that has not ended by then has failed.
    pub takes_at_most: SignedDuration,
    /// What the job is told, as environment variables.
    pub told: &'a [(&'a str, String)],
}

/// What the API server would say of a job made from a template: nothing is made.
pub async fn rights(client: &Client, namespace: &str, template: &PodTemplate) -> Rights {
    let question = Question {
        upgrade: "rights",
        hook: "rights",
        template: &template.name_any(),
        run: "rights",
        takes_at_most: SignedDuration::from_hours(1),
        told: &[],
    };
    let Some(spec) = &template.template else { return Rights::Unchecked };
    job::rights(client, namespace, &job(question, namespace, spec)).await
}

/// How far the hooks are that were asked for an object.
///
/// # Errors
/// Jobs may not be listed.
pub async fn runs(
    client: &Client,
    namespace: &str,
    upgrade: &str,
) -> Result<BTreeMap<String, HookRun>, Error> {
    let api: Api<Job> = Api::namespaced(client.clone(), namespace);
    let parameters = ListParams::default().labels(&format!("{UPGRADE_LABEL}={upgrade},{RUN_LABEL}"));
    let jobs = api.list(&parameters).await.map_err(job::refused("listed", "Job", namespace, "*"))?;
    Ok(jobs.iter().filter_map(|job| Some((job.labels().get(RUN_LABEL)?.clone(), answer(job)))).collect())
}

/// Asks a hook, unless it was asked before.
///
/// # Errors
/// The template is not there, or the API server refused.
pub async fn ask(client: &Client, namespace: &str, question: Question<'_>) -> Result<Outcome, Error> {
    let template = job::template(client, namespace, question.template).await?;
    let spec = template.template.unwrap_or_default();
    job::make(client, namespace, &job(question, namespace, &spec)).await
}

/// What a job says. An exit code of 75 stands in the job itself, by its failure policy, so that no pod need be there any more.
fn answer(job: &Job) -> HookRun {
    if job::condition(job, "Complete").is_some() {
        return HookRun::Passed;
    }
    let name = job.name_any();
    match job::condition(job, "Failed").map(|condition| condition.reason.as_deref().unwrap_or_default()) {
        None => HookRun::Running,
        Some("PodFailurePolicy") => HookRun::AskAgain,
        Some("DeadlineExceeded") => HookRun::Failed(format!("took longer than {} (job {name})", limit(job))),
        Some(_) => HookRun::Failed(format!("said no (job {name})")),
    }
}

/// How long a job may take, in words.
fn limit(job: &Job) -> String {
    let seconds = job.spec.as_ref().and_then(|spec| spec.active_deadline_seconds).unwrap_or_default();
    if seconds == 3_600 { "an hour".to_owned() } else { format!("{} min", seconds / 60) }
}

fn job(question: Question<'_>, namespace: &str, template: &PodTemplateSpec) -> Job {
    let template = job::with_variables(template, question.told);
    let labels = BTreeMap::from([
        (UPGRADE_LABEL.to_owned(), question.upgrade.to_owned()),
        (RUN_LABEL.to_owned(), question.run.to_owned()),
    ]);
    // A node that is drained, or needs its memory for others, says nothing of what was asked: the controller makes another pod.
    let drained = PodFailurePolicyRule {
        action: "Ignore".to_owned(),
        on_exit_codes: None,
        on_pod_conditions: Some(vec![PodFailurePolicyOnPodConditionsPattern {
            type_: "DisruptionTarget".to_owned(),
            status: "True".to_owned(),
        }]),
    };
    let only_75 = PodFailurePolicyRule {
        action: "FailJob".to_owned(),
        on_exit_codes: Some(PodFailurePolicyOnExitCodesRequirement {
            container_name: None,
            operator: "In".to_owned(),
            values: vec![ASK_AGAIN],
        }),
        on_pod_conditions: None,
    };
    Job {
        metadata: ObjectMeta {
            name: Some(name_of(question)),
            namespace: Some(namespace.to_owned()),
            labels: Some(labels),
            ..ObjectMeta::default()
        },
        spec: Some(JobSpec {
            backoff_limit: Some(0),
            active_deadline_seconds: Some(question.takes_at_most.as_secs()),
            ttl_seconds_after_finished: Some(KEPT_FOR),
            pod_failure_policy: Some(PodFailurePolicy { rules: vec![drained, only_75] }),
            template,
            ..JobSpec::default()
        }),
        status: None,
    }
}

/// The hook's name, cut to fit, and a digest of the object and the time of asking.
fn name_of(question: Question<'_>) -> String {
    let identity = format!("{}/{}", question.upgrade, question.run);
    let digest = format!("{:012x}", first_eight_bytes_of(&identity) >> 16);
    let hook: String = question.hook.chars().take(40).collect();
    format!("{}-{digest}", hook.trim_end_matches(['-', '.']))
}

#[cfg(test)]
mod tests {
    use super::*;
    use k8s_openapi::api::batch::v1::{JobCondition, JobStatus};

    fn question() -> Question<'static> {
        Question {
            upgrade: "production",
            hook: "smoke",
            template: "smoke-test",
            run: "00ff",
            takes_at_most: SignedDuration::from_hours(1),
            told: &[],
        }
    }

    #[test]
    fn asking_twice_makes_one_job_and_another_time_another() {
        assert_eq!(name_of(question()), name_of(question()));
        assert_ne!(name_of(question()), name_of(Question { run: "0100", ..question() }));
        assert_ne!(name_of(question()), name_of(Question { upgrade: "staging", ..question() }));
        let long = "a-hook-with-a-name-of-sixty-four-characters-in-all-which-is-most";
        assert!(name_of(Question { hook: long, ..question() }).len() <= 63);
    }

    #[test]
    fn a_job_is_tried_once_and_belongs_to_nobody() {
        let told = [("CODEUPGRADE_WAVE", "2".to_owned())];
        let template = serde_json::from_value(serde_json::json!({
            "spec": {"containers": [{"name": "main", "image": "i"}], "restartPolicy": "Always"},
        }))
        .unwrap();
        let job = job(Question { told: &told, ..question() }, "code42", &template);
        assert_eq!(job.metadata.owner_references, None);
        let spec = job.spec.unwrap();
        assert_eq!(spec.backoff_limit, Some(0));
        let actions: Vec<String> =
            spec.pod_failure_policy.unwrap().rules.into_iter().map(|rule| rule.action).collect();
        assert_eq!(actions, ["Ignore", "FailJob"], "what is drained is judged before its exit code");
        let pod = spec.template.spec.unwrap();
        assert_eq!(pod.restart_policy.as_deref(), Some("Never"));
        assert_eq!(pod.containers[0].env.as_ref().unwrap()[0].value.as_deref(), Some("2"));
    }

    #[test]
    fn conditions_are_answers() {
        for (type_, reason, expected) in [
            ("Complete", "", HookRun::Passed),
            ("Failed", "PodFailurePolicy", HookRun::AskAgain),
            ("Failed", "BackoffLimitExceeded", HookRun::Failed("said no (job smoke)".into())),
            ("Failed", "DeadlineExceeded", HookRun::Failed("took longer than 90 min (job smoke)".into())),
            ("FailureTarget", "PodFailurePolicy", HookRun::Running),
        ] {
            let condition = JobCondition {
                type_: type_.into(),
                status: "True".into(),
                reason: Some(reason.into()),
                ..JobCondition::default()
            };
            let job = Job {
                metadata: ObjectMeta { name: Some("smoke".into()), ..ObjectMeta::default() },
                spec: Some(JobSpec { active_deadline_seconds: Some(5_400), ..JobSpec::default() }),
                status: Some(JobStatus { conditions: Some(vec![condition]), ..JobStatus::default() }),
            };
            assert_eq!(answer(&job), expected, "{type_} {reason}");
        }
    }
}
