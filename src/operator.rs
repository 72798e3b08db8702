//! The operator.
pub mod account;
pub mod clock;
pub mod hosts;
pub mod lease;
