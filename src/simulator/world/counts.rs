//! How many devices are connected to each server.

/// Counts of connected devices, one entry a server, and when they hold.
#[derive(Clone, Debug)]
pub(super) struct Counts {
    pub(super) from: i64,
    pub(super) until: i64,
    pub(super) servers: Vec<ServerCounts>,
}

/// Of one server.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ServerCounts {
    pub(super) devices: u32,
    pub(super) online: u32,
    pub(super) sessions: u32,
}

/// Of an environment without servers.
pub(super) static NOBODY: Counts = Counts { from: 0, until: 0, servers: Vec::new() };
