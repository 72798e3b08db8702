//! The reference of metrics: what the operator registers, as it registers it.

use std::fmt::Write as _;

use crate::operator::metrics::documented;

const HEAD: &str = "<!-- Written from what the operator registers by `make generate`. -->
# Metrics

Served on port 8080 under `/metrics`, to those who may `get` that path (chart value `metrics.authorization`). Labels are bounded: by the number of
objects, by the groups of their specs, by names that the operator knows. What is told of an object is told by the replica that acts, from the
object's first look on, and goes with the object. Instants are seconds since 1970, and 0 where there is none; what can be counted begins at 0.

| metric | kind | labels | what it says |
|---|---|---|---|
";

/// The reference.
pub(super) fn reference() -> String {
    let mut text = HEAD.to_owned();
    for metric in documented() {
        let labels: Vec<String> = metric.labels.iter().map(|label| format!("`{label}`")).collect();
        // Writing to a text cannot fail.
        let _ = writeln!(
            text,
            "| `{}` | {} | {} | {} |",
            metric.name,
            metric.kind,
            labels.join(", "),
            metric.help
        );
    }
    text
}
