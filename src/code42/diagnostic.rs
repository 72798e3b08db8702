//! Whether an authority is there and well: `/api/Ping` and `/api/diagnostic`.

use jiff::Timestamp;

use super::call::Call;
use super::client::{Answer, Client};
use super::error::Error;
use super::record::Record;

/// What an authority says of its database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DatabaseHealth {
    /// `dbOk` is true.
    Well,
    /// `dbOk` is false.
    Unwell,
}

/// What an authority says of itself. The vendor's Ruby client names the fields; what volumes and alerts look like is
/// not documented, so they are counted, not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiagnosticRecord {
    /// When it looked.
    pub taken_at: Option<Timestamp>,
    /// Its database.
    pub database: Option<DatabaseHealth>,
    /// How many volumes it lists.
    pub volumes: Option<usize>,
    /// How many alerts it lists.
    pub system_alerts: Option<usize>,
}

impl Client {
    /// Asks for a sign of life.
    ///
    /// # Errors
    /// Any [`Error`]; [`Error::Unexpected`] where the authority answers without saying `success`.
    pub async fn ping(&self) -> Result<Answer<()>, Error> {
        self.record(&Call::get("Ping"), |record| {
            if record.flag("success")? { Ok(()) } else { Err(record.mismatch("success", "true")) }
        })
        .await
    }

    /// Asks how the authority is.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn diagnostic(&self) -> Result<Answer<DiagnosticRecord>, Error> {
        self.record(&Call::get("diagnostic"), |record| Ok(DiagnosticRecord::read(record))).await
    }
}

impl DiagnosticRecord {
    fn read(record: &Record) -> Self {
        Self {
            taken_at: record.optional_instant("diagnosticTimestamp"),
            database: record
                .optional_flag("dbOk")
                .map(|well| if well { DatabaseHealth::Well } else { DatabaseHealth::Unwell }),
            volumes: record.entries("volumes"),
            system_alerts: record.entries("systemAlerts"),
        }
    }
}
