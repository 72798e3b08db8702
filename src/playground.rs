//! What stages a simulated environment for real: over HTTP as an authority answers, and on a Kubernetes API server.
//!
//! For the demo, the cluster tests and the vendor's own clients. Not in the operator's image: the cargo feature `playground`
//! (on by default) leaves it out. It must never decide how an environment behaves (that is `simulator`), never listen
//! beyond loopback, and never outlive the process that started it.

pub mod control;
pub mod control_plane;
pub mod player;
pub mod rest;
pub mod simulation;
pub mod site;
pub mod stage;
pub mod tls;
mod wire;

pub use simulation::{Simulation, TimeSource};
