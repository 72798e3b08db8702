//! How often the operator looked at which object, as it counts itself.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use super::environment::Error;

/// The looks at every object of a namespace so far, by name.
pub(crate) async fn of(http: SocketAddr, namespace: &str) -> Result<BTreeMap<String, u64>, Error> {
    let text = reqwest::get(format!("http://{http}/metrics")).await?.text().await?;
    let prefix = format!("codeupgrade_looks_total{{namespace=\"{namespace}\",name=\"");
    let counts = text.lines().filter_map(|line| line.strip_prefix(&prefix)?.split_once("\"} "));
    counts.map(|(name, count)| Ok((name.to_owned(), count.parse()?))).collect()
}
