//! What a pod stands for in the simulated environment, and what it does now. Pure.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Container, Pod};

use super::annotations::{CONTAINER, DRAINED, FAILS, SERVER, SERVER_VARIABLE, VERSION_VARIABLE};
use crate::catalog::Version;
use crate::simulator::server::ServerState;

/// What a pod stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// A server with this software.
    Server { name: String, version: Version },
    /// A server whose image's tag is no version: nobody has such an image.
    Unpullable { image: String },
    /// The pod of a Job that upgrades a server in place.
    InPlaceUpgrade { server: String, version: Version },
    /// The pod of another Job, which succeeds.
    Task,
    /// The pod of a Job that fails.
    FailingTask { message: String },
    /// The pod of a Job, by its uid, whose first pod is drained with its node.
    DrainedTask { job: String },
    /// It asks for something that makes no sense.
    Unclear { problem: String },
    /// Anything else.
    Extra,
}

/// What a pod does now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// It runs and is ready.
    Runs,
    /// It runs and is not ready yet.
    Starts,
    /// It waits for something, and why, as the kubelet words it.
    Waits { reason: &'static str, message: String },
    /// It ends again and again.
    Crashes { message: String },
    /// It is done.
    Succeeds,
    /// It ends with an error.
    Fails { message: String },
    /// It is evicted from its node.
    IsDrained,
}

impl Part {
    pub(super) fn of(pod: &Pod) -> Self {
        let empty = BTreeMap::new();
        let annotations = pod.metadata.annotations.as_ref().unwrap_or(&empty);
        let container = pod.spec.as_ref().and_then(|spec| spec.containers.get(main_container(pod)));
        let job = pod.metadata.owner_references.iter().flatten().find(|owner| owner.kind == "Job");
        if let Some(job) = job {
            return task(annotations, container, &job.uid);
        }
        match (annotations.get(SERVER), container) {
            (Some(name), Some(container)) => {
                let image = container.image.as_deref().unwrap_or_default();
                match version_of(image) {
                    Some(version) => Self::Server { name: name.clone(), version },
                    None => Self::Unpullable { image: image.to_owned() },
                }
            }
            (Some(_) | None, _) => Self::Extra,
        }
    }
}

/// The place, among a pod's containers, of the one that plays the part.
pub(super) fn main_container(pod: &Pod) -> usize {
    let wanted = pod.metadata.annotations.as_ref().and_then(|annotations| annotations.get(CONTAINER));
    let containers = pod.spec.as_ref().map_or(&[][..], |spec| &spec.containers);
    containers.iter().position(|container| Some(&container.name) == wanted).unwrap_or(0)
}

fn task(annotations: &BTreeMap<String, String>, container: Option<&Container>, job: &str) -> Part {
    if annotations.get(FAILS).is_some_and(|message| message == DRAINED) {
        return Part::DrainedTask { job: job.to_owned() };
    }
    if let Some(message) = annotations.get(FAILS) {
        return Part::FailingTask { message: message.clone() };
    }
    let Some(variable) = annotations.get(VERSION_VARIABLE) else { return Part::Task };
    let value = |name: &str| {
        let variables = container.and_then(|container| container.env.as_ref());
        variables
            .into_iter()
            .flatten()
            .find(|variable| variable.name == name)
            .and_then(|found| found.value.clone())
    };
    let server = match (annotations.get(SERVER), annotations.get(SERVER_VARIABLE)) {
        (Some(server), _) => Some(server.clone()),
        (None, Some(variable)) => value(variable),
        (None, None) => None,
    };
    let version = value(variable).and_then(|text| text.parse().ok());
    match (server, version) {
        (Some(server), Some(version)) => Part::InPlaceUpgrade { server, version },
        (server, _) => {
            let missing = if server.is_none() { "name of a server" } else { "version" };
            Part::Unclear { problem: format!("the Job's pod has no {missing} where its annotations say") }
        }
    }
}

