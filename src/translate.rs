//! Between the Kubernetes types and the planner's values, both ways.
//!
//! Input: API objects on one side, decisions on the other. Pure functions: no client, no clock. Reading is total and lenient: whatever
//! cannot be used is told by its field path with what to write instead, and nothing is ever guessed in its place.

pub mod catalog;
pub mod desired;
pub mod order;
pub mod proof;
pub mod reading;
pub mod release;
pub mod status;

pub use self::catalog::{catalog_from, layer_of, shipped, shipped_catalog};
pub use self::desired::desired;
pub use self::order::{order, order_status};
pub use self::release::release;
pub use self::status::{status, worth_writing};
