//! Environments that cannot go on: each says its own reason and what to do about it, touches nothing, and is no trouble
//! to the others.

use std::sync::Arc;

use codeupgrade::api::CodeUpgradeStatus;
use codeupgrade::catalog::Version;
use codeupgrade::fleet::Guid;
use codeupgrade::playground::control_plane::AuditEvent;
use codeupgrade::playground::rest::Account;
use codeupgrade::playground::site::Site;
use codeupgrade::playground::stage;
use codeupgrade::simulator::Command;
use codeupgrade::simulator::settings::SettingsChange;
use futures::future::try_join_all;
use k8s_openapi::api::events::v1::Event;
use kube::Api;
use kube::api::ListParams;
use serde_json::{Value, json};

use super::case::{Case, Outcome, case};
use super::environment::{Environment, Error, Setting, UPGRADE};
use super::operator::ACCOUNT;
use super::wait::eventually;

pub(crate) fn cases() -> Vec<Case> {
    vec![case("each_trouble_says_its_mend_and_disturbs_no_other_upgrade", each_trouble)]
}

const SCENARIO: &str = "
authority: {name: authority, version: 4.2.3.1}
storage: [{name: storage-01, version: 4.2.3.1}]
";

/// A trouble: what is wrong, and what must be said about it.
struct Trouble {
    name: &'static str,
    /// Changes the spec before it is committed.
    spec: fn(&mut Value),
    /// Changes the environment or the namespace before the commit.
    before: Option<Command>,
    phase: &'static str,
    reason: &'static str,
    /// Words of the message and of the mend.
    says: [&'static str; 2],
}

impl Trouble {
    const fn new(
        name: &'static str,
        phase: &'static str,
        reason: &'static str,
        says: [&'static str; 2],
    ) -> Self {
        Self { name, spec: |_| {}, before: None, phase, reason, says }
    }
}

fn troubles() -> Vec<Trouble> {
    let switch_on = SettingsChange { device_auto_upgrade: Some(true), ..SettingsChange::default() };
    vec![
        Trouble {
            spec: |spec| spec["version"] = "4.9.9".into(),
            ..Trouble::new("unknown-version", "Stalled", "UnknownRelease", ["4.9.9", "CodeRelease"])
        },
        Trouble::new("wrong-secret", "Stalled", "CredentialsRefused", ["refused", "Secret"]),
        Trouble::new("secret-elsewhere", "Stalled", "SecretForOtherHost", ["code42-api", "authority-url"]),
        Trouble {
            before: Some(Command::TakeOffline { server: "authority".into() }),
            ..Trouble::new(
                "authority-down",
                "Stalled",
                "AuthorityUnreachable",
                ["cannot be reached", "network"],
            )
        },
        Trouble {
            spec: |spec| spec["storage"] = json!([]),
            ..Trouble::new("no-method", "Stalled", "StorageWithoutMethod", ["storage-01", "storage"])
        },
        Trouble {
            spec: |spec| {
                let authority = &spec["authority"];
                let (url, credentials) = (&authority["url"], &authority["credentials"]);
                spec["authority"] = json!({"url": url, "credentials": credentials, "managedAppliance": true});
            },
            ..Trouble::new(
                "appliance",
                "Stalled",
                "ManagedAppliance",
                ["managed appliance", "Customer Champions"],
            )
        },
        Trouble {
            before: Some(Command::Set { settings: switch_on }),
            ..Trouble::new("switch-on", "Stalled", "AutoUpgradeSwitchOn", ["auto-upgrade", "off"])
        },
        Trouble {
            spec: |spec| spec["sources"] = json!([]),
            ..Trouble::new("no-source", "Stalled", "SourceMissing", ["4.3.5.3", "sources"])
        },
        // The cluster of these tests has no such API.
        Trouble {
            spec: |spec| spec["backup"] = json!({"volumeSnapshotClass": "fast"}),
            ..Trouble::new(
                "no-snapshots",
                "Stalled",
                "BackupFailed",
                ["VolumeSnapshot API", "spec.backup.none"],
            )
        },
    ]
}

async fn each_trouble(environment: Arc<Environment>) -> Outcome {
    let healthy = environment.site("healthy", Setting::of(SCENARIO)).await?;
    healthy.commit(UPGRADE, healthy.wanting(target())).await?;
    let troubles = troubles();
    let sites = try_join_all(troubles.iter().map(|trouble| begin(&environment, trouble))).await?;
    let statuses =
        try_join_all(troubles.iter().zip(&sites).map(|(trouble, site)| is_told(&environment, site, trouble)));
    let (told, claimed, other, upgraded) = futures::join!(
        statuses,
        two_for_one(&environment),
        another_authority(&environment),
        environment.until_status(&healthy, |status| status.phase == "Done"),
    );
    told?;
    claimed?;
    other?;
    upgraded?;
    assert_eq!(healthy.servers_not_at(target()), Vec::<String>::new());
    for (trouble, site) in troubles.iter().zip(&sites) {
        is_told(&environment, site, trouble).await?;
        untouched(&environment, site).await?;
        said_in_an_event(&environment, site, trouble.reason).await?;
    }
    Ok(())
}

fn target() -> Version {
    Version::new([4, 3, 5, 3])
}

async fn begin(environment: &Environment, trouble: &Trouble) -> Result<Site, Error> {
    let site = environment.site(trouble.name, Setting::of(SCENARIO)).await?;
    if let Some(command) = trouble.before.clone() {
        site.simulation.at_present(|world| world.carry_out(command))?;
    }
    match trouble.name {
        "wrong-secret" => {
            let wrong = Account { password: "not it".to_owned(), ..site.account.clone() };
            stage::place_credentials(&environment.client, &site.namespace, &site.url, &wrong).await?;
        }
        "secret-elsewhere" => {
            let elsewhere = "https://backup.example:4285";
            stage::place_credentials(&environment.client, &site.namespace, elsewhere, &site.account).await?;
        }
        _ => {}
    }
    let mut spec = site.wanting(target());
    // The wait is another test's matter.
    spec["lastUpgrade"] = json!({"release": "4.2.3.1", "finishedAt": "2016-01-01T00:00:00Z"});
    (trouble.spec)(&mut spec);
    site.commit(UPGRADE, spec).await?;
    Ok(site)
}

async fn is_told(environment: &Environment, site: &Site, trouble: &Trouble) -> Result<(), Error> {
    let is_it = |status: &CodeUpgradeStatus| status.phase == trouble.phase && status.reason == trouble.reason;
    let status = environment.until_status(site, is_it).await?;
    let [message, mend] = trouble.says;
    let told = format!("{}: {} Mend: {:?}", trouble.name, status.message, status.mend);
    assert!(status.message.contains(message), "{told}");
    assert!(status.mend.as_deref().unwrap_or_default().contains(mend), "{told}");
    Ok(())
}

/// The older claim wins; the other object stalls, and the first is upgraded as if there were no other.
async fn two_for_one(environment: &Environment) -> Result<(), Error> {
    let site = environment.site("two-for-one", Setting::of(SCENARIO)).await?;
    site.commit(UPGRADE, site.observing()).await?;
    environment.until_status(&site, |status| status.phase == "Observing").await?;
    site.commit("another", site.wanting(target())).await?;
    let upgrades: Api<codeupgrade::api::CodeUpgrade> =
        Api::namespaced(environment.client.clone(), &site.namespace);
    let refused = eventually("a refusal of the second claim", async || {
        let status = upgrades.get("another").await?.status;
        Ok(status.filter(|status| status.reason == "ClaimedByAnother"))
    });
    let refused = refused.await?;
    assert_eq!(refused.phase, "Stalled");
    assert!(refused.message.contains(UPGRADE), "{}", refused.message);
    site.commit(UPGRADE, site.wanting(target())).await?;
    environment.until_status(&site, |status| status.phase == "Done").await?;
    assert_eq!(site.servers_not_at(target()), Vec::<String>::new());
    Ok(())
}

/// The url leads to another authority than the one that was seen there first.
async fn another_authority(environment: &Environment) -> Result<(), Error> {
    let site = environment.site("other-authority", Setting::of(SCENARIO)).await?;
    site.commit(UPGRADE, site.observing()).await?;
    environment.until_status(&site, |status| status.phase == "Observing").await?;
    let other = Command::ReplaceGuid { server: "authority".into(), guid: Guid("600000000000000001".into()) };
    site.simulation.at_present(|world| world.carry_out(other))?;
    site.commit(UPGRADE, site.wanting(target())).await?;
    let stalled = |status: &CodeUpgradeStatus| status.reason == "OtherAuthority";
    let status = environment.until_status(&site, stalled).await?;
    assert_eq!(status.phase, "Stalled");
    assert!(status.message.contains("600000000000000001"), "{}", status.message);
    // Not even its catches: they may belong to the servers of somebody else.
    let writes = writes(environment, &site).await?;
    assert!(writes.iter().all(|write| !is_roll(write)), "{writes:?}");
    Ok(())
}

async fn writes(environment: &Environment, site: &Site) -> Result<Vec<AuditEvent>, Error> {
    let mut events = environment.plane.audit_log().events().await?;
    events.retain(|event| {
        event.user == ACCOUNT && event.is_effective() && event.namespace.as_ref() == Some(&site.namespace)
    });
    Ok(events)
}

fn is_roll(write: &AuditEvent) -> bool {
    write.resource == "statefulsets"
        && write.request.as_ref().is_some_and(|request| request.pointer("/spec/template").is_some())
}

/// No server was given another image, and what was said was not said again and again.
async fn untouched(environment: &Environment, site: &Site) -> Result<(), Error> {
    let writes = writes(environment, site).await?;
    assert!(!writes.iter().any(is_roll), "{writes:?}");
    // More than a day passes: one write for each transition, and where the machine is slow, some of facts that grow old.
    let statuses: Vec<String> = writes
        .iter()
        .filter(|write| write.subresource.as_deref() == Some("status"))
        .map(|write| {
            let status = write.request.as_ref().and_then(|request| request.pointer("/status/message"));
            format!("{} {}", write.received_at, status.and_then(Value::as_str).unwrap_or_default())
        })
        .collect();
    assert!(statuses.len() <= 40, "{}: {}", site.namespace, statuses.join("\n"));
    for server in ["authority", "storage-01"] {
        let version = site.version_of(server);
        assert!(version.is_none() || version == Some(Version::new([4, 2, 3, 1])), "{server} at {version:?}");
    }
    Ok(())
}

async fn said_in_an_event(environment: &Environment, site: &Site, reason: &str) -> Result<(), Error> {
    let events: Api<Event> = Api::namespaced(environment.client.clone(), &site.namespace);
    let events = events.list(&ListParams::default()).await?.items;
    let reasons: Vec<&str> = events.iter().filter_map(|event| event.reason.as_deref()).collect();
    let times = reasons.iter().filter(|known| **known == reason).count();
    assert_eq!(times, 1, "{}: {reason} in {reasons:?}", site.namespace);
    Ok(())
}
