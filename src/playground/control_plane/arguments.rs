//! Where the files of a control plane are and what its three programs are started with.
//!
//! The API server decides by RBAC and runs its default admission, as a production one does. What needs nodes is left out.

use std::fs;
use std::path::{Path, PathBuf};

use super::error::Error;

/// The programs that make up a control plane.
pub(super) const PROGRAMS: [&str; 3] = ["etcd", "kube-apiserver", "kube-controller-manager"];

/// The directories below the data directory that belong to the control plane.
pub(super) const DIRECTORIES: [&str; 4] = ["etcd", "certificates", "kubeconfigs", "logs"];

/// The controllers that do useful work where no kubelet runs; all others stay off. Without the aggregation of cluster roles the
/// roles `view`, `edit` and `admin` would be empty.
const CONTROLLERS: [&str; 10] = [
    "clusterrole-aggregation-controller",
    "deployment-controller",
    "garbage-collector-controller",
    "job-controller",
    "namespace-controller",
    "replicaset-controller",
    "root-ca-certificate-publisher-controller",
    "serviceaccount-controller",
    "statefulset-controller",
    "ttl-after-finished-controller",
];

/// Writes only, with their bodies where tests ask about them; never a Secret's or a token's.
const AUDIT_POLICY: &str = include_str!("audit_policy.yaml");

/// The paths and ports of one control plane.
#[derive(Debug)]
pub(super) struct Layout {
    data: PathBuf,
    etcd_port: u16,
    etcd_peer_port: u16,
    api_server_port: u16,
}

impl Layout {
    /// `data` is absolute.
    pub(super) fn new(data: PathBuf, [etcd_port, etcd_peer_port, api_server_port]: [u16; 3]) -> Self {
        Self { data, etcd_port, etcd_peer_port, api_server_port }
    }

    pub(super) fn certificates(&self) -> PathBuf {
        self.data.join("certificates")
    }

    pub(super) fn certificate_file(&self, name: &str) -> String {
        text(&self.certificates().join(name))
    }

    pub(super) fn kubeconfig(&self, name: &str) -> PathBuf {
        self.data.join("kubeconfigs").join(format!("{name}.kubeconfig"))
    }

    pub(super) fn log(&self, program: &str) -> PathBuf {
        self.data.join("logs").join(format!("{program}.log"))
    }

    pub(super) fn audit_log(&self) -> PathBuf {
        self.data.join("logs").join("audit.jsonl")
    }

    pub(super) fn url(&self) -> String {
        format!("https://127.0.0.1:{}", self.api_server_port)
    }

    fn audit_policy(&self) -> PathBuf {
        self.data.join("audit-policy.yaml")
    }

    pub(super) fn write_audit_policy(&self) -> Result<(), Error> {
        let path = self.audit_policy();
        fs::write(&path, AUDIT_POLICY).map_err(|source| Error::file("write", &path, source))
    }

    fn etcd_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.etcd_port)
    }

    pub(super) fn etcd(&self) -> Vec<String> {
        let client = self.etcd_url();
        let peer = format!("http://127.0.0.1:{}", self.etcd_peer_port);
        flags(&[
            ("data-dir", &text(&self.data.join("etcd"))),
            ("listen-client-urls", &client),
            ("advertise-client-urls", &client),
            ("listen-peer-urls", &peer),
            ("initial-advertise-peer-urls", &peer),
            ("initial-cluster", &format!("default={peer}")),
            // Nothing here survives a power cut anyway.
            ("unsafe-no-fsync", "true"),
        ])
    }

    pub(super) fn api_server(&self) -> Vec<String> {
        flags(&[
            ("etcd-servers", &self.etcd_url()),
            ("bind-address", "127.0.0.1"),
            ("secure-port", &self.api_server_port.to_string()),
            ("cert-dir", &text(&self.certificates())),
            ("tls-cert-file", &self.certificate_file("apiserver.crt")),
            ("tls-private-key-file", &self.certificate_file("apiserver.key")),
            ("client-ca-file", &self.certificate_file("ca.crt")),
            ("service-account-issuer", "https://kubernetes.default.svc"),
            ("service-account-key-file", &self.certificate_file("service-accounts.pub")),
            ("service-account-signing-key-file", &self.certificate_file("service-accounts.key")),
            ("service-cluster-ip-range", "10.96.0.0/24"),
            ("authorization-mode", "RBAC"),
            ("allow-privileged", "true"),
            // An Endpoints object may not hold a loopback address, and no pod will ask for it.
            ("endpoint-reconciler-type", "none"),
            ("audit-policy-file", &text(&self.audit_policy())),
            ("audit-log-path", &text(&self.audit_log())),
            ("audit-log-mode", "blocking"),
            // In megabytes: far beyond any run, so that the log is never rotated away from its reader.
            ("audit-log-maxsize", "65536"),
        ])
    }

    pub(super) fn controller_manager(&self) -> Vec<String> {
        flags(&[
            ("kubeconfig", &text(&self.kubeconfig("controller-manager"))),
            ("controllers", &CONTROLLERS.join(",")),
            ("use-service-account-credentials", "true"),
            ("service-account-private-key-file", &self.certificate_file("service-accounts.key")),
            ("root-ca-file", &self.certificate_file("ca.crt")),
            ("leader-elect", "false"),
            // It serves nothing, so no port can be taken.
            ("secure-port", "0"),
            // The defaults (20 and 30 requests a second) are made for production and would slow the tests down.
            ("kube-api-qps", "200"),
            ("kube-api-burst", "400"),
        ])
    }
}

fn flags(pairs: &[(&str, &str)]) -> Vec<String> {
    pairs.iter().map(|(name, value)| format!("--{name}={value}")).collect()
}

fn text(path: &Path) -> String {
    path.display().to_string()
}
