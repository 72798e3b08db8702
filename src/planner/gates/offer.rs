//! What the authority offers for devices is stated, and is what its release accepts.
//!
//! From 5.3 on a release bundles no app: a person adds each one at the authority, which turns the
//! auto-upgrade switch off (FACTS.md, adding-apps). No documented answer lists what was added
//! (FACTS.md, unknown-offers), so that the spec says it.

use super::View;
use crate::catalog::{Acceptance, Os, Version};
use crate::planner::desired::{DeviceUpgrade, OfferedApp};
use crate::planner::reason::Reason;
use crate::planner::report::Verdict;

/// The first series that bundles no app (FACTS.md, unbundled-since-5.3).
const UNBUNDLED_SINCE: Version = Version::new([5, 3, 0, 0]);

/// Refuses to release devices to what nobody stated, to what the release refuses, or where the release bundles its apps.
pub fn check(view: &View<'_>) -> Verdict {
    let policy = &view.desired.devices;
    let Some(settled) = &view.memory.settled else { return Verdict::Pass };
    let at = settled.release;
    match policy.upgrade {
        DeviceUpgrade::Bundled | DeviceUpgrade::None => return Verdict::Pass,
        DeviceUpgrade::ServerOffered if at < UNBUNDLED_SINCE => {
            return Verdict::refuse(
                Reason::OfferUnfit,
                format!(
                    "{at} bundles its apps: only releases from {UNBUNDLED_SINCE} on leave them to be added"
                ),
                "set devices.upgrade to Bundled",
            );
        }
        DeviceUpgrade::ServerOffered => {}
    }
    let refused = |offered: &&OfferedApp| {
        let systems: &[Os] = offered.os.as_ref().map_or(&Os::ALL, std::slice::from_ref);
        view.catalog.release(at).is_some_and(|release| {
            systems
                .iter()
                .all(|os| release.acceptance(offered.product, *os, offered.version) == Acceptance::Refused)
        })
    };
    match policy.offered.iter().find(refused) {
        None => Verdict::Pass,
        Some(OfferedApp { product, version, .. }) => Verdict::refuse(
            Reason::OfferUnfit,
            format!("devices.offered: {at} does not accept {version} of {product}"),
            "offer a version that the release accepts, or describe it in a CodeRelease",
        ),
    }
}
