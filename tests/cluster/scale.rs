//! Large fleets, read by the shipped program and rolled out by an operator of its own process: how large the object, how much memory,
//! how many writes. What is measured is for `make bench` alone; how fast fleets are read is measured there, too (`tests/benches/devices.rs`).

#![expect(clippy::print_stdout, reason = "measurements, told on the terminal")]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use codeupgrade::api::CodeUpgrade;
use codeupgrade::operator::clock::{self, Clock, Scale};
use codeupgrade::playground::stage;
use jiff::SignedDuration;
use kube::Api;
use serde_json::json;

use super::case::{Case, Outcome, case};
use super::environment::{Environment, Error, Setting, UPGRADE, set_up};
use super::operator::{ACCOUNT, begins, kubeconfig};
use super::process::{Order, Program};
use super::wait::until_status;

pub(crate) fn cases() -> Vec<Case> {
    vec![
        case("twenty_thousand_devices_are_read_into_a_small_object", reads_some),
        case("measure_the_memory_of_a_hundred_thousand_devices", reads_many).measured(),
        case("measure_the_memory_of_a_million_devices", reads_a_million).measured(),
        case("measure_a_rollout_of_a_hundred_thousand_devices_in_five_waves", rolls_out_many).measured(),
    ]
}

/// The operator's memory with nothing to do, in MiB.
const IDLE: f64 = 20.0;

/// No object may be larger, in bytes.
const MOST_BYTES: usize = 64 << 10;

async fn reads_some(_: Arc<Environment>) -> Outcome {
    Ok(reads("some", 20_000).await.map(|_| ())?)
}

async fn reads_many(_: Arc<Environment>) -> Outcome {
    Ok(measure("many", 100_000, 40.0).await?)
}

async fn reads_a_million(_: Arc<Environment>) -> Outcome {
    Ok(measure("million", 1_000_000, 150.0).await?)
}

/// Reads so many devices within this memory, in MiB.
async fn measure(name: &str, devices: u64, mebibytes: f64) -> Result<(), Error> {
    let Memory { idle, most } = reads(name, devices).await?;
    println!(
        "{devices} devices: {idle:.0} MiB idle (allowed {IDLE}), {most:.0} MiB at most (allowed {mebibytes})"
    );
    assert!(idle <= IDLE, "{idle} MiB with nothing to do");
    assert!(most <= mebibytes, "{most} MiB with {devices} devices");
    Ok(())
}

/// What a process took up, in MiB.
struct Memory {
    idle: f64,
    most: f64,
}

/// Has the program read so many devices, into an object that stays small.
async fn reads(name: &str, devices: u64) -> Result<Memory, Error> {
    let own = Environment::own(name).await?;
    let outcome = read(&own, devices).await;
    own.end(outcome.is_err()).await?;
    outcome
}

async fn read(own: &Environment, devices: u64) -> Result<Memory, Error> {
    stage::install(&own.client).await?;
    let scenario = format!(
        "authority: {{name: authority, version: 4.2.3.1}}\ndevices: [{{count: {devices}, os: Windows, version: 4.2.0}}]"
    );
    let clock = Clock::real_time();
    let site = set_up(&own.client, "code42", Setting::of(&scenario), &clock).await?;
    let program = Program::start(&kubeconfig(&own.plane, &own.client).await?)?;
    program.answers("/readyz").await?;
    clock::sleep(Duration::from_secs(3)).await;
    let idle = mebibytes_of(program.id()?, "VmRSS")?;
    site.commit(UPGRADE, site.observing()).await?;
    let is_read = |status: &codeupgrade::api::CodeUpgradeStatus| {
        status.devices.as_ref().is_some_and(|found| found.total == devices)
    };
    until_status(&own.client, &clock, &site, is_read).await?;
    let most = mebibytes_of(program.id()?, "VmHWM")?;
    let bytes = object_bytes(own).await?;
    assert!(bytes < MOST_BYTES, "{bytes} bytes with {devices} devices");
    Ok(Memory { idle, most })
}

/// A minute of the operator takes a second: what a listing of so many devices takes is a few of its minutes.
const FACTOR: u32 = 60;

