//! The devices of an environment out of its authority's pages, as compact rows: group and rank are resolved here, on
//! arrival, and names are not kept.

use jiff::Timestamp;

use super::room::{Room, Taken};
use crate::catalog::{Os, Product, Version};
use crate::code42::{self, DEVICES_A_PAGE, DeviceRecord, DeviceStanding, OrganisationRecord};
use crate::fleet::devices::Device;
use crate::fleet::{
    Arrangement, DeviceState, DeviceTraits, DevicesBuilder, GroupMatcher, GroupRule, Organisation, Rank,
};
use crate::observing::{Failure, Listing};
use crate::operator::clock::Clock;
use crate::operator::places::Places;
use crate::planner::observed::AccessFailure;

/// What a listing is made for.
#[derive(Clone, Copy, Debug)]
pub struct Purpose<'a> {
    /// The groups that take the rows.
    pub groups: &'a [GroupRule],
    /// How the rows are to be arranged: by these groups.
    pub arrangement: Arrangement,
    /// How many rows the last listing had.
    pub expected: usize,
}

/// What a listing may take up.
#[derive(Clone, Copy, Debug)]
pub struct Bounds<'a> {
    /// Places for reading one page: what is slow between two pages, or for ever, holds none.
    pub pages: &'a Places,
    /// Room for the rows.
    pub room: &'a Room,
}

/// Lists all devices, page by page, and says what room they take up; no page is kept longer than it takes to read it.
///
/// # Errors
/// Why it was not complete: then nothing of it is used.
pub async fn list(
    client: &code42::Client,
    clock: &Clock,
    purpose: Purpose<'_>,
    bounds: Bounds<'_>,
) -> Result<(Listing, Taken), Failure> {
    let failure = |error: code42::Error| Failure::from(&error);
    // Before the first question: what changes while it is listed may be missed.
    let began = clock.monotonic_now();
    let organisations = if GroupMatcher::needs_organisations(purpose.groups) {
        client.organisations().await.map_err(failure)?.value
    } else {
        Vec::new()
    };
    let organisations: Vec<Organisation> = organisations.iter().filter_map(organisation).collect();
    let (matcher, unresolved) = GroupMatcher::new(purpose.groups, &organisations);
    let mut builder = DevicesBuilder::new(began, purpose.arrangement, purpose.expected);
    let mut pages = client.devices(DEVICES_A_PAGE);
    let (mut room, mut is_full) = (bounds.room.begin(), false);
    loop {
        let mut give = |row: code42::DeviceRow| {
            is_full = is_full || room.add().is_err();
            match row.ok().and_then(|record| device(&record, &matcher, purpose.arrangement.release)) {
                Some(_) if is_full => {}
                Some(device) => builder.push(device),
                None => builder.count_unreadable(),
            }
        };
        let page = bounds.pages.take(pages.next(&mut give)).await.map_err(failure)?;
        if is_full {
            let message = "there is no room for these devices beside those of all other environments";
            return Err(Failure::new(AccessFailure::TooMuch, message));
        }
        let Some(page) = page else { break };
        if let Some(total) = page.value.total_count {
            builder.note_total(total);
        }
    }
    Ok((Listing { devices: builder.finish(clock.monotonic_now()), unresolved }, room))
}

fn organisation(record: &OrganisationRecord) -> Option<Organisation> {
    Some(Organisation {
        id: u32::try_from(record.organisation_id.0).ok()?,
        name: record.name.clone(),
        parent: record.parent.and_then(|parent| u32::try_from(parent.0).ok()),
    })
}

/// A device as a row; `None` where it lacks what decisions need.
fn device(record: &DeviceRecord, matcher: &GroupMatcher, release: Option<Version>) -> Option<Device> {
    let guid: u64 = record.guid.as_str().parse().ok()?;
    let os = os(record.os_name.as_deref().unwrap_or_default());
    let product = product(record.service.as_deref()?, os)?;
    let organisation = u32::try_from(record.organisation_id?.0).ok()?;
    let name = record.name.as_deref().unwrap_or_default();
    Some(Device {
        guid,
        computer_id: record.computer_id.0,
        product,
        os,
        // What cannot be read is no reason to forget the device: gone is something else.
        version: record.product_version.as_deref().and_then(|version| version.parse().ok()),
        state: match record.standing {
            DeviceStanding::Active => DeviceState::Active,
            DeviceStanding::Blocked => DeviceState::Blocked,
            DeviceStanding::Deactivated => DeviceState::Deactivated,
        },
        last_connected: record.last_connected.map_or(i64::MIN, Timestamp::as_second),
        organisation,
        group: matcher.group_of(&DeviceTraits { organisation, os, product, name, guid }),
        rank: Rank::in_rollout(guid, release),
    })
}

