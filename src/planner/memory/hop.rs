//! The hop in flight, with its own copy of everything that it needs. How the object stores it: `planner/memory/stored_hop.rs`.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::file::VerifiedFile;
use super::hooks::HookHold;
use crate::catalog::Version;
use crate::fleet::{Guid, ServerName, ServerRole};
use crate::planner::desired::{AtOnce, ImageFrom, WorkloadRef};

/// A hop past its point of no return, with its own copy of everything that it needs.
#[derive(Clone, Debug, PartialEq)]
pub struct Hop {
    /// From this release.
    pub from: Version,
    /// To this one.
    pub to: Version,
    /// When the authority was ordered.
    pub started_at: Timestamp,
    /// Whether it was begun by somebody else and adopted.
    pub adopted: bool,
    /// How many storage servers go at once.
    pub at_once: AtOnce,
    /// The order that approved it: used up when the hop is past its point of no return.
    pub approved_by: Option<String>,
    /// Since when nobody can see its servers.
    pub unseen_since: Option<Timestamp>,
    /// Risks that were accepted for it.
    pub accepted_risks: Vec<String>,
    /// On what grounds it was begun.
    pub grounds: HopGrounds,
    /// Its servers: the authority first, then storage by name.
    pub servers: Vec<HopServer>,
}

impl Hop {
    /// Tells its jobs which hop it is, so that those of no other are taken for them.
    pub fn name_jobs(&mut self) {
        let name = format!("{}|{}|{}", self.from, self.to, self.started_at);
        for entry in &mut self.servers {
            if let Means::Job(means) = &mut entry.means {
                means.hop.clone_from(&name);
                means.server = entry.guid.clone();
            }
        }
    }
}

/// On what grounds a hop was begun: for whoever asks later, never read by a decision.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HopGrounds {
    /// Who approved it, where somebody did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved_by: Option<String>,
    /// When the backup was made that it had, where one was wanted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backup_at: Option<Timestamp>,
    /// Why it went without one, where the spec says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no_backup: Option<String>,
    /// Why its risks were accepted: the names and the reasons, as a sentence.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub risks: Vec<String>,
}

impl HopGrounds {
    /// Whether nothing is known of them.
    pub fn are_unknown(&self) -> bool {
        *self == Self::default()
    }
}

/// One server of a hop.
#[derive(Clone, Debug, PartialEq)]
pub struct HopServer {
    /// Its identity.
    pub guid: Guid,
    /// Its name when the hop began.
    pub name: ServerName,
    /// What it is.
    pub role: ServerRole,
    /// How it is upgraded.
    pub means: Means,
    /// When it was ordered.
    pub ordered_at: Option<Timestamp>,
    /// When the order was seen to be carried out: of the authority, the point of no return.
    pub carried_out_at: Option<Timestamp>,
    /// How much of the time since counts for no deadline, in seconds: nobody could see it, or it was to get another image.
    pub uncounted_seconds: i64,
    /// Since when what runs it is settled on what it was to get.
    pub settled_at: Option<Timestamp>,
    /// Since when it answers at the new release, as far as no answer contradicts.
    pub seen_at: Option<Timestamp>,
    /// When it was verified at the new release, and the hooks after it had said yes.
    pub verified_at: Option<Timestamp>,
    /// What hooks before or after it hold.
    pub hooks: Option<HookHold>,
}

impl HopServer {
    /// Begins its deadline anew: what was seen and waited for was that of something else.
    pub fn begin_anew(&mut self, now: Timestamp) {
        (self.settled_at, self.seen_at) = (None, None);
        let waited = self.carried_out_at.map_or(0, |since| now.duration_since(since).as_secs());
        self.uncounted_seconds = waited.max(0);
    }

    /// One whose turn has not come.
    pub fn waiting(guid: Guid, name: ServerName, role: ServerRole, means: Means) -> Self {
        Self {
            guid,
            name,
            role,
            means,
            ordered_at: None,
            carried_out_at: None,
            uncounted_seconds: 0,
            settled_at: None,
            seen_at: None,
            verified_at: None,
            hooks: None,
        }
    }
}

/// How one server of a hop is upgraded, with every operand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Means {
    /// A workload gets a new image.
    Workload(WorkloadMeans),
    /// A job runs the upgrade file.
    Job(JobMeans),
    /// A person does it.
    Manual(ManualMeans),
}

/// A workload gets a new image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkloadMeans {
    /// The workload.
    pub workload: WorkloadRef,
    /// The server's container.
    pub container: String,
    /// The image to run.
    pub image: String,
    /// The image that the workload was found with when the order was carried out: any other is somebody's.
    pub ordered_image: Option<String>,
    /// Who writes the image.
    pub image_from: ImageFrom,
}

/// A job runs the upgrade file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobMeans {
    /// The server.
    pub server: Guid,
    /// The hop, told from every other. Not stored: the hop itself says it.
    pub hop: String,
    /// The `PodTemplate` that the job is made from.
    pub template: String,
    /// The file, as it was verified. `None` where the one that the spec names by now is not verified.
    pub file: Option<VerifiedFile>,
    /// Which attempt this is, from 1. Another begins only when a person orders it.
    pub attempt: u32,
    /// Whether the job of this attempt was seen.
    pub seen: bool,
}

/// A person does it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManualMeans {
    /// The file to install, as it was verified. `None` where nobody installs anything, or the one that the spec names by now is not
    /// verified.
    pub file: Option<VerifiedFile>,
}
