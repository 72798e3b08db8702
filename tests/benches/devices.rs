//! How fast and how large the collector is: `make bench`. It lists the devices of a simulated authority over HTTP, page by
//! page, as the operator does. The authority runs in a process of its own, so that memory and processor time are told apart. How
//! long it takes is compared with plainly reading as many rows of JSON in the same process: the bound is about the code, not about
//! the machine.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement, told on the terminal")]
#![expect(
    clippy::disallowed_methods,
    reason = "a measurement takes the real time, and asks which one is wanted"
)]

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use codeupgrade::catalog::Catalog;
use codeupgrade::code42::{self, ClientOptions, Credentials};
use codeupgrade::fleet::{Arrangement, GroupRule};
use codeupgrade::operator::clock::Clock;
use codeupgrade::operator::collect::devices::{Bounds, Purpose, list};
use codeupgrade::operator::collect::room::{Room, SHARED};
use codeupgrade::operator::places::{KEPT_FOR, Places};
use codeupgrade::playground::Simulation;
use codeupgrade::playground::rest::{Account, serve};
use codeupgrade::simulator::{Scenario, World};

/// The first argument of the process that is the authority.
const WORD: &str = "be-an-authority";

const USERNAME: &str = "admin";
const PASSWORD: &str = "a simulated secret";

/// Devices, and most memory of the operator's side while it lists, in MiB.
const ALLOWED: [(usize, f64); 2] = [(100_000, 40.0), (1_000_000, 150.0)];

/// Processor time of a listing, in times of reading its rows as plain JSON.
const MOST_READINGS: f64 = 4.0;

fn main() -> ExitCode {
    rustls::crypto::ring::default_provider().install_default().unwrap();
    let arguments: Vec<String> = std::env::args().collect();
    match arguments.as_slice() {
        [_, word, devices] if word == WORD => be_an_authority(devices.parse().unwrap()),
        [_, word, devices, url] if word == "list" => {
            println!("{}", measure(devices.parse().unwrap(), url));
            ExitCode::SUCCESS
        }
        _ => compare(),
    }
}

fn compare() -> ExitCode {
    let mut met = true;
    for (devices, mebibytes) in ALLOWED {
        let mut authority = Authority::start(devices);
        // A process of its own for each size: what one listing took must not count for the next.
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["list", &devices.to_string(), &authority.url])
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let said = String::from_utf8(output.stdout).unwrap();
        let numbers: Vec<f64> = said.split_whitespace().map(|number| number.parse().unwrap()).collect();
        let [took, own, plain, idle, peak] = numbers.as_slice() else { panic!("{said}") };
        let served = authority.processor_seconds();
        let slower = if served > *own { "the authority" } else { "the collector" };
        let readings = own / plain;
        let good = readings <= MOST_READINGS && *peak <= mebibytes;
        println!(
            "{devices:>8} devices: {took:.1} s; processor {own:.1} s here, {readings:.1} plain readings (allowed {MOST_READINGS}), \
             and {served:.1} s in the authority: {slower} is the bottleneck; memory {idle:.0} MiB idle, {peak:.0} MiB at most (allowed {mebibytes} MiB)  {}",
            if good { "ok" } else { "TOO MUCH" }
        );
        met &= good;
        authority.child.kill().unwrap();
        authority.child.wait().unwrap();
    }
    if met { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Lists once, and says: seconds, processor seconds, those of reading as many rows plainly, memory before and at most.
fn measure(expected: usize, url: &str) -> String {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let (username, password) = (USERNAME.to_owned(), codeupgrade::code42::Secret::new(PASSWORD));
        let credentials = Credentials { username, password };
        let client = code42::Client::new(&ClientOptions::new(url, credentials)).unwrap();
        client.servers().await.unwrap();
        let (idle, before) = (memory("VmRSS"), processor_seconds(std::process::id()));
        let begun = Instant::now();
        let groups = [GroupRule::all()];
        let arrangement = Arrangement::new(&groups, "4.3.5.3".parse().ok());
        let purpose = Purpose { groups: &groups, arrangement, expected: 0 };
        let (pages, room) = (Places::new(1, KEPT_FOR), Room::of(SHARED));
        let bounds = Bounds { pages: &pages, room: &room };
        let (listing, _) = list(&client, &Clock::real_time(), purpose, bounds).await.unwrap();
        let took = begun.elapsed();
        assert_eq!(listing.devices.len(), expected);
        assert_eq!(listing.devices.oddities, codeupgrade::fleet::devices::Oddities::default());
        let own = processor_seconds(std::process::id()) - before;
        let most = memory("VmHWM");
        format!("{} {own} {} {idle} {most}", took.as_secs_f64(), plainly(expected))
    })
}

