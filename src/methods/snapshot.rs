//! Snapshots of a server's volumes: the backup before a hop.
//!
//! `VolumeSnapshot` is not a built-in kind, so its objects are read and written without a type of their own. One backup
//! is one snapshot of each volume claim of the authority's pod, all with the same label; it counts when all are ready.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use k8s_openapi::api::apps::v1::{Deployment, StatefulSet};
use k8s_openapi::api::core::v1::Pod;
use kube::api::{ApiResource, DynamicObject, ListParams, PostParams};
use kube::core::GroupVersionKind;
use kube::{Api, Client, ResourceExt};
use serde_json::json;

use super::{Error, Outcome, own_pods};
use crate::api::problem::said;
use crate::planner::desired::{WorkloadKind, WorkloadRef};
use crate::planner::observed::BackupFacts;

/// Label of a snapshot: the `CodeUpgrade` that it was made for.
const UPGRADE_LABEL: &str = "codeupgrade.dev/upgrade";

/// Label of a snapshot: the backup that it is a part of.
const BACKUP_LABEL: &str = "codeupgrade.dev/backup";

/// Annotation of a snapshot: how many there are in its backup.
const PARTS_ANNOTATION: &str = "codeupgrade.dev/backup-parts";

/// A backup to make.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// The `CodeUpgrade` that it is for.
    pub upgrade: &'a str,
    /// Its name: the same for the same backup.
    pub name: &'a str,
    /// The authority's workload.
    pub workload: &'a WorkloadRef,
    /// The `VolumeSnapshotClass`.
    pub class: &'a str,
}

fn api(client: &Client, namespace: &str) -> Api<DynamicObject> {
    let kind = GroupVersionKind::gvk("snapshot.storage.k8s.io", "v1", "VolumeSnapshot");
    Api::namespaced_with(client.clone(), namespace, &ApiResource::from_gvk(&kind))
}

/// Looks for the backups that were made for an object.
pub async fn read(client: &Client, namespace: &str, upgrade: &str) -> BackupFacts {
    let parameters = ListParams::default().labels(&format!("{UPGRADE_LABEL}={upgrade}"));
    match api(client, namespace).list(&parameters).await {
        Ok(list) => facts(&list.items),
        Err(error) => BackupFacts { unreadable: Some(unreadable(&error)), ..BackupFacts::default() },
    }
}

/// Why snapshots could not be read. A server that does not have the kind answers with a page that says nothing.
fn unreadable(error: &kube::Error) -> String {
    match error {
        kube::Error::Api(status) if status.code == 404 => {
            "this cluster has no VolumeSnapshot API (snapshot.storage.k8s.io/v1)".to_owned()
        }
        other => format!("volume snapshots could not be read: {}", said(other)),
    }
}

/// Makes a backup: asks for a snapshot of each volume claim that the server's pod mounts.
///
/// # Errors
/// The server has no pod or no volume claim, or the API server refused.
pub async fn take(client: &Client, namespace: &str, wanted: Wanted<'_>) -> Result<Outcome, Error> {
    let failed = |verb, source| Error::Api {
        verb,
        namespace: namespace.to_owned(),
        workload: wanted.workload.clone(),
        source: Box::new(source),
    };
    let pods = pods_of(client, namespace, wanted.workload).await?;
    let claims = claims(&pods);
    if claims.is_empty() {
        return Err(Error::Unfit {
            namespace: namespace.to_owned(),
            workload: wanted.workload.clone(),
            problem: "no pod of it mounts a volume claim that could be snapshot".to_owned(),
        });
    }
    let mut outcome = Outcome::AlreadySo;
    for claim in &claims {
        let object = snapshot(wanted, claim, claims.len());
        match api(client, namespace).create(&PostParams::default(), &object).await {
            Ok(_) => outcome = Outcome::Changed,
            // The name says what it is: made before, by this very step.
            Err(kube::Error::Api(status)) if status.is_already_exists() => {}
            Err(error) => return Err(failed("snapshot", error)),
        }
    }
    Ok(outcome)
}

async fn pods_of(client: &Client, namespace: &str, workload: &WorkloadRef) -> Result<Vec<Pod>, Error> {
    let failed = |source| Error::Api {
        verb: "read",
        namespace: namespace.to_owned(),
        workload: workload.clone(),
        source: Box::new(source),
    };
    let missing = || Error::Missing { namespace: namespace.to_owned(), workload: workload.clone() };
    match workload.kind {
        WorkloadKind::StatefulSet => {
            let api: Api<StatefulSet> = Api::namespaced(client.clone(), namespace);
            let object = api.get_opt(&workload.name).await.map_err(failed)?.ok_or_else(missing)?;
            own_pods(client, namespace, &object).await.map_err(failed)
        }
        WorkloadKind::Deployment => {
            let api: Api<Deployment> = Api::namespaced(client.clone(), namespace);
            let object = api.get_opt(&workload.name).await.map_err(failed)?.ok_or_else(missing)?;
            own_pods(client, namespace, &object).await.map_err(failed)
        }
    }
}

fn claims(pods: &[Pod]) -> BTreeSet<String> {
    let living = pods.iter().filter(|pod| pod.metadata.deletion_timestamp.is_none());
    let volumes = living.filter_map(|pod| pod.spec.as_ref()?.volumes.as_ref()).flatten();
    volumes.filter_map(|volume| Some(volume.persistent_volume_claim.as_ref()?.claim_name.clone())).collect()
}

