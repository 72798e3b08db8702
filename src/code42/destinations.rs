//! The destinations that devices back up to: `/api/Destination`.

use super::client::{Answer, Client};
use super::error::{Error, Mismatch};
use super::identity::{ClusterServerId, DestinationId, Guid};
use super::paging::{Completeness, Listing};
use super::record::Record;

/// One destination. Texts are bounded and escaped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DestinationRecord {
    /// Its id.
    pub destination_id: DestinationId,
    /// Its lasting identity.
    pub guid: Guid,
    /// Its name.
    pub name: Option<String>,
    /// What it is, such as `CLUSTER`.
    pub destination_type: Option<String>,
    /// Which of its servers are online, such as `ALL`.
    pub server_online_status: Option<String>,
    /// Under which id the settings of its cluster are kept.
    pub cluster_server_id: Option<ClusterServerId>,
    /// How many servers it has.
    pub server_count: Option<u64>,
    /// How many of them are offline.
    pub offline_server_count: Option<u64>,
    /// Devices that are connected to it.
    pub online_computer_count: Option<u64>,
    /// Backups that run on it.
    pub backup_session_count: Option<u64>,
}

const DESTINATIONS: Listing = Listing {
    resource: "destinations",
    name: "destinations",
    expected: "a list of destinations",
    page_size: 100,
    completeness: Completeness::BestEffort,
};

impl Client {
    /// Every destination, all pages, in the order of their ids.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn destinations(&self) -> Result<Answer<Vec<DestinationRecord>>, Error> {
        self.every_page(DESTINATIONS, None, DestinationRecord::read, |destination| destination.destination_id)
            .await
    }
}

impl DestinationRecord {
    fn read(record: &Record) -> Result<Self, Mismatch> {
        Ok(Self {
            destination_id: DestinationId(record.number("destinationId", "the id of a destination")?),
            guid: record.guid("guid")?,
            name: record.optional_text("destinationName"),
            destination_type: record.optional_text("type"),
            server_online_status: record.optional_text("serverOnlineStatus"),
            cluster_server_id: record.optional_number("clusterServerId").map(ClusterServerId),
            server_count: record.optional_number("serverCount"),
            offline_server_count: record.optional_number("offlineServerCount"),
            online_computer_count: record.optional_number("onlineComputerCount"),
            backup_session_count: record.optional_number("backupSessionCount"),
        })
    }
}
