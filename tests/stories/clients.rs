//! Clients of the vendor, and our own, against the simulated authority over real connections.
//!
//! The Python ones are skipped where there is no `python3`, unless `CODEUPGRADE_REQUIRE_PYTHON=1` says that there must be.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;

use codeupgrade::catalog::Catalog;
use codeupgrade::code42::{Client, ClientOptions, Credentials, DeviceRow, SettingsUpdate, Switch};
use codeupgrade::playground::Simulation;
use codeupgrade::playground::rest::{Account, Serving, serve};
use codeupgrade::playground::tls::Identity;
use codeupgrade::simulator::{Scenario, World};
use jiff::Timestamp;
use serde_json::Value;
use tokio::net::TcpListener;

const USERNAME: &str = "admin@example.com";
const PASSWORD: &str = "correct horse";

/// An authority with 28 active devices, 20 of them in organisation 2.
fn scenario(version: &str) -> Scenario {
    Scenario::from_yaml(&format!(
        "
start: 2019-09-03T10:00:00Z
authority: {{name: authority, version: {version}}}
storage: [{{name: storage-01, version: {version}}}]
organisations: [{{name: IT}}, {{name: Board}}]
devices:
- {{count: 20, os: Windows, version: 4.2.0, organisation: IT}}
- {{count: 8, os: Mac, version: 4.2.0, organisation: Board}}
- {{count: 4, os: Linux, version: 4.2.0, organisation: IT, state: Deactivated}}
"
    ))
    .unwrap()
}

/// A simulated authority on loopback, at a standstill.
struct Authority {
    simulation: Simulation,
    serving: Serving,
    identity: Identity,
    directory: tempfile::TempDir,
}

impl Authority {
    async fn start(version: &str) -> Self {
        let scenario = scenario(version);
        let start: Timestamp = scenario.start;
        let world = World::new(&scenario, Catalog::default()).unwrap();
        let simulation = Simulation::new(world, Arc::new(move || start));
        let identity = Identity::generate(&["localhost", "127.0.0.1"]).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let account = Account { username: USERNAME.to_owned(), password: PASSWORD.to_owned() };
        let serving = serve(simulation.clone(), account, listener, Some(&identity)).unwrap();
        Self { simulation, serving, identity, directory: tempfile::tempdir().unwrap() }
    }

    fn url(&self) -> String {
        format!("https://localhost:{}", self.serving.address().port())
    }

    fn ca_file(&self) -> PathBuf {
        let path = self.directory.path().join("ca.pem");
        std::fs::write(&path, self.identity.ca_pem()).unwrap();
        path
    }

    fn active(&self) -> BTreeSet<String> {
        self.simulation.at_present(|world| {
            let active =
                world.devices().filter(|device| device.state == codeupgrade::fleet::DeviceState::Active);
            active.map(|device| device.guid.to_string()).collect()
        })
    }

    fn flagged(&self) -> BTreeSet<String> {
        self.simulation.at_present(|world| {
            world.devices().filter(|device| device.flags > 0).map(|device| device.guid.to_string()).collect()
        })
    }
}

#[expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a test's own switch, and the only sign of a skip"
)]
/// The Python to run clients with; `None`, with a line that says so, where there is none.
fn python() -> Option<PathBuf> {
    let found = Command::new("python3").args(["-c", "import venv, ssl"]).output();
    if found.is_ok_and(|output| output.status.success()) {
        return Some("python3".into());
    }
    let required = std::env::var("CODEUPGRADE_REQUIRE_PYTHON").is_ok_and(|value| value == "1");
    assert!(!required, "CODEUPGRADE_REQUIRE_PYTHON=1, and there is no python3 with venv and ssl");
    println!("SKIPPED: there is no python3 with venv and ssl to run the vendor's client with");
    None
}

fn clients() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients")
}

/// A Python that has the vendor's client: made once for each list of requirements, and kept under `target`.
fn python_with_py42(python: &Path) -> PathBuf {
    let requirements = clients().join("requirements.txt");
    let wanted = std::fs::read_to_string(&requirements).unwrap();
    let environment = Path::new(env!("CARGO_TARGET_TMPDIR")).join("py42-venv");
    let (interpreter, installed) = (environment.join("bin/python"), environment.join("installed.txt"));
    if std::fs::read_to_string(&installed).is_ok_and(|had| had == wanted) {
        return interpreter;
    }
    checked(Command::new(python).args(["-m", "venv", "--clear"]).arg(&environment));
    let mut install = Command::new(&interpreter);
    checked(
        install
            .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"])
            .arg(&requirements),
    );
    std::fs::write(installed, wanted).unwrap();
    interpreter
}

