//! The status of a pod as a kubelet would write it, and whether it differs from what is there. Pure.

use std::fmt::Write as _;

use k8s_openapi::api::core::v1::{ContainerStatus, Pod, PodStatus};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::part::{Turn, main_container};

/// Starts that a container shows which ends again and again.
const RESTARTS: i32 = 3;

/// Whether a pod has ended for good.
pub(super) fn is_finished(pod: &Pod) -> bool {
    let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
    matches!(phase, Some("Succeeded" | "Failed"))
}

/// Whether a pod's container was started.
fn runs_already(pod: &Pod) -> bool {
    let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
    phase == Some("Running")
}

/// The status for what a pod does now, if that is not what its status says already.
pub(super) fn changed(pod: &Pod, turn: &Turn) -> Option<Value> {
    // A container must be seen to run before it is seen to end; a Job's order is given by then.
    let turn = match turn {
        Turn::Succeeds if !runs_already(pod) => &Turn::Runs,
        turn => turn,
    };
    let wanted: PodStatus = serde_json::from_value(status(pod, turn)).ok()?;
    let current = pod.status.clone().unwrap_or_default();
    (essence(&wanted) != essence(&current)).then(|| status(pod, turn))
}

/// What of a status tells one turn from another.
#[derive(PartialEq, Eq)]
struct Essence {
    phase: Option<String>,
    ready: Option<String>,
    containers: Vec<(bool, String, String)>,
}

fn essence(status: &PodStatus) -> Essence {
    let ready = status.conditions.iter().flatten().find(|condition| condition.type_ == "Ready");
    Essence {
        phase: status.phase.clone(),
        ready: ready.map(|condition| condition.status.clone()),
        containers: status.container_statuses.iter().flatten().map(container_essence).collect(),
    }
}

fn container_essence(status: &ContainerStatus) -> (bool, String, String) {
    let state = status.state.clone().unwrap_or_default();
    let (reason, message) = match (state.waiting, state.terminated) {
        (Some(waiting), _) => (waiting.reason, waiting.message),
        (None, Some(terminated)) => (terminated.reason, terminated.message),
        (None, None) => (None, None),
    };
    (status.ready, reason.unwrap_or_default(), message.unwrap_or_default())
}

fn status(pod: &Pod, turn: &Turn) -> Value {
    let (phase, ready) = match turn {
        Turn::Runs => ("Running", true),
        Turn::Starts | Turn::Crashes { .. } => ("Running", false),
        Turn::Waits { .. } => ("Pending", false),
        Turn::Succeeds => ("Succeeded", false),
        Turn::Fails { .. } | Turn::IsDrained => ("Failed", false),
    };
    // The only time that is known without a clock; nothing may depend on when a simulated container started.
    let since = pod.metadata.creation_timestamp.clone();
    let truth = |holds: bool| if holds { "True" } else { "False" };
    let condition = |name: &str, holds: bool| json!({ "type": name, "status": truth(holds), "lastTransitionTime": since, "reason": null, "message": null });
    let mut conditions = vec![
        condition("PodScheduled", true),
        condition("Initialized", true),
        condition("ContainersReady", ready),
        condition("Ready", ready),
    ];
    if *turn == Turn::IsDrained {
        conditions.push(condition("DisruptionTarget", true));
    }
    let main = main_container(pod);
    let containers: Vec<Value> = pod
        .spec
        .iter()
        .flat_map(|spec| &spec.containers)
        .enumerate()
        .map(|(place, container)| {
            let image = container.image.as_deref().unwrap_or_default();
            // Other containers run beside the server, or end with it.
            let beside =
                place != main && !matches!(turn, Turn::Succeeds | Turn::Fails { .. } | Turn::IsDrained);
            let turn = if beside { &Turn::Runs } else { turn };
            let (state, last, restarts) = container_state(turn, &json!(since));
            json!({
                "name": container.name,
                "image": image,
                "imageID": image_id(image, turn),
                "ready": matches!(turn, Turn::Runs),
                "started": matches!(turn, Turn::Runs | Turn::Starts),
                "restartCount": restarts,
                "state": state,
                "lastState": last,
            })
        })
        .collect();
    json!({
        "phase": phase,
        "startTime": since,
        "hostIP": "192.0.2.1",
        "podIP": "192.0.2.2",
        "podIPs": [{ "ip": "192.0.2.2" }],
        "conditions": conditions,
        "containerStatuses": containers,
    })
}

