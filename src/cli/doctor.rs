//! `codeupgrade doctor`: whether a person, the operator and an environment have what they need, each fault with its mend.
//!
//! Asks with the rights of whoever types, and changes nothing. What the authority answers is read from the object: it is the operator who
//! asks it.

use std::process::ExitCode;

use jiff::Timestamp;
use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec,
};
use k8s_openapi::api::coordination::v1::Lease;
use kube::api::PostParams;
use kube::{Api, Client};

use super::cluster::{Cluster, Connection, block_on};
use super::output::{fail, print};
use super::screen::{Output, Screen, written};
use crate::api::problem::said;
use crate::api::status::VerdictStatus;
use crate::api::{GROUP, HANDING_BACK_ANNOTATION, VERSION};
use crate::operator::clock;
use crate::screens::environment::Environment;
use crate::screens::findings::{self, Finding};

/// The name of the operator's lease.
const LEASE: &str = "codeupgrade";

/// The exit code where something is to be mended.
const TO_MEND: u8 = 3;

/// Options of `doctor`.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The `CodeUpgrade`; all of the namespace where absent.
    name: Option<String>,
    /// Before anything is installed: whether you may install it, and whether the cluster has what it needs.
    #[arg(long, conflicts_with = "name")]
    pre: bool,
    /// In a pod of the cluster: the operator, and nothing of yours.
    #[arg(long, conflicts_with_all = ["pre", "name"])]
    in_cluster: bool,
    /// The namespace of the operator.
    #[arg(long, env = "CODEUPGRADE_NAMESPACE", default_value = "codeupgrade")]
    operator_namespace: String,
    /// Only what is not as it should be.
    #[arg(long)]
    short: bool,
    /// How to print it.
    #[arg(short, long, value_enum, default_value_t = Output::Text)]
    output: Output,
    #[command(flatten)]
    connection: Connection,
    #[command(flatten)]
    screen: Screen,
}

pub(super) fn main(arguments: &Arguments) -> ExitCode {
    match block_on(run(arguments)) {
        Ok(found) => {
            let text = match arguments.output {
                Output::Json | Output::Yaml => written(&found, arguments.output),
                Output::Text | Output::Wide => {
                    Ok(findings::render(&found, arguments.short, &arguments.screen.paper(arguments.output)))
                }
            };
            match text {
                Ok(text) => print(&text),
                Err(error) => return fail(error, None),
            }
            if findings::is_well(&found) { ExitCode::SUCCESS } else { ExitCode::from(TO_MEND) }
        }
        Err(error) => fail(error, None),
    }
}

async fn run(arguments: &Arguments) -> Result<Vec<Finding>, String> {
    let cluster = Cluster::connect(&arguments.connection).await?;
    let mut found = vec![answers(&cluster.client).await];
    if !findings::is_well(&found) {
        return Ok(found);
    }
    if arguments.pre {
        before_install(&cluster.client, &mut found).await;
        return Ok(found);
    }
    let definitions = definitions(&cluster.client).await;
    let is_installed = definitions.mend.is_none();
    found.push(definitions);
    if !is_installed {
        return Ok(found);
    }
    if !arguments.in_cluster {
        rights(&cluster, &mut found).await;
    }
    found.push(leader(&cluster.client, &arguments.operator_namespace, clock::wall()).await);
    if !arguments.in_cluster {
        let environments = match &arguments.name {
            Some(name) => vec![cluster.upgrade(Some(name)).await?],
            // What may not be listed is said above.
            None => cluster.list().await.unwrap_or_default(),
        };
        environments.iter().map(Environment::of).for_each(|environment| of(&environment, &mut found));
    }
    Ok(found)
}

/// Whether the API server answers.
async fn answers(client: &Client) -> Finding {
    match client.apiserver_version().await {
        Ok(version) => Finding::good("cluster", format!("answers ({})", version.git_version)),
        Err(error) => Finding::bad(
            "cluster",
            said(&error),
            "kubectl version says more; mend the kubeconfig or the way there",
        ),
    }
}

