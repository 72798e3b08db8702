//! `codeupgrade demo`: the real operator on a real API server upgrades a simulated environment, in time that runs faster.

mod plot;
mod view;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use kube::{Api, Client, Config};

use super::output::{fail, print, tell};
use crate::api::CodeUpgrade;
use crate::operator::{self, clock, clock::Clock, shutdown};
use crate::planner::words;
use crate::playground::control_plane::{self, ControlPlane};
use crate::playground::stage;
use crate::screens::{Environment, Paper, history};
use plot::Environment as Staged;

/// Simulated seconds in a real second: half an hour a second.
const SPEED: u32 = 1_800;

/// The demo gives up after this long, in real time.
const PATIENCE: Duration = Duration::from_secs(175);

/// How often the view is drawn.
const FRAME: Duration = Duration::from_millis(250);

/// Options of `demo`.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The directory with etcd, kube-apiserver and kube-controller-manager; `make demo` builds them.
    #[arg(long, env = "KUBEBUILDER_ASSETS", hide_env_values = true)]
    assets: PathBuf,
    /// Where state and logs go while it runs.
    #[arg(long, default_value = "target/demo")]
    directory: PathBuf,
    /// Leave everything running at the end, until Ctrl-C, to look around with kubectl.
    #[arg(long)]
    keep: bool,
}

pub(super) fn main(arguments: &Arguments) -> ExitCode {
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return fail(format!("no runtime could be started: {error}"), None),
    };
    let outcome = runtime.block_on(demo(arguments));
    // Tasks that still sleep end with the runtime; nothing of the demo outlives it.
    runtime.shutdown_timeout(Duration::from_secs(2));
    let cleared = if arguments.directory.exists() && outcome.is_ok() {
        std::fs::remove_dir_all(&arguments.directory)
    } else {
        Ok(())
    };
    match (outcome, cleared) {
        (Ok(()), Ok(())) => ExitCode::SUCCESS,
        (Ok(()), Err(error)) => {
            fail(format!("failed to clear {}: {error}", arguments.directory.display()), None)
        }
        (Err(error), _) => fail(error, Some(&format!("logs are in {}", arguments.directory.display()))),
    }
}

async fn demo(arguments: &Arguments) -> Result<(), String> {
    let said = |error: &dyn std::fmt::Display| error.to_string();
    tell("Starting etcd, kube-apiserver and kube-controller-manager ...");
    let options =
        control_plane::Options { programs: arguments.assets.clone(), data: arguments.directory.clone() };
    let plane = ControlPlane::start(options).await.map_err(|error| said(&error))?;
    let outcome = upgrade(arguments, &plane).await;
    plane.stop().await;
    outcome
}

/// Everything between the start of the API server and its end.
async fn upgrade(arguments: &Arguments, plane: &ControlPlane) -> Result<(), String> {
    let said = |error: &dyn std::fmt::Display| error.to_string();
    let client = Client::try_from(plane.admin_config()).map_err(|error| said(&error))?;
    tell("Installing the definitions, the releases and the roles of the chart ...");
    stage::install(&client).await.map_err(|error| said(&error))?;
    let clock = Clock::scaled_from_now(plot::begins(), SPEED);
    let environment = Staged::start(&client, &clock).await?;
    let (stopper, stop) = shutdown::stop();
    let operator = tokio::spawn(operator::run(
        operator::Options { allow_hosts: vec!["127.0.0.1:*".to_owned()], ..operator::Options::default() },
        clock.clone(),
        operator_config(plane, &client).await?,
        stop,
    ));
    tell(&format!(
        "Time runs {} a second.\n",
        words::duration(jiff::SignedDuration::from_secs(i64::from(SPEED)))
    ));
    let watched = tokio::select! {
        watched = watch(&client, &clock, &environment) => watched,
        _ = tokio::signal::ctrl_c() => Err("interrupted".to_owned()),
    };
    if watched.is_ok() {
        show_end(&client, plane, &clock).await?;
        if arguments.keep {
            print(&format!(
                "\nStill running. Look around, and end it with Ctrl-C:\n  export KUBECONFIG={}\n  {} explain -n {} (or status, history, releases, doctor)\n",
                plane.admin_kubeconfig().display(),
                own_path(),
                plot::NAMESPACE
            ));
            let _ = tokio::signal::ctrl_c().await;
        }
    }
    stopper.stop();
    let ended = operator.await.map_err(|error| said(&error))?;
    watched.and(ended.map_err(|error| said(&error)))
}

