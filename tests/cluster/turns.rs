//! Every object gets its turn: two hundred of them, a quarter sick or hanging, and few places.

#![expect(clippy::print_stdout, reason = "a measurement, told on the terminal")]

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use codeupgrade::api::{CodeUpgrade, USABLE_LABEL};
use codeupgrade::catalog::Catalog;
use codeupgrade::operator::Options;
use codeupgrade::operator::clock::{self, Clock};
use codeupgrade::playground::Simulation;
use codeupgrade::playground::rest::{Account, Serving, serve};
use codeupgrade::playground::stage::{self, apply};
use codeupgrade::simulator::{Fault, Scenario, World};
use k8s_openapi::api::admissionregistration::v1::ValidatingWebhookConfiguration;
use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::{Namespace, Secret, ServiceAccount};
use k8s_openapi::api::rbac::v1::{Role, RoleBinding};
use kube::Api;
use serde_json::json;
use tokio::net::TcpListener;

use super::case::{Case, Outcome, case};
use super::environment::{Environment, Error};
use super::looks;
use super::operator::{Operator, begins, free_address};
use super::wait::eventually;

pub(crate) fn cases() -> Vec<Case> {
    vec![case("two_hundred_objects_get_their_turns_though_fifty_are_sick_or_hang", get_their_turns)]
}

/// Looks at once: fewer than there are objects that hang.
const PLACES: u16 = 4;

/// Seconds of the operator in a real second: a server list every three seconds and an answer to every look in between.
const FACTOR: u32 = 20;

/// So often every healthy object is looked at while it is counted.
const ROUNDS: u64 = 8;

/// Between two looks at a healthy object, no other healthy one is looked at more often than this. All of them have as much reason to be
/// looked at; the times at which their authorities are read are jittered, and what was read may be written, which is one more.
const FEW: u64 = 6;

const HEALTHY: Kind = Kind { namespace: "healthy", many: 150, reason: "Observing" };

/// Objects in a trouble of their own.
const SICK: [Kind; 5] = [
    Kind { namespace: "silent-authority", many: 15, reason: "AuthorityUnreachable" },
    // What cannot be written is not said.
    Kind { namespace: "hanging-status", many: 15, reason: "" },
    Kind { namespace: "hanging-workload", many: 10, reason: "" },
    Kind { namespace: "no-account", many: 5, reason: "AccountNotUsable" },
    Kind { namespace: "no-such-host", many: 5, reason: "AuthorityUnreachable" },
];

/// Objects that are alike.
#[derive(Clone, Copy)]
struct Kind {
    namespace: &'static str,
    many: u64,
    /// What they say in the end; nothing where they cannot.
    reason: &'static str,
}

async fn get_their_turns(_: Arc<Environment>) -> Outcome {
    let own = Environment::own("turns").await?;
    let outcome = take_turns(&own).await;
    own.end(outcome.is_err()).await?;
    Ok(outcome?)
}

async fn take_turns(own: &Environment) -> Result<(), Error> {
    stage::install(&own.client).await?;
    let clock = Clock::scaled_from_now(begins(), FACTOR);
    let mut authorities = Vec::new();
    for kind in [HEALTHY].into_iter().chain(SICK) {
        place(own, kind, &clock, &mut authorities).await?;
    }
    let status = Abyss::open().await?;
    refuse_answers(own, "hanging-status", "codeupgrade.dev", "codeupgrades/status", &status).await?;
    let workload = Abyss::open().await?;
    refuse_answers(own, "hanging-workload", "apps", "statefulsets", &workload).await?;

    let http = free_address()?;
    let options = Options {
        http: Some(http),
        open_metrics: true,
        looks_at_once: PLACES,
        allow_hosts: vec!["*".to_owned()],
        ..Options::default()
    };
    let operator = Operator::start_again(&own.plane, &own.client, &clock, options).await?;
    for kind in [HEALTHY].into_iter().chain(SICK).filter(|kind| !kind.reason.is_empty()) {
        say(own, kind).await?;
    }
    let counted = count(http).await?;
    println!("{counted}");
    let (status, workload) = (status.fallen(), workload.fallen());
    assert!(status > 15 && workload > 10, "too few calls hang: {status} and {workload}");
    assert!(counted.most <= FEW, "{counted}");
    operator.stop().await
}

