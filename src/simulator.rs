//! A fake Code42 environment with its own time, and the control plane that the demo and the cluster tests run it against.

pub mod control_plane;
