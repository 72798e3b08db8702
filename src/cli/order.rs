//! `codeupgrade approve`, `pause`, `resume`, `retry`, `adopt` and `abandon`: what a person says at one moment, as an object of its own.
//!
//! Never an edit of the spec: no tool for GitOps undoes it, and whoever may order need not be allowed to edit.

use std::process::ExitCode;
use std::time::Duration;

use k8s_openapi::api::authentication::v1::SelfSubjectReview;
use kube::api::{ObjectMeta, PostParams};
use kube::{Api, Client, ResourceExt as _};

use super::cluster::{Cluster, Connection, block_on, refused};
use super::output::{fail, print};
use crate::api::code_upgrade_order::{OrderAction, OrderState};
use crate::api::duration;
use crate::api::{CodeUpgradeOrder, CodeUpgradeOrderSpec};
use crate::operator::clock;
use crate::screens::Environment;
use crate::screens::environment::verb;

/// Options of every order.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The `CodeUpgrade`; the only one of the namespace where absent.
    name: Option<String>,
    /// Why: kept in the history.
    #[arg(long)]
    reason: Option<String>,
    /// Who gives it; where absent who the API server says you are.
    #[arg(long)]
    by: Option<String>,
    /// How long it may wait for the moment that it is for, such as 3d.
    #[arg(long)]
    expires_after: Option<String>,
    /// Give it although nothing asks for it now: it waits for its moment.
    #[arg(long)]
    anyway: bool,
    /// Wait up to so long, such as 1m, until it is answered: exit code 1 where it is refused, 124 where no answer came.
    #[arg(long)]
    wait: Option<String>,
    #[command(flatten)]
    connection: Connection,
}

/// Options of orders that are for something.
#[derive(Debug, clap::Args)]
pub(super) struct Subject {
    /// What it is for, such as "4.2.3.1->4.3.5.3 servers", "4.3.5.3 devices", "group NAME" or "server NAME"; where absent what the
    /// operator asks for, if that is one thing.
    #[arg(long = "for", value_name = "SUBJECT")]
    subject: Option<String>,
    #[command(flatten)]
    arguments: Arguments,
}

/// Options of `pause`.
#[derive(Debug, clap::Args)]
pub(super) struct Pause {
    /// Hold storage servers in mid-hop too, although they then cannot take backups.
    #[arg(long)]
    now: bool,
    #[command(flatten)]
    arguments: Arguments,
}

/// Gives an order that is for something.
pub(super) fn about(subject: &Subject, action: OrderAction) -> ExitCode {
    end(block_on(give(&subject.arguments, Wanted { action, subject: subject.subject.clone(), now: false })))
}

/// Gives an order that is for the whole environment.
pub(super) fn plain(arguments: &Arguments, action: OrderAction) -> ExitCode {
    end(block_on(give(arguments, Wanted { action, subject: None, now: false })))
}

/// Pauses.
pub(super) fn pause(pause: &Pause) -> ExitCode {
    let wanted = Wanted { action: OrderAction::Pause, subject: None, now: pause.now };
    end(block_on(give(&pause.arguments, wanted)))
}

fn end(outcome: Result<u8, String>) -> ExitCode {
    match outcome {
        Ok(code) => ExitCode::from(code),
        Err(error) => fail(error, None),
    }
}

/// What is ordered.
struct Wanted {
    action: OrderAction,
    subject: Option<String>,
    now: bool,
}

async fn give(arguments: &Arguments, wanted: Wanted) -> Result<u8, String> {
    let patience = arguments.wait.as_deref().map(patience).transpose()?;
    let cluster = Cluster::connect(&arguments.connection).await?;
    let environment = Environment::of(&cluster.upgrade(arguments.name.as_deref()).await?);
    let subject = subject(&environment, &wanted, arguments.anyway)?;
    let by = match &arguments.by {
        Some(by) => by.clone(),
        None => who(&cluster.client).await?,
    };
    let verb = verb(wanted.action);
    let spec = CodeUpgradeOrderSpec {
        upgrade: environment.name.clone(),
        action: wanted.action,
        r#for: subject,
        reason: arguments.reason.clone(),
        by,
        expires_after: arguments.expires_after.clone(),
        now: wanted.now,
    };
    let mut order = CodeUpgradeOrder::new("", spec);
    order.metadata =
        ObjectMeta { generate_name: Some(format!("{}-{verb}-", environment.name)), ..ObjectMeta::default() };
    let created = cluster.orders().create(&PostParams::default(), &order).await;
    let namespace = Some(cluster.namespace.as_str());
    let created = created.map_err(|error| refused("create", "codeupgradeorders", namespace, &error))?;
    let name = created.name_any();
    let subject = created.spec.r#for.as_ref().map_or_else(String::new, |text| format!(" \"{text}\""));
    let Environment { namespace, name: upgrade, .. } = &environment;
    print(&format!("order {name}: {verb}{subject} for {namespace}/{upgrade}\n"));
    match patience {
        None => Ok(0),
        Some(patience) => answer(&cluster, &name, patience).await,
    }
}