/// Whether the definitions are there, with everything that this binary speaks of.
async fn definitions(client: &Client) -> Finding {
    let mend = "install them: kubectl apply --server-side -f crds/, or the chart";
    match client.list_api_group_resources(&format!("{GROUP}/{VERSION}")).await {
        Ok(list) => {
            let wanted = ["codeupgrades", "codeupgradeorders", "codereleases"];
            let missing: Vec<&str> = wanted
                .into_iter()
                .filter(|name| list.resources.iter().all(|resource| resource.name != *name))
                .collect();
            if missing.is_empty() {
                Finding::good("cluster", format!("knows {GROUP}/{VERSION}"))
            } else {
                Finding::bad("cluster", format!("does not know {}", missing.join(", ")), mend)
            }
        }
        Err(_) => Finding::bad("cluster", format!("does not know {GROUP}/{VERSION}"), mend),
    }
}

/// What a person may be asked to do, as the API server grants it.
async fn rights(cluster: &Cluster, found: &mut Vec<Finding>) {
    let wanted = [
        ("get", "codeupgrades", "", "status and explain will not work"),
        ("list", "codeupgrades", "", "status without a name will not work"),
        ("create", "codeupgradeorders", "", "approve, pause, resume, retry, adopt and abandon will not work"),
        ("list", "codeupgradeorders", "", "history will lack the orders"),
        ("get", "codeupgrades", "devices", "devices will not work (examples/devices.yaml has the role)"),
    ];
    let namespace = &cluster.namespace;
    let mut granted = Vec::new();
    for (verb, resource, subresource, without) in wanted {
        let name =
            if subresource.is_empty() { resource.to_owned() } else { format!("{resource}/{subresource}") };
        match may(&cluster.client, Some(namespace), (GROUP, resource, subresource), verb).await {
            Ok(true) => granted.push(format!("{verb} {name}")),
            Ok(false) => found.push(Finding::warning(
                "you",
                format!("may not {verb} {name} in namespace {namespace}: {without}"),
                format!("ask for a role with apiGroups [{GROUP}], resources [{name}], verbs [{verb}]"),
            )),
            Err(why) => {
                let mend =
                    "ask for the right to create selfsubjectaccessreviews, which everybody has by default";
                found.push(Finding::warning("you", why, mend));
                return;
            }
        }
    }
    if !granted.is_empty() {
        found.push(Finding::good("you", format!("may {} in namespace {namespace}", granted.join(", "))));
    }
}

/// Whether whoever asks may do something.
async fn may(
    client: &Client,
    namespace: Option<&str>,
    (group, resource, subresource): (&str, &str, &str),
    verb: &str,
) -> Result<bool, String> {
    let attributes = ResourceAttributes {
        namespace: namespace.map(str::to_owned),
        group: Some(group.to_owned()),
        resource: Some(resource.to_owned()),
        subresource: (!subresource.is_empty()).then(|| subresource.to_owned()),
        verb: Some(verb.to_owned()),
        ..ResourceAttributes::default()
    };
    let spec = SelfSubjectAccessReviewSpec {
        resource_attributes: Some(attributes),
        ..SelfSubjectAccessReviewSpec::default()
    };
    let review = SelfSubjectAccessReview { spec, ..SelfSubjectAccessReview::default() };
    let api: Api<SelfSubjectAccessReview> = Api::all(client.clone());
    let answer = api.create(&PostParams::default(), &review).await.map_err(|error| said(&error))?;
    Ok(answer.status.is_some_and(|status| status.allowed))
}

