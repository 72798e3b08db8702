//! The operator under test: the library's own, with the account and the rights that the chart gives it, in time that
//! runs faster.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::path::PathBuf;

use codeupgrade::operator::clock::Clock;
use codeupgrade::operator::shutdown::{self, Stopper};
use codeupgrade::operator::{self, Options};
use codeupgrade::playground::control_plane::ControlPlane;
use codeupgrade::playground::stage;
use jiff::Timestamp;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use tokio::task::JoinHandle;

use super::environment::Error;

/// Simulated seconds in a real second.
pub(crate) const SPEED: u32 = 1_800;

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
    stopper: Stopper,
    running: JoinHandle<Result<(), operator::Error>>,
}

impl Operator {
    /// Installs what the chart installs and starts the operator.
    pub(crate) async fn start(plane: &ControlPlane, client: &Client) -> Result<Self, Error> {
        stage::install(client).await?;
        let clock = Clock::scaled_from_now(begins(), SPEED);
        // Any free port, at an address that the API server's proxy may reach: it never goes to loopback.
        let http =
            SocketAddr::new(own_address(), std::net::TcpListener::bind("0.0.0.0:0")?.local_addr()?.port());
        let options = Options { http: Some(http), ..Options::default() };
        Self::start_again(plane, client, &clock, options).await
    }

    /// Starts another one where everything is installed.
    pub(crate) async fn start_again(
        plane: &ControlPlane,
        client: &Client,
        clock: &Clock,
        options: Options,
    ) -> Result<Self, Error> {
        let kubeconfig = Kubeconfig::read_from(kubeconfig(plane, client).await?)?;
        let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await?;
        let options = Options { allow_hosts: vec!["127.0.0.1:*".to_owned()], ..options };
        let http = options.http;
        let (stopper, stop) = shutdown::stop();
        let running = tokio::spawn(operator::run(options, clock.clone(), config, stop));
        Ok(Self { clock: clock.clone(), http, stopper, running })
    }

    /// Asks it to stop and waits for its end.
    pub(crate) async fn stop(self) -> Result<(), Error> {
        self.stopper.stop();
        Ok(self.running.await??)
    }
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
