//! Why something holds or happens: one bounded set of names for conditions, events, metrics and logs.

/// Declares the reasons once: the variant is the name that people see.
macro_rules! reasons {
    ($($(#[doc = $doc:literal])+ $name:ident,)+) => {
        /// A reason, PascalCase where people see it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Reason {
            $($(#[doc = $doc])+ $name,)+
        }

        impl Reason {
            /// Every reason.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The name that people see.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($name),)+
                }
            }
        }
    };
}

reasons! {
    /// Only observing.
    Observing,
    /// Everything wanted is done.
    Done,
    /// A hop is in flight.
    Upgrading,
    /// Devices follow.
    RollingOut,
    /// Nothing was read yet.
    NotYetObserved,
    /// A field of the spec cannot be read.
    InvalidSpec,
    /// The spec asks for something that this version cannot do.
    NotSupported,
    /// Another object claimed the environment before.
    ClaimedByAnother,
    /// The Secret is missing.
    SecretMissing,
    /// The Secret lacks a key.
    SecretIncomplete,
    /// The Secret may not be read.
    SecretForbidden,
    /// The Secret is bound to another url.
    SecretForOtherHost,
    /// The acting account is missing or not labelled as usable.
    AccountNotUsable,
    /// The operator may not talk to this host.
    HostDenied,
    /// The certificate authority's ConfigMap is missing.
    CertificateAuthorityMissing,
    /// The authority does not answer.
    AuthorityUnreachable,
    /// A list of the authority is longer than what is read.
    ListTooLong,
    /// The authority's certificate could not be verified.
    AuthorityUntrusted,
    /// The authority refused the credentials.
    CredentialsRefused,
    /// The credentials may not read this.
    CredentialsForbidden,
    /// The authority's answer was not what it should be.
    AnswerUnexpected,
    /// More devices are connected than the authority lists.
    DevicesUnlisted,
    /// Another authority answers at the url.
    OtherAuthority,
    /// Not the enterprise edition.
    NotEnterprise,
    /// A managed appliance.
    ManagedAppliance,
    /// The spec does not say whether it is a managed appliance.
    ApplianceUnstated,
    /// A fact is too old.
    FactsStale,
    /// The clocks disagree.
    ClocksDisagree,
    /// Somebody restored a backup.
    RestoredByHand,
    /// Versions came about from outside.
    AdoptionNeeded,
    /// Storage is newer than its authority.
    StorageAhead,
    /// A storage server has no method.
    StorageWithoutMethod,
    /// A listed storage server is not there.
    StorageMissing,
    /// The authority has no method.
    AuthorityWithoutMethod,
    /// No release describes the version.
    UnknownRelease,
    /// The wanted release is older.
    Downgrade,
    /// No documented edge.
    NoPath,
    /// Devices would be cut off.
    DevicesRefused,
    /// The device listing is awaited.
    ListingAwaited,
    /// A risk is not accepted.
    RiskNotAccepted,
    /// An accepted risk exists nowhere.
    UnknownRiskName,
    /// The catalog contradicts itself.
    CatalogContradiction,
    /// No source for the release.
    SourceMissing,
    /// An upgrade file is being checked.
    FileAwaited,
    /// An upgrade file is not what it should be.
    FileWrong,
    /// An upgrade file, or the list of its sums, cannot be had.
    FileUnavailable,
    /// The image in Git is not the one of the next hop.
    ImageAwaited,
    /// The workload is missing.
    WorkloadMissing,
    /// The workload cannot be upgraded by this operator.
    WorkloadUnfit,
    /// The workload's state is not known.
    WorkloadUnknown,
    /// The workload's rollout is under way.
    WorkloadUnsettled,
    /// The catch is not closed.
    CatchOpen,
    /// The acting account may not do it.
    RightsMissing,
    /// The backup is awaited.
    BackupAwaited,
    /// The backup failed.
    BackupFailed,
    /// The spec says nothing about a backup.
    BackupUnstated,
    /// The auto-upgrade switch is on.
    AutoUpgradeSwitchOn,
    /// The auto-upgrade switch is being turned off.
    AutoUpgradeSwitchTurningOff,
    /// An approval is asked.
    ApprovalNeeded,
    /// It has not proven itself elsewhere.
    NotYetProven,
    /// The post-upgrade wait runs.
    PostUpgradeWait,
    /// Backups are not yet back.
    BackupsNotBack,
    /// No window is open.
    OutsideWindow,
    /// A freeze.
    Frozen,
    /// A server is offline.
    ServerOffline,
    /// The nightly database dump is near.
    NightlyDump,
    /// Something pauses it.
    Paused,
    /// A person upgrades a server.
    ManualStep,
    /// A server takes longer than usual.
    Slow,
    /// A server took longer than its deadline.
    DeadlinePassed,
    /// A server reports another release than its image is for.
    UnexpectedRelease,
    /// A server's workload fails.
    ServerFailing,
    /// A step that is due does not come about.
    StepFailed,
    /// The first device must be seen to move.
    FirstDeviceAwaited,
    /// A group speaks of an organisation that is not there, or of several.
    GroupUnresolved,
    /// Too many devices of a group failed.
    GroupHalted,
    /// A wave is complete; the next begins after the pause.
    WavePause,
    /// A wave is not complete a week after it last released anything.
    WaveOverdue,
    /// A hook is asked before the next wave.
    HookAwaited,
    /// A hook said no.
    HookFailed,
    /// No job can be made for a hook.
    HookUnfit,
    /// What the authority offers for devices is not stated, or not what the release accepts.
    OfferUnfit,
    /// A device group is held.
    GroupHeld,
    /// A memory of a newer format.
    MemoryTooNew,
    /// A memory that cannot be read.
    MemoryUnreadable,
    /// The object's definition drops what is to be remembered.
    DefinitionTooOld,
    /// The operator is being removed.
    HandingBack,
    /// The object is being deleted.
    Deleting,
}