fn snapshot(wanted: Wanted<'_>, claim: &str, parts: usize) -> DynamicObject {
    let kind = GroupVersionKind::gvk("snapshot.storage.k8s.io", "v1", "VolumeSnapshot");
    let name = format!("{}-{}-{claim}", wanted.upgrade, wanted.name);
    let mut object = DynamicObject::new(&name, &ApiResource::from_gvk(&kind)).data(json!({
        "spec": {
            "volumeSnapshotClassName": wanted.class,
            "source": { "persistentVolumeClaimName": claim },
        }
    }));
    object.labels_mut().insert(UPGRADE_LABEL.to_owned(), wanted.upgrade.to_owned());
    object.labels_mut().insert(BACKUP_LABEL.to_owned(), wanted.name.to_owned());
    object.annotations_mut().insert(PARTS_ANNOTATION.to_owned(), parts.to_string());
    object
}

/// What the snapshots of one object say together.
fn facts(snapshots: &[DynamicObject]) -> BackupFacts {
    let mut backups: BTreeMap<&str, Vec<&DynamicObject>> = BTreeMap::new();
    for object in snapshots.iter().filter(|object| object.metadata.deletion_timestamp.is_none()) {
        if let Some(backup) = object.labels().get(BACKUP_LABEL) {
            backups.entry(backup).or_default().push(object);
        }
    }
    let mut facts = BackupFacts::default();
    let begun = |parts: &Vec<&DynamicObject>| parts.iter().filter_map(|part| created(part)).min();
    let latest = backups.iter().max_by_key(|(_, parts)| begun(parts));
    for parts in backups.values().filter(|parts| is_complete(parts)) {
        // As old as its oldest part.
        let made = parts.iter().filter_map(|part| taken(part)).min();
        facts.newest = facts.newest.max(made);
    }
    facts.latest = latest.map(|(name, _)| (*name).to_owned());
    if let Some((name, parts)) = latest.filter(|(_, parts)| !is_complete(parts)) {
        facts.cut_off = lacks_parts(parts).then(|| (*name).to_owned());
        match parts.iter().find_map(|part| part.data.pointer("/status/error/message")?.as_str()) {
            Some(words) => {
                facts.failure = Some(words.chars().take(200).flat_map(char::escape_debug).collect());
            }
            None => facts.in_progress = begun(parts),
        }
    }
    facts
}

fn is_complete(parts: &[&DynamicObject]) -> bool {
    let ready = |part: &&DynamicObject| part.data.pointer("/status/readyToUse") == Some(&json!(true));
    parts_wanted(parts) == Some(parts.len()) && parts.iter().all(ready)
}

fn lacks_parts(parts: &[&DynamicObject]) -> bool {
    parts_wanted(parts).is_some_and(|wanted| parts.len() < wanted)
}

/// How many snapshots the backup is to have.
fn parts_wanted(parts: &[&DynamicObject]) -> Option<usize> {
    parts.iter().filter_map(|part| part.annotations().get(PARTS_ANNOTATION)?.parse().ok()).max()
}

fn created(object: &DynamicObject) -> Option<Timestamp> {
    object.metadata.creation_timestamp.as_ref().map(|time| time.0)
}

/// When the snapshot itself was taken.
fn taken(object: &DynamicObject) -> Option<Timestamp> {
    object.data.pointer("/status/creationTime")?.as_str()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(backup: &str, parts: u32, created: &str, status: &str) -> DynamicObject {
        serde_saphyr::from_str(&format!(
            "{{apiVersion: snapshot.storage.k8s.io/v1, kind: VolumeSnapshot, metadata: {{name: s, creationTimestamp: '{created}', \
             labels: {{{BACKUP_LABEL}: {backup}}}, annotations: {{{PARTS_ANNOTATION}: '{parts}'}}}}, status: {status}}}"
        ))
        .unwrap()
    }

    #[test]
    fn a_backup_counts_when_all_its_parts_are_ready() {
        let (one, two) = ("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z");
        let ready = |time: &str| format!("{{readyToUse: true, creationTime: '{time}'}}");
        let pending = "{readyToUse: false}".to_owned();
        let failed = "{readyToUse: false, error: {message: no space}}".to_owned();
        let at = |text: &str| text.parse::<Timestamp>().ok();
        for (name, parts, newest, in_progress, failure) in [
            ("none", vec![], None, None, None),
            ("one of one", vec![part("a", 1, one, &ready(one))], at(one), None, None),
            ("one of two", vec![part("a", 2, one, &ready(one))], None, at(one), None),
            ("not ready", vec![part("a", 1, one, &pending)], None, at(one), None),
            (
                "an old one and a new one under way",
                vec![part("a", 1, one, &ready(one)), part("b", 1, two, &pending)],
                at(one),
                at(two),
                None,
            ),
            (
                "as old as its oldest part",
                vec![part("a", 2, one, &ready(one)), part("a", 2, one, &ready(two))],
                at(one),
                None,
                None,
            ),
            ("failed", vec![part("a", 1, one, &failed)], None, None, Some("no space")),
            (
                "failed, and made again",
                vec![part("a", 1, one, &failed), part("b", 1, two, &ready(two))],
                at(two),
                None,
                None,
            ),
        ] {
            let facts = facts(&parts);
            assert_eq!((facts.newest, facts.in_progress), (newest, in_progress), "{name}");
            assert_eq!(facts.failure.as_deref(), failure, "{name}");
            assert_eq!(facts.cut_off.as_deref(), (name == "one of two").then_some("a"), "{name}");
        }
    }
}