/// Processor seconds of reading so many rows of JSON, page by page, into values.
fn plainly(devices: usize) -> f64 {
    const PAGE: usize = 500;
    let row = serde_json::json!({
        "computerId": 7, "guid": "600624121205752065", "name": "laptop", "status": "Active", "active": true, "blocked": false,
        "orgId": 2, "orgUid": "600624121205752066", "lastConnected": "2016-03-01T08:00:00.000Z", "osName": "win",
        "osVersion": "6.1", "productVersion": "4.2.0", "version": 1_425_276_000_420_u64, "buildVersion": 100, "service": "CrashPlan",
        "userId": 12, "userUid": "600624121205752067", "creationDate": "2015-03-01T08:00:00.000Z", "timeZone": "America/Chicago",
    });
    let page = serde_json::to_string(&vec![row; PAGE]).unwrap();
    let before = processor_seconds(std::process::id());
    for _ in 0..devices.div_ceil(PAGE) {
        let rows: Vec<serde_json::Value> = serde_json::from_str(&page).unwrap();
        assert_eq!(std::hint::black_box(rows).len(), PAGE);
    }
    processor_seconds(std::process::id()) - before
}

/// The simulated authority in its own process.
struct Authority {
    child: Child,
    url: String,
}

impl Authority {
    fn start(devices: usize) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([WORD, &devices.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Self { child, url: line.trim().to_owned() }
    }

    fn processor_seconds(&mut self) -> f64 {
        processor_seconds(self.child.id())
    }
}

/// Serves until nobody holds the other end of its input any more.
fn be_an_authority(devices: usize) -> ExitCode {
    let scenario = format!(
        "start: 2016-03-01T10:00:00Z\nauthority: {{name: authority, version: 4.2.3.1}}\ndevices: [{{count: {devices}, os: Windows, version: 4.2.0}}]\n"
    );
    let scenario = Scenario::from_yaml(&scenario).unwrap();
    let world = World::new(&scenario, Catalog::default()).unwrap();
    let (start, begun) = (scenario.start, Instant::now());
    let time = move || start + begun.elapsed();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let account = Account { username: USERNAME.to_owned(), password: PASSWORD.to_owned() };
        let serving = serve(Simulation::new(world, Arc::new(time)), account, listener, None).unwrap();
        println!("http://{}", serving.address());
        tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new())).await.unwrap().unwrap();
    });
    runtime.shutdown_timeout(Duration::from_secs(1));
    ExitCode::SUCCESS
}

/// User and system time of a process, from the kernel, which counts in hundredths of a second.
fn processor_seconds(process: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    let after_name = stat.rsplit_once(')').unwrap().1;
    let fields: Vec<&str> = after_name.split_whitespace().collect();
    let ticks: u32 = [11, 12].into_iter().map(|index| fields[index].parse::<u32>().unwrap()).sum();
    f64::from(ticks) / 100.0
}

/// A size of this process, in MiB.
fn memory(which: &str) -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(which)).unwrap();
    let kibibytes: u32 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    f64::from(kibibytes) / 1024.0
}
