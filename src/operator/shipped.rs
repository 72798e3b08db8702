//! Keeps the shipped releases in the cluster, where the options ask for it: whoever leads applies them, when it begins to and whenever the
//! catalog changes, so that a first install finds a catalog, an upgrade of the operator brings its own, and what somebody edited is mended.
//!
//! Only its own fields are written, under a name of their own; applying what is so already changes nothing. What must never happen
//! here: touching a release that somebody else wrote.

use std::sync::Arc;
use std::time::Duration;

use kube::api::{Patch, PatchParams};
use kube::{Api, Client, ResourceExt};
use tokio::sync::watch;

use super::clock;
use super::context::KnownCatalog;
use super::lease::Held;
use crate::api::{CATALOG_MANAGER, CodeRelease};
use crate::translate;

/// After a failure it is tried again after this long, in real time: at a first install the definitions may come a moment later.
const RETRY: Duration = Duration::from_secs(5);

/// After a change of the catalog it is looked after this much later, in real time: changes come in crowds, and its own are among them.
const SETTLED: Duration = Duration::from_secs(10);

/// Applies the shipped releases again and again, while the lease is held.
pub async fn keep(client: Client, mut catalog: watch::Receiver<Option<Arc<KnownCatalog>>>, held: Held) {
    let mut was_told = false;
    loop {
        if held.is_held() {
            match apply_all(&client).await {
                Ok(()) => was_told = false,
                Err((release, error)) => {
                    if !was_told {
                        tracing::warn!(release, %error, "a shipped release could not be applied; it is tried again");
                        was_told = true;
                    }
                    clock::sleep(RETRY).await;
                    continue;
                }
            }
        }
        if catalog.changed().await.is_err() {
            return;
        }
        clock::sleep(SETTLED).await;
        catalog.mark_unchanged();
    }
}

/// Applies each; says which could not be and why.
async fn apply_all(client: &Client) -> Result<(), (String, kube::Error)> {
    let releases: Api<CodeRelease> = Api::all(client.clone());
    let parameters = PatchParams::apply(CATALOG_MANAGER).force();
    for release in translate::shipped() {
        let name = release.name_any();
        releases.patch(&name, &parameters, &Patch::Apply(&release)).await.map_err(|error| (name, error))?;
    }
    Ok(())
}
