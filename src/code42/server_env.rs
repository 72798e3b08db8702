//! What the answering server says of itself, without listing others: `/api/ServerEnv`.
//!
//! 4.x answers JavaScript, `window.serverEnv = {…};`; later versions answer JSON without a frame
//! (FACTS.md, api-server-env).

mod object_literal;

use serde_json::{Map, Value};

use super::bounded::excerpt;
use super::call::Call;
use super::client::{Answer, Client};
use super::error::{Error, Mismatch};
use super::identity::{ClusterServerId, Guid, ServerId};
use super::record::Record;
use super::servers::ServerType;

/// What a server says of itself. Texts are bounded and escaped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerEnvironment {
    /// Its version as written, such as `4.3.0`.
    pub product_version: String,
    /// The CrashPlan app that it brings.
    pub client_product_version: Option<String>,
    /// The SharePlan app that it brings.
    pub share_plan_product_version: Option<String>,
    /// The vendor's internal number of the version; never to be compared across series
    /// (FACTS.md, version-internal).
    pub internal_version: Option<u64>,
    /// Its lasting identity, where it is told.
    pub server_guid: Option<Guid>,
    /// Its id in its environment.
    pub server_id: Option<ServerId>,
    /// Under which id the settings of its cluster are kept.
    pub cluster_server_id: Option<ClusterServerId>,
    /// What it is, where it is told.
    pub server_type: Option<ServerType>,
    /// Whether it is the enterprise edition, where it is told.
    pub enterprise: Option<bool>,
    /// Whether somebody has still to unlock its keystore before it works (FACTS.md, manual-keystore).
    pub secure_keystore_locked: Option<bool>,
}

/// The resource answers this before the object.
const ASSIGNMENT: &str = "window.serverEnv";

impl Client {
    /// Asks the answering server what it is.
    ///
    /// # Errors
    /// Any [`Error`]; [`Error::Unexpected`] where it does not say its version.
    pub async fn server_environment(&self) -> Result<Answer<ServerEnvironment>, Error> {
        let call = Call::get("ServerEnv");
        let answer = self.send(&call).await?;
        let value = read(&answer.body).map_err(|mismatch| self.unexpected(&call, &answer, mismatch))?;
        // The answer has no frame, so the header is the only clock in it.
        Ok(Answer { value, authority_time: answer.date, utc_offset_seconds: None, date: answer.date })
    }
}

fn read(body: &str) -> Result<ServerEnvironment, Mismatch> {
    let record = Record::new("serverEnv", fields(body)?);
    Ok(ServerEnvironment {
        product_version: record
            .version("productVersion")?
            .ok_or_else(|| record.mismatch("productVersion", "a version"))?,
        client_product_version: record.optional_text("clientProductVersion"),
        share_plan_product_version: record.optional_text("spClientProductVersion"),
        internal_version: record.optional_number("version"),
        server_guid: record.optional_guid("serverGuid"),
        server_id: record.optional_number("serverId").map(ServerId),
        cluster_server_id: record.optional_number("clusterServerId").map(ClusterServerId),
        server_type: record.child("serverType").and_then(|flags| server_type(&flags)),
        enterprise: record.child("clusterType").and_then(|flags| flags.optional_flag("enterprise")),
        secure_keystore_locked: record.optional_flag("secureKeystoreLocked"),
    })
}

/// The object in the answer: JavaScript, JSON, or JSON in the frame that other resources have.
fn fields(body: &str) -> Result<Map<String, Value>, Mismatch> {
    let text = body.trim();
    let object = match text.strip_prefix(ASSIGNMENT) {
        Some(rest) => rest.trim_start().strip_prefix('=').and_then(object_literal::parse),
        None => serde_json::from_str(text).ok(),
    };
    match object {
        Some(Value::Object(mut fields)) => match fields.remove("data") {
            Some(Value::Object(data)) => Ok(data),
            Some(_) | None => Ok(fields),
        },
        Some(_) | None => Err(Mismatch {
            place: "body".to_owned(),
            expected: "window.serverEnv = {…} or JSON",
            excerpt: excerpt(body),
        }),
    }
}

/// A server that says it is a master is the authority, even if it also stores.
fn server_type(flags: &Record) -> Option<ServerType> {
    match (flags.optional_flag("master"), flags.optional_flag("storage")) {
        (Some(true), _) => Some(ServerType::Authority),
        (_, Some(true)) => Some(ServerType::Storage),
        (Some(false) | None, Some(false) | None) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_with_and_without_a_frame_is_read_like_javascript() {
        for body in [
            "window.serverEnv = {productVersion: '4.3.0', serverGuid: '7201', serverType: {master: true}};",
            "window.serverEnv={\"productVersion\":\"4.3.0\",\"serverGuid\":7201,serverType:{master:true,storage:true}}",
            r#"{"productVersion":"4.3.0","serverGuid":"7201","serverType":{"master":true,"storage":false}}"#,
            r#"{"metadata":{},"data":{"productVersion":"4.3.0","serverGuid":"7201","serverType":{"master":true}}}"#,
        ] {
            let environment = read(body).unwrap();
            assert_eq!(environment.product_version, "4.3.0", "{body}");
            assert_eq!(environment.server_guid, Guid::parse("7201"), "{body}");
            assert_eq!(environment.server_type, Some(ServerType::Authority), "{body}");
        }
    }

    #[test]
    fn the_edition_is_told_or_not() {
        for (cluster_type, enterprise) in [
            ("{consumer: false, business: false, enterprise: true}", Some(true)),
            ("{consumer: false, business: true, enterprise: false}", Some(false)),
            ("{}", None),
            ("null", None),
        ] {
            let body =
                format!("window.serverEnv = {{productVersion: '4.3.0', clusterType: {cluster_type}}};");
            assert_eq!(read(&body).unwrap().enterprise, enterprise, "{cluster_type}");
        }
    }

    #[test]
    fn anything_else_is_said_to_be_so() {
        for (body, place) in [
            ("", "body"),
            ("<html></html>", "body"),
            ("[]", "body"),
            ("window.serverEnv = {productVersion: '4.3", "body"),
            ("window.otherEnv = {productVersion: '4.3.0'};", "body"),
            ("window.serverEnv = alert(1);", "body"),
            ("{}", "serverEnv.productVersion"),
            (r#"{"productVersion":null}"#, "serverEnv.productVersion"),
            (r#"{"productVersion":4.3}"#, "serverEnv.productVersion"),
        ] {
            assert_eq!(read(body).unwrap_err().place, place, "{body}");
        }
    }
}
