//! Which Kubernetes this is: what holds elsewhere does not hold on every one.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use kube::Client;

use super::clock;

/// Asked this often, in real time: it is upgraded now and then.
const EVERY: Duration = Duration::from_secs(600);

/// What the API server says of its version. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct KubernetesVersion {
    known: Arc<Mutex<Option<String>>>,
}

impl KubernetesVersion {
    /// As it is written, such as `v1.33.1`; `None` before it was asked.
    pub fn get(&self) -> Option<String> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Asks again and again.
    pub async fn follow(self, client: Client) {
        loop {
            match client.apiserver_version().await {
                Ok(info) => {
                    *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Some(info.git_version);
                }
                Err(error) => tracing::warn!(%error, "the API server could not be asked for its version"),
            }
            clock::sleep(EVERY).await;
        }
    }
}
