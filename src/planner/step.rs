//! Operations for the executor: idempotent, with every operand filled in.

use std::fmt;

use jiff::SignedDuration;

use super::desired::{HookMoment, ImageFrom, WorkloadRef};
use super::memory::VerifiedFile;
use crate::catalog::Version;
use crate::fleet::{Guid, ServerName, ServerRole, Wave};

/// One idempotent operation. The executor makes no choice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// The object must outlive the server steps in flight.
    HoldFinalizer,
    /// No server step is in flight: the object may go.
    ReleaseFinalizer,
    /// Nothing may roll this server by accident.
    HoldCatch {
        /// The server.
        server: ServerName,
        /// Its workload.
        workload: WorkloadRef,
    },
    /// The operator looks after this workload no more: it is anybody's to roll.
    OpenCatch {
        /// Its workload.
        workload: WorkloadRef,
    },
    /// The server is to run this image now: the template, where the operator writes it, and the catch open.
    UpgradeServer {
        /// The server.
        server: ServerName,
        /// Its identity.
        guid: Guid,
        /// Its workload.
        workload: WorkloadRef,
        /// The server's container.
        container: String,
        /// The image to run.
        image: String,
        /// Who writes it.
        image_from: ImageFrom,
        /// From this release.
        from: Version,
        /// To this one.
        to: Version,
    },
    /// A job is to run the upgrade file on a server.
    RunUpgradeJob {
        /// The server.
        server: ServerName,
        /// Its identity.
        guid: Guid,
        /// What it is.
        role: ServerRole,
        /// The `PodTemplate` that the job is made from.
        template: String,
        /// Which attempt at which server in which hop this is: the same for the same one.
        run: String,
        /// Which attempt, from 1.
        attempt: u32,
        /// The file, as it was verified.
        file: VerifiedFile,
        /// From this release.
        from: Version,
        /// To this one.
        to: Version,
    },
    /// A backup of the authority is to be made.
    TakeBackup {
        /// A name that is the same for the same backup.
        name: String,
        /// The authority's workload.
        workload: WorkloadRef,
        /// The `VolumeSnapshotClass`.
        class: String,
    },
    /// The authority's auto-upgrade switch is to be off.
    TurnOffDeviceAutoUpgrade,
    /// A hook is to be asked.
    RunHook {
        /// The hook.
        hook: String,
        /// The `PodTemplate` that the `Job` is made from.
        template: String,
        /// Which time of asking this is: the same for the same one.
        run: String,
        /// What it is asked about.
        occasion: Occasion,
    },
    /// These devices are to be upgraded.
    FlagDevices {
        /// The group.
        group: String,
        /// The release whose bundled app they get.
        release: Version,
        /// The devices.
        devices: Vec<FlagDevice>,
    },
}

/// A hook that has not ended by then has failed.
const HOOK_TAKES_AT_MOST: SignedDuration = SignedDuration::from_hours(1);

/// What a hook is asked about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Occasion {
    /// A hop.
    Hop {
        /// Before or after it.
        when: HookMoment,
        /// From this release.
        from: Version,
        /// To this one.
        to: Version,
    },
    /// A server in a hop.
    Server {
        /// Before or after it.
        when: HookMoment,
        /// The server.
        server: ServerName,
        /// From this release.
        from: Version,
        /// To this one.
        to: Version,
    },
    /// The backup before a hop, which its job makes.
    Backup {
        /// From this release.
        from: Version,
        /// To this one.
        to: Version,
        /// A job that takes longer has failed: what it made would be too old.
        at_most: SignedDuration,
    },
    /// A wave that is to open.
    Wave {
        /// The group.
        group: String,
        /// The wave.
        wave: Wave,
        /// The release that the devices are brought to.
        release: Version,
    },
}

