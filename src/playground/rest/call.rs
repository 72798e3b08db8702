//! One request, taken apart.

use axum::extract::{Query, Request};
use axum::http::{HeaderMap, Method};
use serde_json::Value;

/// Longest body that is read, in bytes: the API takes small objects only.
const MAX_BODY: usize = 64 << 10;

/// What is wrong with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unreadable {
    /// Its body is longer than any that the API takes.
    TooLarge,
    /// Its query is none.
    Query,
    /// Its path names no resource.
    Path,
}

/// A call of the API.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) method: Method,
    /// The resource in lower case and in the singular.
    pub(super) resource: String,
    /// What stands after the resource, as it was written.
    pub(super) rest: Vec<String>,
    pub(super) query: Vec<(String, String)>,
    pub(super) headers: HeaderMap,
    /// The body; null where it is empty or no JSON.
    pub(super) body: Value,
}

impl Call {
    /// Reads a request, or says what is wrong with it.
    pub(super) async fn read(request: Request) -> Result<Self, Unreadable> {
        let (parts, body) = request.into_parts();
        let bytes = axum::body::to_bytes(body, MAX_BODY).await.map_err(|_| Unreadable::TooLarge)?;
        let Query(query) =
            Query::<Vec<(String, String)>>::try_from_uri(&parts.uri).map_err(|_| Unreadable::Query)?;
        let (resource, rest) = resource(parts.uri.path()).ok_or(Unreadable::Path)?;
        Ok(Self {
            method: parts.method,
            resource,
            rest,
            query,
            headers: parts.headers,
            body: serde_json::from_slice(&bytes).unwrap_or_default(),
        })
    }

    /// The last value of a parameter; an empty one counts as absent.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        let named = |(key, _): &&(String, String)| key.eq_ignore_ascii_case(name);
        let value = self.query.iter().rev().find(named).map(|(_, value)| value.as_str())?;
        (!value.is_empty()).then_some(value)
    }

    /// A parameter that says yes or no. Python writes `True`.
    pub(super) fn switch(&self, name: &str) -> Option<bool> {
        let value = self.parameter(name)?;
        if value.eq_ignore_ascii_case("true") {
            Some(true)
        } else if value.eq_ignore_ascii_case("false") {
            Some(false)
        } else {
            None
        }
    }

    /// What stands after the resource, if that is one thing.
    pub(super) fn target(&self) -> Option<&str> {
        match self.rest.as_slice() {
            [target] => Some(target),
            _ => None,
        }
    }

    pub(super) fn is_get(&self) -> bool {
        self.method == Method::GET
    }
}

/// The resource of a path, and what stands after it.
fn resource(path: &str) -> Option<(String, Vec<String>)> {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let lower: Vec<String> = parts.iter().map(|part| part.to_lowercase()).collect();
    let lower: Vec<&str> = lower.iter().map(String::as_str).collect();
    let skipped = match lower.as_slice() {
        ["c42api" | "api", "v3", "auth", ..] => 3,
        ["api", version, ..] if is_version(version) => 2,
        ["api", ..] => 1,
        _ => return None,
    };
    let resource = lower.get(skipped)?;
    // Both forms are on record for destinations; a settings resource keeps its s.
    let singular = match *resource {
        "serversettings" | "orgsettings" => resource,
        plural => plural.strip_suffix('s').unwrap_or(plural),
    };
    let rest = parts[skipped + 1..].iter().map(|part| (*part).to_owned()).collect();
    Some((singular.to_owned(), rest))
}

fn is_version(part: &str) -> bool {
    part.strip_prefix('v')
        .is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_vendor_writes_paths_in_many_ways() {
        for (path, expected, after) in [
            ("/api/Server", "server", &[][..]),
            ("/api/v1/Server/this", "server", &["this"]),
            ("/api/destinations", "destination", &[]),
            ("/api/serverSettings/1", "serversettings", &["1"]),
            ("/api/v3/auth/jwt", "jwt", &[]),
            ("/c42api/v3/auth/jwt", "jwt", &[]),
            ("/api/v4/device-upgrade/upgrade-device", "device-upgrade", &["upgrade-device"]),
            ("/api/authToken/AbC-dEf", "authtoken", &["AbC-dEf"]),
        ] {
            let (found, rest) = resource(path).unwrap();
            assert_eq!(
                (found.as_str(), rest),
                (expected, after.iter().map(ToString::to_string).collect()),
                "{path}"
            );
        }
        for path in ["/", "/api", "/console", "/api/v1"] {
            assert_eq!(resource(path), None, "{path}");
        }
    }
}
