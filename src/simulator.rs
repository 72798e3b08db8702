//! A fake Code42 environment that plays by itself, with its own time; and stories, in which the planner decides about one.
//!
//! Pure: no Kubernetes, no runtime, no clock, no randomness but a seed. What stages such an environment for real, over HTTP
//! and on an API server, is `playground`.
//!
//! What real servers answer is known only from recorded answers and the vendor's pages. Where the simulator goes beyond
//! them, the module that does so says it.

pub mod chance;
pub mod command;
pub mod device;
pub mod fault;
pub mod journal;
pub mod observation;
pub mod organisation;
mod presence;
pub mod preview;
pub mod scenario;
pub mod script;
pub mod server;
pub mod settings;
pub mod world;

pub use command::Command;
pub use device::{ComputerId, ListedDevice};
pub use fault::{Fault, Faults};
pub use scenario::Scenario;
pub use server::{ListedServer, ServerState};
pub use world::World;
