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
    pub(crate) mod catch;
    pub(crate) mod chart;
    pub(crate) mod crds;
    pub(crate) mod deeds;
    pub(crate) mod devices;
    pub(crate) mod environment;
    pub(crate) mod files;
    pub(crate) mod jobs;
    pub(crate) mod killed;
    pub(crate) mod looks;
    pub(crate) mod methods;
    pub(crate) mod operator;
    pub(crate) mod plane;
    pub(crate) mod player;
    pub(crate) mod process;
    pub(crate) mod quiet;
    pub(crate) mod remembered;
    pub(crate) mod scale;
    pub(crate) mod screens;
    pub(crate) mod troubles;
    pub(crate) mod turns;
    pub(crate) mod upgrade;
    pub(crate) mod wait;
    pub(crate) mod wrong_answers;
}

use cluster::case::Case;
use cluster::catch;
use cluster::chart;
use cluster::crds;
use cluster::devices;
use cluster::environment::{self, Environment};
use cluster::files;
use cluster::jobs;
use cluster::killed;
use cluster::methods;
use cluster::plane;
use cluster::player;
use cluster::process;
use cluster::quiet;
use cluster::remembered;
use cluster::scale;
use cluster::screens;
use cluster::troubles;
use cluster::turns;
use cluster::upgrade;
use cluster::wrong_answers;

/// The environment that all tests share, or why there is none.
type Shared = Arc<OnceCell<Result<Arc<Environment>, environment::Error>>>;

fn main() -> Result<ExitCode, environment::Error> {
    // The client library leaves this choice to the process.
    rustls::crypto::ring::default_provider()
        .install_default()
        .map_err(|_| "a crypto provider is installed already")?;
    let runtime = Arc::new(Runtime::new()?);
    if let Some(order) = process::Order::from_arguments() {
        // This process is an operator that a test started, to kill it.
        return runtime.block_on(order.run());
    }
    let mut arguments = Arguments::from_args();
    // They wait for scaled time, or for a control plane of their own, more than they work.
    arguments.test_threads.get_or_insert(12);
    let shared = Shared::default();
    let cases = [
        plane::cases(),
        crds::cases(),
        player::cases(),
        upgrade::cases(),
        catch::cases(),
        chart::cases(),
        troubles::cases(),
        turns::cases(),
        killed::cases(),
        methods::cases(),
        process::cases(),
        quiet::cases(),
        remembered::cases(),
        devices::cases(),
        files::cases(),
        jobs::cases(),
        wrong_answers::cases(),
        scale::cases(),
        screens::cases(),
    ];
    let trials = cases
        .into_iter()
        .flatten()
        .map(|case| trial(case, Arc::clone(&runtime), Arc::clone(&shared)))
        .collect();
    let conclusion = libtest_mimic::run(&arguments, trials);
    if let Some(Ok(environment)) = shared.get() {
        runtime.block_on(environment.end(conclusion.has_failed()))?;
    }
    Ok(conclusion.exit_code())
}

fn trial(case: Case, runtime: Arc<Runtime>, shared: Shared) -> Trial {
    let Case { name, test, is_measurement } = case;
    Trial::test(name, move || {
        runtime.block_on(async {
            let started = shared.get_or_init(async || Environment::shared().await.map(Arc::new));
            let environment = started.await.as_ref().map_err(ToString::to_string)?;
            test(Arc::clone(environment)).await
        })
    })
    .with_ignored_flag(is_measurement)
}
