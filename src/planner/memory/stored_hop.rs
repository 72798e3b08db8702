//! A hop as the object stores it: of hundreds of servers each has one short row, so that the object stays small in every hop.
//!
//! Images and containers are the same for most servers: they stand in a list, and a server has its place there, the first where it says
//! none. Times are milliseconds since the hop began. Everything comes back as it was.

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::file::VerifiedFile;
use super::hooks::HookHold;
use super::hop::{Hop, HopGrounds, HopServer, JobMeans, ManualMeans, Means, WorkloadMeans};
use crate::catalog::Version;
use crate::fleet::{Guid, ServerName, ServerRole};
use crate::planner::desired::{AtOnce, ImageFrom, WorkloadKind, WorkloadRef};

/// A hop past its point of no return, with its own copy of everything that it needs.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct StoredHop {
    /// From this release.
    from: Version,
    /// To this one.
    to: Version,
    /// When the authority was ordered.
    started_at: Timestamp,
    /// Whether it was begun by somebody else and adopted.
    #[serde(default)]
    adopted: bool,
    /// How many storage servers go at once.
    at_once: AtOnce,
    /// The order that approved it: used up when the hop is past its point of no return.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    approved_by: Option<String>,
    /// Since when nobody can see its servers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unseen_since: Option<Timestamp>,
    /// Risks that were accepted for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    accepted_risks: Vec<String>,
    /// On what grounds it was begun.
    #[serde(default, skip_serializing_if = "HopGrounds::are_unknown")]
    grounds: HopGrounds,
    /// The images of its servers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    images: Vec<String>,
    /// The containers of its servers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    containers: Vec<String>,
    /// The upgrade files of its servers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    files: Vec<VerifiedFile>,
    /// Its servers: the authority first, then storage by name.
    servers: Vec<StoredServer>,
}

/// One server of a hop. Times are milliseconds since the hop began.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct StoredServer {
    /// Its identity.
    guid: Guid,
    /// Its name when the hop began; that of its workload where it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<ServerName>,
    /// What it is; storage where it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    role: Option<ServerRole>,
    /// The `StatefulSet` that gets a new image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    stateful_set: Option<String>,
    /// The `Deployment` that gets a new image. Where there is none of both, a person upgrades it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    deployment: Option<String>,
    /// The server's container, by its place.
    #[serde(default, skip_serializing_if = "is_first")]
    container: usize,
    /// The image to run, by its place.
    #[serde(default, skip_serializing_if = "is_first")]
    image: usize,
    /// The image that the workload was found with when the order was carried out, by its place, where that is another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ordered_image: Option<usize>,
    /// The `PodTemplate` of the job that upgrades it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    job: Option<String>,
    /// Which attempt of the job this is; the first where it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    attempt: Option<u32>,
    /// Whether the job of this attempt was seen.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    job_seen: bool,
    /// The upgrade file, by its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    file: Option<usize>,
    /// Whether Git writes the image.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    git: bool,
    /// When it was ordered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ordered: Option<i64>,
    /// When the order was seen to be carried out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    carried_out: Option<i64>,
    /// How long nobody could see it since, in seconds.
    #[serde(default, skip_serializing_if = "is_zero")]
    uncounted_seconds: i64,
    /// Since when what runs it is settled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    settled: Option<i64>,
    /// Since when it answers at the new release.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    seen: Option<i64>,
    /// When it was verified at the new release.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    verified: Option<i64>,
    /// What hooks before or after it hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    hooks: Option<HookHold>,
}