/// The app, by the vendor's word for the service. One service has two apps: a phone runs the mobile one, which comes
/// from the phone's own store and has versions of its own.
fn product(service: &str, os: Os) -> Option<Product> {
    let product =
        Product::ALL.into_iter().find(|product| product.name().eq_ignore_ascii_case(service.trim()))?;
    match (product, os) {
        (Product::SharePlan, Os::Ios | Os::Android) => Some(Product::SharePlanMobile),
        (Product::CrashPlan | Product::SharePlan | Product::SharePlanMobile, _) => Some(product),
    }
}

/// The operating system, by the vendor's short words; the longer ones are what other versions of the API write.
fn os(name: &str) -> Os {
    match name.trim().to_ascii_lowercase().as_str() {
        "win" | "windows" => Os::Windows,
        "mac" | "mac os x" | "macos" | "osx" => Os::Mac,
        "linux" => Os::Linux,
        "android" => Os::Android,
        "ios" => Os::Ios,
        _ => Os::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::code42::{ComputerId, Guid, OrganisationId};

    fn record() -> DeviceRecord {
        DeviceRecord {
            guid: Guid::parse("600624121205752065").unwrap(),
            computer_id: ComputerId(7),
            name: Some("laptop".into()),
            standing: DeviceStanding::Active,
            organisation_id: Some(OrganisationId(3)),
            organisation_uid: None,
            last_connected: None,
            os_name: Some("win".into()),
            os_version: None,
            service: Some("CrashPlan".into()),
            product_version: Some("4.2.0".into()),
            internal_version: None,
            build_version: None,
        }
    }

    fn row(record: &DeviceRecord) -> Option<Device> {
        let (matcher, _) = GroupMatcher::new(&[GroupRule::all()], &[]);
        device(record, &matcher, "4.3.5.3".parse().ok())
    }

    #[test]
    fn a_row_has_its_group_and_rank_on_arrival() {
        let device = row(&record()).unwrap();
        assert_eq!((device.os, device.group, device.organisation), (Os::Windows, 0, 3));
        assert_eq!(device.rank.to_string(), "8dbdc4dcebb57d8c");
        assert_eq!(device.last_connected, i64::MIN);
    }

    #[test]
    fn a_phone_that_shares_runs_the_mobile_app() {
        for (os_name, expected) in [
            ("ios", Product::SharePlanMobile),
            ("Android", Product::SharePlanMobile),
            ("mac", Product::SharePlan),
            ("win", Product::SharePlan),
        ] {
            let mut phone = record();
            phone.service = Some("SharePlan".into());
            phone.os_name = Some(os_name.into());
            assert_eq!(row(&phone).unwrap().product, expected, "{os_name}");
        }
    }

    #[test]
    fn a_device_without_what_decisions_need_is_counted_as_unreadable() {
        for (name, change) in [
            (
                "a guid that is no number",
                (|record| record.guid = Guid::parse("abc").unwrap()) as fn(&mut DeviceRecord),
            ),
            ("no service", |record| record.service = None),
            ("an unknown service", |record| record.service = Some("Other".into())),
            ("no organisation", |record| record.organisation_id = None),
        ] {
            let mut odd = record();
            change(&mut odd);
            assert_eq!(row(&odd), None, "{name}");
        }
        for version in [None, Some("new".to_owned())] {
            let device = row(&DeviceRecord { product_version: version, ..record() }).unwrap();
            assert_eq!((device.version, device.organisation), (None, 3));
        }
        let mut unknown_os = record();
        unknown_os.os_name = Some("solaris".into());
        assert_eq!(row(&unknown_os).unwrap().os, Os::Other);
    }
}
