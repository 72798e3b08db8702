//! The tests that need no cluster: stories in virtual time, properties, the rooms, and the vendor's own clients.

#[path = "stories/clients.rs"]
mod clients;
#[path = "stories/properties.rs"]
mod properties;
#[path = "stories/rooms.rs"]
mod rooms;
#[path = "stories/scripts.rs"]
mod scripts;
