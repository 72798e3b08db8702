//! The organisations that devices belong to: `/api/Org` (FACTS.md, api-organisations).

use super::client::{Answer, Client};
use super::error::{Error, Mismatch};
use super::identity::OrganisationId;
use super::paging::{Completeness, Listing};
use super::record::Record;

/// One organisation. Texts are bounded and escaped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrganisationRecord {
    /// Its id.
    pub organisation_id: OrganisationId,
    /// Its lasting identity, where the authority gives it one.
    pub organisation_uid: Option<String>,
    /// Its name.
    pub name: String,
    /// The organisation that it is a part of; `None` at the top.
    pub parent: Option<OrganisationId>,
    /// Its status, such as `Active`.
    pub status: Option<String>,
    /// Whether it is active.
    pub active: Option<bool>,
    /// Whether it is blocked.
    pub blocked: Option<bool>,
}

/// 250 rows are what the vendor's own scripts ask for (FACTS.md, api-pages).
const ORGANISATIONS: Listing = Listing {
    resource: "Org",
    name: "orgs",
    rows: "organisations",
    expected: "a list of organisations",
    page_size: 250,
    most: 20_000,
    completeness: Completeness::BestEffort,
};

impl Client {
    /// Every organisation, all pages, in the order of their ids.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn organisations(&self) -> Result<Answer<Vec<OrganisationRecord>>, Error> {
        let key = |organisation: &OrganisationRecord| organisation.organisation_id;
        self.every_page(ORGANISATIONS, OrganisationRecord::read, key).await
    }
}

impl OrganisationRecord {
    fn read(record: &Record) -> Result<Self, Mismatch> {
        Ok(Self {
            organisation_id: OrganisationId(record.number("orgId", "the id of an organisation")?),
            organisation_uid: record.optional_text("orgUid"),
            name: record.text("orgName", "the name of an organisation")?,
            parent: record.optional_number("parentOrgId").map(OrganisationId),
            status: record.optional_text("status"),
            active: record.optional_flag("active"),
            blocked: record.optional_flag("blocked"),
        })
    }
}
