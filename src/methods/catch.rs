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