/// Sets objects up: a namespace for those of a kind, a Secret and an authority for each.
async fn place(
    own: &Environment,
    kind: Kind,
    clock: &Clock,
    authorities: &mut Vec<(Simulation, Serving)>,
) -> Result<(), Error> {
    let (client, here) = (&own.client, Some(kind.namespace));
    apply::<Namespace>(client, None, json!({"metadata": {"name": kind.namespace}})).await?;
    if kind.namespace != "no-account" {
        let account = json!({"metadata": {"name": "codeupgrade", "labels": {USABLE_LABEL: "true"}}});
        apply::<ServiceAccount>(client, here, account).await?;
    }
    let rules = json!([
        {"apiGroups": [""], "resources": ["secrets", "pods"], "verbs": ["get", "list"]},
        {"apiGroups": ["apps"], "resources": ["statefulsets"], "verbs": ["get", "patch"]},
    ]);
    apply::<Role>(client, here, json!({"metadata": {"name": "acting"}, "rules": rules})).await?;
    let binding = json!({
        "metadata": {"name": "acting"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "acting"},
        "subjects": [{"kind": "ServiceAccount", "name": "codeupgrade", "namespace": kind.namespace}],
    });
    apply::<RoleBinding>(client, here, binding).await?;
    for number in 0..kind.many {
        let name = format!("upgrade-{number}");
        let url = if kind.namespace == "no-such-host" {
            // An address of the range for documentation: nobody answers there.
            format!("http://192.0.2.{}:4280", number + 1)
        } else {
            let seed = u64::try_from(authorities.len())? + 1;
            let (simulation, serving) = authority(seed, clock).await?;
            if kind.namespace == "silent-authority" {
                simulation.at_present(|world| world.faults_mut().set(None, Fault::TimeOut));
            }
            let url = format!("http://{}", serving.address());
            authorities.push((simulation, serving));
            url
        };
        let secret = json!({
            "metadata": {"name": name, "annotations": {codeupgrade::api::AUTHORITY_URL_ANNOTATION: url}},
            "stringData": {"username": "admin", "password": "a simulated secret"},
        });
        apply::<Secret>(client, here, secret).await?;
        let mut spec = json!({"authority": {
            "url": url, "credentials": name, "os": "Linux", "manual": {}, "managedAppliance": false,
        }});
        if kind.namespace == "hanging-workload" {
            let set = stage::stateful_set(&name, "4.2.3.1".parse()?);
            stage::create::<StatefulSet>(client, kind.namespace, set).await?;
            spec["authority"] =
                json!({"url": url, "credentials": name, "statefulSet": name, "imageFrom": "Operator"});
            spec["version"] = "4.3.5.3".into();
            spec["sources"] = json!([{"release": "4.3.5.3", "image": stage::image("4.3.5.3".parse()?)}]);
            spec["backup"] = json!({"none": "a simulated environment"});
        }
        apply::<CodeUpgrade>(client, here, json!({"metadata": {"name": name}, "spec": spec})).await?;
    }
    Ok(())
}

async fn authority(seed: u64, clock: &Clock) -> Result<(Simulation, Serving), Error> {
    let scenario =
        format!("start: {}\nseed: {seed}\nauthority: {{name: authority, version: 4.2.3.1}}", clock.now());
    let world = World::new(&Scenario::from_yaml(&scenario)?, Catalog::default())?;
    let time = clock.clone();
    let simulation = Simulation::new(world, Arc::new(move || time.now()));
    let account = Account { username: "admin".to_owned(), password: "a simulated secret".to_owned() };
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let serving = serve(simulation.clone(), account, listener, None)?;
    Ok((simulation, serving))
}

/// Waits until all objects of a kind say why they are as they are: as long as more and more of them do.
async fn say(own: &Environment, kind: Kind) -> Result<(), Error> {
    let upgrades: Api<CodeUpgrade> = Api::namespaced(own.client.clone(), kind.namespace);
    let says =
        |object: &CodeUpgrade| object.status.as_ref().is_some_and(|status| status.reason == kind.reason);
    let saying = async || {
        let objects = upgrades.list(&kube::api::ListParams::default()).await?;
        Ok::<_, Error>((objects.iter().filter(|object| says(object)).count(), objects.items.len()))
    };
    let (mut known, all) = saying().await?;
    while known < all {
        let what = format!("{} in all of {}, but in {known}", kind.reason, kind.namespace);
        known = eventually(&what, async || Ok(Some(saying().await?.0).filter(|now| *now > known))).await?;
    }
    Ok(())
}

