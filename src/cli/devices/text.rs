//! Devices in words and columns.

use std::fmt::Write as _;

use jiff::Timestamp;

use crate::api::devices::{DeviceCount, DeviceItem, DevicePage};
use crate::catalog::Version;
use crate::planner::words;
use crate::screens::table;

const NONE: &str = "-";

/// A row a device.
pub(super) fn list(page: &DevicePage, wide: bool) -> String {
    let named = page.items.iter().any(|device| device.name.is_some());
    let mut head = if named { vec!["NAME"] } else { Vec::new() };
    head.extend(["GUID", "APP", "OS", "VERSION", "GROUP", "STATE"]);
    if wide {
        head.extend(["TARGET", "NUMBER", "ORGANISATION", "RANK", "LAST CONNECTED", "RELEASED", "FLAGGED"]);
    }
    head.push("REASON");
    let row = |device: &DeviceItem| {
        let mut cells = if named { vec![or_none(device.name.as_deref())] } else { Vec::new() };
        cells.extend([
            device.guid.clone(),
            device.product.to_string(),
            device.os.to_string(),
            version(device.version),
            or_none(device.group.as_deref()),
            device.state.clone(),
        ]);
        if wide {
            cells.extend([
                device.target.map_or_else(|| NONE.to_owned(), |target| target.to_string()),
                device.computer_id.to_string(),
                device.organisation.to_string(),
                device.rank.clone().unwrap_or_else(|| NONE.to_owned()),
                instant(device.last_connected),
                instant(device.released_at),
                instant(device.flagged_at),
            ]);
        }
        cells.push(device.reason.clone());
        cells
    };
    let mut text = table(&head, page.items.iter().map(row).collect());
    let _ = write!(
        text,
        "{} of {}, as listed {}",
        page.items.len(),
        words::count(page.matching, "device"),
        words::past(page.listed_at)
    );
    if let Some(next) = &page.next {
        let _ = write!(text, "; go on with --after {next}");
    }
    text.push('\n');
    text
}

/// A row a kind of device.
pub(super) fn counts(page: &DevicePage) -> String {
    let row = |count: &DeviceCount| {
        vec![
            or_none(count.group.as_deref()),
            count.product.to_string(),
            count.os.to_string(),
            version(count.version),
            count.state.clone(),
            count.devices.to_string(),
        ]
    };
    let head = ["GROUP", "APP", "OS", "VERSION", "STATE", "DEVICES"];
    table(&head, page.counts.iter().map(row).collect())
}

/// Everything about one device.
pub(super) fn explain(page: &DevicePage, device: &DeviceItem) -> String {
    let DeviceItem {
        guid,
        name,
        computer_id,
        product,
        os,
        version,
        target,
        state,
        reason,
        group,
        organisation,
        rank,
        last_connected,
        released_at,
        flagged_at,
    } = device;
    let group = group.as_deref().unwrap_or("none");
    let target = target.map_or_else(|| "nothing".to_owned(), |target| target.to_string());
    let app_version = self::version(*version);
    let mut text = String::new();
    let _ = writeln!(text, "{guid} is {state}: {reason}");
    let _ = writeln!(text, "  name            {}", or_none(name.as_deref()));
    let _ = writeln!(text, "  app             {product} {app_version} on {os}; to run: {target}");
    let _ = writeln!(text, "  at authority    number {computer_id}, organisation {organisation}");
    let _ = writeln!(text, "  group           {group}");
    if let (Some(rank), Some(release)) = (rank, page.release) {
        let _ = writeln!(text, "  rank            {rank} (echo -n {guid}/{release} | md5sum)");
    }
    let _ = writeln!(text, "  last connected  {}", instant(*last_connected));
    let _ = writeln!(text, "  released        {}", instant(*released_at));
    let _ = writeln!(text, "  told to upgrade {}", instant(*flagged_at));
    let _ = writeln!(text, "  as listed       {}", words::past(page.listed_at));
    text
}

fn or_none(text: Option<&str>) -> String {
    text.unwrap_or(NONE).to_owned()
}

fn version(version: Option<Version>) -> String {
    version.map_or_else(|| NONE.to_owned(), |version| version.to_string())
}

fn instant(at: Option<Timestamp>) -> String {
    at.map_or_else(|| NONE.to_owned(), words::past)
}
