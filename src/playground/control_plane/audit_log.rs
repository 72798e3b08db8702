//! Reading the API server's audit log: which writes there were, by whom, in which order.
//!
//! It is the one record of a run that neither the operator nor the simulator can colour.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::error::Error;

/// The audit log of one control plane: a line for each write, in the order in which they were answered.
#[derive(Debug, Clone)]
pub struct AuditLog {
    path: PathBuf,
}

/// One write that the API server answered.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditEvent {
    /// `create`, `update`, `patch`, `delete` or `deletecollection`.
    pub verb: String,
    /// Who sent the request, such as `system:serviceaccount:code42:operator`.
    pub user: String,
    /// Whom that user acted as, if it impersonated another.
    pub impersonated: Option<String>,
    /// API group of the object; empty for the core group.
    pub group: String,
    /// Plural name of the resource, such as `statefulsets`.
    pub resource: String,
    /// Such as `status`.
    pub subresource: Option<String>,
    /// Namespace of the object, if it has one.
    pub namespace: Option<String>,
    /// Name of the object. Absent where the server was to choose it, and for a whole collection.
    pub name: Option<String>,
    /// When the API server received the request.
    pub received_at: Timestamp,
    /// HTTP status of the answer.
    pub response_code: u16,
    /// What was sent, where the audit policy keeps it: for the groups of Code42 objects, workloads, leases and events.
    pub request: Option<Value>,
    /// Path and query of the request.
    pub uri: String,
}

impl AuditEvent {
    /// Whether the object was changed: the answer was a success and the request no dry run.
    pub fn is_effective(&self) -> bool {
        (200..300).contains(&self.response_code) && !self.is_dry_run()
    }

    /// Whether whoever asked went away before the answer: the object was changed or not.
    pub fn is_cut_off(&self) -> bool {
        self.response_code == 504 && !self.is_dry_run()
    }

    /// Whether the server was only asked what it would do.
    pub fn is_dry_run(&self) -> bool {
        self.uri.split(['?', '&']).skip(1).any(|parameter| parameter.starts_with("dryRun="))
    }
}

impl AuditLog {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path }
    }

    /// Path of the log file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// All events so far. The server writes an event just after it has answered, so the last ones may be missing for a moment.
    ///
    /// # Errors
    /// The file cannot be read, or a whole line of it is not an audit event.
    pub async fn events(&self) -> Result<Vec<AuditEvent>, Error> {
        let text = tokio::fs::read_to_string(&self.path).await;
        self.parse(&text.map_err(|source| Error::file("read", &self.path, source))?)
    }

    fn parse(&self, text: &str) -> Result<Vec<AuditEvent>, Error> {
        // The last piece is empty, or a line that is still being written.
        let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
        let parse = |(index, line)| {
            let error = |source| Error::AuditLine { path: self.path.clone(), line: index + 1, source };
            serde_json::from_str::<Record>(line).map(AuditEvent::from).map_err(error)
        };
        whole.lines().enumerate().map(parse).collect()
    }
}

/// The part of an `audit.k8s.io/v1` Event that is read; what it has beyond that is left alone.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    verb: String,
    user: User,
    impersonated_user: Option<User>,
    #[serde(default)]
    object_ref: ObjectReference,
    request_received_timestamp: Timestamp,
    #[serde(default)]
    response_status: ResponseStatus,
    request_object: Option<Value>,
    #[serde(rename = "requestURI")]
    uri: String,
}

#[derive(Deserialize)]
struct User {
    #[serde(default)]
    username: String,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct ObjectReference {
    api_group: String,
    resource: String,
    subresource: Option<String>,
    namespace: Option<String>,
    name: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct ResponseStatus {
    code: u16,
}

impl From<Record> for AuditEvent {
    fn from(record: Record) -> Self {
        let Record {
            verb,
            user,
            impersonated_user,
            object_ref,
            request_received_timestamp,
            response_status,
            request_object,
            uri,
        } = record;
        let ObjectReference { api_group, resource, subresource, namespace, name } = object_ref;
        Self {
            verb,
            user: user.username,
            impersonated: impersonated_user.map(|user| user.username),
            group: api_group,
            resource,
            subresource,
            namespace,
            name,
            received_at: request_received_timestamp,
            response_code: response_status.code,
            request: request_object,
            uri,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATCH: &str = r#"{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Request","auditID":"1","stage":"ResponseComplete","requestURI":"/apis/apps/v1/namespaces/code42/statefulsets/storage?dryRun=All&fieldManager=x","verb":"patch","user":{"username":"operator","groups":["a"]},"impersonatedUser":{"username":"upgrader"},"objectRef":{"resource":"statefulsets","namespace":"code42","name":"storage","apiGroup":"apps","apiVersion":"v1"},"responseStatus":{"metadata":{},"code":200},"requestObject":{"spec":{}},"requestReceivedTimestamp":"2026-01-02T03:04:05.678901Z","stageTimestamp":"2026-01-02T03:04:05.700000Z","annotations":{}}"#;

    fn parse(text: &str) -> Result<Vec<AuditEvent>, Error> {
        AuditLog::new("audit.jsonl".into()).parse(text)
    }

    #[test]
    fn reads_what_tests_ask_about() {
        let events = parse(&format!("{PATCH}\n")).unwrap();
        assert_eq!(
            events,
            [AuditEvent {
                verb: "patch".into(),
                user: "operator".into(),
                impersonated: Some("upgrader".into()),
                group: "apps".into(),
                resource: "statefulsets".into(),
                subresource: None,
                namespace: Some("code42".into()),
                name: Some("storage".into()),
                received_at: "2026-01-02T03:04:05.678901Z".parse().unwrap(),
                response_code: 200,
                request: Some(serde_json::json!({"spec": {}})),
                uri: "/apis/apps/v1/namespaces/code42/statefulsets/storage?dryRun=All&fieldManager=x".into(),
            }]
        );
        assert!(events[0].is_dry_run() && !events[0].is_effective());
    }

    #[test]
    fn leaves_out_a_line_that_is_still_being_written() {
        assert_eq!(parse("").unwrap(), []);
        assert_eq!(parse(&PATCH[..40]).unwrap(), []);
        assert_eq!(parse(&format!("{PATCH}\n{}", &PATCH[..40])).unwrap().len(), 1);
    }

    #[test]
    fn names_the_line_that_is_no_event() {
        let error = parse(&format!("{PATCH}\n{{}}\n")).unwrap_err();
        assert!(error.to_string().starts_with("line 2 of audit.jsonl is not an audit event: "), "{error}");
    }
}
