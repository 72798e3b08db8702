//! The tests that need no cluster: stories in virtual time, properties, the rooms, and the vendor's own clients.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends there")]

#[path = "stories/circles.rs"]
mod circles;
#[cfg(feature = "playground")]
#[path = "stories/clients.rs"]
mod clients;
#[path = "stories/documents.rs"]
mod documents;
#[path = "stories/download.rs"]
mod download;
#[path = "stories/plans.rs"]
mod plans;
#[path = "stories/properties.rs"]
mod properties;
#[path = "stories/rollouts.rs"]
mod rollouts;
#[path = "stories/rooms.rs"]
mod rooms;
#[path = "stories/screens.rs"]
mod screens;
#[path = "stories/scripts.rs"]
mod scripts;
#[path = "stories/sequences.rs"]
mod sequences;
#[path = "stories/shipping.rs"]
mod shipping;
#[path = "stories/verdicts.rs"]
mod verdicts;
