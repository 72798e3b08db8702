//! The reference of the API: every field of the definitions, with what it says of itself.

use std::fmt::Write as _;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, JSONSchemaProps, JSONSchemaPropsOrArray, JSONSchemaPropsOrBool,
};

use crate::api;

const HEAD: &str = "<!-- Written from the definitions by `make generate`. -->
# Definitions

Group `codeupgrade.dev`, version `v1alpha1`. What a field may hold beyond its type, the API server says when it refuses it. `kubectl explain
codeupgrade.spec` shows the same. `[]` stands for an item of a list, `{}` for a value of a map; fields in bold must be there.
";

/// What is remembered is for the operator alone.
const NOT_FOR_PEOPLE: &str = "status.memory";

/// The reference.
pub(super) fn reference() -> String {
    let mut text = HEAD.to_owned();
    for definition in api::crds() {
        describe(&mut text, &definition);
    }
    text
}

fn describe(text: &mut String, definition: &CustomResourceDefinition) {
    let names = &definition.spec.names;
    let short =
        names.short_names.iter().flatten().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    // Writing to a text cannot fail, here and below.
    let _ = writeln!(text, "\n## {}\n\nScope: {}. Short: {short}.", names.kind, definition.spec.scope);
    for version in &definition.spec.versions {
        let Some(schema) = version.schema.as_ref().and_then(|schema| schema.open_api_v3_schema.as_ref())
        else {
            continue;
        };
        let _ = writeln!(text, "\n| field | type | what it is |\n|---|---|---|");
        for part in ["spec", "status"] {
            if let Some(schema) = schema.properties.as_ref().and_then(|properties| properties.get(part)) {
                fields(text, part, schema);
            }
        }
    }
}

fn fields(text: &mut String, path: &str, schema: &JSONSchemaProps) {
    let required = schema.required.as_deref().unwrap_or_default();
    for (name, field) in schema.properties.iter().flatten() {
        let path = format!("{path}.{name}");
        let shown = if required.contains(name) { format!("**`{path}`**") } else { format!("`{path}`") };
        let meaning = field.description.as_deref().unwrap_or_default().replace('\n', " ").replace('|', "\\|");
        let _ = writeln!(text, "| {shown} | {} | {meaning} |", kind(field));
        if path != NOT_FOR_PEOPLE {
            below(text, &path, field);
        }
    }
}

/// The fields of what a field holds.
fn below(text: &mut String, path: &str, field: &JSONSchemaProps) {
    fields(text, path, field);
    if let Some(JSONSchemaPropsOrArray::Schema(item)) = &field.items {
        below(text, &format!("{path}[]"), item);
    }
    if let Some(JSONSchemaPropsOrBool::Schema(value)) = &field.additional_properties {
        below(text, &format!("{path}{{}}"), value);
    }
}

fn kind(field: &JSONSchemaProps) -> String {
    let words: Vec<String> = field
        .enum_
        .iter()
        .flatten()
        .filter_map(|value| value.0.as_str())
        .map(|word| format!("`{word}`"))
        .collect();
    if !words.is_empty() {
        return words.join(", ");
    }
    match (field.type_.as_deref(), &field.items) {
        (Some("array"), Some(JSONSchemaPropsOrArray::Schema(item))) => {
            format!("list of {}", item.type_.as_deref().unwrap_or("values"))
        }
        (Some(kind), _) => kind.to_owned(),
        (None, _) => "value".to_owned(),
    }
}