impl Serialize for Hop {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        StoredHop::from(self.clone()).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Hop {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Self::try_from(StoredHop::deserialize(from)?).map_err(D::Error::custom)
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference over")]
fn is_zero(seconds: &i64) -> bool {
    *seconds == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference over")]
fn is_first(place: &usize) -> bool {
    *place == 0
}

/// The place of an item in a list, where it is added if it is new.
fn place<T: PartialEq>(list: &mut Vec<T>, item: T) -> usize {
    list.iter().position(|known| *known == item).unwrap_or_else(|| {
        list.push(item);
        list.len() - 1
    })
}

impl From<Hop> for StoredHop {
    fn from(hop: Hop) -> Self {
        let Hop {
            from,
            to,
            started_at,
            adopted,
            at_once,
            approved_by,
            unseen_since,
            accepted_risks,
            grounds,
            servers,
        } = hop;
        let mut shared = Shared::default();
        let stored = |server: HopServer| StoredServer::new(server, started_at, &mut shared);
        let servers = servers.into_iter().map(stored).collect();
        let Shared { images, containers, files } = shared;
        Self {
            from,
            to,
            started_at,
            adopted,
            at_once,
            approved_by,
            unseen_since,
            accepted_risks,
            grounds,
            images,
            containers,
            files,
            servers,
        }
    }
}

/// What is the same for most servers.
#[derive(Debug, Default)]
struct Shared {
    images: Vec<String>,
    containers: Vec<String>,
    files: Vec<VerifiedFile>,
}

impl StoredServer {
    fn new(server: HopServer, started_at: Timestamp, shared: &mut Shared) -> Self {
        let HopServer {
            guid,
            name,
            role,
            means,
            ordered_at,
            carried_out_at,
            uncounted_seconds,
            settled_at,
            seen_at,
            verified_at,
            hooks,
        } = server;
        let since = |at: Option<Timestamp>| {
            at.map(|at| i64::try_from(at.duration_since(started_at).as_millis()).unwrap_or(i64::MAX))
        };
        let mut stored = Self {
            guid,
            name: None,
            role: Some(role).filter(|role| *role != ServerRole::Storage),
            stateful_set: None,
            deployment: None,
            container: 0,
            image: 0,
            ordered_image: None,
            job: None,
            attempt: None,
            job_seen: false,
            file: None,
            git: false,
            ordered: since(ordered_at),
            carried_out: since(carried_out_at),
            uncounted_seconds,
            settled: since(settled_at),
            seen: since(seen_at),
            verified: since(verified_at),
            hooks,
        };
        match means {
            Means::Manual(ManualMeans { file }) => {
                stored.name = Some(name);
                stored.file = file.map(|file| place(&mut shared.files, file));
            }
            Means::Job(JobMeans { server: _, hop: _, template, file, attempt, seen }) => {
                stored.name = Some(name);
                stored.file = file.map(|file| place(&mut shared.files, file));
                stored.job = Some(template);
                stored.attempt = Some(attempt).filter(|attempt| *attempt > 1);
                stored.job_seen = seen;
            }
            Means::Workload(WorkloadMeans { workload, container, image, ordered_image, image_from }) => {
                stored.name = Some(name).filter(|name| name.0 != workload.name);
                stored.container = place(&mut shared.containers, container);
                stored.image = place(&mut shared.images, image.clone());
                let is_implied = ordered_image.as_ref() == carried_out_at.map(|_| &image);
                stored.ordered_image =
                    ordered_image.filter(|_| !is_implied).map(|ordered| place(&mut shared.images, ordered));
                stored.git = image_from == ImageFrom::Git;
                match workload.kind {
                    WorkloadKind::StatefulSet => stored.stateful_set = Some(workload.name),
                    WorkloadKind::Deployment => stored.deployment = Some(workload.name),
                }
            }
        }
        stored
    }

    fn read(self, started_at: Timestamp, shared: &Shared) -> Result<HopServer, String> {
        let Shared { images, containers, files } = shared;
        let at = |since: Option<i64>| {
            let read = |since| {
                let at = started_at.checked_add(SignedDuration::from_millis(since));
                at.map_err(|_| format!("server {} has a time out of range", self.guid))
            };
            since.map(read).transpose()
        };
        let nth = |list: &[String], place: usize| {
            let found = list.get(place).cloned();
            found.ok_or_else(|| format!("server {} has no image or container {place}", self.guid))
        };
        let workload = match (&self.stateful_set, &self.deployment) {
            (Some(name), _) => Some(WorkloadRef::stateful_set(name)),
            (None, Some(name)) => Some(WorkloadRef::deployment(name)),
            (None, None) => None,
        };
        let carried_out_at = at(self.carried_out)?;
        let (implied, means) = match workload {
            None => {
                let missing = |place| format!("server {} has no file {place}", self.guid);
                let file = self.file.map(|place| files.get(place).cloned().ok_or_else(|| missing(place)));
                let file = file.transpose()?;
                let means = match &self.job {
                    None => Means::Manual(ManualMeans { file }),
                    Some(template) => Means::Job(JobMeans {
                        server: self.guid.clone(),
                        hop: String::new(),
                        template: template.clone(),
                        file,
                        attempt: self.attempt.unwrap_or(1),
                        seen: self.job_seen,
                    }),
                };
                (None, means)
            }
            Some(workload) => {
                let image = nth(images, self.image)?;
                let ordered_image = match self.ordered_image {
                    Some(place) => Some(nth(images, place)?),
                    None => carried_out_at.map(|_| image.clone()),
                };
                let means = WorkloadMeans {
                    container: nth(containers, self.container)?,
                    image,
                    ordered_image,
                    image_from: if self.git { ImageFrom::Git } else { ImageFrom::Operator },
                    workload: workload.clone(),
                };
                (Some(ServerName(workload.name)), Means::Workload(means))
            }
        };
        Ok(HopServer {
            name: self.name.clone().or(implied).ok_or_else(|| format!("server {} has no name", self.guid))?,
            role: self.role.unwrap_or(ServerRole::Storage),
            means,
            ordered_at: at(self.ordered)?,
            carried_out_at,
            uncounted_seconds: self.uncounted_seconds,
            settled_at: at(self.settled)?,
            seen_at: at(self.seen)?,
            verified_at: at(self.verified)?,
            hooks: self.hooks.clone(),
            guid: self.guid.clone(),
        })
    }
}

impl TryFrom<StoredHop> for Hop {
    type Error = String;

    fn try_from(stored: StoredHop) -> Result<Self, String> {
        let StoredHop {
            from,
            to,
            started_at,
            adopted,
            at_once,
            approved_by,
            unseen_since,
            accepted_risks,
            grounds,
            images,
            containers,
            files,
            servers,
        } = stored;
        let shared = Shared { images, containers, files };
        let read = |server: StoredServer| server.read(started_at, &shared);
        let mut hop = Self {
            from,
            to,
            started_at,
            adopted,
            at_once,
            approved_by,
            unseen_since,
            accepted_risks,
            grounds,
            servers: servers.into_iter().map(read).collect::<Result<_, _>>()?,
        };
        hop.name_jobs();
        Ok(hop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Os;

    fn server(name: &str, means: Means) -> HopServer {
        let at = |minute: i64| Timestamp::from_second(1_456_819_200 + minute * 60).ok();
        HopServer {
            ordered_at: at(0),
            carried_out_at: at(1),
            uncounted_seconds: 7,
            settled_at: at(2),
            seen_at: at(-1),
            verified_at: None,
            ..HopServer::waiting(Guid(format!("60{name}")), name.into(), ServerRole::Storage, means)
        }
    }

    fn workload(
        kind: WorkloadKind,
        image: &str,
        ordered_image: Option<&str>,
        image_from: ImageFrom,
    ) -> Means {
        Means::Workload(WorkloadMeans {
            workload: WorkloadRef { kind, name: "storage-01".into() },
            container: "server".into(),
            image: image.into(),
            ordered_image: ordered_image.map(str::to_owned),
            image_from,
        })
    }

    #[test]
    fn a_hop_comes_back_as_it_was() {
        let manual = || Means::Manual(ManualMeans { file: None });
        let file = VerifiedFile {
            release: "4.3.5.3".parse().unwrap(),
            os: Os::Linux,
            mirror: "https://m.example/f".into(),
            size: 7,
            md5: "a".repeat(32),
            sha256: "b".repeat(64),
            list: None,
            at: "2016-03-01T07:00:00Z".parse().unwrap(),
        };
        let job = |attempt, seen| {
            let (server, hop) = (Guid(String::new()), String::new());
            Means::Job(JobMeans {
                server,
                hop,
                template: "t".into(),
                file: Some(file.clone()),
                attempt,
                seen,
            })
        };
        let from_file = || Means::Manual(ManualMeans { file: Some(file.clone()) });
        let of = |image, ordered| workload(WorkloadKind::StatefulSet, image, ordered, ImageFrom::Operator);
        let waiting = |name: &str, means| {
            HopServer::waiting(Guid(name.into()), name.into(), ServerRole::Storage, means)
        };
        let mut hop = Hop {
            from: "4.2.3.1".parse().unwrap(),
            to: "4.3.5.3".parse().unwrap(),
            started_at: "2016-03-01T08:00:00.123Z".parse().unwrap(),
            adopted: true,
            at_once: AtOnce::default(),
            approved_by: Some("7".into()),
            unseen_since: None,
            accepted_risks: vec!["NoBackup".into()],
            grounds: HopGrounds { approved_by: Some("jane".into()), ..HopGrounds::default() },
            servers: vec![
                HopServer { role: ServerRole::Authority, ..server("authority", manual()) },
                server("storage-01", of("i:1", Some("i:1"))),
                server("storage-02", of("i:2", Some("i:1"))),
                server("storage-03", workload(WorkloadKind::Deployment, "i:1", Some("i:1"), ImageFrom::Git)),
                waiting("storage-04", of("i:1", None)),
                waiting("storage-05", of("i:1", Some("i:3"))),
                waiting("storage-06", from_file()),
                waiting("storage-07", from_file()),
                waiting("storage-08", job(1, false)),
                server("storage-09", job(2, true)),
            ],
        };
        hop.name_jobs();
        let text = serde_json::to_string(&hop).unwrap();
        assert_eq!(serde_json::from_str::<Hop>(&text).unwrap(), hop, "{text}");
    }

    #[test]
    fn what_does_not_add_up_is_not_read() {
        let server = r#"{"guid":"7","statefulSet":"a","image":1}"#;
        let text = format!(
            r#"{{"from":"4.2.3.1","to":"4.3.5.3","startedAt":"2016-03-01T08:00:00Z","atOnce":{{"first":1,"then":1}},"images":["i"],"containers":["c"],"servers":[{server}]}}"#
        );
        let error = serde_json::from_str::<Hop>(&text).unwrap_err();
        assert!(error.to_string().contains("server 7 has no image or container 1"), "{error}");
    }
}
