//! Who writes a workload's image, as the API server recorded it.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ManagedFieldsEntry;
use serde_json::Value;

use crate::api::FIELD_MANAGER;
use crate::planner::desired::ImageFrom;

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