/// Takes connections and never says a word.
struct Abyss {
    address: SocketAddr,
    fallen: Arc<AtomicUsize>,
    open: tokio::task::JoinHandle<()>,
}

impl Drop for Abyss {
    fn drop(&mut self) {
        self.open.abort();
    }
}

impl Abyss {
    async fn open() -> Result<Self, Error> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let (address, fallen) = (listener.local_addr()?, Arc::<AtomicUsize>::default());
        let count = Arc::clone(&fallen);
        let open = tokio::spawn(async move {
            let mut kept = Vec::new();
            while let Ok((stream, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::Relaxed);
                kept.push(stream);
            }
        });
        Ok(Self { address, fallen, open })
    }

    /// How many connections there were.
    fn fallen(&self) -> usize {
        self.fallen.load(Ordering::Relaxed)
    }
}

/// Has the API server ask a webhook that never answers about every change of a resource in a namespace.
async fn refuse_answers(
    own: &Environment,
    namespace: &str,
    group: &str,
    resource: &str,
    webhook: &Abyss,
) -> Result<(), Error> {
    let configuration = json!({
        "metadata": {"name": namespace},
        "webhooks": [{
            "name": format!("{namespace}.example.com"),
            "clientConfig": {"url": format!("https://{}", webhook.address)},
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
            "rules": [{
                "apiGroups": [group], "apiVersions": ["*"], "resources": [resource], "operations": ["UPDATE"],
            }],
            "failurePolicy": "Fail",
            "sideEffects": "None",
            "timeoutSeconds": 30,
            "admissionReviewVersions": ["v1"],
        }],
    });
    Ok(apply::<ValidatingWebhookConfiguration>(&own.client, None, configuration).await?)
}

/// What was counted of the healthy objects.
struct Counted {
    /// Looks at another between two looks at one, at most.
    most: u64,
    /// The longest time between two looks at one.
    longest: Duration,
    looks: u64,
    took: Duration,
}

impl std::fmt::Display for Counted {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { most, longest, looks, took } = self;
        write!(
            formatter,
            "{looks} looks at {} healthy objects in {took:.1?}: {longest:.1?} between two looks at one at most, and {most} looks \
             at another meanwhile (allowed {FEW})",
            HEALTHY.many
        )
    }
}

/// Counts looks until every healthy object had its rounds.
async fn count(http: SocketAddr) -> Result<Counted, Error> {
    let begun = clock::instant();
    let first = looks(http).await?;
    // Since when each object stands where it stands, and where all stood then.
    let mut stands: BTreeMap<String, (Instant, BTreeMap<String, u64>)> =
        first.keys().map(|name| (name.clone(), (begun, first.clone()))).collect();
    let (mut known, mut most, mut longest) = (first.clone(), 0, Duration::ZERO);
    loop {
        clock::sleep(Duration::from_millis(100)).await;
        let (now, all) = (clock::instant(), looks(http).await?);
        for (name, count) in &all {
            let (since, then) = stands.get_mut(name).ok_or_else(|| format!("{name} came later"))?;
            if known.get(name) == Some(count) {
                let more = all.iter().filter_map(|(other, count)| count.checked_sub(*then.get(other)?));
                most = most.max(more.max().unwrap_or(0));
            } else {
                longest = longest.max(now.duration_since(*since));
                (*since, *then) = (now, all.clone());
            }
        }
        known = all;
        let done = |(name, count): (&String, &u64)| {
            first.get(name).is_some_and(|first| count.saturating_sub(*first) >= ROUNDS)
        };
        if known.iter().all(done) {
            let looks = known.values().sum::<u64>().saturating_sub(first.values().sum());
            return Ok(Counted { most, longest, looks, took: begun.elapsed() });
        }
    }
}

/// How often each healthy object was looked at; all of them were.
async fn looks(http: SocketAddr) -> Result<BTreeMap<String, u64>, Error> {
    let counts = looks::of(http, HEALTHY.namespace).await?;
    if counts.len() < usize::try_from(HEALTHY.many)? {
        return Err(
            format!("only {} of {} healthy objects were looked at", counts.len(), HEALTHY.many).into()
        );
    }
    Ok(counts)
}
