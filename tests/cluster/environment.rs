//! What every cluster test is given: a running control plane, an administrator's client, and ways to wait.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use codeupgrade::api::CodeUpgradeStatus;
use codeupgrade::operator::clock::Clock;
use codeupgrade::playground::site::{Site, Workloads};
use codeupgrade::playground::tls::Identity;
use codeupgrade::simulator::Scenario;
use codeupgrade::translate;

use codeupgrade::playground::control_plane::{ControlPlane, Options};
use k8s_openapi::api::core::v1::Namespace;
use kube::api::{ObjectMeta, PostParams};
use kube::{Api, Client, ResourceExt};
use tokio::process::Command;
use tokio::sync::{OnceCell, Semaphore, SemaphorePermit};

use super::operator::Operator;
use super::wait;

/// Whatever went wrong; only its text is used.
pub(crate) type Error = Box<dyn std::error::Error + Send + Sync>;

/// The shared control plane and a client for it.
pub(crate) struct Environment {
    pub(crate) plane: ControlPlane,
    pub(crate) client: Client,
    /// State and logs of the control plane, below target/.
    pub(crate) data: PathBuf,
    operator: OnceCell<Operator>,
    _place: Option<SemaphorePermit<'static>>,
}

/// Control planes beside the shared one. They work more than they wait, and those who wait need them to be quick.
static PLACES: Semaphore = Semaphore::const_new(1);

/// What a site begins as.
#[derive(Clone, Copy)]
pub(crate) struct Setting<'a> {
    /// The scenario, without its start and seed.
    pub(crate) scenario: &'a str,
    pub(crate) workloads: Workloads,
    pub(crate) identity: Option<&'a Identity>,
}

impl<'a> Setting<'a> {
    /// Servers as `StatefulSet`s, over HTTP.
    pub(crate) fn of(scenario: &'a str) -> Self {
        Self { scenario, workloads: Workloads::StatefulSets, identity: None }
    }
}

/// The name that every `CodeUpgrade` of these tests has.
pub(crate) const UPGRADE: &str = "production";

impl Environment {
    /// Starts the control plane that tests share.
    pub(crate) async fn shared() -> Result<Self, Error> {
        Self::start("cluster", None).await
    }

    /// Starts a control plane for one test, when no other such is running; `name` tells its files from those of others.
    pub(crate) async fn own(name: &str) -> Result<Self, Error> {
        Self::start(name, Some(PLACES.acquire().await?)).await
    }

    async fn start(name: &str, place: Option<SemaphorePermit<'static>>) -> Result<Self, Error> {
        let programs = programs().await?;
        let data = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
        let plane = ControlPlane::start(Options { programs, data: data.clone() }).await?;
        let client = Client::try_from(plane.admin_config())?;
        Ok(Self { plane, client, data, operator: OnceCell::new(), _place: place })
    }

    /// Stops it; its files are kept after a failure, since the logs tell why.
    pub(crate) async fn end(&self, failed: bool) -> std::io::Result<()> {
        self.plane.stop().await;
        if failed { Ok(()) } else { std::fs::remove_dir_all(&self.data) }
    }

    /// The one operator that looks after the sites of all tests at once; started by the first that asks.
    pub(crate) async fn operator(&self) -> Result<&Operator, Error> {
        self.operator.get_or_try_init(|| Operator::start(&self.plane, &self.client)).await
    }

    /// Sets a simulated environment up in a namespace of its own, which the operator looks after as soon as there is a
    /// `CodeUpgrade`.
    pub(crate) async fn site(&self, prefix: &str, setting: Setting<'_>) -> Result<Site, Error> {
        let clock = &self.operator().await?.clock;
        set_up(&self.client, &self.namespace(prefix).await?, setting, clock).await
    }

    /// Waits until the status of a site's object is as wanted, and returns it.
    pub(crate) async fn until_status(
        &self,
        site: &Site,
        wanted: impl Fn(&CodeUpgradeStatus) -> bool,
    ) -> Result<CodeUpgradeStatus, Error> {
        wait::until_status(&self.client, &self.operator().await?.clock, site, wanted).await
    }

    /// Creates a namespace for one test and returns its name, which starts with `prefix`.
    pub(crate) async fn namespace(&self, prefix: &str) -> Result<String, kube::Error> {
        let metadata = ObjectMeta { generate_name: Some(format!("{prefix}-")), ..ObjectMeta::default() };
        let namespace = Namespace { metadata, ..Namespace::default() };
        let created = Api::all(self.client.clone()).create(&PostParams::default(), &namespace).await?;
        Ok(created.name_any())
    }
}

/// How many sites there were: each is another environment.
static SITES: AtomicU64 = AtomicU64::new(1);

/// Sets a site up that begins at the present of a clock.
pub(crate) async fn set_up(
    client: &Client,
    namespace: &str,
    setting: Setting<'_>,
    clock: &Clock,
) -> Result<Site, Error> {
    let seed = SITES.fetch_add(1, Ordering::Relaxed);
    let scenario = format!("start: {}\nseed: {seed}\n{}", clock.now(), setting.scenario);
    let scenario = Scenario::from_yaml(&scenario)?;
    let time = clock.clone();
    let catalog = translate::shipped_catalog();
    let (workloads, identity) = (setting.workloads, setting.identity);
    let time = Arc::new(move || time.now());
    Ok(Site::set_up(client, namespace, &scenario, catalog, time, workloads, identity).await?)
}

/// Where the programs are. The script honours `KUBEBUILDER_ASSETS`, builds what is missing, and says what to do if it cannot.
async fn programs() -> Result<PathBuf, Error> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/controlplane/build.sh");
    let output = Command::new(&script).stderr(Stdio::inherit()).output().await?;
    if !output.status.success() {
        return Err(format!("{} failed: it says why above", script.display()).into());
    }
    Ok(String::from_utf8(output.stdout)?.trim_end().into())
}
