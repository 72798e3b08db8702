//! Windows and freezes.

use jiff::SignedDuration;
use jiff::civil::Weekday;
use jiff::tz::TimeZone;

use crate::api::code_upgrade::WindowsSpec;
use crate::api::code_upgrade::schedule::{Day, FreezeSpec, WindowSpec};
use crate::planner::window::{Freeze, Window};
use crate::translate::reading::Reading;

/// A window longer than a week would always be open.
const LONGEST: SignedDuration = SignedDuration::from_hours(7 * 24);

/// When something may start.
#[derive(Default)]
pub(super) struct Schedule {
    pub(super) servers: Vec<Window>,
    pub(super) devices: Vec<Window>,
    pub(super) freezes: Vec<Freeze>,
}

/// The windows and freezes.
pub(super) fn schedule(reading: &mut Reading, spec: Option<&WindowsSpec>) -> Schedule {
    let Some(WindowsSpec { servers, devices, freezes }) = spec else { return Schedule::default() };
    let servers = windows(reading, "spec.windows.servers", servers);
    let devices = windows(reading, "spec.windows.devices", devices);
    let zone = servers.first().or(devices.first()).map(|window| window.time_zone.clone());
    let read =
        |(index, spec)| freeze(reading, &format!("spec.windows.freezes[{index}]"), spec, zone.as_ref());
    let freezes = freezes.iter().enumerate().filter_map(read).collect();
    Schedule { servers, devices, freezes }
}

fn windows(reading: &mut Reading, list: &str, specs: &[WindowSpec]) -> Vec<Window> {
    let specs = specs.iter().enumerate();
    specs.filter_map(|(index, spec)| window(reading, &format!("{list}[{index}]"), spec)).collect()
}

fn window(reading: &mut Reading, field: &str, spec: &WindowSpec) -> Option<Window> {
    let WindowSpec { days, start, duration, time_zone } = spec;
    let start = reading.time(&format!("{field}.start"), start);
    let time_zone = reading.time_zone(&format!("{field}.timeZone"), time_zone);
    let length = format!("{field}.duration");
    let duration = reading.duration(&length, duration);
    if duration.is_some_and(|duration| duration.is_zero() || duration > LONGEST) {
        reading.note(
            length,
            "a window is open for more than nothing and for at most 7d",
            "write a duration such as 10h",
        );
    }
    if days.is_empty() {
        reading.note(format!("{field}.days"), "the window opens on no day", "write days such as [Sat, Sun]");
    }
    Some(Window {
        days: days.iter().copied().map(weekday).collect(),
        start: start?,
        duration: duration?,
        time_zone: time_zone?,
    })
}

fn freeze(reading: &mut Reading, field: &str, spec: &FreezeSpec, zone: Option<&TimeZone>) -> Option<Freeze> {
    let FreezeSpec { from, to, reason, time_zone } = spec;
    let from = reading.date(&format!("{field}.from"), from);
    let to = reading.date(&format!("{field}.to"), to);
    let zone_field = format!("{field}.timeZone");
    let time_zone = match (time_zone, zone) {
        (Some(text), _) => reading.time_zone(&zone_field, text),
        (None, Some(zone)) => Some(zone.clone()),
        (None, None) => {
            let mend = "write an IANA time zone such as Europe/Berlin";
            reading.note(zone_field, "there is no window whose time zone the freeze could share", mend);
            None
        }
    };
    let (from, to) = (from?, to?);
    if from > to {
        reading.note(
            field,
            format!("the freeze ends on {to}, before it begins on {from}"),
            "exchange from and to",
        );
    }
    Some(Freeze { from, to, reason: reason.clone(), time_zone: time_zone? })
}

fn weekday(day: Day) -> Weekday {
    match day {
        Day::Mon => Weekday::Monday,
        Day::Tue => Weekday::Tuesday,
        Day::Wed => Weekday::Wednesday,
        Day::Thu => Weekday::Thursday,
        Day::Fri => Weekday::Friday,
        Day::Sat => Weekday::Saturday,
        Day::Sun => Weekday::Sunday,
    }
}
