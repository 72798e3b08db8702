//! What an environment consists of: servers and devices, as observed.
//!
//! Input: facts already parsed by the observe stage. Pure: no Kubernetes, no runtime, no clock, no environment.
//! Everything here was reported by servers and devices and is untrusted: bounded, never guessed over.

pub mod arrangement;
pub mod census;
pub mod devices;
pub mod digest;
pub mod glob;
pub mod groups;
pub mod guid_text;
pub mod instants;
pub mod organisations;
pub mod per_app;
pub mod rank;
pub mod server;
pub mod streak;
pub mod verification;
pub mod watch;
pub mod wave;

pub use arrangement::Arrangement;
pub use census::{Census, ClassCount};
pub use devices::{DeviceState, Devices, DevicesBuilder};
pub use glob::glob;
pub use groups::{DeviceTraits, GroupKeys, GroupMatcher, GroupRule, Unresolved};
pub use organisations::Organisation;
pub use per_app::{App, PerApp};
pub use rank::Rank;
pub use server::{Guid, Server, ServerName, ServerRole};
pub use streak::Streak;
pub use verification::Verification;
pub use watch::{Departed, ONLINE_WITHIN, Sighting, Sightings, Watch};
pub use wave::Wave;