/// The version in the tag of an image, with or without a digest behind it.
fn version_of(image: &str) -> Option<Version> {
    let named = image.split('@').next()?;
    // A colon before the last slash belongs to the registry's port.
    let (_, last) = named.rsplit_once('/').unwrap_or(("", named));
    let (_, tag) = last.split_once(':')?;
    tag.parse().ok()
}

impl Turn {
    /// What a server's pod does.
    pub(super) fn of_server(
        name: &str,
        state: Option<ServerState>,
        software: Version,
        database: Option<Version>,
    ) -> Self {
        match state {
            Some(ServerState::Running { .. }) => Self::Runs,
            Some(ServerState::Starting { .. } | ServerState::Stopped) => Self::Starts,
            Some(ServerState::Refusing) => {
                let database =
                    database.map_or_else(|| "a later version".to_owned(), |version| version.to_string());
                Self::Crashes {
                    message: format!("server {software} does not start: its database is at {database}"),
                }
            }
            None => Self::server_missing(name),
        }
    }

    /// Not a failure of the pod: its controller would replace it again and again.
    pub(super) fn server_missing(name: &str) -> Self {
        let message = format!("there is no server {name} in the simulated environment");
        Self::Waits { reason: "CreateContainerError", message }
    }

    pub(super) fn image_missing(image: &str) -> Self {
        Self::Waits { reason: "ErrImagePull", message: format!("failed to pull {image}: not found") }
    }

    pub(super) fn waits_for_volume() -> Self {
        let message = "the server's volumes are in use by another pod".to_owned();
        Self::Waits { reason: "ContainerCreating", message }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_tag_of_an_image_is_the_servers_version() {
        for (image, version) in [
            ("registry.example/code42-server:4.3.5.3", Some("4.3.5.3")),
            ("registry.example:5000/code42-server:4.3.5.3@sha256:abc", Some("4.3.5.3")),
            ("code42-server:6.8.9", Some("6.8.9")),
            ("registry.example:5000/code42-server", None),
            ("code42-server:latest", None),
            ("code42-server@sha256:abc", None),
        ] {
            assert_eq!(version_of(image).map(|version| version.to_string()).as_deref(), version, "{image}");
        }
    }

    fn pod(annotations: &serde_json::Value, owner: &str) -> Pod {
        serde_json::from_value(json!({
            "metadata": {
                "annotations": annotations,
                "ownerReferences": [{ "apiVersion": "v1", "kind": owner, "name": "owner", "uid": "1" }],
            },
            "spec": { "containers": [{
                "name": "main",
                "image": "server:4.3.5.3",
                "env": [{ "name": "TO", "value": "4.3.5.3" }, { "name": "NAME", "value": "vm-1" }],
            }]},
        }))
        .unwrap()
    }

    #[test]
    fn annotations_say_what_a_pod_stands_for() {
        let version = "4.3.5.3".parse().unwrap();
        for (annotations, owner, part) in [
            (json!({}), "StatefulSet", Part::Extra),
            (
                json!({ SERVER: "storage-01" }),
                "ReplicaSet",
                Part::Server { name: "storage-01".to_owned(), version },
            ),
            (json!({}), "Job", Part::Task),
            (json!({ FAILS: "disk full" }), "Job", Part::FailingTask { message: "disk full".to_owned() }),
            (
                json!({ SERVER_VARIABLE: "NAME", VERSION_VARIABLE: "TO" }),
                "Job",
                Part::InPlaceUpgrade { server: "vm-1".to_owned(), version },
            ),
            (
                json!({ SERVER: "vm-2", VERSION_VARIABLE: "TO" }),
                "Job",
                Part::InPlaceUpgrade { server: "vm-2".to_owned(), version },
            ),
            (
                json!({ SERVER: "vm-2", VERSION_VARIABLE: "FROM" }),
                "Job",
                Part::Unclear {
                    problem: "the Job's pod has no version where its annotations say".to_owned(),
                },
            ),
        ] {
            assert_eq!(Part::of(&pod(&annotations, owner)), part, "{annotations}");
        }
    }
}
