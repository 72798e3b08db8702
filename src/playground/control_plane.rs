//! A real Kubernetes control plane without nodes: etcd, kube-apiserver and kube-controller-manager as child processes on loopback.
//!
//! Input: a directory with the three programs (`tests/controlplane/build.sh` prints one) and a directory for their state. The
//! demo and the cluster tests run against it; since no kubelet runs, the simulator plays the pods. Its state is throwaway and
//! starts empty each time. It must never outlive the process that started it, and never listen beyond loopback.

mod arguments;
mod audit_log;
mod certificates;
mod error;
mod kubeconfig;
mod process;
mod readiness;

use std::fs;
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use kube::config::{KubeConfigOptions, Kubeconfig};
use tokio::process::Command;

use arguments::Layout;
pub use audit_log::{AuditEvent, AuditLog};
use certificates::Certificates;
pub use error::Error;
use process::{Process, Watchdog};

/// What [`ControlPlane::start`] needs to know.
#[derive(Debug, Clone)]
pub struct Options {
    /// Directory with the programs `etcd`, `kube-apiserver` and `kube-controller-manager`.
    pub programs: PathBuf,
    /// Directory for state, keys and logs; created if missing. What an earlier control plane left there is deleted first, so two
    /// control planes need two directories.
    pub data: PathBuf,
}

/// A running control plane. End it with [`ControlPlane::stop`]; dropping it kills the processes too, without waiting for them.
#[derive(Debug)]
pub struct ControlPlane {
    layout: Layout,
    admin: kube::Config,
    running: Mutex<Option<Running>>,
}

impl ControlPlane {
    /// Starts the three programs and waits until the API server is ready and service accounts are being created.
    ///
    /// A rustls crypto provider must have been installed for the process.
    ///
    /// # Errors
    /// A program is missing, ends early or is not ready within two minutes (then with the end of its log), or the data directory
    /// cannot be written.
    pub async fn start(options: Options) -> Result<Self, Error> {
        for program in arguments::PROGRAMS {
            if !options.programs.join(program).is_file() {
                return Err(Error::MissingProgram { program, directory: options.programs });
            }
        }
        let layout = Layout::new(empty_directory(&options.data)?, free_ports()?);
        Certificates::generate()?.write(&layout.certificates())?;
        layout.write_audit_policy()?;
        let admin_kubeconfig = kubeconfig::with_certificate(&layout, "admin");
        kubeconfig::write(&layout.kubeconfig("admin"), &admin_kubeconfig)?;
        let controllers = kubeconfig::with_certificate(&layout, "controller-manager");
        kubeconfig::write(&layout.kubeconfig("controller-manager"), &controllers)?;
        let admin = client_config(admin_kubeconfig).await?;

        let mut running = Running::new(options.programs)?;
        running.start("etcd", layout.etcd(), &layout.log("etcd")).await?;
        running.start("kube-apiserver", layout.api_server(), &layout.log("kube-apiserver")).await?;
        readiness::api_server(&admin, &mut running.processes).await?;
        // Not sooner: it gives up when the API server is not there within ten seconds.
        let log = layout.log("kube-controller-manager");
        running.start("kube-controller-manager", layout.controller_manager(), &log).await?;
        readiness::service_accounts(&admin, &mut running.processes).await?;
        Ok(Self { layout, admin, running: Mutex::new(Some(running)) })
    }

    /// Kills the processes and waits until they are gone; the data directory stays. A second call does nothing.
    ///
    /// Killed rather than asked to end, since nothing of the state is kept.
    pub async fn stop(&self) {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(running) = running {
            running.end().await;
        }
    }

    /// Kubeconfig file of a cluster administrator (group `system:masters`), readable by its owner only.
    pub fn admin_kubeconfig(&self) -> PathBuf {
        self.layout.kubeconfig("admin")
    }

    /// Client configuration of the same administrator.
    pub fn admin_config(&self) -> kube::Config {
        self.admin.clone()
    }

    /// Writes a kubeconfig file for the bearer token of a service account, readable by its owner only, and returns its path. `name`
    /// names the file.
    pub fn kubeconfig_for(&self, name: &str, token: &str) -> Result<PathBuf, Error> {
        let path = self.layout.kubeconfig(name);
        kubeconfig::write(&path, &kubeconfig::with_token(&self.layout, name, token))?;
        Ok(path)
    }