fn checked(command: &mut Command) -> Output {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

/// Runs a client to its end, and reads the one line that it prints.
async fn run(mut command: Command) -> Value {
    command.env("USERNAME", USERNAME).env("PASSWORD", PASSWORD).env("NO_PROXY", "localhost,127.0.0.1");
    let output = tokio::task::spawn_blocking(move || checked(&mut command)).await.unwrap();
    serde_json::from_slice(&output.stdout).unwrap()
}

/// As most of these tests block, they need a thread for the authority.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_vendors_python_client_pages_reads_and_flags() {
    let Some(python) = python() else { return };
    let authority = Authority::start("6.8.9").await;
    let python = tokio::task::spawn_blocking(move || python_with_py42(&python)).await.unwrap();
    let mut command = Command::new(python);
    command.arg(clients().join("py42_client.py")).arg(authority.url()).arg(authority.ca_file());
    let said = run(command).await;
    assert_eq!(said["username"], USERNAME);
    assert_eq!(
        (&said["pages"], &said["upgrade"], &said["missing"]),
        (&3.into(), &200.into(), &404.into()),
        "{said}"
    );
    assert_eq!((&said["same"], &said["version"]), (&true.into(), &"4.2.0".into()), "{said}");
    let guids: BTreeSet<String> = serde_json::from_value(said["guids"].clone()).unwrap();
    assert_eq!(guids, authority.active());
    let flagged: String = serde_json::from_value(said["flagged"].clone()).unwrap();
    assert_eq!(authority.flagged(), BTreeSet::from([flagged]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_vendors_example_script_flags_an_organisation() {
    let Some(python) = python() else { return };
    for (organisation, expected) in [("2", 20), ("3", 8), ("0", 28)] {
        let authority = Authority::start("4.2.3.1").await;
        let mut command = Command::new(&python);
        command.arg(clients().join("upgrade_devices_by_org.py"));
        command.arg(authority.url()).arg(authority.ca_file()).arg(organisation);
        let said = run(command).await;
        assert_eq!(said["devices"], expected, "{said}");
        let flagged: BTreeSet<String> = serde_json::from_value(said["flagged"].clone()).unwrap();
        assert_eq!((flagged.len(), flagged), (expected, authority.flagged()), "organisation {organisation}");
    }
}

/// What our own client reads is what the simulated world is.
#[tokio::test]
async fn our_own_client_reads_what_the_world_is() {
    // Another test may have installed it.
    let _ = rustls::crypto::ring::default_provider().install_default();
    for version in ["4.2.3.1", "6.8.9"] {
        let authority = Authority::start(version).await;
        let credentials = Credentials { username: USERNAME.to_owned(), password: PASSWORD.into() };
        let mut options = ClientOptions::new(authority.url(), credentials);
        options.ca_pem = Some(authority.identity.ca_pem().as_bytes().to_vec());
        let client = Client::new(&options).unwrap();
        let environment = client.server_environment().await.unwrap();
        assert_eq!(environment.value.product_version, version);
        let answer = client.servers().await.unwrap();
        assert_eq!(answer.authority_time, Some(scenario(version).start));
        let servers: BTreeSet<_> =
            answer.value.iter().map(|server| server.guid.as_str().to_owned()).collect();
        let real = authority.simulation.at_present(|world| world.servers());
        assert_eq!(servers, real.into_iter().map(|server| server.guid.0).collect());
        let mut pages = client.devices(7);
        let mut devices = 0;
        let mut give = |row: DeviceRow| devices += usize::from(row.is_ok());
        while let Some(page) = pages.next(&mut give).await.unwrap() {
            assert_eq!(page.value.total_count, Some(32));
        }
        assert_eq!(devices, 32);
        assert_eq!(client.organisations().await.unwrap().value.len(), 2);
        let cluster = answer.value[0].cluster_server_id.unwrap();
        let update = SettingsUpdate { device_auto_upgrade: Some(Switch::On), ..SettingsUpdate::default() };
        client.update_server_settings(cluster, &update).await.unwrap();
        let settings = client.server_settings(cluster).await.unwrap();
        assert_eq!(settings.value.device_auto_upgrade, Switch::On);
        assert!(authority.simulation.at_present(|world| world.settings().device_auto_upgrade));
    }
}
