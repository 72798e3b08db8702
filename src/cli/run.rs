//! `codeupgrade run`: the operator.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use super::output::fail;
use crate::operator::{self, Options, clock::Clock, logs, logs::LogFormat, shutdown::Stop};

/// Options of `run`.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The namespace of the lease by which one of several processes acts.
    #[arg(long, env = "CODEUPGRADE_NAMESPACE", default_value = "codeupgrade")]
    namespace: String,
    /// Who this process is, such as the pod's name.
    #[arg(long, env = "CODEUPGRADE_IDENTITY", default_value = "codeupgrade")]
    identity: String,
    /// Where health and metrics are served.
    #[arg(long, env = "CODEUPGRADE_HTTP", default_value = "0.0.0.0:8080")]
    http: SocketAddr,
    /// A glob over host:port of authorities that it may talk to; may be given several times. Without it: every host but
    /// loopback, link-local and the API server.
    #[arg(long = "allow-host", env = "CODEUPGRADE_ALLOW_HOSTS", value_delimiter = ',')]
    allow_hosts: Vec<String>,
    /// Rows of devices that all environments may hold together, for about 50 bytes of memory each; a few beyond them each may hold
    /// anyway.
    #[arg(long, env = "CODEUPGRADE_DEVICE_ROWS", default_value_t = operator::collect::room::SHARED)]
    device_rows: usize,
    /// Keep the releases that this program ships in the cluster, as `CodeReleases`.
    #[arg(long, env = "CODEUPGRADE_APPLY_RELEASES")]
    apply_releases: bool,
    /// Show metrics to whoever reaches the port, and not only to those who may `get` the path /metrics.
    #[arg(long, env = "CODEUPGRADE_OPEN_METRICS")]
    open_metrics: bool,
    /// How logs are written.
    #[arg(long, env = "CODEUPGRADE_LOG_FORMAT", value_enum, default_value_t = LogFormat::Json)]
    log_format: LogFormat,
    /// What is logged, as a filter such as `info,codeupgrade=debug`.
    #[arg(long, env = "CODEUPGRADE_LOG", default_value = "info")]
    log: String,
}

pub(super) fn main(arguments: &Arguments) -> ExitCode {
    if let Err(error) = logs::init(arguments.log_format, &arguments.log) {
        return fail(error, None);
    }
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return fail(format!("no runtime could be started: {error}"), None),
    };
    let outcome = runtime.block_on(run(arguments));
    runtime.shutdown_timeout(Duration::from_secs(2));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(error, None),
    }
}

async fn run(arguments: &Arguments) -> Result<(), String> {
    let config = kube::Config::infer().await.map_err(|error| format!("no cluster is configured: {error}"))?;
    let stop = Stop::on_signal().map_err(|error| format!("signals cannot be handled: {error}"))?;
    let options = Options {
        namespace: arguments.namespace.clone(),
        identity: arguments.identity.clone(),
        http: Some(arguments.http),
        allow_hosts: arguments.allow_hosts.clone(),
        device_rows: arguments.device_rows,
        apply_releases: arguments.apply_releases,
        open_metrics: arguments.open_metrics,
        ..Options::default()
    };
    operator::run(options, Clock::real_time(), config, stop).await.map_err(|error| error.to_string())
}
