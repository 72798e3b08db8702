//! What people see, rendered from one value: the status of an object, as the operator wrote it.
//!
//! Input: objects as they were read, the paper to write on, and the time. Every screen says the object's own sentence to the word, and adds
//! nothing that the object does not say. What must never happen here: a decision, a question to a cluster, a look at a clock.

pub mod environment;
pub mod environments;
pub mod explain;
pub mod findings;
pub mod history;
pub mod orders;
pub mod paper;
pub mod releases;
mod sheet;
pub mod status;
mod table;

pub use environment::{Environment, Outcome};
pub use paper::{Fold, Glyphs, Paint, Paper};
pub use table::table;
