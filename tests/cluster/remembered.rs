//! What is to be remembered: memory of another format is left as it is, and where the API server does not keep it nothing is done.

use std::sync::Arc;

use codeupgrade::api::{self, CodeUpgrade};
use codeupgrade::operator::Options;
use codeupgrade::operator::clock::Clock;
use codeupgrade::playground::site::Site;
use codeupgrade::playground::stage;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::Api;
use kube::api::{ApiResource, DynamicObject, PostParams};
use serde_json::{Value, json};

use super::case::{Case, Outcome, case};
use super::environment::{Environment, Error, Setting, UPGRADE, set_up};
use super::operator::{ACCOUNT, Operator, SPEED, paced};
use super::wait::{eventually, until_status};

pub(crate) fn cases() -> Vec<Case> {
    vec![case("memory_that_cannot_be_read_or_kept_is_told_and_nothing_is_done", nothing_is_done)]
}

const SCENARIO: &str = "
authority: {name: authority, version: 4.2.3.1}
storage: [{name: storage-01, version: 4.2.3.1}]
";

/// Where the schema of memory is in the definition.
const MEMORY: &str = "/spec/versions/0/schema/openAPIV3Schema/properties/status/properties/memory";

async fn nothing_is_done(_: Arc<Environment>) -> Outcome {
    let own = Environment::own("remembered").await?;
    let outcome = both(&own).await;
    own.end(outcome.is_err()).await?;
    Ok(outcome?)
}

async fn both(own: &Environment) -> Result<(), Error> {
    stage::install(&own.client).await?;
    let (clock, _pace) = paced(&own.client, SPEED);
    let operator = Operator::start_again(&own.plane, &own.client, &clock, Options::default()).await?;
    newer_memory(own, &clock).await?;
    older_definition(own, &clock).await?;
    operator.stop().await
}

/// An operator of tomorrow wrote the object, and its definition; now this one looks at it.
async fn newer_memory(own: &Environment, clock: &Clock) -> Result<(), Error> {
    let site = set_up(&own.client, "newer", Setting::of(SCENARIO), clock).await?;
    site.commit(UPGRADE, site.wanting("4.3.5.3".parse()?)).await?;
    let waits = |status: &codeupgrade::api::CodeUpgradeStatus| status.reason == "PostUpgradeWait";
    until_status(&own.client, clock, &site, waits).await?;
    let ours = memory(own, &site).await?;
    let of_tomorrow = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    define(own, |definition| {
        *definition.pointer_mut(MEMORY).unwrap_or(&mut Value::Null) = of_tomorrow.clone();
    })
    .await?;
    for (theirs, reason) in [
        (json!({"formatVersion": 2, "wait": "until the moon is full", "hop": {"wings": 2}}), "MemoryTooNew"),
        (json!({"formatVersion": 1, "wait": "until the moon is full"}), "MemoryUnreadable"),
    ] {
        remember(own, &site, &theirs).await?;
        let status = until_status(&own.client, clock, &site, |status| status.reason == reason).await?;
        assert_eq!(status.phase, "Stalled", "{}", status.message);
        assert_eq!(memory(own, &site).await?, theirs, "it is left as it is");
    }
    remember(own, &site, &ours).await?;
    until_status(&own.client, clock, &site, waits).await?;
    define(own, |_| {}).await
}

/// The definition is that of yesterday, which knew of no hop.
async fn older_definition(own: &Environment, clock: &Clock) -> Result<(), Error> {
    define(own, |definition| {
        let properties = definition.pointer_mut(&format!("{MEMORY}/properties"));
        properties.and_then(Value::as_object_mut).map(|properties| properties.remove("hop"));
    })
    .await?;
    let site = set_up(&own.client, "older", Setting::of(SCENARIO), clock).await?;
    let mut spec = site.wanting("4.3.5.3".parse()?);
    spec["lastUpgrade"] = json!({"release": "4.2.3.1", "finishedAt": "2016-01-01T00:00:00Z"});
    site.commit(UPGRADE, spec).await?;
    let status =
        until_status(&own.client, clock, &site, |status| status.reason == "DefinitionTooOld").await?;
    assert_eq!(status.phase, "Stalled");
    assert!(status.mend.is_some_and(|mend| mend.contains("kubectl apply --server-side -f crds/")));
    assert!(memory(own, &site).await?.get("settled").is_some(), "what was remembered before is still there");
    let events = own.plane.audit_log().events().await?;
    let is_roll = |event: &&codeupgrade::playground::control_plane::AuditEvent| {
        let request = event.request.as_ref();
        event.user == ACCOUNT
            && event.is_effective()
            && request.is_some_and(|request| request.pointer("/spec/template").is_some())
    };
    assert_eq!(events.iter().find(is_roll), None, "nothing is done that is not remembered");

    define(own, |_| {}).await?;
    until_status(&own.client, clock, &site, |status| status.phase == "Done").await?;
    assert_eq!(site.servers_not_at("4.3.5.3".parse()?), Vec::<String>::new());
    Ok(())
}

/// Applies the definition of `CodeUpgrade` with a change.
async fn define(own: &Environment, change: impl Fn(&mut Value)) -> Result<(), Error> {
    for definition in api::crds() {
        let mut definition = serde_json::to_value(definition)?;
        if definition["spec"]["names"]["kind"] == "CodeUpgrade" {
            change(&mut definition);
            stage::apply::<CustomResourceDefinition>(&own.client, None, definition).await?;
        }
    }
    Ok(())
}

fn upgrades(own: &Environment, site: &Site) -> Api<DynamicObject> {
    let resource = ApiResource::erase::<CodeUpgrade>(&());
    Api::namespaced_with(own.client.clone(), &site.namespace, &resource)
}

/// The memory as it is stored.
async fn memory(own: &Environment, site: &Site) -> Result<Value, Error> {
    Ok(upgrades(own, site).get(UPGRADE).await?.data["status"]["memory"].clone())
}

/// Puts another memory in its place, as soon as the definition lets it and nobody writes in between.
async fn remember(own: &Environment, site: &Site, memory: &Value) -> Result<(), Error> {
    let upgrades = upgrades(own, site);
    eventually("another memory", async || {
        let mut object = upgrades.get(UPGRADE).await?;
        object.data["status"]["memory"] = memory.clone();
        let replaced = upgrades.replace_status(UPGRADE, &PostParams::default(), &object).await;
        Ok(replaced.ok().filter(|replaced| replaced.data["status"]["memory"] == *memory).map(|_| ()))
    })
    .await
}