impl Occasion {
    /// The moment, as its job is told.
    const fn moment(&self) -> &'static str {
        match self {
            Self::Hop { when, .. } | Self::Server { when, .. } => when.name(),
            Self::Backup { .. } => "Backup",
            Self::Wave { .. } => HookMoment::BetweenWaves.name(),
        }
    }

    /// How long its job may take: one that has not ended by then has failed.
    pub fn takes_at_most(&self) -> SignedDuration {
        match self {
            Self::Backup { at_most, .. } => *at_most,
            Self::Hop { .. } | Self::Server { .. } | Self::Wave { .. } => HOOK_TAKES_AT_MOST,
        }
    }

    /// What its job is told, as environment variables.
    pub fn told(&self) -> Vec<(&'static str, String)> {
        let mut told = vec![("CODEUPGRADE_MOMENT", self.moment().to_owned())];
        match self {
            Self::Hop { from, to, .. } | Self::Backup { from, to, .. } => {
                told.push(("CODEUPGRADE_FROM", from.to_string()));
                told.push(("CODEUPGRADE_RELEASE", to.to_string()));
            }
            Self::Server { server, from, to, .. } => {
                told.push(("CODEUPGRADE_SERVER", server.to_string()));
                told.push(("CODEUPGRADE_FROM", from.to_string()));
                told.push(("CODEUPGRADE_RELEASE", to.to_string()));
            }
            Self::Wave { group, wave, release } => {
                told.push(("CODEUPGRADE_GROUP", group.clone()));
                told.push(("CODEUPGRADE_WAVE", wave.to_string()));
                told.push(("CODEUPGRADE_RELEASE", release.to_string()));
            }
        }
        told
    }
}

impl fmt::Display for Occasion {
    /// The end of a sentence.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Wave { group, wave, .. } => write!(formatter, "before wave {wave} of group {group}"),
            Self::Backup { .. } => formatter.write_str("for the backup before the hop"),
            Self::Hop { when, from, to } => {
                write!(formatter, "{} the hop {from} -> {to}", before_or_after(*when))
            }
            Self::Server { when, server, .. } => write!(formatter, "{} {server}", before_or_after(*when)),
        }
    }
}

const fn before_or_after(when: HookMoment) -> &'static str {
    match when {
        HookMoment::BeforeHop | HookMoment::BeforeServer | HookMoment::BetweenWaves => "before",
        HookMoment::AfterHop | HookMoment::AfterServer => "after",
    }
}

impl Step {
    /// Its name, for logs and metrics.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::HoldFinalizer => "HoldFinalizer",
            Self::ReleaseFinalizer => "ReleaseFinalizer",
            Self::HoldCatch { .. } => "HoldCatch",
            Self::OpenCatch { .. } => "OpenCatch",
            Self::UpgradeServer { .. } => "UpgradeServer",
            Self::RunUpgradeJob { .. } => "RunUpgradeJob",
            Self::TakeBackup { .. } => "TakeBackup",
            Self::TurnOffDeviceAutoUpgrade => "TurnOffDeviceAutoUpgrade",
            Self::RunHook { .. } => "RunHook",
            Self::FlagDevices { .. } => "FlagDevices",
        }
    }

    /// What it is to bring about, as part of a sentence. The same for every attempt at the same thing.
    pub fn purpose(&self) -> String {
        match self {
            Self::HoldFinalizer => "holding the finalizer".to_owned(),
            Self::ReleaseFinalizer => "releasing the finalizer".to_owned(),
            Self::HoldCatch { workload, .. } => format!("closing the catch of {workload}"),
            Self::OpenCatch { workload } => format!("giving back the catch of {workload}"),
            Self::UpgradeServer { server, workload, .. } => format!("ordering {server} ({workload})"),
            Self::RunUpgradeJob { server, attempt, .. } => format!("job {attempt} of {server}"),
            Self::TakeBackup { .. } => "the backup before the hop".to_owned(),
            Self::TurnOffDeviceAutoUpgrade => "turning auto-upgrade devices off".to_owned(),
            Self::RunHook { hook, .. } => format!("asking hook {hook}"),
            Self::FlagDevices { group, .. } => format!("telling devices of group {group} to upgrade"),
        }
    }
}

/// One device to flag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlagDevice {
    /// Its guid.
    pub guid: u64,
    /// The id by which the authority takes the order.
    pub computer_id: u64,
}
