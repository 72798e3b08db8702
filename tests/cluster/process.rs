//! Operators as processes of their own: the program as it is shipped, and one in faster time that a test may kill.

use std::process::{ExitCode, Stdio};
use std::sync::Arc;
use std::time::Duration;

use codeupgrade::operator::clock::{Clock, Scale};
use codeupgrade::operator::shutdown::Stop;
use codeupgrade::operator::{self, Options};
use codeupgrade::playground::stage;
use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::Lease;
use kube::Api;
use kube::config::{KubeConfigOptions, Kubeconfig};
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};

use super::case::{Case, Outcome, case};
use super::environment::{Environment, Error, Setting, UPGRADE, set_up};
use super::operator::kubeconfig;
use super::wait::{eventually, until_status};

pub(crate) fn cases() -> Vec<Case> {
    vec![case("the_program_hands_over_when_asked_to_stop_and_when_killed", hands_over)]
}

/// The first argument of a test program that is to be an operator.
const WORD: &str = "be-an-operator";

/// How an operator in faster time is run: in a process of its own, which is this test program again.
pub(crate) struct Order {
    kubeconfig: String,
    anchor: Timestamp,
    origin: Timestamp,
    factor: u32,
}

impl Order {
    /// What this process was started for, if it was.
    pub(crate) fn from_arguments() -> Option<Self> {
        let arguments: Vec<String> = std::env::args().collect();
        let [_, word, kubeconfig, anchor, origin, factor] = arguments.as_slice() else { return None };
        if word != WORD {
            return None;
        }
        let (anchor, origin, factor) = (anchor.parse().ok()?, origin.parse().ok()?, factor.parse().ok()?);
        Some(Self { kubeconfig: kubeconfig.clone(), anchor, origin, factor })
    }

    /// Runs the operator until the process is asked to stop.
    pub(crate) async fn run(self) -> Result<ExitCode, Error> {
        let kubeconfig = Kubeconfig::read_from(self.kubeconfig)?;
        let config = kube::Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await?;
        let clock = Clock::with_scale(Scale::new(self.anchor, self.origin, self.factor));
        let options = Options {
            allow_hosts: vec!["127.0.0.1:*".to_owned()],
            lease_duration: Duration::from_secs(3),
            ..Options::default()
        };
        operator::run(options, clock, config, Stop::on_signal()?).await?;
        Ok(ExitCode::SUCCESS)
    }

    /// Starts such a process.
    pub(crate) fn start(
        kubeconfig: &std::path::Path,
        (anchor, origin, factor): (Timestamp, Timestamp, u32),
    ) -> Result<Child, Error> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg(WORD).arg(kubeconfig);
        command.args([anchor.to_string(), origin.to_string(), factor.to_string()]);
        Ok(command.kill_on_drop(true).spawn()?)
    }
}

/// The program `codeupgrade run`, with what it logs.
pub(crate) struct Program {
    child: Child,
    http: String,
}

impl Program {
    pub(crate) fn start(kubeconfig: &std::path::Path) -> Result<Self, Error> {
        let http = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string();
        let mut command = Command::new(env!("CARGO_BIN_EXE_codeupgrade"));
        command.args(["run", "--http", &http, "--allow-host", "127.0.0.1:*"]).env("KUBECONFIG", kubeconfig);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        Ok(Self { child: command.spawn()?, http })
    }

    pub(crate) async fn answers(&self, path: &str) -> Result<(), Error> {
        let url = format!("http://{}{path}", self.http);
        eventually("a good answer", async || {
            let answer = reqwest::get(&url).await;
            Ok(answer.is_ok_and(|answer| answer.status().is_success()).then_some(()))
        })
        .await
    }

    /// Its process.
    pub(crate) fn id(&self) -> Result<u32, Error> {
        self.child.id().ok_or_else(|| "it ended by itself".into())
    }

    fn signal(&self, signal: Signal) -> Result<(), Error> {
        let id = self.child.id().map(i32::try_from).transpose()?;
        let process = id.and_then(Pid::from_raw).ok_or("it ended by itself")?;
        Ok(kill_process(process, signal)?)
    }

    /// Waits for its end; returns whether it was a success, and its log.
    async fn ended(self) -> Result<(bool, String), Error> {
        let ending = tokio::spawn(self.child.wait_with_output());
        eventually("an end of the process", async || Ok(ending.is_finished().then_some(()))).await?;
        let output = ending.await??;
        let log = [output.stdout, output.stderr].concat();
        Ok((output.status.success(), String::from_utf8(log)?))
    }
}

/// Two programs beside each other: one acts, the other takes over at once when the first is asked to stop, and after the
/// lease when it is killed.
async fn hands_over(_: Arc<Environment>) -> Outcome {
    let own = Environment::own("program").await?;
    let outcome = take_turns(&own).await;
    own.end(outcome.is_err()).await?;
    Ok(outcome?)
}

async fn take_turns(own: &Environment) -> Result<(), Error> {
    stage::install(&own.client).await?;
    let kubeconfig = kubeconfig(&own.plane, &own.client).await?;
    let scenario = Setting::of("authority: {name: authority, version: 4.2.3.1}");
    let site = set_up(&own.client, "code42", scenario, &Clock::real_time()).await?;

    let first = Program::start(&kubeconfig)?;
    first.answers("/readyz").await?;
    let holder = next_holder(own, "").await?;
    let second = Program::start(&kubeconfig)?;
    second.answers("/livez").await?;
    site.commit(UPGRADE, site.observing()).await?;
    until_status(&own.client, &Clock::real_time(), &site, |status| status.phase == "Observing").await?;
    assert_eq!(next_holder(own, "").await?, holder, "the second waits");

    first.signal(Signal::TERM)?;
    let (success, log) = first.ended().await?;
    assert!(success, "{log}");
    for line in log.lines() {
        assert!(serde_json::from_str::<serde_json::Value>(line).is_ok(), "not structured: {line}");
    }
    assert!(log.lines().count() > 0, "it logs");
    // Nobody has to wait until the lease runs out.
    assert_ne!(holder_now(own).await?.as_ref(), Some(&holder), "it was not given back");
    let holder = next_holder(own, &holder).await?;

    let third = Program::start(&kubeconfig)?;
    second.signal(Signal::KILL)?;
    assert!(!second.ended().await?.0);
    next_holder(own, &holder).await?;
    third.signal(Signal::TERM)?;
    let (success, log) = third.ended().await?;
    assert!(success, "{log}");
    Ok(())
}

/// Who holds the lease, once it is another than `last`.
async fn next_holder(own: &Environment, last: &str) -> Result<String, Error> {
    eventually("another holder of the lease", async || {
        Ok(holder_now(own).await?.filter(|holder| !holder.is_empty() && holder != last))
    })
    .await
}

async fn holder_now(own: &Environment) -> Result<Option<String>, Error> {
    let leases: Api<Lease> = Api::namespaced(own.client.clone(), stage::OPERATOR_NAMESPACE);
    Ok(leases.get_opt("codeupgrade").await?.and_then(|lease| lease.spec?.holder_identity))
}
