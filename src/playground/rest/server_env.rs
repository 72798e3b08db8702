//! `ServerEnv`: what the answering server is.
//!
//! On record: JavaScript at 4.3.0, with these fields in this order; JSON without a frame later. From which release on
//! it is JSON is not on record: here from 6.0, as are the logins that came with it.

use serde_json::{Value, json};

use super::answer::Answer;
use crate::catalog::{Os, Product, Version};
use crate::simulator::scenario::ClusterType;
use crate::simulator::world::World;

/// Whether the authority is at 6.0 or later.
pub(super) fn is_later(world: &World) -> bool {
    world.authority().version.is_some_and(|version| version.major() >= 6)
}

/// Who answers.
pub(super) fn environment(world: &World) -> Answer {
    let fields = fields(world);
    if is_later(world) {
        let json = fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        return Answer::unframed(Value::Object(json));
    }
    let lines: Vec<String> =
        fields.into_iter().map(|(name, value)| format!("\t{name}: {}", literal(name, &value))).collect();
    Answer::text("text/javascript", format!("window.serverEnv = {{\n{}\n}};\n", lines.join(",\n")))
}

fn fields(world: &World) -> Vec<(&'static str, Value)> {
    let authority = world.authority();
    let release = authority.version.and_then(|version| world.catalog().release(version));
    // The recorded server names one app version. Here it is what the release bundles for Windows.
    let bundled = |product| {
        release
            .and_then(|release| release.bundled(product, Os::Windows))
            .or(authority.version)
            .map(|version| version.to_string())
    };
    let is = |cluster| json!(world.cluster() == cluster);
    let mut fields = vec![
        ("version", json!(authority.version.map(internal))),
        ("productVersion", json!(authority.version.map(|version| version.to_string()))),
        ("clientProductVersion", json!(bundled(Product::CrashPlan))),
        ("spClientProductVersion", json!(bundled(Product::SharePlan))),
        ("commerceVersion", json!("")),
        (
            "clusterType",
            json!({
                "consumer": is(ClusterType::Consumer),
                "business": is(ClusterType::Business),
                "enterprise": is(ClusterType::Enterprise),
            }),
        ),
        ("serverType", json!({ "master": true, "storage": false })),
        ("serverId", json!(authority.id.0)),
        ("serverGuid", json!(authority.guid.0)),
        ("clusterServerId", json!(1)),
        ("portPrefix", json!(42)),
        ("ssoAuthEnabled", json!(false)),
        ("ssl", json!(true)),
        ("hasMlk", json!(true)),
        ("hasLoggedIn", json!(true)),
        ("defaultAdminPassword", json!(false)),
        ("queryLimited", json!(false)),
        ("statsEnabled", json!(true)),
        ("secureKeystoreLocked", json!(false)),
        ("httpPort", json!(4280)),
        ("httpsPort", json!(4285)),
        ("locale", json!("en_US")),
    ];
    if is_later(world) {
        fields.push(("stsBaseUrl", Value::Null));
    }
    fields
}

/// A value as the recorded script writes it: keys without quotes, and the guid in single ones.
fn literal(name: &str, value: &Value) -> String {
    match value {
        Value::Object(fields) => {
            let lines: Vec<String> =
                fields.iter().map(|(key, value)| format!("\t\t{key}: {}", literal(key, value))).collect();
            format!("{{\n{}\n\t}}", lines.join(",\n"))
        }
        Value::String(text) if name == "serverGuid" => format!("'{}'", text.replace(['\'', '\\'], "")),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            value.to_string()
        }
    }
}

/// The vendor's internal number of a version: an instant in milliseconds, and the digits of the version. The instant
/// differs by release and is known for few (FACTS.md, version-internal); here it is that of 4.3.0.
pub(super) fn internal(version: Version) -> u64 {
    const BRANCH: u64 = 1_427_864_400_000;
    let [major, minor, patch, _] = version.parts();
    BRANCH + u64::from(major) * 100 + u64::from(minor) * 10 + u64::from(patch)
}
