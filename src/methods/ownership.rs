//! Who writes a workload's image and its catch, as the API server recorded it.
//!
//! No field is fought over: what another manager brings back at every apply, the operator does not write. Who that is stands in
//! `managedFields`, for server-side apply, and in an annotation of `kubectl apply`. Fields of those who wrote once (`kubectl create`, a
//! patch) are nobody's: the API server counts even its own defaults as theirs.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ManagedFieldsEntry;
use kube::ResourceExt;
use serde_json::Value;

use super::kind::Kind;
use crate::api::FIELD_MANAGER;
use crate::planner::desired::ImageFrom;
use crate::planner::observed::{CatchBy, Misfit};

/// Git, where any other manager owns the image of the container: then a commit brings it. The operator, where it owns
/// it alone or nobody does.
pub(super) fn image_from(entries: &[ManagedFieldsEntry], container: &str) -> ImageFrom {
    let others = entries.iter().filter(|entry| entry.manager.as_deref() != Some(FIELD_MANAGER));
    let owned = others.filter(|entry| entry.subresource.as_deref().unwrap_or_default().is_empty());
    if owned.filter_map(|entry| entry.fields_v1.as_ref()).any(|fields| owns_image(&fields.0, container)) {
        ImageFrom::Git
    } else {
        ImageFrom::Operator
    }
}

/// The manifest that `kubectl apply` brought last, and brings back.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// What it does, as a manager.
const CLIENT_SIDE_APPLY: &str = "kubectl apply";

/// Reasons why the operator would fight for a field: for the catch, and for the image where it is the one to write that.
pub(super) fn misfits<K: Kind>(object: &K, container: &str, image_from: Option<ImageFrom>) -> Vec<Misfit> {
    let mut misfits: Vec<Misfit> = of_catch(object).into_iter().collect();
    if image_from == Some(ImageFrom::Operator)
        && let Some(manager) =
            applier(object, |fields| owns_image(fields, container), |manifest| has_image(manifest, container))
    {
        misfits.push(Misfit::of_upgrade(
            format!(
                "{manager} owns the image of container {container}, which imageFrom leaves to the operator"
            ),
            format!(
                "set imageFrom: Git for this server, or take the image of {container} out of the manifest"
            ),
        ));
    }
    misfits
}

/// Who moved the catch last.
pub(super) fn catch_by<K: Kind>(object: &K) -> CatchBy {
    let owned: String = K::CATCH.split('.').flat_map(|field| ["/f:", field]).collect();
    let is_ours = object.managed_fields().iter().any(|entry| {
        entry.manager.as_deref() == Some(FIELD_MANAGER)
            && entry.fields_v1.as_ref().is_some_and(|fields| fields.0.pointer(&owned).is_some())
    });
    if is_ours { CatchBy::Operator } else { CatchBy::Other }
}

/// The reason why the operator would fight for the catch.
pub(super) fn of_catch<K: Kind>(object: &K) -> Option<Misfit> {
    let owned: String = K::CATCH.split('.').flat_map(|field| ["/f:", field]).collect();
    let written: String = K::CATCH.split('.').flat_map(|field| ["/", field]).collect();
    let manager = applier(
        object,
        |fields| fields.pointer(&owned).is_some(),
        |manifest| manifest.pointer(&written).is_some(),
    )?;
    let (_, field) = K::CATCH.split_once('.').unwrap_or_default();
    Some(Misfit::of_catch(
        format!("{manager} owns {field}, which is the operator's catch"),
        format!("take {} out of the manifest of {}", K::CATCH, object.name_any()),
    ))
}

/// Who brings a field back at every apply, if anybody does.
fn applier<K: Kind>(
    object: &K,
    owns: impl Fn(&Value) -> bool,
    has: impl Fn(&Value) -> bool,
) -> Option<String> {
    let by_apply = object.managed_fields().iter().find(|entry| {
        entry.operation.as_deref() == Some("Apply")
            && entry.manager.as_deref() != Some(FIELD_MANAGER)
            && entry.subresource.as_deref().unwrap_or_default().is_empty()
            && entry.fields_v1.as_ref().is_some_and(|fields| owns(&fields.0))
    });
    if let Some(entry) = by_apply {
        return Some(entry.manager.clone().unwrap_or_else(|| "another manager".to_owned()));
    }
    let manifest: Option<Value> =
        object.annotations().get(LAST_APPLIED).and_then(|text| serde_json::from_str(text).ok());
    manifest.filter(|manifest| has(manifest)).map(|_| CLIENT_SIDE_APPLY.to_owned())
}

fn has_image(manifest: &Value, container: &str) -> bool {
    let containers = manifest.pointer("/spec/template/spec/containers").and_then(Value::as_array);
    containers.into_iter().flatten().any(|found| found["name"] == container && found.get("image").is_some())
}

