//! Whether this operator can upgrade a workload: what it refuses, in sentences that say what to do.

use k8s_openapi::api::core::v1::PodTemplateSpec;

use kube::ResourceExt;

use super::kind::Kind;
use crate::planner::observed::{Misfit, Revisions};

/// What to do about a workload of another form.
pub(super) const CHANGE_IT: &str = "change the workload so, or upgrade this server by the method manual";

/// The server's container, as the template has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Container {
    /// Its name.
    pub(super) name: String,
    /// Its image.
    pub(super) image: String,
}

/// Chooses the server's container: the named one, or the only one.
pub(super) fn container(
    template: Option<&PodTemplateSpec>,
    wanted: Option<&str>,
) -> Result<Container, String> {
    let containers =
        template.and_then(|template| template.spec.as_ref()).map_or(&[][..], |spec| &spec.containers);
    let found = match (wanted, containers) {
        (Some(wanted), _) => {
            containers.iter().find(|container| container.name == wanted).ok_or_else(|| {
                let names: Vec<&str> = containers.iter().map(|container| container.name.as_str()).collect();
                format!("it has no container {wanted}; it has {}", names.join(", "))
            })?
        }
        (None, [only]) => only,
        (None, []) => return Err("its template has no container".to_owned()),
        (None, several) => {
            let names: Vec<&str> = several.iter().map(|container| container.name.as_str()).collect();
            return Err(format!(
                "it has several containers: name the server's with container, one of {}",
                names.join(", ")
            ));
        }
    };
    match &found.image {
        Some(image) => Ok(Container { name: found.name.clone(), image: image.clone() }),
        None => Err(format!("its container {} has no image", found.name)),
    }
}

/// Reasons why this operator cannot upgrade a workload, whichever its container is.
pub(super) fn misfits<K: Kind>(object: &K) -> Vec<Misfit> {
    let mut misfits = object.misfits();
    // Twice the same server on one database is the end of the database.
    let why = || format!("it has {} replicas; a server is exactly one", object.replicas());
    match object.replicas() {
        1 => {}
        0 => misfits.push(Misfit::of_upgrade(why(), CHANGE_IT)),
        // The catch is made for one pod.
        _ => misfits.push(Misfit::of_catch(why(), CHANGE_IT)),
    }
    if object.meta().deletion_timestamp.is_some() {
        misfits.push(Misfit::of_catch(
            "it is being deleted",
            "create it again, or correct its name in the spec",
        ));
    }
    let owners = object.meta().owner_references.as_deref().unwrap_or_default();
    if let Some(owner) = owners.iter().find(|owner| owner.controller == Some(true)) {
        let why = format!("it is controlled by {} {}, which would undo the change", owner.kind, owner.name);
        misfits.push(Misfit::of_catch(why, CHANGE_IT));
    }
    misfits
}

/// What runs on a workload that has settled is what its template says, unless something rewrites pods as they are made: such an image
/// would never be the one that is waited for.
pub(super) fn rewritten_pods<K: Kind>(object: &K, template: &str, running: Option<&str>) -> Option<Misfit> {
    let running = running.filter(|running| *running != template)?;
    let has_settled = object.revisions() == Revisions::One && object.is_rolled();
    has_settled.then(|| {
        Misfit::of_upgrade(
            format!("its pod runs another image than its template: a webhook changes pods as they are made ({running})"),
            format!("except the pods of {} from the webhook that changes their image", object.name_any()),
        )
    })
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::apps::v1::{Deployment, StatefulSet};

    use super::*;

    #[test]
    fn the_container_is_the_named_one_or_the_only_one() {
        for (containers, wanted, expected) in [
            ("[{name: server, image: 'a:1'}]", None, Ok("server")),
            ("[{name: server, image: 'a:1'}, {name: logs, image: 'b:1'}]", Some("server"), Ok("server")),
            (
                "[{name: server, image: 'a:1'}, {name: logs, image: 'b:1'}]",
                None,
                Err("it has several containers: name the server's with container, one of server, logs"),
            ),
            (
                "[{name: server, image: 'a:1'}]",
                Some("authority"),
                Err("it has no container authority; it has server"),
            ),
            ("[{name: server}]", None, Err("its container server has no image")),
            ("[]", None, Err("its template has no container")),
        ] {
            let template: PodTemplateSpec =
                serde_saphyr::from_str(&format!("spec: {{containers: {containers}}}")).unwrap();
            let found = container(Some(&template), wanted).map(|container| container.name);
            assert_eq!(found.as_deref().map_err(String::as_str), expected, "{containers} {wanted:?}");
        }
    }

    #[test]
    fn what_does_not_fit_is_said() {
        for (object, expected) in [
            ("{spec: {selector: {}, template: {}}}", None),
            ("{spec: {replicas: 1, selector: {}, template: {}}}", None),
            (
                "{spec: {replicas: 2, selector: {}, template: {}}}",
                Some("it has 2 replicas; a server is exactly one"),
            ),
            (
                "{spec: {replicas: 0, selector: {}, template: {}}}",
                Some("it has 0 replicas; a server is exactly one"),
            ),
            (
                "{spec: {updateStrategy: {type: OnDelete}, selector: {}, template: {}}}",
                Some("its updateStrategy is OnDelete; it must be RollingUpdate, whose partition holds it"),
            ),
            (
                "{metadata: {deletionTimestamp: '2026-01-01T00:00:00Z'}, spec: {selector: {}, template: {}}}",
                Some("it is being deleted"),
            ),
            (
                "{metadata: {ownerReferences: [{apiVersion: v1, kind: Other, name: x, uid: u, controller: true}]}, spec: {selector: {}, template: {}}}",
                Some("it is controlled by Other x, which would undo the change"),
            ),
        ] {
            let parsed: StatefulSet = serde_saphyr::from_str(object).unwrap();
            let misfits = misfits(&parsed);
            assert_eq!(misfits.first().map(|misfit| misfit.why.as_str()), expected, "{object}");
        }
        let rolling: Deployment = serde_saphyr::from_str("{spec: {selector: {}, template: {}}}").unwrap();
        assert_eq!(misfits(&rolling).len(), 1);
    }
}
