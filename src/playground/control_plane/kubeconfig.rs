//! Kubeconfig files for the control plane's users. Keys and certificates are named by path, a token is held in the file.

use std::path::Path;

use serde_json::{Value, json};

use super::arguments::Layout;
use super::certificates::write_private;
use super::error::Error;

/// The kubeconfig of a user whose client certificate and key are the files `<name>.crt` and `<name>.key`.
pub(super) fn with_certificate(layout: &Layout, name: &str) -> Value {
    let certificate = layout.certificate_file(&format!("{name}.crt"));
    let key = layout.certificate_file(&format!("{name}.key"));
    kubeconfig(layout, name, &json!({"client-certificate": certificate, "client-key": key}))
}

/// The kubeconfig of whoever the bearer token stands for.
pub(super) fn with_token(layout: &Layout, name: &str, token: &str) -> Value {
    kubeconfig(layout, name, &json!({"token": token}))
}

fn kubeconfig(layout: &Layout, user: &str, credentials: &Value) -> Value {
    let cluster = json!({"server": layout.url(), "certificate-authority": layout.certificate_file("ca.crt")});
    json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "simulator", "cluster": cluster}],
        "users": [{"name": user, "user": credentials}],
        "contexts": [{"name": "simulator", "context": {"cluster": "simulator", "user": user}}],
        "current-context": "simulator",
    })
}

/// Writes it for its owner only, as JSON: every reader of kubeconfig files takes that.
pub(super) fn write(path: &Path, kubeconfig: &Value) -> Result<(), Error> {
    write_private(path, &format!("{kubeconfig:#}\n"))
}