fn owns_image(fields: &Value, container: &str) -> bool {
    let Some(containers) =
        fields.pointer("/f:spec/f:template/f:spec/f:containers").and_then(Value::as_object)
    else {
        return false;
    };
    containers.iter().any(|(key, owned)| {
        let name = key.strip_prefix("k:").and_then(|key| serde_json::from_str::<Value>(key).ok());
        name.is_some_and(|key| key["name"] == container) && owned.get("f:image").is_some()
    })
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::apps::v1::StatefulSet;

    use super::*;

    fn entry(manager: &str, operation: &str, subresource: &str, field: &str) -> ManagedFieldsEntry {
        let fields = format!(
            r#"{{"f:spec":{{"f:template":{{"f:spec":{{"f:containers":{{"k:{{\"name\":\"server\"}}":{{"{field}":{{}}}}}}}}}}}}}}"#
        );
        serde_json::from_value(serde_json::json!({
            "manager": manager, "operation": operation, "subresource": subresource,
            "fieldsV1": serde_json::from_str::<Value>(&fields).unwrap(),
        }))
        .unwrap()
    }

    #[test]
    fn what_another_brings_back_at_every_apply_is_not_fought_over() {
        let partition = r#"{"f:spec":{"f:updateStrategy":{"f:rollingUpdate":{"f:partition":{}}}}}"#;
        let image = r#"{"f:spec":{"f:template":{"f:spec":{"f:containers":{"k:{\"name\":\"server\"}":{"f:image":{}}}}}}}"#;
        let set = |manager: &str, operation: &str, fields: &str, manifest: &str| -> StatefulSet {
            serde_json::from_value(serde_json::json!({
                "metadata": {
                    "name": "authority",
                    "annotations": {LAST_APPLIED: manifest},
                    "managedFields": [{
                        "manager": manager, "operation": operation,
                        "fieldsV1": serde_json::from_str::<Value>(fields).unwrap(),
                    }],
                },
                "spec": {"selector": {}, "template": {}},
            }))
            .unwrap()
        };
        let catch = |manager: &str| {
            format!("{manager} owns updateStrategy.rollingUpdate.partition, which is the operator's catch")
        };
        let its_image = |manager: &str| {
            format!("{manager} owns the image of container server, which imageFrom leaves to the operator")
        };
        let with_partition = r#"{"spec":{"updateStrategy":{"rollingUpdate":{"partition":0}}}}"#;
        let with_image = r#"{"spec":{"template":{"spec":{"containers":[{"name":"server","image":"s:1"}]}}}}"#;
        let kubectl = "kubectl-client-side-apply";
        let flux = "kustomize-controller";
        for (name, (manager, operation, fields, manifest), image_from, expected) in [
            ("Flux", (flux, "Apply", partition, ""), None, vec![catch(flux)]),
            ("defaults of a create", ("kubectl-create", "Update", partition, ""), None, vec![]),
            ("we ourselves", (FIELD_MANAGER, "Apply", partition, ""), None, vec![]),
            (
                "kubectl apply",
                (kubectl, "Update", "{}", with_partition),
                None,
                vec![catch(CLIENT_SIDE_APPLY)],
            ),
            ("an image from Git", (flux, "Apply", image, with_image), Some(ImageFrom::Git), vec![]),
            (
                "an image that the operator is to write",
                (flux, "Apply", image, ""),
                Some(ImageFrom::Operator),
                vec![its_image(flux)],
            ),
            (
                "the same with kubectl apply",
                (kubectl, "Update", image, with_image),
                Some(ImageFrom::Operator),
                vec![its_image(CLIENT_SIDE_APPLY)],
            ),
            (
                "an image that was set once",
                ("kubectl-set", "Update", image, ""),
                Some(ImageFrom::Operator),
                vec![],
            ),
        ] {
            let object = set(manager, operation, fields, manifest);
            let found: Vec<String> =
                misfits(&object, "server", image_from).into_iter().map(|misfit| misfit.why).collect();
            assert_eq!(found, expected, "{name}");
        }
    }

    #[test]
    fn another_manager_of_the_image_means_git() {
        for (name, entries, container, expected) in [
            ("nobody", vec![], "server", ImageFrom::Operator),
            ("we alone", vec![entry(FIELD_MANAGER, "Update", "", "f:image")], "server", ImageFrom::Operator),
            ("Flux", vec![entry("kustomize-controller", "Apply", "", "f:image")], "server", ImageFrom::Git),
            (
                "both",
                vec![
                    entry(FIELD_MANAGER, "Update", "", "f:image"),
                    entry("argocd-controller", "Apply", "", "f:image"),
                ],
                "server",
                ImageFrom::Git,
            ),
            ("another field", vec![entry("kubectl", "Update", "", "f:env")], "server", ImageFrom::Operator),
            (
                "another container",
                vec![entry("kubectl", "Update", "", "f:image")],
                "logs",
                ImageFrom::Operator,
            ),
            (
                "a subresource",
                vec![entry("kubelet", "Update", "status", "f:image")],
                "server",
                ImageFrom::Operator,
            ),
        ] {
            assert_eq!(image_from(&entries, container), expected, "{name}");
        }
    }
}
