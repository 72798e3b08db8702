//! The catch: at rest no one can roll a server by accident (ARCHITECTURE.md, rule 13).
//!
//! A changed template, a revert, a drained node bring back the revision that ran; only the operator opens the catch,
//! for one step.

use crate::planner::observed::Catch;

/// A server is one pod, ordinal 0: a partition of 1 holds it.
const HOLDING_PARTITION: i32 = 1;

/// The catch of a `StatefulSet`. Without rolling updates a partition means nothing, so that it cannot hold.
pub(super) fn of_partition(strategy: &str, partition: Option<i32>, replicas: i32) -> Catch {
    let holding = partition.unwrap_or(0) >= HOLDING_PARTITION.max(replicas);
    if strategy == "RollingUpdate" && holding { Catch::Held } else { Catch::Open }
}

/// Whether a pod below the partition comes back as it was. From 1.27.0 on it came back as the newest revision where making it failed
/// once (<https://github.com/kubernetes/kubernetes/issues/119685>), until 1.27.8 and 1.28.4
/// (<https://github.com/kubernetes/kubernetes/pull/120731>).
pub(super) fn partition_holds_on(kubernetes: &str) -> bool {
    let mut parts = kubernetes.trim_start_matches('v').split(['.', '-', '+']).map(str::parse::<u32>);
    match (parts.next(), parts.next(), parts.next()) {
        (Some(Ok(1)), Some(Ok(27)), Some(Ok(patch))) => patch >= 8,
        (Some(Ok(1)), Some(Ok(28)), Some(Ok(patch))) => patch >= 4,
        _ => true,
    }
}

/// The partition that brings the catch into a position.
pub(super) fn partition(catch: Catch) -> i32 {
    match catch {
        Catch::Held => HOLDING_PARTITION,
        Catch::Open => 0,
    }
}

/// The catch of a `Deployment`.
pub(super) fn of_pause(paused: bool) -> Catch {
    if paused { Catch::Held } else { Catch::Open }
}

/// The pause that brings the catch into a position.
pub(super) fn paused(catch: Catch) -> bool {
    match catch {
        Catch::Held => true,
        Catch::Open => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partition_holds_but_on_the_versions_that_are_known_not_to() {
        for (version, holds) in [
            ("v1.26.15", true),
            ("v1.27.0", false),
            ("v1.27.7-gke.1056000", false),
            ("v1.27.8", true),
            ("v1.28.0+k3s1", false),
            ("v1.28.3", false),
            ("v1.28.4-eks-abc", true),
            ("v1.29.0", true),
            ("v1.36.4", true),
        ] {
            assert_eq!(partition_holds_on(version), holds, "{version}");
        }
    }
}
