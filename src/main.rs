//! The one binary: reads the command line, does what it says, and maps the outcome to an exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    codeupgrade::cli::main()
}