/// What the order is for: as it was said, or the one thing that the operator asks for.
fn subject(environment: &Environment, wanted: &Wanted, anyway: bool) -> Result<Option<String>, String> {
    let verb = verb(wanted.action);
    let asked = environment.status.asks.iter().filter(|ask| ask.action == wanted.action);
    let asked: Vec<Option<&String>> = asked.map(|ask| ask.r#for.as_ref()).collect();
    match (&wanted.subject, asked.as_slice()) {
        (Some(subject), _) => Ok(Some(subject.clone())),
        (None, [only]) => Ok(only.cloned()),
        (None, []) if anyway || !environment.observed => Ok(None),
        (None, []) => Err(format!(
            "nothing to {verb} now in {}/{}: {}: {}; --anyway gives the order all the same",
            environment.namespace,
            environment.name,
            environment.phase(),
            environment.message()
        )),
        (None, several) => {
            let several: Vec<String> = several
                .iter()
                .map(|subject| format!("--for \"{}\"", subject.map_or("", String::as_str)))
                .collect();
            Err(format!("there are several things to {verb}, say which: {}", several.join(", ")))
        }
    }
}

/// Who asks, as the API server knows them.
async fn who(client: &Client) -> Result<String, String> {
    let reviews: Api<SelfSubjectReview> = Api::all(client.clone());
    let review = reviews.create(&PostParams::default(), &SelfSubjectReview::default()).await;
    let name = review.ok().and_then(|review| review.status?.user_info?.username);
    name.ok_or_else(|| "the API server does not say who you are: write --by".to_owned())
}

fn patience(text: &str) -> Result<Duration, String> {
    let length = duration::parse(text).map_err(|error| format!("--wait {text}: {error}"))?;
    length.try_into().map_err(|_| format!("--wait {text}: it is no time to wait"))
}

/// Between two looks at the order.
const PAUSE: Duration = Duration::from_millis(500);

/// What becomes of the order. An approval waits for its moment, which is no refusal.
async fn answer(cluster: &Cluster, name: &str, patience: Duration) -> Result<u8, String> {
    let begun = clock::instant();
    loop {
        let order = cluster.orders().get(name).await;
        let namespace = Some(cluster.namespace.as_str());
        let order = order.map_err(|error| refused("get", "codeupgradeorders", namespace, &error))?;
        let message = order.status.as_ref().and_then(|status| status.message.clone()).unwrap_or_default();
        match order.status.as_ref().map(|status| status.state) {
            Some(OrderState::Consumed) => {
                print(&format!("order {name} is followed\n"));
                return Ok(0);
            }
            Some(OrderState::Refused | OrderState::Expired) => {
                return Err(format!("order {name} is not followed: {message}"));
            }
            Some(OrderState::Pending) if order.spec.action == OrderAction::Approve => {
                print(&format!("order {name} is heard, and waits for its moment\n"));
                return Ok(0);
            }
            Some(OrderState::Pending) | None => {}
        }
        if begun.elapsed() >= patience {
            print(&format!("order {name} is not answered yet\n"));
            return Ok(124);
        }
        clock::sleep(PAUSE).await;
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn asking(asks: &serde_json::Value) -> Environment {
        let object = json!({
            "metadata": {"name": "production", "namespace": "code42", "generation": 1},
            "spec": {"authority": {"url": "https://a:4285", "credentials": "c"}},
            "status": {"observedGeneration": 1, "phase": "Stalled", "message": "it is stuck", "asks": asks},
        });
        Environment::of(&serde_json::from_value(object).unwrap())
    }

    fn wanted(action: OrderAction, subject: Option<&str>) -> Wanted {
        Wanted { action, subject: subject.map(str::to_owned), now: false }
    }

    #[test]
    fn what_is_asked_is_what_is_ordered() {
        let one = asking(&json!([
            {"action": "Retry", "for": "group it", "text": "let it go on"},
            {"action": "Abandon", "text": "give up"},
        ]));
        let retry = wanted(OrderAction::Retry, None);
        assert_eq!(subject(&one, &retry, false), Ok(Some("group it".to_owned())));
        assert_eq!(subject(&one, &wanted(OrderAction::Abandon, None), false), Ok(None));
        let said = wanted(OrderAction::Retry, Some("group other"));
        assert_eq!(subject(&one, &said, false), Ok(Some("group other".to_owned())));
        let several = asking(&json!([
            {"action": "Retry", "for": "group it", "text": "x"},
            {"action": "Retry", "for": "server s", "text": "x"},
        ]));
        assert!(
            subject(&several, &retry, false).unwrap_err().ends_with("--for \"group it\", --for \"server s\"")
        );
        let none = asking(&json!([]));
        assert!(subject(&none, &retry, false).unwrap_err().contains("Stalled: it is stuck; --anyway"));
        assert_eq!(subject(&none, &retry, true), Ok(None));
    }
}
