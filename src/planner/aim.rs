//! What the next step of the servers would be, before any gate is asked.

use super::desired::DeviceUpgrade;
use super::facts::Facts;
use super::memory::Memory;
use super::situation::Situation;
use super::standing::{Standing, answered};
use crate::catalog::Version;
use crate::catalog::path::{self, Leg, NoPath, Path, Question, Rollouts};

/// What the servers are to do next.
#[derive(Clone, Debug, PartialEq)]
pub enum Aim {
    /// Nothing: no version is wanted, or it is reached.
    Nothing,
    /// One hop, the first of the path.
    Hop(Leg),
    /// Storage is brought to where its authority already is.
    Adopt {
        /// The oldest release among the storage servers.
        from: Version,
        /// The authority's release.
        to: Version,
    },
    /// There is no way.
    NoWay(NoPath),
    /// Too little is known, or somebody must decide first: a gate says what.
    Undecided,
}

impl Aim {
    /// The release it leads to.
    pub fn to(&self) -> Option<Version> {
        match self {
            Self::Hop(leg) => Some(leg.to),
            Self::Adopt { to, .. } => Some(*to),
            Self::Nothing | Self::NoWay(_) | Self::Undecided => None,
        }
    }

    /// The releases it goes between.
    pub fn between(&self) -> Option<(Version, Version)> {
        match self {
            Self::Hop(leg) => Some((leg.from, leg.to)),
            Self::Adopt { from, to } => Some((*from, *to)),
            Self::Nothing | Self::NoWay(_) | Self::Undecided => None,
        }
    }
}

/// The best path from a release to another for the environment as it is.
pub fn route(facts: &Facts<'_>, from: Version, to: Version) -> Result<Path, NoPath> {
    let Facts { catalog, desired, travellers, .. } = facts;
    let accepted = desired.accepted_risks.keys().cloned().collect();
    path::find(&Question {
        catalog,
        from,
        to,
        via: if Some(to) == desired.target { &desired.via } else { &[] },
        devices: &travellers.classes,
        may_leave_behind: travellers.may_leave_behind,
        rollouts: match desired.devices.upgrade {
            DeviceUpgrade::Bundled | DeviceUpgrade::ServerOffered => Rollouts::Allowed,
            DeviceUpgrade::None => Rollouts::Never,
        },
        accepted: &accepted,
    })
}

/// What the servers are to do next, and the path it is the first part of.
pub(super) fn aim_of(facts: &Facts<'_>, memory: &Memory, standing: &Standing) -> (Aim, Option<Path>) {
    let Some(target) = facts.desired.target else { return (Aim::Nothing, None) };
    match standing {
        Standing::Settled(at) if *at == target => (Aim::Nothing, Some(Path::default())),
        Standing::Settled(at) => match route(facts, *at, target) {
            Ok(path) => match path.legs.first() {
                Some(leg) => (Aim::Hop(leg.clone()), Some(path)),
                None => (Aim::Nothing, Some(path)),
            },
            Err(no_path) => (Aim::NoWay(no_path), None),
        },
        Standing::Mixed { authority, oldest, .. } if answered(facts, memory, *authority) => {
            (Aim::Adopt { from: *oldest, to: *authority }, None)
        }
        Standing::Mixed { .. }
        | Standing::MovedFromOutside { .. }
        | Standing::StorageAhead(_)
        | Standing::RestoredByHand { .. }
        | Standing::InHop
        | Standing::Unsure => (Aim::Undecided, None),
    }
}

/// The release the environment is at, for a search of what can be reached.
pub fn starting_point(standing: &Standing, situation: &Situation<'_>) -> Option<Version> {
    match standing {
        Standing::Settled(at) => Some(*at),
        Standing::Mixed { .. }
        | Standing::MovedFromOutside { .. }
        | Standing::StorageAhead(_)
        | Standing::RestoredByHand { .. }
        | Standing::InHop
        | Standing::Unsure => situation.at(),
    }
}
