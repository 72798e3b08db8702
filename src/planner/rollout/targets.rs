//! What each app is to run.

use std::fmt;

use crate::catalog::{Os, Product, Release, Version};
use crate::fleet::devices::Device;
use crate::planner::desired::{DevicePolicy, DeviceUpgrade};

/// What devices are to run, for each product and operating system.
#[derive(Clone, Debug)]
pub struct Targets {
    versions: [[Option<Version>; Os::ALL.len()]; Product::ALL.len()],
}

impl Targets {
    /// What a release bundles; or, where the spec says that devices get what the authority offers, what was added there: releases
    /// from 5.3 on bundle no app (FACTS.md, unbundled-since-5.3).
    pub fn of(release: &Release, policy: &DevicePolicy) -> Self {
        let target = |product, os| match policy.upgrade {
            DeviceUpgrade::Bundled | DeviceUpgrade::None => release.bundled(product, os),
            DeviceUpgrade::ServerOffered => policy
                .offered
                .iter()
                .find(|offered| offered.product == product && offered.os.is_none_or(|only| only == os))
                .map(|offered| offered.version),
        };
        Self { versions: Product::ALL.map(|product| Os::ALL.map(|os| target(product, os))) }
    }

    /// Whether anything is to be run at all.
    pub(super) fn ask_for_anything(&self) -> bool {
        self.versions.iter().flatten().any(Option::is_some)
    }

    /// What an app is to run; `None` where nothing is there for it.
    pub fn target(&self, product: Product, os: Os) -> Option<Version> {
        self.versions[product as usize][os as usize]
    }

    /// Whether anything is to be run by an app that the server pushes. Mobile apps come from app stores
    /// (FACTS.md, mobile-stores): reported, never pushed.
    fn pushed(&self, product: Product, os: Os) -> Option<Version> {
        match product {
            Product::CrashPlan | Product::SharePlan => self.target(product, os),
            Product::SharePlanMobile => None,
        }
    }

    /// How far the app of a device is. A newer app that is accepted is current; nothing is ever moved down.
    pub fn level(&self, device: &Device) -> AppLevel {
        match (self.pushed(device.product, device.os), device.version) {
            (None, _) => AppLevel::Current,
            (Some(_), None) => AppLevel::Unreadable,
            (Some(target), Some(version)) if version < target => AppLevel::Behind,
            (Some(_), Some(_)) => AppLevel::Current,
        }
    }

    /// Whether a device is to be brought up by a rollout.
    pub fn is_behind(&self, device: &Device) -> bool {
        self.level(device) == AppLevel::Behind
    }

    /// The same of an app.
    pub fn is_app_behind(&self, product: Product, os: Os, version: Version) -> bool {
        self.pushed(product, os).is_some_and(|target| version < target)
    }

    /// Whether a mobile app is behind.
    pub(super) fn is_mobile_behind(&self, device: &Device) -> bool {
        let target = self.target(device.product, device.os);
        let versions = target.zip(device.version);
        device.product == Product::SharePlanMobile
            && versions.is_some_and(|(target, version)| version < target)
    }
}

/// How far the app of a device is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AppLevel {
    /// It runs that, or something newer, or nothing is there for it.
    Current,
    /// It runs something older.
    Behind,
    /// What it runs cannot be read.
    Unreadable,
}

impl fmt::Display for Targets {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for product in Product::ALL {
            for os in Os::ALL {
                if let Some(version) = self.target(product, os) {
                    write!(formatter, "{product}/{os}={version};")?;
                }
            }
        }
        Ok(())
    }
}
