//! What can go wrong when a control plane is started or its audit log is read.

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;

/// Why a control plane did not start, or why its audit log cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The directory of programs lacks one of them.
    #[error(
        "no program {program} in {}: `make controlplane` builds it and prints the directory to use",
        directory.display()
    )]
    MissingProgram {
        /// Name of the program.
        program: &'static str,
        /// Where it was looked for.
        directory: PathBuf,
    },
    /// A file or directory of the control plane's own cannot be used.
    #[error("failed to {verb} {}: {source}", path.display())]
    File {
        /// What was to be done with it, as in "write".
        verb: &'static str,
        /// The file.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// No loopback port is free.
    #[error("failed to find a free port on 127.0.0.1: {0}")]
    Port(#[source] io::Error),
    /// A key or certificate could not be made.
    #[error("failed to make a certificate: {0}")]
    Certificate(#[from] rcgen::Error),
    /// A kubeconfig of ours is not one that the client library reads.
    #[error("failed to build a kubeconfig: {0}")]
    KubeconfigFormat(#[source] serde_json::Error),
    /// A kubeconfig of ours cannot be used.
    #[error("failed to use the kubeconfig: {0}")]
    Kubeconfig(#[source] Box<kube::config::KubeconfigError>),
    /// A client for the new API server cannot be made.
    #[error("failed to make a client for the API server: {0}")]
    Client(#[source] Box<kube::Error>),
    /// A program could not be started.
    #[error("failed to start {program}: {source}")]
    Spawn {
        /// Name of the program.
        program: &'static str,
        /// The reason.
        source: io::Error,
    },
    /// A program ended while the control plane was starting.
    #[error("{program} ended with {status} before it was ready; the end of {}:\n{tail}", log.display())]
    Ended {
        /// Name of the program.
        program: &'static str,
        /// How it ended.
        status: ExitStatus,
        /// Its log file.
        log: PathBuf,
        /// The last lines of its log.
        tail: String,
    },
    /// A program runs but was not ready in time.
    #[error("{program} was not ready after {} s; the end of {}:\n{tail}", waited.as_secs(), log.display())]
    NotReady {
        /// Name of the program.
        program: &'static str,
        /// How long it was waited for.
        waited: Duration,
        /// Its log file.
        log: PathBuf,
        /// The last lines of its log.
        tail: String,
    },
    /// A whole line of the audit log is not an event.
    #[error("line {line} of {} is not an audit event: {source}", path.display())]
    AuditLine {
        /// The audit log.
        path: PathBuf,
        /// Line number, from 1.
        line: usize,
        /// The reason.
        source: serde_json::Error,
    },
}

impl Error {
    pub(super) fn file(verb: &'static str, path: &Path, source: io::Error) -> Self {
        Self::File { verb, path: path.to_owned(), source }
    }
}
