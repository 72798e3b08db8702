//! What the pods of a workload say: which image runs, and whether one fails.

use k8s_openapi::api::core::v1::{ContainerStatus, Pod, PodStatus};

/// Words of the kubelet that mean a container does not come up by waiting.
const FAILURES: [&str; 9] = [
    "CrashLoopBackOff",
    "ErrImagePull",
    "ImagePullBackOff",
    "InvalidImageName",
    "ErrImageNeverPull",
    "CreateContainerConfigError",
    "CreateContainerError",
    "RunContainerError",
    "ImageInspectError",
];

/// Those that mean that an image cannot be had.
const PULL_FAILURES: [&str; 2] = ["ErrImagePull", "ImagePullBackOff"];

/// Longest words of a kubelet that are repeated, in characters.
const MAX_WORDS: usize = 200;

/// The image of the server's container in a ready pod; the newest, if there are several.
pub(super) fn running_image(pods: &[Pod], container: &str) -> Option<String> {
    let ready = pods.iter().filter(|pod| is_ready(pod) && pod.metadata.deletion_timestamp.is_none());
    let newest = ready.max_by_key(|pod| pod.metadata.creation_timestamp.as_ref().map(|created| created.0))?;
    let containers = &newest.spec.as_ref()?.containers;
    containers.iter().find(|found| found.name == container)?.image.clone()
}

/// The first failure among the pods, with the kubelet's words, cut to a bearable length.
pub(super) fn failure(pods: &[Pod]) -> Option<String> {
    let mut pods: Vec<&Pod> = pods.iter().filter(|pod| pod.metadata.deletion_timestamp.is_none()).collect();
    // A pod that was evicted or drained stays as a record; the one beside it is the server.
    if pods.iter().any(|pod| !is_over(pod)) {
        pods.retain(|pod| !is_over(pod));
    }
    pods.sort_by_key(|pod| pod.metadata.name.as_deref());
    pods.into_iter().find_map(|pod| {
        let name = pod.metadata.name.as_deref().unwrap_or_default();
        let words = pod.status.as_ref().and_then(failure_of)?;
        Some(format!("pod {name}: {words}").chars().flat_map(char::escape_debug).take(MAX_WORDS).collect())
    })
}

fn failure_of(status: &PodStatus) -> Option<String> {
    let containers = [&status.init_container_statuses, &status.container_statuses];
    let mut statuses = containers.into_iter().flatten().flatten();
    statuses.find_map(container_failure).or_else(|| {
        let failed = status.phase.as_deref() == Some("Failed");
        let reason = status.reason.as_deref().unwrap_or("Failed");
        failed.then(|| with_message(reason, status.message.as_deref()))
    })
}

/// Whether a pod has ended for good.
pub(super) fn is_over(pod: &Pod) -> bool {
    let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
    matches!(phase, Some("Failed" | "Succeeded"))
}

fn container_failure(status: &ContainerStatus) -> Option<String> {
    let waiting = status.state.as_ref()?.waiting.as_ref()?;
    let reason = waiting.reason.as_deref().filter(|reason| FAILURES.contains(reason))?;
    // The kubelet goes back and forth between these words: one trouble has one name.
    if PULL_FAILURES.contains(&reason) {
        return Some(format!("image cannot be pulled: {}", status.image));
    }
    Some(with_message(&format!("container {}: {reason}", status.name), waiting.message.as_deref()))
}

fn with_message(reason: &str, message: Option<&str>) -> String {
    match message.filter(|message| !message.is_empty()) {
        Some(message) => format!("{reason}: {message}"),
        None => reason.to_owned(),
    }
}

fn is_ready(pod: &Pod) -> bool {
    let conditions = pod.status.as_ref().and_then(|status| status.conditions.as_deref()).unwrap_or_default();
    conditions.iter().any(|condition| condition.type_ == "Ready" && condition.status == "True")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pod(yaml: &str) -> Pod {
        serde_saphyr::from_str(yaml).unwrap()
    }

    #[test]
    fn the_running_image_is_that_of_a_ready_pod() {
        let spec = |image: &str| {
            format!(
                "spec: {{containers: [{{name: logs, image: 'l:1'}}, {{name: server, image: '{image}'}}]}}"
            )
        };
        let ready = "status: {conditions: [{type: Ready, status: 'True'}]}";
        let old = pod(&format!(
            "{{metadata: {{creationTimestamp: '2026-01-01T00:00:00Z'}}, {}, {ready}}}",
            spec("s:1")
        ));
        let new = pod(&format!(
            "{{metadata: {{creationTimestamp: '2026-01-02T00:00:00Z'}}, {}, {ready}}}",
            spec("s:2")
        ));
        let unready =
            pod(&format!("{{metadata: {{creationTimestamp: '2026-01-03T00:00:00Z'}}, {}}}", spec("s:3")));
        assert_eq!(running_image(&[old.clone(), unready.clone()], "server").as_deref(), Some("s:1"));
        assert_eq!(running_image(&[new, old, unready.clone()], "server").as_deref(), Some("s:2"));
        assert_eq!(running_image(&[unready], "server"), None);
    }

    #[test]
    fn a_failure_is_told_in_the_kubelets_words() {
        for (status, expected) in [
            (
                "{phase: Running, containerStatuses: [{name: server, ready: true, restartCount: 0, image: i, imageID: '', state: {running: {}}}]}",
                None,
            ),
            (
                "{phase: Pending, containerStatuses: [{name: server, ready: false, restartCount: 0, image: i, imageID: '', state: {waiting: {reason: ContainerCreating}}}]}",
                None,
            ),
            (
                "{phase: Running, containerStatuses: [{name: server, ready: false, restartCount: 4, image: i, imageID: '', state: {waiting: {reason: CrashLoopBackOff, message: back-off 40s}}}]}",
                Some("pod a-0: container server: CrashLoopBackOff: back-off 40s"),
            ),
            (
                "{phase: Pending, initContainerStatuses: [{name: init, ready: false, restartCount: 0, image: i, imageID: '', state: {waiting: {reason: ImagePullBackOff}}}]}",
                Some("pod a-0: image cannot be pulled: i"),
            ),
            ("{phase: Failed, reason: Evicted, message: disk}", Some("pod a-0: Evicted: disk")),
        ] {
            let pod = pod(&format!("{{metadata: {{name: a-0}}, status: {status}}}"));
            assert_eq!(failure(&[pod]).as_deref(), expected, "{status}");
        }
    }

    #[test]
    fn what_was_evicted_is_no_failure_of_the_pod_beside_it() {
        let evicted = pod("{metadata: {name: a-0}, status: {phase: Failed, reason: Evicted}}");
        let living = pod("{metadata: {name: a-1}, status: {phase: Running}}");
        assert_eq!(failure(&[evicted.clone(), living]), None);
        assert!(failure(&[evicted]).is_some());
    }
}
