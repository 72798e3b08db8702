//! Operations for the executor: idempotent, with every operand filled in.

use super::desired::{ImageFrom, WorkloadRef};
use crate::catalog::Version;
use crate::fleet::{Guid, ServerName, Wave};

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
    /// A hook is to be asked before a wave.
    RunHook {
        /// The hook.
        hook: String,
        /// The `PodTemplate` that the `Job` is made from.
        template: String,
        /// Which time of asking this is: the same for the same one.
        run: String,
        /// The group.
        group: String,
        /// The wave that it is asked before.
        wave: Wave,
        /// The release that the devices are brought to.
        release: Version,
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

impl Step {
    /// Its name, for logs and metrics.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::HoldFinalizer => "HoldFinalizer",
            Self::ReleaseFinalizer => "ReleaseFinalizer",
            Self::HoldCatch { .. } => "HoldCatch",
            Self::OpenCatch { .. } => "OpenCatch",
            Self::UpgradeServer { .. } => "UpgradeServer",
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