    /// `https://` URL of the API server.
    pub fn url(&self) -> String {
        self.layout.url()
    }

    /// Every write that the API server answered.
    pub fn audit_log(&self) -> AuditLog {
        AuditLog::new(self.layout.audit_log())
    }
}

/// The child processes, in the order in which they were started.
#[derive(Debug)]
struct Running {
    programs: PathBuf,
    processes: Vec<Process>,
    watchdog: Watchdog,
}

impl Running {
    fn new(programs: PathBuf) -> Result<Self, Error> {
        Ok(Self { programs, processes: Vec::new(), watchdog: Watchdog::spawn()? })
    }

    async fn start(
        &mut self,
        program: &'static str,
        arguments: Vec<String>,
        log: &Path,
    ) -> Result<(), Error> {
        let mut command = Command::new(self.programs.join(program));
        command.args(arguments);
        let process = Process::spawn(program, command, log)?;
        self.watchdog.guard(&process).await?;
        self.processes.push(process);
        Ok(())
    }

    /// Ends the clients before what they talk to.
    async fn end(self) {
        for process in self.processes.into_iter().rev() {
            process.kill().await;
        }
        self.watchdog.dismiss().await;
    }
}

/// Turns a kubeconfig into a client's configuration.
async fn client_config(kubeconfig: serde_json::Value) -> Result<kube::Config, Error> {
    let kubeconfig: Kubeconfig = serde_json::from_value(kubeconfig).map_err(Error::KubeconfigFormat)?;
    let config = kube::Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await;
    config.map_err(|source| Error::Kubeconfig(Box::new(source)))
}

/// Creates `path`, deletes what an earlier control plane left in it, and returns it as an absolute path (kubeconfig files name other
/// files by it).
fn empty_directory(path: &Path) -> Result<PathBuf, Error> {
    fs::create_dir_all(path).map_err(|source| Error::file("create", path, source))?;
    let path = path.canonicalize().map_err(|source| Error::file("find", path, source))?;
    for owned in arguments::DIRECTORIES {
        let directory = path.join(owned);
        match fs::remove_dir_all(&directory) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                return Err(Error::file("delete", &directory, source));
            }
            Ok(()) | Err(_) => {}
        }
        fs::create_dir(&directory).map_err(|source| Error::file("create", &directory, source))?;
    }
    Ok(path)
}

/// Three ports that were free a moment ago. All are held until the last is known, so that they differ.
fn free_ports() -> Result<[u16; 3], Error> {
    let bind = || TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
    let listeners = [bind(), bind(), bind()];
    let mut ports = [0; 3];
    for (port, listener) in ports.iter_mut().zip(listeners) {
        *port = listener.and_then(|listener| listener.local_addr()).map_err(Error::Port)?.port();
    }
    Ok(ports)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    /// Starts a control plane whose programs are the given shell scripts, which cannot succeed.
    async fn start(scripts: &[(&str, &str)]) -> Error {
        // Another test of this process may have installed it already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let directory = tempfile::tempdir().unwrap();
        for (program, script) in scripts {
            let path = directory.path().join(program);
            fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        }
        let options = Options { programs: directory.path().to_owned(), data: directory.path().join("data") };
        ControlPlane::start(options).await.unwrap_err()
    }

    #[tokio::test]
    async fn a_missing_program_is_named_with_what_to_do() {
        let error = start(&[("etcd", "exit 0"), ("kube-apiserver", "exit 0")]).await.to_string();
        assert!(error.starts_with("no program kube-controller-manager in /"), "{error}");
        assert!(error.contains("make controlplane"), "{error}");
    }

    #[tokio::test]
    async fn a_program_that_ends_early_shows_the_end_of_its_log() {
        let sleep = "exec /bin/sleep 60";
        let scripts = [
            ("etcd", sleep),
            (
                "kube-apiserver",
                "for line in $(seq 30); do echo line $line; done; echo no such flag >&2; exit 3",
            ),
            ("kube-controller-manager", sleep),
        ];
        let error = start(&scripts).await.to_string();
        assert!(error.starts_with("kube-apiserver ended with exit status: 3 before it was ready"), "{error}");
        assert!(error.ends_with("line 30\nno such flag") && !error.contains("line 11\n"), "{error}");
    }
}
