//! What every cluster test is given: a running control plane, an administrator's client, and ways to wait.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use codeupgrade::simulator::control_plane::{ControlPlane, Options};
use k8s_openapi::api::core::v1::Namespace;
use kube::api::{ObjectMeta, PostParams};
use kube::{Api, Client, ResourceExt};
use tokio::process::Command;
use tokio::time::{interval, timeout};

/// Whatever went wrong; only its text is used.
pub(crate) type Error = Box<dyn std::error::Error + Send + Sync>;

/// How long [`eventually`] waits. Far more than anything takes, since the machine may be compiling at the same time.
const DEADLINE: Duration = Duration::from_secs(60);

/// The shared control plane and a client for it.
pub(crate) struct Environment {
    pub(crate) plane: ControlPlane,
    pub(crate) client: Client,
    /// State and logs of the control plane, below target/.
    pub(crate) data: PathBuf,
}

impl Environment {
    pub(crate) async fn start() -> Result<Self, Error> {
        let programs = programs().await?;
        let data = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("cluster-{}", std::process::id()));
        let plane = ControlPlane::start(Options { programs, data: data.clone() }).await?;
        let client = Client::try_from(plane.admin_config())?;
        Ok(Self { plane, client, data })
    }

    /// Creates a namespace for one test and returns its name, which starts with `prefix`.
    pub(crate) async fn namespace(&self, prefix: &str) -> Result<String, kube::Error> {
        let metadata = ObjectMeta { generate_name: Some(format!("{prefix}-")), ..ObjectMeta::default() };
        let namespace = Namespace { metadata, ..Namespace::default() };
        let created = Api::all(self.client.clone()).create(&PostParams::default(), &namespace).await?;
        Ok(created.name_any())
    }
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

/// Asks until there is an answer and returns it; fails after a minute. `what` completes the sentence "there was never …".
pub(crate) async fn eventually<T>(
    what: &str,
    ask: impl AsyncFn() -> Result<Option<T>, Error>,
) -> Result<T, Error> {
    let asking = async {
        let mut interval = interval(Duration::from_millis(50));
        loop {
            interval.tick().await;
            if let Some(answer) = ask().await? {
                return Ok(answer);
            }
        }
    };
    let failed = || format!("there was never {what} in {} s", DEADLINE.as_secs()).into();
    timeout(DEADLINE, asking).await.unwrap_or_else(|_| Err(failed()))
}
