//! The CodeUpgrade operator: upgrades self-hosted Code42 environments from Git, one documented hop at a time.
//!
//! Pure in the middle, effects at the rim; imports point inward only (ARCHITECTURE.md draws it):
//!
//! ```text
//!   cli -> operator, playground -> methods, code42, download, simulator -> api, translate, observing -> planner -> fleet -> catalog
//! ```

pub mod api;
pub mod catalog;
pub mod cli;
pub mod code42;
pub mod connection;
pub mod download;
pub mod fleet;
pub mod methods;
pub mod observing;
pub mod operator;
pub mod planner;
#[cfg(feature = "playground")]
pub mod playground;
pub mod screens;
pub mod simulator;
pub mod translate;
