//! `codeupgrade devices`: the devices of an environment, where each is in its rollout, and why. Read-only.
//!
//! The operator is asked through the API server's proxy, with a token made for this purpose alone, by an account that may
//! `get codeupgrades/devices`.

mod text;

use std::fmt::Write as _;
use std::process::ExitCode;

use k8s_openapi::api::authentication::v1::{TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::ServiceAccount;
use kube::api::PostParams;
use kube::{Api, Client};

use super::output::{fail, print};
use crate::api::devices::{DevicePage, DeviceQuery, TOKEN_AUDIENCE, TOKEN_HEADER};
use crate::api::problem::said;
use crate::planner::rollout::DeviceVerdict;

/// Through the proxy any replica may answer, and only one of them acts: it is asked again so often.
const TRIES: u32 = 10;

/// How long the token is good for, in seconds: the least that an API server grants.
const TOKEN_FOR: i64 = 600;

/// Options of `devices`.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The `CodeUpgrade`.
    name: String,
    /// Its namespace; that of the kubeconfig's context where absent.
    #[arg(short, long)]
    namespace: Option<String>,
    /// Only devices in these states, such as Failed,Lost.
    #[arg(long, value_delimiter = ',')]
    state: Vec<String>,
    /// Only devices of this group.
    #[arg(long)]
    group: Option<String>,
    /// Everything about one device, by its guid: its place in the rollout, its state, and why.
    #[arg(long, conflicts_with_all = ["state", "group", "after", "counts"])]
    explain: Option<u64>,
    /// How many there are by group, app and state, instead of the devices.
    #[arg(long, conflicts_with = "after")]
    counts: bool,
    /// Their names too. The authority is asked for each, so that a page has at most 100.
    #[arg(long, conflicts_with = "counts")]
    names: bool,
    /// Most devices to print, from 1 to 5000.
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u16).range(1..=5000))]
    limit: u16,
    /// Go on behind this guid: where the last page ended.
    #[arg(long)]
    after: Option<u64>,
    /// How to print them.
    #[arg(short, long, value_enum, default_value_t = Output::Text)]
    output: Output,
    /// The account of the `CodeUpgrade`'s namespace to ask as: it may get codeupgrades/devices, and you may create tokens for it.
    #[arg(long, default_value = "codeupgrade-viewer")]
    account: String,
    /// The operator's Service, NAMESPACE/NAME:PORT.
    #[arg(long, default_value = "codeupgrade/codeupgrade:8080")]
    service: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Output {
    Text,
    Wide,
    Json,
}

pub(super) fn main(arguments: &Arguments) -> ExitCode {
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return fail(format!("no runtime could be started: {error}"), None),
    };
    match runtime.block_on(ask(arguments)).and_then(|page| render(arguments, &page)) {
        Ok(text) => {
            print(&text);
            ExitCode::SUCCESS
        }
        Err(error) => fail(error, None),
    }
}

fn render(arguments: &Arguments, page: &DevicePage) -> Result<String, String> {
    if arguments.output == Output::Json {
        return serde_json::to_string_pretty(page).map(|text| text + "\n").map_err(|error| error.to_string());
    }
    if let Some(guid) = arguments.explain {
        let device = page
            .items
            .first()
            .ok_or_else(|| format!("the authority lists no device {guid} (read {})", page.listed_at))?;
        return Ok(text::explain(page, device));
    }
    if arguments.counts {
        return Ok(text::counts(page));
    }
    Ok(text::list(page, arguments.output == Output::Wide))
}

async fn ask(arguments: &Arguments) -> Result<DevicePage, String> {
    let path = query(arguments)?;
    let config = kube::Config::infer().await.map_err(|error| format!("no cluster is configured: {error}"))?;
    let namespace = arguments.namespace.clone().unwrap_or_else(|| config.default_namespace.clone());
    let client = Client::try_from(config).map_err(|error| said(&error))?;
    let token = token(&client, &namespace, &arguments.account).await?;
    let (operators, service) = arguments
        .service
        .split_once('/')
        .ok_or_else(|| format!("--service {}: write NAMESPACE/NAME:PORT", arguments.service))?;
    let url = format!(
        "/api/v1/namespaces/{operators}/services/{service}/proxy/devices/{namespace}/{}?{path}",
        arguments.name
    );
    for attempt in 1.. {
        let request = http_request(&url, &token)?;
        match client.request_text(request).await {
            Ok(text) => {
                let unreadable = |error| format!("the operator's answer cannot be read: {error}");
                return serde_json::from_str(&text).map_err(unreadable);
            }
            Err(kube::Error::Api(status)) if status.code == 503 && attempt < TRIES => {}
            Err(kube::Error::Api(status)) => return Err(status.message),
            Err(error) => return Err(format!("the operator could not be asked: {}", said(&error))),
        }
    }
    Err("no replica of the operator acts".to_owned())
}

fn http_request(url: &str, token: &str) -> Result<axum::http::Request<Vec<u8>>, String> {
    axum::http::Request::get(url)
        .header(TOKEN_HEADER, token)
        .body(Vec::new())
        .map_err(|error| error.to_string())
}

/// The query; its words are checked here, so that a typing error costs no question.
fn query(arguments: &Arguments) -> Result<String, String> {
    for state in &arguments.state {
        DeviceVerdict::named(state).map_err(|problem| format!("--state {state}: {problem}"))?;
    }
    let query = DeviceQuery {
        state: (!arguments.state.is_empty()).then(|| arguments.state.join(",")),
        group: arguments.group.clone(),
        guid: arguments.explain,
        after: arguments.after,
        limit: Some(usize::from(if arguments.counts { 1 } else { arguments.limit })),
        names: arguments.names || arguments.explain.is_some(),
    };
    let DeviceQuery { state, group, guid, after, limit, names } = query;
    let number = |number: Option<u64>| number.map(|number| number.to_string());
    let pairs = [
        ("state", state),
        ("group", group),
        ("guid", number(guid)),
        ("after", number(after)),
        ("limit", limit.map(|limit| limit.to_string())),
        ("names", names.then(|| names.to_string())),
    ];
    let pairs = pairs.into_iter().filter_map(|(key, value)| Some(format!("{key}={}", escaped(&value?))));
    Ok(pairs.collect::<Vec<_>>().join("&"))
}

/// A value as it may stand in a query (RFC 3986, section 2.3).
fn escaped(value: &str) -> String {
    let mut text = String::new();
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~,".contains(&byte) {
            text.push(char::from(byte));
        } else {
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text
}

async fn token(client: &Client, namespace: &str, account: &str) -> Result<String, String> {
    let api: Api<ServiceAccount> = Api::namespaced(client.clone(), namespace);
    let request = TokenRequest {
        spec: TokenRequestSpec {
            audiences: vec![TOKEN_AUDIENCE.to_owned()],
            expiration_seconds: Some(TOKEN_FOR),
            bound_object_ref: None,
        },
        ..TokenRequest::default()
    };
    let answer = api.create_token_request(account, &PostParams::default(), &request).await;
    let answer = answer.map_err(|error| {
        format!("no token could be made for ServiceAccount {namespace}/{account}: {}", said(&error))
    })?;
    answer.status.map(|status| status.token).ok_or_else(|| "the API server made no token".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_escaped_for_a_query() {
        assert_eq!(escaped("Failed,Lost"), "Failed,Lost");
        assert_eq!(escaped("a b&c=ü"), "a%20b%26c%3D%C3%BC");
    }
}
