//! The checks before a step: their names, and what each says.

use jiff::Timestamp;

use crate::planner::reason::Reason;

/// One check before a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gate {
    /// Which check.
    pub name: GateName,
    /// What it says.
    pub verdict: Verdict,
}

/// What a gate says. Unknown never passes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing against it.
    Pass,
    /// Not yet.
    Hold {
        /// The name of the cause, for conditions and metrics.
        reason: Reason,
        /// Why, as a sentence.
        message: String,
        /// Until when, where that is known.
        until: Option<Timestamp>,
        /// What it takes.
        needs: Needs,
    },
    /// A fact is missing or too old.
    Unknown {
        /// The name of the cause, for conditions and metrics.
        reason: Reason,
        /// Which, as a sentence.
        message: String,
        /// Since when it is missing, where that is known.
        since: Option<Timestamp>,
    },
    /// Not like this.
    Refuse {
        /// The name of the cause, for conditions and metrics.
        reason: Reason,
        /// Why, as a sentence.
        message: String,
        /// What to do about it.
        mend: String,
    },
}

/// What ends a hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Needs {
    /// Time, or the environment itself.
    Time,
    /// A person, who can do this.
    Person(String),
}

impl Verdict {
    /// A hold that ends by itself.
    pub fn hold(reason: Reason, message: impl Into<String>, until: Option<Timestamp>) -> Self {
        Self::Hold { reason, message: message.into(), until, needs: Needs::Time }
    }

    /// A hold that a person ends, and how.
    pub fn ask(reason: Reason, message: impl Into<String>, mend: impl Into<String>) -> Self {
        Self::Hold { reason, message: message.into(), until: None, needs: Needs::Person(mend.into()) }
    }

    /// A missing fact.
    pub fn unknown(reason: Reason, message: impl Into<String>, since: Option<Timestamp>) -> Self {
        Self::Unknown { reason, message: message.into(), since }
    }

    /// A refusal.
    pub fn refuse(reason: Reason, message: impl Into<String>, mend: impl Into<String>) -> Self {
        Self::Refuse { reason, message: message.into(), mend: mend.into() }
    }

    /// Whether it passes.
    pub fn passes(&self) -> bool {
        matches!(self, Self::Pass)
    }

    /// The reason, unless it passes.
    pub fn reason(&self) -> Option<Reason> {
        match self {
            Self::Pass => None,
            Self::Hold { reason, .. } | Self::Unknown { reason, .. } | Self::Refuse { reason, .. } => {
                Some(*reason)
            }
        }
    }
}

/// The name of a gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GateName {
    /// The spec can be read.
    Spec,
    /// This object holds the environment's claim.
    Claim,
    /// The authority can be read with the given credentials.
    Access,
    /// The authority is the one that was pinned.
    Identity,
    /// It is the enterprise edition.
    Edition,
    /// It is no managed appliance.
    Appliance,
    /// Facts are fresh.
    Facts,
    /// Every clock agrees.
    Clock,
    /// Nothing was restored by hand.
    Restore,
    /// Versions came about by this operator, or were adopted.
    Adoption,
    /// Every own storage server has a method.
    Storage,
    /// There is a documented path.
    Path,
    /// Every live device is accepted by the next release.
    Compatibility,
    /// Every risk is accepted.
    Risks,
    /// The files are there and are what they should be.
    Files,
    /// The workloads can be upgraded by this operator.
    Workloads,
    /// The catches can be held.
    Catch,
    /// The acting account may do all of it.
    Rights,
    /// There is a fresh backup.
    Backup,
    /// What the authority offers for devices is stated and accepted.
    Offer,
    /// Every hook between waves can be asked.
    Hooks,
    /// The authority's auto-upgrade switch is as the spec wants it.
    AutoUpgradeSwitch,
    /// Somebody approved it, where the spec asks for that.
    Approval,
    /// The release has proven itself elsewhere, where the spec asks for that.
    ProvenIn,
    /// The post-upgrade wait is over.
    Wait,
    /// Backups run again after the last hop.
    BackupsRunning,
    /// A window is open.
    Window,
    /// All own servers are online.
    Health,
    /// The nightly database dump of the authority is not near.
    NightlyDump,
    /// The groups of devices can be told apart.
    Groups,
    /// Nothing pauses it.
    Paused,
}

impl GateName {
    /// The name as the status writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Spec => "Spec",
            Self::Claim => "Claim",
            Self::Access => "Access",
            Self::Identity => "Identity",
            Self::Edition => "Edition",
            Self::Appliance => "Appliance",
            Self::Facts => "Facts",
            Self::Clock => "Clock",
            Self::Restore => "Restore",
            Self::Adoption => "Adoption",
            Self::Storage => "Storage",
            Self::Path => "Path",
            Self::Compatibility => "Compatibility",
            Self::Risks => "Risks",
            Self::Files => "Files",
            Self::Workloads => "Workloads",
            Self::Catch => "Catch",
            Self::Rights => "Rights",
            Self::Backup => "Backup",
            Self::Offer => "Offer",
            Self::Hooks => "Hooks",
            Self::AutoUpgradeSwitch => "AutoUpgradeSwitch",
            Self::Approval => "Approval",
            Self::ProvenIn => "ProvenIn",
            Self::Wait => "Wait",
            Self::BackupsRunning => "BackupsRunning",
            Self::Window => "Window",
            Self::Health => "Health",
            Self::NightlyDump => "NightlyDump",
            Self::Groups => "Groups",
            Self::Paused => "Paused",
        }
    }
}