/// What to type to run this program once more.
fn own_path() -> String {
    std::env::current_exe().map_or_else(|_| "codeupgrade".to_owned(), |path| path.display().to_string())
}

/// The operator runs as its own account, with the rights that the chart gives it.
async fn operator_config(plane: &ControlPlane, client: &Client) -> Result<Config, String> {
    let token = stage::operator_token(client).await.map_err(|error| error.to_string())?;
    let path = plane.kubeconfig_for("operator", &token).map_err(|error| error.to_string())?;
    let kubeconfig = kube::config::Kubeconfig::read_from(path).map_err(|error| error.to_string())?;
    let options = kube::config::KubeConfigOptions::default();
    Config::from_custom_kubeconfig(kubeconfig, &options).await.map_err(|error| error.to_string())
}

/// Commits what is wanted and watches until it is there.
async fn watch(client: &Client, clock: &Clock, environment: &Staged) -> Result<(), String> {
    let upgrades: Api<CodeUpgrade> = Api::namespaced(client.clone(), plot::NAMESPACE);
    environment.commit_without_version().await?;
    let mut view = view::View::new();
    let mut committed = false;
    let begun = clock::instant();
    while clock::instant().duration_since(begun) < PATIENCE {
        clock::sleep(FRAME).await;
        let object = upgrades.get(plot::UPGRADE).await.map_err(|error| error.to_string())?;
        let Some(status) = &object.status else { continue };
        view.draw(clock.now(), &object);
        if !committed && status.phase == "Observing" && status.versions.authority.is_some() {
            view.note(clock.now(), &format!("commit: version: {}", plot::TARGET));
            environment.commit_target().await?;
            committed = true;
        }
        // Done is said when 95 % of the devices are; here the last one is waited for, too.
        let all_done = status.devices.as_ref().is_some_and(|devices| devices.done == devices.total);
        if status.phase == "Done" && all_done && environment.is_there().is_ok() {
            view.end();
            return Ok(());
        }
    }
    view.end();
    let missing = environment.is_there().err().unwrap_or_else(|| "the operator does not say so".to_owned());
    Err(format!("{} was not reached within {} s: {missing}", plot::TARGET, PATIENCE.as_secs()))
}

/// What a person would look at afterwards.
async fn show_end(client: &Client, plane: &ControlPlane, clock: &Clock) -> Result<(), String> {
    let arguments = ["get", "codeupgrade", "-n", plot::NAMESPACE];
    print(&format!("\n$ kubectl {}\n", arguments.join(" ")));
    let output = tokio::process::Command::new("kubectl")
        .args(arguments)
        .arg("--kubeconfig")
        .arg(plane.admin_kubeconfig())
        .output()
        .await
        .map_err(|error| format!("kubectl could not be run: {error}"))?;
    print(&String::from_utf8_lossy(&output.stdout));
    if !output.status.success() {
        return Err(format!("kubectl failed: {}", String::from_utf8_lossy(&output.stderr)));
    }
    let upgrades: Api<CodeUpgrade> = Api::namespaced(client.clone(), plot::NAMESPACE);
    let object = upgrades.get(plot::UPGRADE).await.map_err(|error| error.to_string())?;
    print("\n$ kubectl codeupgrade history\n");
    print(&history::render(&Environment::of(&object), &[], &Paper::plain(100), clock.now()));
    Ok(())
}
