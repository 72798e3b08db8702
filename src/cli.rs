//! What a person types: one file a subcommand. Data goes to standard output, everything else to standard error.
//!
//! Exit codes: 0 done, 1 it failed or is not as wanted, 2 the command line cannot be read.

mod crds;
#[cfg(feature = "playground")]
mod demo;
mod devices;
mod fetch;
mod guard;
mod hand_back;
mod output;
mod plan;
mod run;
mod simulate;
mod verify;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use output::{fail, print};

/// Upgrades self-hosted Code42 environments from Git, one documented hop at a time.
#[derive(Debug, Parser)]
#[command(name = "codeupgrade", version, about, propagate_version = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the operator against the cluster of the kubeconfig, or the one it runs in.
    Run(run::Arguments),
    /// Play a story in virtual time, without any cluster, and print what is decided when and why.
    Simulate(simulate::Arguments),
    /// Print what would be done, gate by gate, without doing any of it.
    Plan(plan::Arguments),
    /// List the devices of an environment and say of each where it is and why.
    Devices(devices::Arguments),
    /// Fetch a file that must be exactly what its vendor published: resumed, verified, and only then in its place.
    Fetch(fetch::Arguments),
    /// Say whether files are what a list of checksums says, or print their sums.
    Verify(verify::Arguments),
    /// Keep an older server off a data volume that a newer one has used: for an init container.
    Guard(guard::Arguments),
    /// Have the operator give back what it holds, then stop it: before it is removed.
    HandBack(hand_back::Arguments),
    /// Write the custom resource definitions.
    Crds(crds::Arguments),
    /// Watch a simulated environment being upgraded by the real operator on a real API server.
    #[cfg(feature = "playground")]
    Demo(demo::Arguments),
    /// Print the version.
    Version,
}

/// Reads the command line and does what it says.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // The first thing: every TLS connection of this process uses ring, and two providers would panic.
    if rustls::crypto::ring::default_provider().install_default().is_err() {
        return fail("another crypto provider is installed already", None);
    }
    match arguments.command {
        Command::Run(arguments) => run::main(&arguments),
        Command::Simulate(arguments) => simulate::main(&arguments),
        Command::Plan(arguments) => plan::main(&arguments),
        Command::Devices(arguments) => devices::main(&arguments),
        Command::Fetch(arguments) => fetch::main(&arguments),
        Command::Verify(arguments) => verify::main(&arguments),
        Command::Guard(arguments) => guard::main(&arguments),
        Command::HandBack(arguments) => hand_back::main(&arguments),
        Command::Crds(arguments) => crds::main(&arguments),
        #[cfg(feature = "playground")]
        Command::Demo(arguments) => demo::main(&arguments),
        Command::Version => {
            print(&format!("codeupgrade {}\n", env!("CARGO_PKG_VERSION")));
            ExitCode::SUCCESS
        }
    }
}
