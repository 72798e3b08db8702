//! The servers of an environment: `/api/Server` and `/api/Server/this` (FACTS.md, api-server).

use super::call::Call;
use super::client::{Answer, Client};
use super::error::{Error, Mismatch};
use super::identity::{ClusterServerId, DestinationId, Guid, ServerId};
use super::paging::{Completeness, Listing};
use super::record::Record;

/// What a server says it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServerType {
    /// `SERVER`: the authority.
    Authority,
    /// `STORAGE`: a storage server.
    Storage,
    /// A word that no recorded answer has.
    Other(String),
}

/// One server, as the answering authority describes it. Texts are bounded and escaped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerRecord {
    /// Its lasting identity.
    pub guid: Guid,
    /// Its id in this environment.
    pub server_id: Option<ServerId>,
    /// Its name; the guid where it has none.
    pub name: String,
    /// What it is.
    pub server_type: ServerType,
    /// Its version as written, such as `3.6.1.3`; `None` before it first connected.
    pub version: Option<String>,
    /// Whether it is connected.
    pub online: bool,
    /// `outOfDate`, whose meaning is undocumented (FACTS.md, unknown-server-switches): to be shown, not to be
    /// decided on.
    pub out_of_date: Option<bool>,
    /// Under which id the settings of its cluster are kept.
    pub cluster_server_id: Option<ClusterServerId>,
    /// The destination that it belongs to.
    pub destination_id: Option<DestinationId>,
    /// The name of that destination.
    pub destination_name: Option<String>,
    /// Set where the destination is run by a provider, the vendor above all.
    pub provider_destination_name: Option<String>,
    /// Host and port where devices reach it.
    pub primary_address: Option<String>,
    /// Devices that belong to it.
    pub computer_count: Option<u64>,
    /// Devices that are connected to it.
    pub online_computer_count: Option<u64>,
    /// Backups that run on it.
    pub backup_session_count: Option<u64>,
}

const SERVERS: Listing = Listing {
    resource: "Server",
    name: "servers",
    rows: "servers",
    expected: "a list of servers",
    page_size: 100,
    most: 1_000,
    completeness: Completeness::Exact,
};

impl Client {
    /// Every server of the environment, all pages, in the order of their guids.
    ///
    /// # Errors
    /// Any [`Error`]; [`Error::Unexpected`] also where a server comes twice or the total is another.
    pub async fn servers(&self) -> Result<Answer<Vec<ServerRecord>>, Error> {
        self.every_page(SERVERS, ServerRecord::read, |server| server.guid.clone()).await
    }

    /// The server that answers.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn this_server(&self) -> Result<Answer<ServerRecord>, Error> {
        self.record(&Call::get("Server").segment("this"), ServerRecord::read).await
    }
}

impl ServerRecord {
    pub(super) fn read(record: &Record) -> Result<Self, Mismatch> {
        let guid = record.guid("guid")?;
        Ok(Self {
            server_id: record.optional_number("serverId").map(ServerId),
            name: record.optional_text("serverName").unwrap_or_else(|| guid.to_string()),
            server_type: server_type(record.text("type", "a type of server")?),
            version: record.version("version")?,
            online: record.flag("online")?,
            out_of_date: record.optional_flag("outOfDate"),
            cluster_server_id: record.optional_number("clusterServerId").map(ClusterServerId),
            destination_id: record.optional_number("destinationId").map(DestinationId),
            destination_name: record.optional_text("destinationName"),
            provider_destination_name: record.optional_text("providerDestinationName"),
            primary_address: record.optional_text("primaryAddress"),
            computer_count: record.optional_number("computerCount"),
            online_computer_count: record.optional_number("onlineComputerCount"),
            backup_session_count: record.optional_number("backupSessionCount"),
            guid,
        })
    }
}

fn server_type(word: String) -> ServerType {
    match word.to_ascii_uppercase().as_str() {
        "SERVER" => ServerType::Authority,
        "STORAGE" => ServerType::Storage,
        _ => ServerType::Other(word),
    }
}
