//! Tests against a real API server. One control plane serves them all; each test works in a namespace of its own.
//!
//! `cargo test --test cluster -- NAME` runs those whose name contains NAME. The control plane starts with the first test that runs, so
//! listing starts none, and is stopped after the last.

use std::process::ExitCode;
use std::sync::Arc;

use libtest_mimic::{Arguments, Trial};
use tokio::runtime::Runtime;
use tokio::sync::OnceCell;

mod cluster {
    pub(crate) mod case;
    pub(crate) mod crds;
    pub(crate) mod environment;
    pub(crate) mod plane;
    pub(crate) mod player;
}

use cluster::case::Case;
use cluster::crds;
use cluster::environment::{self, Environment};
use cluster::plane;
use cluster::player;

/// The environment that all tests share, or why there is none.
type Shared = Arc<OnceCell<Result<Arc<Environment>, environment::Error>>>;

fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    // The client library leaves this choice to the process.
    rustls::crypto::ring::default_provider()
        .install_default()
        .map_err(|_| "a crypto provider is installed already")?;
    let arguments = Arguments::from_args();
    let runtime = Arc::new(Runtime::new()?);
    let shared = Shared::default();
    let cases = [plane::cases(), crds::cases(), player::cases()].into_iter().flatten();
    let trials = cases.map(|case| trial(case, Arc::clone(&runtime), Arc::clone(&shared))).collect();
    let conclusion = libtest_mimic::run(&arguments, trials);
    if let Some(Ok(environment)) = shared.get() {
        runtime.block_on(environment.plane.stop());
        if !conclusion.has_failed() {
            // Kept after a failure: the logs tell why.
            std::fs::remove_dir_all(&environment.data)?;
        }
    }
    Ok(conclusion.exit_code())
}

fn trial(case: Case, runtime: Arc<Runtime>, shared: Shared) -> Trial {
    let Case { name, test } = case;
    Trial::test(name, move || {
        runtime.block_on(async {
            let started = shared.get_or_init(async || Environment::start().await.map(Arc::new));
            let environment = started.await.as_ref().map_err(ToString::to_string)?;
            test(Arc::clone(environment)).await
        })
    })
}