/// Who acts, by the operator's lease.
async fn leader(client: &Client, namespace: &str, now: Timestamp) -> Finding {
    let api: Api<Lease> = Api::namespaced(client.clone(), namespace);
    let look = format!("look at its pods: kubectl get pods -n {namespace}; nothing moves meanwhile");
    let lease = match api.get_opt(LEASE).await {
        Ok(Some(lease)) => lease,
        Ok(None) => {
            let text = format!("there is no lease {namespace}/{LEASE}: no operator ever led there");
            return Finding::bad(
                "operator",
                text,
                format!("install it, or say where it is: --operator-namespace. {look}"),
            );
        }
        Err(error) => {
            let mend = format!("ask for get on leases in namespace {namespace}, or ask somebody who has it");
            return Finding::warning(
                "operator",
                format!("whether it leads is not known: {}", said(&error)),
                mend,
            );
        }
    };
    let is_handing_back = lease
        .metadata
        .annotations
        .as_ref()
        .is_some_and(|annotations| annotations.contains_key(HANDING_BACK_ANNOTATION));
    let spec = lease.spec.unwrap_or_default();
    let holder = spec.holder_identity.filter(|holder| !holder.is_empty());
    let age = spec.renew_time.map(|at| now.duration_since(at.0).as_secs());
    let lasts = i64::from(spec.lease_duration_seconds.unwrap_or(15));
    match (holder, age) {
        (Some(holder), _) if is_handing_back => Finding::warning(
            "operator",
            format!("{holder} hands back what it holds: it is being removed, and begins nothing"),
            "install it anew once it is gone",
        ),
        // Clocks differ: a lease is only taken for dead when it is so by far.
        (Some(holder), Some(age)) if age <= lasts.saturating_mul(4) => {
            Finding::good("operator", format!("{holder} leads"))
        }
        (Some(holder), Some(age)) => {
            let text = format!("{holder} led, and has not renewed its lease for {age} s");
            Finding::bad("operator", text, look)
        }
        (_, _) => Finding::bad("operator", "nobody leads", look),
    }
}

/// What the operator says of an environment: what is refused or not known, and who cannot be reached.
fn of(environment: &Environment, found: &mut Vec<Finding>) {
    let about = format!("{}/{}", environment.namespace, environment.name);
    if !environment.observed {
        let text = "the operator has not looked at it as it is by now".to_owned();
        found.push(Finding::warning(
            &about,
            text,
            "wait for some seconds; then see whether the operator leads",
        ));
    }
    let mut passed = 0;
    for gate in &environment.status.gates {
        let message = gate.message.as_deref().unwrap_or("-");
        let text = format!("{}: {message}", gate.name);
        match gate.verdict {
            VerdictStatus::Pass => passed += 1,
            // It ends by time, or by an order: nothing is broken.
            VerdictStatus::Hold => {}
            VerdictStatus::Unknown => {
                found.push(Finding::warning(
                    &about,
                    text,
                    "what is not known never passes; it is read again by itself",
                ));
            }
            VerdictStatus::Refuse => {
                let mend = gate.mend.as_deref().unwrap_or("kubectl codeupgrade explain says more");
                found.push(Finding::bad(&about, text, mend));
            }
        }
    }
    let is_told = |finding: &Finding| finding.about == about && finding.text.contains(environment.message());
    if environment.status.phase == "Stalled" && !found.iter().any(is_told) {
        let mend = environment.status.mend.as_deref().unwrap_or("kubectl codeupgrade explain says more");
        found.push(Finding::bad(&about, environment.message(), mend));
    }
    found.push(Finding::good(&about, format!("{passed} of its checks pass")));
}

/// Whether somebody may install it, and whether the cluster has what it needs.
async fn before_install(client: &Client, found: &mut Vec<Finding>) {
    let wanted = [
        ("apiextensions.k8s.io", "customresourcedefinitions"),
        ("rbac.authorization.k8s.io", "clusterroles"),
        ("rbac.authorization.k8s.io", "clusterrolebindings"),
        ("apps", "deployments"),
        ("", "serviceaccounts"),
    ];
    let mut granted = Vec::new();
    for (group, resource) in wanted {
        match may(client, None, (group, resource, ""), "create").await {
            Ok(true) => granted.push(resource),
            Ok(false) => found.push(Finding::bad(
                "you",
                format!("may not create {resource} in every namespace"),
                "let somebody with cluster-admin install the chart",
            )),
            Err(why) => {
                found.push(Finding::bad("you", why, "mend the way to the cluster first"));
                return;
            }
        }
    }
    if !granted.is_empty() {
        found.push(Finding::good("you", format!("may create {}", granted.join(", "))));
    }
    found.push(match client.list_api_group_resources("snapshot.storage.k8s.io/v1").await {
        Ok(_) => Finding::good("cluster", "has volume snapshots (snapshot.storage.k8s.io/v1)"),
        Err(_) => Finding::warning(
            "cluster",
            "has no volume snapshots (snapshot.storage.k8s.io/v1)",
            "install a CSI driver with snapshots, or make backups by a hook (backup.hook)",
        ),
    });
}
