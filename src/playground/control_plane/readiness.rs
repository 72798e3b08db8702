//! Waiting until a started control plane can be used.

use std::time::Duration;

use axum::http::Request;
use k8s_openapi::api::core::v1::ServiceAccount;
use kube::{Api, Client};
use tokio::time::{interval, timeout};

use super::error::Error;
use super::process::Process;

/// How long one program may take: a start takes a few seconds, on a machine that is busy compiling a few dozen.
const DEADLINE: Duration = Duration::from_secs(120);

/// How often a program is asked whether it is ready.
const INTERVAL: Duration = Duration::from_millis(50);

/// Waits until the API server says that it is ready, etcd and its own start-up work included.
pub(super) async fn api_server(admin: &kube::Config, processes: &mut [Process]) -> Result<(), Error> {
    let client = client(admin)?;
    wait(processes, || async {
        match Request::get("/readyz").body(Vec::new()) {
            Ok(request) => client.request_text(request).await.is_ok(),
            Err(_) => false,
        }
    })
    .await
}

/// Waits until the controller manager has made the first service account, without which no pod can be created.
pub(super) async fn service_accounts(admin: &kube::Config, processes: &mut [Process]) -> Result<(), Error> {
    let accounts: Api<ServiceAccount> = Api::namespaced(client(admin)?, "default");
    wait(processes, || async { accounts.get("default").await.is_ok() }).await
}

/// A client that does not retry on its own, since the loop here does.
fn client(admin: &kube::Config) -> Result<Client, Error> {
    let mut config = admin.clone();
    config.default_retry = false;
    Client::try_from(config).map_err(|source| Error::Client(Box::new(source)))
}

/// Asks until the answer is yes, as long as every process runs. The last process is the one that is waited for.
async fn wait<F: Future<Output = bool>>(
    processes: &mut [Process],
    ready: impl Fn() -> F,
) -> Result<(), Error> {
    let asking = async {
        let mut interval = interval(INTERVAL);
        loop {
            interval.tick().await;
            processes.iter_mut().try_for_each(Process::still_runs)?;
            if ready().await {
                return Ok(());
            }
        }
    };
    match timeout(DEADLINE, asking).await {
        Ok(result) => result,
        Err(_) => processes.last().map_or(Ok(()), |process| Err(process.not_ready(DEADLINE))),
    }
}
