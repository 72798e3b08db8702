//! Snapshots of a server's volumes, the backup before a hop.