/// A container's state, its last one, and how often it was restarted.
fn container_state(turn: &Turn, since: &Value) -> (Value, Value, i32) {
    let ended = |code: i32, reason: &str, message: &str| {
        let (started, finished) = (since, since);
        json!({ "terminated": {
            "exitCode": code, "reason": reason, "message": message, "startedAt": started, "finishedAt": finished,
        }})
    };
    match turn {
        Turn::Runs | Turn::Starts => (json!({ "running": { "startedAt": since } }), json!({}), 0),
        Turn::Waits { reason, message } => {
            (json!({ "waiting": { "reason": reason, "message": message } }), json!({}), 0)
        }
        Turn::Crashes { message } => {
            let waiting = json!({ "waiting": { "reason": "CrashLoopBackOff", "message": message } });
            (waiting, ended(1, "Error", message), RESTARTS)
        }
        Turn::Succeeds => (ended(0, "Completed", ""), json!({}), 0),
        Turn::IsDrained => (ended(143, "Error", "its node is drained"), json!({}), 0),
        Turn::Fails { message } => (ended(message.parse().unwrap_or(1), "Error", message), json!({}), 0),
    }
}

/// The image that runs, by digest: the one in the reference, or one made of it.
fn image_id(image: &str, turn: &Turn) -> String {
    if matches!(turn, Turn::Waits { .. }) {
        return String::new();
    }
    if image.contains("@sha256:") {
        return image.to_owned();
    }
    let digest = Sha256::digest(image.as_bytes()).iter().fold(String::new(), |mut digits, byte| {
        // Writing to a text cannot fail.
        let _ = write!(digits, "{byte:02x}");
        digits
    });
    let name = image.rsplit_once(':').filter(|(_, tag)| !tag.contains('/')).map_or(image, |(name, _)| name);
    format!("{name}@sha256:{digest}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pod(status: &Value) -> Pod {
        serde_json::from_value(json!({
            "metadata": { "name": "storage-0", "creationTimestamp": "2016-03-01T10:00:00Z" },
            "spec": { "containers": [
                { "name": "server", "image": "registry.example:5000/server:4.3.5.3" },
                { "name": "beside", "image": "beside" },
            ]},
            "status": status,
        }))
        .unwrap()
    }

    #[test]
    fn a_status_is_written_once() {
        for turn in [
            Turn::Runs,
            Turn::Starts,
            Turn::image_missing("server:latest"),
            Turn::Crashes { message: "older than its database".to_owned() },
            Turn::Fails { message: "disk full".to_owned() },
        ] {
            let written = changed(&pod(&json!({})), &turn).expect("a first status");
            assert_eq!(changed(&pod(&written), &turn), None, "{turn:?}");
        }
    }

    #[test]
    fn a_container_that_crashes_waits_beside_one_that_runs() {
        let turn = Turn::Crashes { message: "older than its database".to_owned() };
        let written = changed(&pod(&json!({})), &turn).unwrap();
        let [server, beside] = written["containerStatuses"].as_array().unwrap().as_slice() else { panic!() };
        assert_eq!(server["state"]["waiting"]["reason"], "CrashLoopBackOff");
        assert_eq!(server["state"]["waiting"]["message"], "older than its database");
        assert_eq!((&server["ready"], &beside["ready"]), (&json!(false), &json!(true)));
        assert_eq!(written["conditions"][3]["status"], "False");
    }

    #[test]
    fn the_server_need_not_be_the_first_container() {
        let mut pod = pod(&json!({}));
        let named = [(super::super::CONTAINER.to_owned(), "beside".to_owned())];
        pod.metadata.annotations = Some(named.into_iter().collect());
        let written = changed(&pod, &Turn::Starts).unwrap();
        let ready: Vec<&Value> =
            written["containerStatuses"].as_array().unwrap().iter().map(|one| &one["ready"]).collect();
        assert_eq!(ready, [&json!(true), &json!(false)]);
    }

    #[test]
    fn what_succeeds_is_seen_to_run_before() {
        let first = changed(&pod(&json!({})), &Turn::Succeeds).unwrap();
        assert_eq!(first["phase"], "Running");
        let second = changed(&pod(&first), &Turn::Succeeds).unwrap();
        assert_eq!(second["phase"], "Succeeded");
        assert!(is_finished(&pod(&second)));
    }

    #[test]
    fn an_image_runs_by_digest() {
        assert_eq!(image_id("server:4@sha256:abc", &Turn::Runs), "server:4@sha256:abc");
        let made = image_id("registry.example:5000/server:4.3.5.3", &Turn::Runs);
        assert!(made.starts_with("registry.example:5000/server@sha256:"), "{made}");
        assert_eq!(made.len(), "registry.example:5000/server@sha256:".len() + 64);
    }
}
