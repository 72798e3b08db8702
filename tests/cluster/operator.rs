//! The operator under test: the library's own, with the account and the rights that the chart gives it, in time that
//! runs faster.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::path::PathBuf;
use std::time::Duration;

use codeupgrade::operator::clock::{self, Clock, Granter, SHORTEST_POLL};
use codeupgrade::operator::shutdown::{self, Stop, Stopper};
use codeupgrade::operator::{self, Options};
use codeupgrade::playground::control_plane::ControlPlane;
use codeupgrade::playground::stage;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Namespace;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config};
use tokio::task::JoinHandle;

use super::environment::Error;

/// Simulated seconds in a real second, where the machine keeps up.
pub(crate) const SPEED: u32 = 1_800;

/// Nobody else wants it; a busy machine may stand still for longer than the usual time.
const LEASE: Duration = Duration::from_secs(45);

/// Answers of the API server for each piece of time.
const QUESTIONS: usize = 2;

/// As whom the operator's writes stand in the audit log.
pub(crate) const ACCOUNT: &str = "system:serviceaccount:codeupgrade:codeupgrade";

/// A morning in the year of the article; every site begins when it is set up.
pub(crate) fn begins() -> Timestamp {
    Timestamp::constant(1_456_819_200, 0)
}

/// A running operator.
pub(crate) struct Operator {
    pub(crate) clock: Clock,
    /// Where it serves health and devices.
    pub(crate) http: Option<SocketAddr>,
    _pace: Option<Pace>,
    stopper: Stopper,
    running: JoinHandle<Result<(), operator::Error>>,
}

impl Operator {
    /// Installs what the chart installs and starts the operator.
    pub(crate) async fn start(plane: &ControlPlane, client: &Client) -> Result<Self, Error> {
        stage::install(client).await?;
        let (clock, pace) = paced(client, SPEED);
        let options = Options { http: Some(free_address()?), open_metrics: true, ..Options::default() };
        let operator = Self::start_again(plane, client, &clock, options).await?;
        Ok(Self { _pace: Some(pace), ..operator })
    }

    /// Starts another one where everything is installed. It may talk to authorities on loopback unless the options say otherwise.
    pub(crate) async fn start_again(
        plane: &ControlPlane,
        client: &Client,
        clock: &Clock,
        options: Options,
    ) -> Result<Self, Error> {
        let kubeconfig = Kubeconfig::read_from(kubeconfig(plane, client).await?)?;
        let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await?;
        let mut options = options;
        if options.allow_hosts.is_empty() {
            options.allow_hosts.push("127.0.0.1:*".to_owned());
        }
        let http = options.http;
        let (stopper, stop) = shutdown::stop();
        options.lease_duration = LEASE;
        let running = tokio::spawn(run(options, clock.clone(), config, stop));
        Ok(Self { clock: clock.clone(), http, _pace: None, stopper, running })
    }

    /// Asks it to stop and waits for its end.
    pub(crate) async fn stop(self) -> Result<(), Error> {
        self.stopper.stop();
        Ok(self.running.await??)
    }
}

/// Runs it as a kubelet does: one that lost its lease, as on a machine that stood still for a while, is started again.
async fn run(options: Options, clock: Clock, config: Config, stop: Stop) -> Result<(), operator::Error> {
    loop {
        match operator::run(options.clone(), clock.clone(), config.clone(), stop.clone()).await {
            // The port of the one before may not be free at once.
            Err(operator::Error::Lease(_) | operator::Error::Http { .. }) => {
                clock::sleep(SHORTEST_POLL).await;
            }
            ended => return ended,
        }
    }
}

/// A clock of this speed that waits for a slow machine: time goes on only as far as the API server is seen to answer.
pub(crate) fn paced(client: &Client, speed: u32) -> (Clock, Pace) {
    let (clock, granter) = Clock::granted_from_now(begins(), speed);
    (clock, Pace(tokio::spawn(keep_pace(client.clone(), granter))))
}

/// Lets a clock go on until it is dropped.
pub(crate) struct Pace(JoinHandle<()>);

impl Drop for Pace {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn keep_pace(client: Client, granter: Granter) {
    let namespaces: Api<Namespace> = Api::all(client);
    loop {
        // What an operator, a controller and a player do in a moment takes a few of these.
        for _ in 0..QUESTIONS {
            let _ = namespaces.get_opt("default").await;
        }
        granter.grant();
        clock::sleep(SHORTEST_POLL).await;
    }
}

/// Any free port, at an address that the API server's proxy may reach: it never goes to loopback.
pub(crate) fn free_address() -> std::io::Result<SocketAddr> {
    let port = std::net::TcpListener::bind("0.0.0.0:0")?.local_addr()?.port();
    Ok(SocketAddr::new(own_address(), port))
}

/// An address of this machine that is not loopback, if it has one. Nothing is sent: the system only says from where it would be.
fn own_address() -> IpAddr {
    let routed = || {
        let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
        socket.connect("198.51.100.1:9").ok()?;
        Some(socket.local_addr().ok()?.ip())
    };
    routed().unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST))
}

/// The kubeconfig of the operator's own account.
pub(crate) async fn kubeconfig(plane: &ControlPlane, client: &Client) -> Result<PathBuf, Error> {
    Ok(plane.kubeconfig_for("operator", &stage::operator_token(client).await?)?)
}
