//! What a person types: one file a subcommand. Data goes to standard output, everything else to standard error.
//!
//! As `kubectl-codeupgrade` on the PATH it is `kubectl codeupgrade`. The exit codes are those of [`EXIT_CODES`].

mod cluster;
mod completion;
mod crds;
#[cfg(feature = "playground")]
mod demo;
mod devices;
mod docs;
mod doctor;
mod explain;
mod fetch;
mod guard;
mod hand_back;
mod history;
mod init;
mod order;
mod output;
mod plan;
mod run;
mod screen;
mod simulate;
mod status;
mod support_bundle;
mod verify;

use std::process::ExitCode;

use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use crate::api::code_upgrade_order::OrderAction;
use crate::screens::environment::PROGRAM;
use output::{fail, print};

/// What commands that ask how things stand exit with.
const EXIT_CODES: &str = "Exit codes:
  0    done; what was asked is so, or is on its way
  1    the command failed: a cluster that does not answer, a right that is missing
  2    the command line cannot be read
  3    stalled: a person must mend something
  4    suspended: a person is asked, for an approval, the end of a pause, a step by hand
  5    under way (status --exit-code)
  124  --wait took too long";

/// Upgrades self-hosted Code42 environments from Git, one documented hop at a time.
#[derive(Debug, Parser)]
#[command(name = "codeupgrade", version, about, propagate_version = true, after_help = EXIT_CODES)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show where environments stand, and what you must do: once, live (-w), or until it is so (--wait).
    Status(status::Arguments),
    /// Say why an environment stands as it stands, check by check, and what ends that.
    Explain(explain::Arguments),
    /// Show the hops that were finished, and the orders that were given.
    History(history::Arguments),
    /// Show where one can go from here, and what that needs.
    Releases(history::Arguments),
    /// Order that something may begin: the servers of a hop, the devices of a release, the next wave of a group.
    Approve(order::Subject),
    /// Order that nothing new begins.
    Pause(order::Pause),
    /// Order the end of a pause.
    Resume(order::Arguments),
    /// Order that what failed is tried again.
    Retry(order::Subject),
    /// Order that versions which came about from outside are taken as they are.
    Adopt(order::Arguments),
    /// Order that a hop is given up that has not begun, or cannot end.
    Abandon(order::Arguments),
    /// Say whether you, the operator and an environment have what they need, each fault with its mend.
    Doctor(doctor::Arguments),
    /// Ask an authority what there is, and write the objects with which the operator watches it.
    Init(init::Arguments),
    /// Write one file for somebody who helps: hosts, people and reasons in it are replaced.
    SupportBundle(support_bundle::Arguments),
    /// Have kubectl complete what you type.
    Completion(completion::Arguments),
    /// What kubectl asks while somebody types.
    #[command(name = "__complete", hide = true)]
    Complete(completion::Words),
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
    /// Write the documents that are written from what they document: the chart's README, its schema, and the references.
    Docs(docs::Arguments),
    /// Watch a simulated environment being upgraded by the real operator on a real API server.
    #[cfg(feature = "playground")]
    Demo(demo::Arguments),
    /// Print the version.
    Version,
}

/// The command line, under the name by which it was called.
fn program() -> clap::Command {
    let command = Arguments::command();
    let called = std::env::args_os().next().map(std::path::PathBuf::from);
    let is_plugin =
        called.as_deref().and_then(std::path::Path::file_stem) == Some("kubectl-codeupgrade".as_ref());
    if is_plugin { command.bin_name(PROGRAM) } else { command }
}

/// Reads the command line and does what it says.
pub fn main() -> ExitCode {
    let arguments = match Arguments::from_arg_matches(&program().get_matches()) {
        Ok(arguments) => arguments,
        Err(error) => error.exit(),
    };
    // The first thing: every TLS connection of this process uses ring, and two providers would panic.
    if rustls::crypto::ring::default_provider().install_default().is_err() {
        return fail("another crypto provider is installed already", None);
    }
    match arguments.command {
        Command::Status(arguments) => status::main(&arguments),
        Command::Explain(arguments) => explain::main(&arguments),
        Command::History(arguments) => history::main(&arguments, history::Asked::History),
        Command::Releases(arguments) => history::main(&arguments, history::Asked::Releases),
        Command::Approve(subject) => order::about(&subject, OrderAction::Approve),
        Command::Pause(pause) => order::pause(&pause),
        Command::Resume(arguments) => order::plain(&arguments, OrderAction::Resume),
        Command::Retry(subject) => order::about(&subject, OrderAction::Retry),
        Command::Adopt(arguments) => order::plain(&arguments, OrderAction::Adopt),
        Command::Abandon(arguments) => order::plain(&arguments, OrderAction::Abandon),
        Command::Doctor(arguments) => doctor::main(&arguments),
        Command::Init(arguments) => init::main(&arguments),
        Command::SupportBundle(arguments) => support_bundle::main(&arguments),
        Command::Completion(arguments) => completion::main(&arguments),
        Command::Complete(words) => completion::complete::<Arguments>(&words),
        Command::Run(arguments) => run::main(&arguments),
        Command::Simulate(arguments) => simulate::main(&arguments),
        Command::Plan(arguments) => plan::main(&arguments),
        Command::Devices(arguments) => devices::main(&arguments),
        Command::Fetch(arguments) => fetch::main(&arguments),
        Command::Verify(arguments) => verify::main(&arguments),
        Command::Guard(arguments) => guard::main(&arguments),
        Command::HandBack(arguments) => hand_back::main(&arguments),
        Command::Crds(arguments) => crds::main(&arguments),
        Command::Docs(arguments) => docs::main(&arguments),
        #[cfg(feature = "playground")]
        Command::Demo(arguments) => demo::main(&arguments),
        Command::Version => {
            print(&format!("codeupgrade {}\n", env!("CARGO_PKG_VERSION")));
            ExitCode::SUCCESS
        }
    }
}
