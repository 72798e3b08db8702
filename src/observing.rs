//! The rules of reading an environment: what is read when, what is kept of it, and what becomes of failures.
//!
//! Shared by the operator, which reads a real authority, and by stories, in which a simulated one answers, so that a story
//! shows what the operator does. Input: what is asked for, answers, and failures to get them. Pure: no Kubernetes, no
//! runtime, no clock. What must never happen here: a request, or a decision about the environment.

pub mod attempts;
pub mod failures;
pub mod known;
pub mod listings;
pub mod looks;
pub mod pace;

pub use attempts::Attempts;
pub use failures::{Failure, Subject};
pub use known::{Answer, Known};
pub use listings::{Listing, Listings};
pub use pace::{Pace, Readings};
