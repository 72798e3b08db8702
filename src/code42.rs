//! A REST client of one Code42 authority: what it answers, as typed records, and the few things it can be asked to do.
//!
//! Input: where the authority is, who to be there, whom to trust. Lenient about what the vendor varies between
//! versions (content types, envelopes, numbers as strings, absent fields), strict about what decisions rest on
//! (guid, type, version, online): an answer that cannot be trusted is a typed [`Error`], never a default.
//!
//! What must never happen here: a decision, a retry of a failed call, a followed redirect, an unverified certificate, an unbounded answer in memory, a credential in a text.
//!
//! What real servers answer is known from recorded answers (`tests/fixtures/code42-rest`) and from the vendor's
//! own public clients; `replay_tests` replays every recording.

mod answer_body;
mod authorization;
mod bounded;
mod call;
mod client;
mod devices;
mod envelope;
mod error;
mod identity;
mod options;
mod organisations;
mod paging;
mod record;
mod resolver;
mod rows;
mod secret;
mod server_env;
mod servers;
mod settings;
mod transport;

#[cfg(test)]
mod failure_tests;
#[cfg(test)]
mod listing_tests;
#[cfg(test)]
mod recorded;
#[cfg(test)]
mod replay_tests;
#[cfg(test)]
mod tls_tests;

pub use client::{Answer, Client};
pub use devices::{DEVICES_A_PAGE, DevicePage, DevicePages, DeviceRecord, DeviceRow, DeviceStanding};
pub use error::{Error, ErrorKind, Mismatch, UnreachableReason, VendorError};
pub use identity::{ClusterServerId, ComputerId, DestinationId, Guid, OrganisationId, ServerId};
pub use options::{ClientOptions, Credentials, Timeouts};
pub use organisations::OrganisationRecord;
pub use resolver::{NoAddress, Resolver};
pub use secret::Secret;
pub use server_env::ServerEnvironment;
pub use servers::{ServerRecord, ServerType};
pub use settings::{ServerSettings, SettingsUpdate, Switch};
