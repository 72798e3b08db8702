//! The devices of an environment, page by page: `/api/Computer` (FACTS.md, api-computer); and the order to one of
//! them to upgrade: `/api/DeviceUpgrade/{computerId}` (FACTS.md, api-device-upgrade).
//!
//! Rows are read one by one as they come, and no page is ever held; a row that cannot be read is told, and does not cost the
//! others.

use std::ops::ControlFlow;

use jiff::Timestamp;
use md5::{Digest, Md5};
use reqwest::Method;

use super::bounded::excerpt;
use super::call::{AnswerSize, Call};
use super::client::{Answer, Client};
use super::error::{Error, Mismatch};
use super::identity::{ComputerId, Guid, OrganisationId};
use super::paging::{Next, after_page};
use super::record::Record;
use super::rows::{Row, Rows, TakeRow};

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
    /// The vendor's internal number of the version; never to be compared across series
    /// (FACTS.md, version-internal).
    pub internal_version: Option<u64>,
    /// The build of the app.
    pub build_version: Option<u64>,
}

/// Rows to ask for per page; the authority may give fewer.
pub const DEVICES_A_PAGE: u32 = 500;

/// One row of a page: a device, or what is wrong with it.
pub type DeviceRow = Result<DeviceRecord, Mismatch>;

/// One page of devices, whose rows were given away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DevicePage {
    /// Rows that the page had.
    pub rows: usize,
    /// How many devices there are on all pages, as far as the authority says.
    pub total_count: Option<u64>,
}

/// The name of the list in an answer.
const LIST: &str = "computers";

/// Most rows that one listing may have: twenty-five times the largest known environment.
const MAX_ROWS: usize = 1_000_000;

/// A listing of devices under way.
#[derive(Debug)]
pub struct DevicePages<'a> {
    client: &'a Client,
    page_size: u32,
    page: u32,
    read: usize,
    first: Option<FirstRow>,
    next: Next,
}

impl Client {
    /// Lists all devices, page after page.
    pub fn devices(&self, page_size: u32) -> DevicePages<'_> {
        DevicePages { client: self, page_size, page: 0, read: 0, first: None, next: Next::Page }
    }

    /// One device, by its guid.
    ///
    /// # Errors
    /// Any [`Error`]; [`Error::Missing`] where there is none.
    pub async fn device(&self, guid: u64) -> Result<Answer<DeviceRecord>, Error> {
        let call = Call::get("Computer").segment(guid).query("idType", "guid");
        self.record(&call, DeviceRecord::read).await
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
    /// Gives the devices of the next page away, one by one; `None` after the last.
    ///
    /// # Errors
    /// Any [`Error`]; [`Error::Unexpected`] also where the pages repeat before the total is reached, or never end. The
    /// listing is over then: what was given is not all there is. Pages that end with another number of rows than the
    /// total are no error, since devices come and go meanwhile: compare them.
    pub async fn next(
        &mut self,
        give: &mut impl FnMut(DeviceRow),
    ) -> Result<Option<Answer<DevicePage>>, Error> {
        if self.next == Next::End {
            return Ok(None);
        }
        self.next = Next::End;
        self.page += 1;
        let call = page_call(self.page_size, self.page);
        let mut taker = Taker {
            client: self.client,
            give,
            before: self.first.take(),
            first: None,
            repeated: false,
            rows: 0,
            room: MAX_ROWS.saturating_sub(self.read),
        };
        let raw = self.client.send_to(&call, &mut Rows::new(LIST, &mut taker)).await;
        let Taker { first, repeated, rows, room, .. } = taker;
        self.read += if repeated { 0 } else { rows };
        if room == 0 {
            let call = page_call(self.page_size, self.page).label();
            return Err(Error::TooMany { call, what: "devices", most: MAX_ROWS });
        }
        let raw = raw?;
        let answer = self.client.interpret(&call, &raw, |envelope| {
            let list = envelope.list(LIST, "a list of devices")?;
            if list.len() > 0 {
                // A second list of the same name, or one where nobody looks for it.
                return Err(list.total_mismatch("one list of devices"));
            }
            Ok(DevicePage { rows, total_count: list.total_count })
        })?;
        let fresh = if repeated { 0 } else { rows };
        self.first = first;
        self.next = after_page(rows, fresh, self.read, answer.value.total_count, self.page_size);
        if repeated && answer.value.total_count.is_some_and(|total| total > self.read as u64) {
            return Err(self.wrong("a page that differs from the one before"));
        }
        // An empty or repeated page only says that the one before was the last.
        if fresh == 0 && self.page > 1 { Ok(None) } else { Ok(Some(answer)) }
    }

    fn wrong(&self, expected: &'static str) -> Error {
        Error::Unexpected {
            call: page_call(self.page_size, self.page).label(),
            mismatch: Mismatch {
                place: "data.computers".to_owned(),
                expected,
                excerpt: format!("page {} after {} devices", self.page, self.read),
            },
        }
    }
}

/// By what a page is known again: of a device more than its guid may change from one page to the next.
#[derive(Clone, Debug, PartialEq, Eq)]
enum FirstRow {
    Device(Guid),
    /// The digest of its text.
    Unreadable([u8; 16]),
    TooLong,
}

/// Reads the rows of one page and gives them away, unless they are those of the page before.
struct Taker<'a, F> {
    client: &'a Client,
    give: &'a mut F,
    /// The first row of the page before, and of this one.
    before: Option<FirstRow>,
    first: Option<FirstRow>,
    repeated: bool,
    rows: usize,
    /// Rows that the listing may still have.
    room: usize,
}

impl<F: FnMut(DeviceRow)> TakeRow for Taker<'_, F> {
    fn take(&mut self, row: Row<'_>) -> ControlFlow<()> {
        let place = || format!("data.{LIST}[{}]", self.rows);
        let read = match row {
            Row::Text(bytes) => {
                let text = String::from_utf8_lossy(bytes);
                Record::read(place(), &text)
                    .and_then(|record| DeviceRecord::read(&record))
                    .map_err(|mismatch| self.client.redacted(&text, mismatch))
            }
            Row::TooLong => Err(Mismatch {
                place: place(),
                expected: "a device in at most 256 KiB",
                excerpt: "(not kept)".to_owned(),
            }),
        };
        self.rows += 1;
        if self.first.is_none() {
            let first = match (&read, row) {
                (Ok(device), _) => FirstRow::Device(device.guid.clone()),
                (Err(_), Row::Text(bytes)) => FirstRow::Unreadable(Md5::digest(bytes).into()),
                (Err(_), Row::TooLong) => FirstRow::TooLong,
            };
            self.repeated = self.before.as_ref() == Some(&first);
            self.first = Some(first);
        }
        if !self.repeated {
            (self.give)(read);
            self.room = self.room.saturating_sub(1);
        }
        if self.room == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

fn page_call(page_size: u32, page: u32) -> Call {
    Call::get("Computer").size(AnswerSize::Devices).query("pgNum", page).query("pgSize", page_size)
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
