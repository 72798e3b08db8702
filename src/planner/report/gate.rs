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
    /// Every gate.
    pub const ALL: [Self; 31] = [
        Self::Spec,
        Self::Claim,
        Self::Access,
        Self::Identity,
        Self::Edition,
        Self::Appliance,
        Self::Facts,
        Self::Clock,
        Self::Restore,
        Self::Adoption,
        Self::Storage,
        Self::Path,
        Self::Compatibility,
        Self::Risks,
        Self::Files,
        Self::Workloads,
        Self::Catch,
        Self::Rights,
        Self::Backup,
        Self::Offer,
        Self::Hooks,
        Self::AutoUpgradeSwitch,
        Self::Approval,
        Self::ProvenIn,
        Self::Wait,
        Self::BackupsRunning,
        Self::Window,
        Self::Health,
        Self::NightlyDump,
        Self::Groups,
        Self::Paused,
    ];

    /// What it asks, as the end of a sentence.
    pub const fn question(self) -> &'static str {
        match self {
            Self::Spec => "whether the spec can be read, and asks for nothing that contradicts itself",
            Self::Claim => "whether this object, and no older one, is about this authority",
            Self::Access => "whether the authority answers, with the credentials of the Secret",
            Self::Identity => "whether the authority is the one that was pinned",
            Self::Edition => "whether it is the enterprise edition",
            Self::Appliance => "whether the vendor manages the authority: those are never touched",
            Self::Facts => "whether what is known of servers and devices is fresh and whole",
            Self::Clock => "whether every clock that is known agrees with the others within a minute",
            Self::Restore => "whether somebody brought a server back to an older release",
            Self::Adoption => "whether the versions came about by this operator, or were adopted",
            Self::Storage => "whether every storage server is there and has a way to be upgraded",
            Self::Path => "whether the catalog documents a way to the wanted release",
            Self::Compatibility => "whether the next release accepts every live device as it is",
            Self::Risks => "whether somebody accepted every risk of the next step by name",
            Self::Files => "whether every upgrade file of the next step is exactly what was published",
            Self::Workloads => "whether every workload can be upgraded by this operator, and has settled",
            Self::Catch => "whether no server can be rolled by accident meanwhile",
            Self::Rights => "whether the acting account may do every part of the next step",
            Self::Backup => "whether there is a backup that is fresh enough",
            Self::Offer => "whether what the authority offers its devices is what the release accepts",
            Self::Hooks => "whether every hook can be asked, and says yes",
            Self::AutoUpgradeSwitch => {
                "whether the authority's switch that moves the whole fleet at once is as the spec wants it"
            }
            Self::Approval => "whether somebody approved it, where the spec asks for that",
            Self::ProvenIn => {
                "whether the release has proven itself in the other environments that the spec names"
            }
            Self::Wait => "whether the time has passed that the present release asks to wait",
            Self::BackupsRunning => "whether devices back up again since the last hop",
            Self::Window => "whether a window of the spec is open and long enough",
            Self::Health => "whether all own servers are connected",
            Self::NightlyDump => "whether the authority's nightly dump of its database is not near",
            Self::Groups => "whether the groups of devices can be told apart",
            Self::Paused => "whether nothing pauses it: the spec, what stands above it, or an order",
        }
    }

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