async fn rolls_out_many(_: Arc<Environment>) -> Outcome {
    let own = Environment::own("rollout").await?;
    let outcome = roll_out(&own).await;
    own.end(outcome.is_err()).await?;
    Ok(outcome?)
}

async fn roll_out(own: &Environment) -> Result<(), Error> {
    const DEVICES: u64 = 100_000;
    stage::install(&own.client).await?;
    let scale = (clock::wall(), begins(), FACTOR);
    let clock = Clock::with_scale(Scale::new(scale.0, scale.1, scale.2));
    let scenario = format!(
        "authority: {{name: authority, version: 4.3.5.3}}\ndevices: [{{count: {DEVICES}, os: Windows, version: 4.2.0}}]"
    );
    let site = set_up(&own.client, "code42", Setting::of(&scenario), &clock).await?;
    let mut spec = site.wanting("4.3.5.3".parse()?);
    spec["devices"] = json!({
        "upgrade": "Bundled", "waves": [1, 100, "5%", "50%", "100%"], "pause": "1h",
        "maxInFlight": 60_000, "ratePerMinute": 10_000,
    });
    let begun = clock.now();
    site.commit(UPGRADE, spec).await?;
    let mut operator = Order::start(&kubeconfig(&own.plane, &own.client).await?, scale)?;
    let (mut largest, mut waves) = (0, 0);
    loop {
        clock::sleep(Duration::from_secs(1)).await;
        largest = largest.max(object_bytes(own).await?);
        let status = Api::<CodeUpgrade>::namespaced(own.client.clone(), "code42").get(UPGRADE).await?.status;
        let Some(status) = status else { continue };
        let opened = status
            .memory
            .iter()
            .flat_map(|memory| &memory.rollouts)
            .map(|rollout| rollout.wave.number())
            .max();
        waves = waves.max(opened.unwrap_or(0));
        if status.phase == "Done" {
            break;
        }
        if clock.now().duration_since(begun) > SignedDuration::from_hours(72) {
            return Err(format!(
                "in three days it only came to {} ({}): {}",
                status.phase, status.reason, status.message
            )
            .into());
        }
    }
    let hours = clock.now().duration_since(begun).as_secs_f64() / 3600.0;
    let most = mebibytes_of(operator.id().ok_or("it runs")?, "VmHWM")?;
    operator.kill().await?;
    let writes = own.plane.audit_log().events().await?;
    let writes = writes.iter().filter(|event| {
        event.user == ACCOUNT
            && event.is_effective()
            && event.resource == "codeupgrades"
            && event.subresource.as_deref() == Some("status")
    });
    let writes = writes.count();
    println!(
        "{DEVICES} devices, {waves} waves, {hours:.1} h: object {largest} bytes at most, {writes} writes of its status, operator {most:.0} MiB at most"
    );
    assert_eq!(waves, 5);
    assert!(largest < MOST_BYTES, "{largest} bytes");
    // Counts at most every 5 minutes, a rise of the threshold at most every minute, and what happens besides.
    let allowed = hours * 60.0 / 5.0 + f64::from(u32::try_from(DEVICES / 10_000)?) * 2.0 + 60.0;
    assert!(f64::from(u32::try_from(writes)?) <= allowed, "{writes} writes, {allowed:.0} are allowed");
    Ok(())
}

async fn object_bytes(own: &Environment) -> Result<usize, Error> {
    let object = Api::<CodeUpgrade>::namespaced(own.client.clone(), "code42").get(UPGRADE).await?;
    Ok(serde_json::to_vec(&object)?.len())
}

/// A size of a process, in MiB, as the kernel counts it.
fn mebibytes_of(process: u32, which: &str) -> Result<f64, Error> {
    let status = std::fs::read_to_string(Path::new("/proc").join(process.to_string()).join("status"))?;
    let line = status.lines().find(|line| line.starts_with(which)).ok_or("the kernel says it")?;
    let kibibytes: u32 = line.split_whitespace().nth(1).ok_or("a number")?.parse()?;
    Ok(f64::from(kibibytes) / 1024.0)
}
