//! The `CustomResourceDefinition`s, as they are written to crds/ and applied to a cluster.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, JSONSchemaProps, JSONSchemaPropsOrArray, JSONSchemaPropsOrBool,
};
use kube::CustomResourceExt;

use super::{CodeRelease, CodeUpgrade, CodeUpgradeOrder};

/// The definitions, in the order in which they are listed everywhere.
pub fn crds() -> Vec<CustomResourceDefinition> {
    let mut definitions = vec![CodeUpgrade::crd(), CodeRelease::crd(), CodeUpgradeOrder::crd()];
    let versions = definitions.iter_mut().flat_map(|definition| &mut definition.spec.versions);
    for schema in versions.filter_map(|version| version.schema.as_mut()?.open_api_v3_schema.as_mut()) {
        adapt(schema);
    }
    definitions
}

/// The file name and the YAML of each definition.
///
/// # Errors
/// If a definition cannot be written as YAML, which would be a mistake in the types.
pub fn crd_files() -> Result<Vec<(String, String)>, serde_saphyr::ser::Error> {
    let file = |definition: CustomResourceDefinition| {
        let name = format!("{}.{}.yaml", definition.spec.names.plural, definition.spec.group);
        Ok((name, serde_saphyr::to_string(&definition)?))
    };
    crds().into_iter().map(file).collect()
}

/// Says what the derived schema cannot: the API server knows no unsigned formats and would warn of each on every apply (`minimum` says it
/// already), and a `null` is to be dropped as if the field were absent, so that no rule takes it for a value.
fn adapt(schema: &mut JSONSchemaProps) {
    if schema.format.as_deref().is_some_and(|format| format.starts_with("uint")) {
        schema.format = None;
    }
    schema.nullable = None;
    schema.properties.iter_mut().flatten().for_each(|(_, property)| adapt(property));
    match &mut schema.items {
        Some(JSONSchemaPropsOrArray::Schema(items)) => adapt(items),
        Some(JSONSchemaPropsOrArray::Schemas(items)) => items.iter_mut().for_each(adapt),
        None => {}
    }
    if let Some(JSONSchemaPropsOrBool::Schema(values)) = &mut schema.additional_properties {
        adapt(values);
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn crds_are_current() {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("crds");
        let files = crd_files().unwrap();
        let mut names: Vec<String> = std::fs::read_dir(&directory)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        let mut expected: Vec<String> = files.iter().map(|(name, _)| name.clone()).collect();
        expected.sort();
        assert_eq!(names, expected);
        for (name, text) in &files {
            let found = std::fs::read_to_string(directory.join(name)).unwrap();
            assert!(found == *text, "crds/{name} is not what the Rust types say: run `make generate`");
        }
    }
}
