//! A window is open, and long enough for all that must fit into it: the backup, the last list of devices, the hop, and no
//! nightly dump at the authority's restart.

use jiff::{SignedDuration, Timestamp};

use super::{View, backup, nightly_dump};
use crate::fleet::instants;
use crate::planner::aim::Aim;
use crate::planner::durations;
use crate::planner::reason::Reason;
use crate::planner::report::Verdict;
use crate::planner::window::{Opening, Window, opening};
use crate::planner::words;

/// Openings that are looked through for one that the nightly dump leaves free.
const MOST_OPENINGS: usize = 64;

/// Holds servers until a window is open that is long enough for all of the hop.
pub fn check_servers(view: &View<'_>) -> Verdict {
    let hop = match view.aim {
        Aim::Hop(_) | Aim::Adopt { .. } => {
            durations::hop_needs(view.touched().len(), view.desired.storage_at_once)
        }
        Aim::Nothing | Aim::NoWay(_) | Aim::Undecided => return Verdict::Pass,
    };
    let before = Before::of(view);
    let needs = hop.saturating_add(before.all());
    match earliest(view, needs, before.all()) {
        Some(at) if at <= view.now => Verdict::Pass,
        Some(at) => closed(view, &view.desired.server_windows, needs, at),
        None => Verdict::refuse(
            Reason::OutsideWindow,
            format!("no window within a year has room for the {}", before.with(view, hop)),
            "make spec.windows longer, or end the freeze",
        ),
    }
}

/// Holds devices until a window is open.
pub fn check_devices(view: &View<'_>) -> Verdict {
    let windows = &view.desired.device_windows;
    match opening(windows, &view.desired.freezes, SignedDuration::ZERO, view.now) {
        Opening::Open { .. } => Verdict::Pass,
        Opening::Closed { opens: Some(opens), .. } => closed(view, windows, SignedDuration::ZERO, opens),
        Opening::Closed { opens: None, .. } => Verdict::refuse(
            Reason::OutsideWindow,
            "no window for devices opens within a year",
            "make spec.windows longer, or end the freeze",
        ),
    }
}

/// What is still to be done between the opening and the authority's order.
struct Before {
    backup: SignedDuration,
    listing: SignedDuration,
}

impl Before {
    fn of(view: &View<'_>) -> Self {
        let listing = view.observed.devices.as_ref().map_or(SignedDuration::ZERO, |devices| {
            devices.finished.duration_since(devices.began).max(SignedDuration::ZERO)
        });
        Self { backup: backup::time_left(view), listing }
    }

    fn all(&self) -> SignedDuration {
        self.backup.saturating_add(self.listing)
    }

    /// The arithmetic, for people.
    fn with(&self, view: &View<'_>, hop: SignedDuration) -> String {
        let mut parts = vec![format!("{} of the hop", words::duration(hop))];
        if self.backup > SignedDuration::ZERO {
            parts.push(format!("{} of its backup", words::duration(self.backup)));
        }
        let dump = nightly_dump::daily(view).filter(|_| !view.desired.server_windows.is_empty());
        let beside = dump.map_or_else(String::new, |at| format!(", beside the nightly dump at {at:.0}"));
        format!("{}{beside}", words::list(parts, 3))
    }
}

/// The first instant from now on at which all of it fits; the authority is ordered `lead` later, and no dump may be near then.
fn earliest(view: &View<'_>, needs: SignedDuration, lead: SignedDuration) -> Option<Timestamp> {
    let mut from = view.now;
    for _ in 0..MOST_OPENINGS {
        let at = match opening(&view.desired.server_windows, &view.desired.freezes, needs, from) {
            Opening::Open { .. } => from,
            Opening::Closed { opens, .. } => opens?,
        };
        // Without windows the dump's own gate waits for its end.
        let has_windows = !view.desired.server_windows.is_empty();
        let ordered_at = instants::after(at, lead);
        let Some(quiet_until) = nightly_dump::quiet_until(view, ordered_at).filter(|_| has_windows) else {
            return Some(at);
        };
        from = instants::before(quiet_until, lead);
    }
    None
}

fn closed(view: &View<'_>, windows: &[Window], needs: SignedDuration, at: Timestamp) -> Verdict {
    let freeze = match opening(windows, &view.desired.freezes, needs, view.now) {
        Opening::Closed { freeze, .. } => freeze,
        Opening::Open { .. } => None,
    };
    match freeze {
        Some(reason) => Verdict::hold(
            Reason::Frozen,
            format!("frozen ({reason}); it may begin {}", words::instant(at)),
            Some(at),
        ),
        None => Verdict::hold(
            Reason::OutsideWindow,
            format!("outside the windows; the next begins {}", words::instant(at)),
            Some(at),
        ),
    }
}
