//! `codeupgrade status`: where environments stand, once, until something is so, or live.

mod question;
mod watching;

use std::process::ExitCode;

pub(super) use self::question::Arguments;
use self::question::{exit_code, look, rendered};
use super::cluster::{Cluster, block_on};
use super::output::{fail, print};

pub(super) fn main(arguments: &Arguments) -> ExitCode {
    match block_on(run(arguments)) {
        Ok(code) => ExitCode::from(code),
        Err(error) => fail(error, None),
    }
}

async fn run(arguments: &Arguments) -> Result<u8, String> {
    let cluster = Cluster::connect(&arguments.connection).await?;
    if arguments.watch || arguments.wait {
        return watching::run(arguments, &cluster).await;
    }
    let found = look(arguments, &cluster).await?;
    print(&rendered(arguments, &found, arguments.screen.paper(arguments.output))?);
    Ok(exit_code(&found, arguments.exit_code))
}
