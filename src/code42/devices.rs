//! The devices of an environment, page by page: `/api/Computer`; and the order to one of them to upgrade:
//! `/api/DeviceUpgrade/{computerId}`.
//!
//! A page is read row by row and dropped before the next is asked for; a row that cannot be read is told, and does
//! not cost the page.

use jiff::Timestamp;
use reqwest::Method;

use super::bounded::excerpt;
use super::call::{AnswerSize, Call};
use super::client::{Answer, Client};
use super::error::{Error, Mismatch};
use super::identity::{ComputerId, Guid, OrganisationId};
use super::paging::{Next, after_page};
use super::record::Record;

/// Whether a device takes part at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceStanding {
    /// It may connect.
    Active,
    /// Somebody blocked it.
    Blocked,
    /// It was deactivated.
    Deactivated,
}

/// One device. Texts are bounded and escaped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceRecord {
    /// Its lasting identity.
    pub guid: Guid,
    /// The id by which the authority takes orders about it.
    pub computer_id: ComputerId,
    /// Its name.
    pub name: Option<String>,
    /// Whether it takes part.
    pub standing: DeviceStanding,
    /// The organisation that it belongs to.
    pub organisation_id: Option<OrganisationId>,
    /// The lasting identity of that organisation.
    pub organisation_uid: Option<String>,
    /// When it was last connected; `None` where it never was, or the authority says nothing that is an instant.
    pub last_connected: Option<Timestamp>,
    /// Its operating system, such as `win` or `linux`.
    pub os_name: Option<String>,
    /// The version of that.
    pub os_version: Option<String>,
    /// Its app, such as `CrashPlan`.
    pub service: Option<String>,
    /// The version of the app as written, such as `6.7.1`.
    pub product_version: Option<String>,
    /// The vendor's internal number of the version; never to be compared across series.
    pub internal_version: Option<u64>,
    /// The build of the app.
    pub build_version: Option<u64>,
}

/// Which devices to list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeviceActivity {
    /// All of them.
    #[default]
    Any,
    /// Those that are active.
    Active,
    /// Those that were deactivated.
    Deactivated,
}

/// How much the authority should say of each device. None of it is in [`DeviceRecord`] beyond the brief form; more
/// makes an answer many times as large.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeviceDetail {
    /// The device itself.
    #[default]
    Brief,
    /// Everything: `incAll=true`.
    All,
}

/// What to list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeviceQuery {
    /// Rows to ask for per page; the authority may give fewer.
    pub page_size: u32,
    /// Which devices.
    pub activity: DeviceActivity,
    /// How much of each.
    pub detail: DeviceDetail,
    /// Only those of this organisation.
    pub organisation: Option<OrganisationId>,
}

impl Default for DeviceQuery {
    fn default() -> Self {
        Self {
            page_size: 500,
            activity: DeviceActivity::default(),
            detail: DeviceDetail::default(),
            organisation: None,
        }
    }
}

/// One page of devices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DevicePage {
    /// The devices, in the authority's order.
    pub devices: Vec<DeviceRecord>,
    /// What was wrong with the rows that are no devices: without a guid, say.
    pub unreadable: Vec<Mismatch>,
    /// How many devices there are on all pages, as far as the authority says.
    pub total_count: Option<u64>,
}

impl DevicePage {
    /// How many rows the page had.
    pub fn rows(&self) -> usize {
        self.devices.len() + self.unreadable.len()
    }
}

/// Most rows that one listing may have: fifty times the largest known environment.
const MAX_ROWS: usize = 2_000_000;

/// A listing of devices under way.
#[derive(Debug)]
pub struct DevicePages<'a> {
    client: &'a Client,
    query: DeviceQuery,
    page: u32,
    read: usize,
    first: Option<Guid>,
    next: Next,
}

impl Client {
    /// Lists devices, page after page.
    pub fn devices(&self, query: DeviceQuery) -> DevicePages<'_> {
        DevicePages { client: self, query, page: 0, read: 0, first: None, next: Next::Page }
    }

    /// One page of devices; the first is page 1. [`Client::devices`] knows when to end.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn device_page(&self, query: &DeviceQuery, page: u32) -> Result<Answer<DevicePage>, Error> {
        let call = page_call(query, page);
        let raw = self.send(&call).await?;
        let mut answer = self.interpret(&call, &raw, |envelope| {
            let list = envelope.list("computers", "a list of devices")?;
            let mut page = DevicePage {
                devices: Vec::with_capacity(list.len()),
                unreadable: Vec::new(),
                total_count: list.total_count,
            };
            for row in list.read(DeviceRecord::read) {
                match row {
                    Ok(device) => page.devices.push(device),
                    Err(mismatch) => page.unreadable.push(mismatch),
                }
            }
            Ok(page)
        })?;
        answer.value.unreadable =
            answer.value.unreadable.into_iter().map(|mismatch| self.redacted(&raw, mismatch)).collect();
        Ok(answer)
    }

    /// Asks the authority to upgrade one device, which cannot be taken back. The device follows when it is
    /// connected.
    ///
    /// # Errors
    /// Any [`Error`]: only status 201 says that the device is flagged, so any other good status is
    /// [`Error::Unexpected`]. After [`Error::Unreachable`] it may be flagged or not.
    pub async fn flag_for_upgrade(&self, computer: ComputerId) -> Result<Answer<()>, Error> {
        // The vendor's script sends an empty object as the body.
        let call = Call::new(Method::PUT, "DeviceUpgrade").segment(computer).body("{}");
        let answer = self.send(&call).await?;
        if answer.status != 201 {
            let mismatch = Mismatch {
                place: "status".to_owned(),
                expected: "201, which means flagged",
                excerpt: excerpt(&answer.status.to_string()),
            };
            return Err(self.unexpected(&call, &answer, mismatch));
        }
        Ok(Answer { value: (), authority_time: answer.date, utc_offset_seconds: None, date: answer.date })
    }
}

