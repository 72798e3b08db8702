//! Child processes that do not outlive us: in process groups of their own, with their output in a log file.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::process::{Child, ChildStdin, Command};

use super::error::Error;

/// How many lines of a log an error message shows.
const TAIL_LINES: usize = 20;

/// Kills the process groups whose numbers it has read, once its input ends. That happens when the process that holds the other end is
/// gone, however that came about.
const WATCHDOG: &str = r#"groups=; while read -r group; do groups="$groups -$group"; done; [ -z "$groups" ] || kill -KILL $groups"#;

/// A running program; killed when dropped.
#[derive(Debug)]
pub(super) struct Process {
    program: &'static str,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts `command`, which runs the program called `program`, with its output in the file `log`.
    pub(super) fn spawn(program: &'static str, mut command: Command, log: &Path) -> Result<Self, Error> {
        let output = File::create(log).map_err(|source| Error::file("create", log, source))?;
        let errors = output.try_clone().map_err(|source| Error::file("share", log, source))?;
        command.stdin(Stdio::null()).stdout(output).stderr(errors);
        // Whatever etcd or Kubernetes would read from the user's environment is not meant for these.
        command.env_clear();
        // So that Ctrl-C in a terminal reaches us alone and the order of ending stays ours.
        command.process_group(0).kill_on_drop(true);
        let child = command.spawn().map_err(|source| Error::Spawn { program, source })?;
        Ok(Self { program, child, log: log.to_owned() })
    }

    /// Fails if the process has ended.
    pub(super) fn still_runs(&mut self) -> Result<(), Error> {
        match self.child.try_wait() {
            Ok(None) => Ok(()),
            Ok(Some(status)) => Err(self.ended(status)),
            Err(source) => Err(Error::Spawn { program: self.program, source }),
        }
    }

    fn ended(&self, status: ExitStatus) -> Error {
        Error::Ended { program: self.program, status, log: self.log.clone(), tail: self.log_tail() }
    }

    /// The error for a process that runs but has not become ready.
    pub(super) fn not_ready(&self, waited: Duration) -> Error {
        Error::NotReady { program: self.program, waited, log: self.log.clone(), tail: self.log_tail() }
    }

    fn log_tail(&self) -> String {
        // Programs log in UTF-8, but one that was cut off in the middle of a character must not hide its own log.
        let log = fs::read(&self.log).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n")
    }

    /// Kills the process and waits until it is gone.
    pub(super) async fn kill(mut self) {
        // Fails only if it is gone already.
        let _ = self.child.kill().await;
    }
}

/// A shell that ends the processes if we are killed ourselves and cannot do it.
#[derive(Debug)]
pub(super) struct Watchdog {
    shell: Child,
    input: ChildStdin,
}

impl Watchdog {
    pub(super) fn spawn() -> Result<Self, Error> {
        let mut command = Command::new("sh");
        command.args(["-c", WATCHDOG]).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        command.process_group(0).kill_on_drop(true);
        let failed = |source| Error::Spawn { program: "sh", source };
        let mut shell = command.spawn().map_err(failed)?;
        let input = shell.stdin.take().ok_or_else(|| failed(io::ErrorKind::BrokenPipe.into()))?;
        Ok(Self { shell, input })
    }

    /// From now on `process` will not outlive us.
    pub(super) async fn guard(&mut self, process: &Process) -> Result<(), Error> {
        // It leads a group of its own, which bears its id. Without an id it has ended already.
        if let Some(group) = process.child.id() {
            let line = format!("{group}\n");
            let written = self.input.write_all(line.as_bytes()).await;
            written.map_err(|source| Error::Spawn { program: "sh", source })?;
        }
        Ok(())
    }

    /// Ends the watchdog without letting it kill anything: once the processes are gone their ids may be another's.
    pub(super) async fn dismiss(mut self) {
        // Its input is closed only after that. Killing fails only if it is gone already.
        let _ = self.shell.kill().await;
        drop(self.input);
    }
}
