//! A fake Code42 environment with its own time, and the control plane that the demo and the cluster tests run it against.
//!
//! What real servers answer is known only from recorded answers and the vendor's pages. Where the simulator goes beyond
//! them, the module that does so says it.

mod chance;
pub mod command;
pub mod control;
pub mod control_plane;
pub mod device;
pub mod fault;
pub mod journal;
pub mod observation;
pub mod organisation;
pub mod player;
mod presence;
pub mod preview;
pub mod rest;
pub mod scenario;
pub mod script;
pub mod server;
pub mod settings;
pub mod simulation;
pub mod site;
pub mod stage;
pub mod tls;
mod wire;
pub mod world;

pub use command::Command;
pub use device::{ComputerId, ListedDevice};
pub use fault::{Fault, Faults};
pub use scenario::Scenario;
pub use server::{ListedServer, ServerState};
pub use simulation::{Simulation, TimeSource};
pub use world::World;