impl DevicePages<'_> {
    /// The next page, or `None` after the last.
    ///
    /// # Errors
    /// Any [`Error`]; [`Error::Unexpected`] also where the pages repeat before the total is reached, or never end. The
    /// listing is over then: what was read is not all there is. Pages that end with another number of rows than the
    /// total are no error, since devices come and go meanwhile: compare them.
    pub async fn next(&mut self) -> Result<Option<Answer<DevicePage>>, Error> {
        if self.next == Next::End {
            return Ok(None);
        }
        self.next = Next::End;
        self.page += 1;
        let answer = self.client.device_page(&self.query, self.page).await?;
        let rows = answer.value.rows();
        let first = answer.value.devices.first().map(|device| device.guid.clone());
        let repeated = first.is_some() && first == self.first;
        let fresh = if repeated { 0 } else { rows };
        self.first = first;
        self.read += fresh;
        self.next = after_page(rows, fresh, self.read, answer.value.total_count, self.query.page_size);
        if repeated && answer.value.total_count.is_some_and(|total| total > self.read as u64) {
            return Err(self.wrong("a page that differs from the one before"));
        }
        if self.read > MAX_ROWS {
            return Err(self.wrong("an end of the pages"));
        }
        // An empty or repeated page only says that the one before was the last.
        if fresh == 0 && self.page > 1 { Ok(None) } else { Ok(Some(answer)) }
    }

    fn wrong(&self, expected: &'static str) -> Error {
        Error::Unexpected {
            call: page_call(&self.query, self.page).label(),
            mismatch: Mismatch {
                place: "data.computers".to_owned(),
                expected,
                excerpt: format!("page {} after {} devices", self.page, self.read),
            },
        }
    }
}

fn page_call(query: &DeviceQuery, page: u32) -> Call {
    let mut call =
        Call::get("Computer").size(AnswerSize::Devices).query("pgNum", page).query("pgSize", query.page_size);
    match query.activity {
        DeviceActivity::Any => {}
        DeviceActivity::Active => call = call.query("active", true),
        DeviceActivity::Deactivated => call = call.query("active", false),
    }
    match query.detail {
        DeviceDetail::Brief => {}
        DeviceDetail::All => call = call.query("incAll", true),
    }
    if let Some(organisation) = query.organisation {
        call = call.query("orgId", organisation);
    }
    call
}

impl DeviceRecord {
    fn read(record: &Record) -> Result<Self, Mismatch> {
        Ok(Self {
            guid: record.guid("guid")?,
            computer_id: ComputerId(record.number("computerId", "the id of a device")?),
            name: record.optional_text("name"),
            standing: standing(record)?,
            organisation_id: record.optional_number("orgId").map(OrganisationId),
            organisation_uid: record.optional_text("orgUid"),
            last_connected: record.optional_instant("lastConnected"),
            os_name: record.optional_text("osName"),
            os_version: record.optional_text("osVersion"),
            service: record.optional_text("service"),
            product_version: record.optional_text("productVersion"),
            internal_version: record.optional_number("version"),
            build_version: record.optional_number("buildVersion"),
        })
    }
}

/// The flags say it; where one is absent the words of `status` do, such as `Active, Deauthorized`.
fn standing(record: &Record) -> Result<DeviceStanding, Mismatch> {
    let status = record.optional_text("status").unwrap_or_default().to_ascii_lowercase();
    let said = |word: &str| status.split(',').any(|part| part.trim() == word);
    let active = record
        .optional_flag("active")
        .or_else(|| said("active").then_some(true))
        .or_else(|| said("deactivated").then_some(false));
    let blocked = record.optional_flag("blocked").unwrap_or_else(|| said("blocked"));
    match active {
        Some(false) => Ok(DeviceStanding::Deactivated),
        Some(true) if blocked => Ok(DeviceStanding::Blocked),
        Some(true) => Ok(DeviceStanding::Active),
        None => Err(record.mismatch("active", "true or false")),
    }
}
