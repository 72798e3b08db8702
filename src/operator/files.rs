//! Reading upgrade files from their mirrors, apart from the looks: each is streamed once, hashed as it passes, and nothing of it is kept.
//!
//! Input: the files that the last decision wants to know about. Output: how far each is, and a wake when one is through. A file of which
//! enough is remembered is not asked for again.
//!
//! What must never happen here: a byte from a host that the rules deny, more downloads at once than there are places, a file that
//! passes without a sum that agrees.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::SignedDuration;
use reqwest::Url;
use tokio::task::JoinHandle;

use super::clock;
use super::collect::Shared;
use super::collect::session::{self, Connection};
use super::hosts::{Denial, Place, PlacesResolver};
use super::wake::Waker;
use crate::download::checksums::{Expected, Md5Sum, Sha256Sum};
use crate::download::error::Refused;
use crate::download::{self, Caller, Fetched, Ways, checksum_list};
use crate::planner::desired::{Artifact, Checksums};
use crate::planner::observed::{FileFault, FileFound, FileReading, FileRefusal};

/// What takes longer than this, in real time, is given up.
const MOST: Duration = Duration::from_secs(4 * 3_600);

/// A file that could not be had is asked for again after this long, doubled each time, and at most after the second.
const FIRST_PAUSE: SignedDuration = SignedDuration::from_mins(1);
const LAST_PAUSE: SignedDuration = SignedDuration::from_mins(30);

/// A file that is another one is read again after this long: it may be large.
const WRONG_PAUSE: SignedDuration = SignedDuration::from_hours(1);

/// The files of one environment.
pub struct FileChecks {
    shared: Arc<Shared>,
    connection: Connection,
    waker: Waker,
    known: Mutex<BTreeMap<Artifact, Check>>,
}

/// One file that is being read, or was.
struct Check {
    reading: Arc<Mutex<FileReading>>,
    task: JoinHandle<()>,
}

impl Drop for Check {
    fn drop(&mut self) {
        // It only reads: it may end anywhere.
        self.task.abort();
    }
}

impl FileChecks {
    /// Nothing is read yet.
    pub fn new(shared: Arc<Shared>, connection: Connection, waker: Waker) -> Self {
        Self { shared, connection, waker, known: Mutex::default() }
    }

    /// Reads what is wanted and not known; forgets what is not wanted any more.
    pub fn want(&self, wanted: &[Artifact]) {
        let mut known = self.known();
        known.retain(|artifact, _| wanted.contains(artifact));
        for artifact in wanted {
            if !known.contains_key(artifact) {
                known.insert(artifact.clone(), self.begin(artifact.clone()));
            }
        }
    }

    /// How far each is.
    pub fn readings(&self) -> BTreeMap<Artifact, FileReading> {
        let reading = |check: &Check| check.reading.lock().unwrap_or_else(PoisonError::into_inner).clone();
        self.known().iter().map(|(artifact, check)| (artifact.clone(), reading(check))).collect()
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<Artifact, Check>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(&self, artifact: Artifact) -> Check {
        let reading = Arc::new(Mutex::new(FileReading::Checking(self.shared.clock.now())));
        let errand = Errand {
            shared: Arc::clone(&self.shared),
            connection: self.connection.clone(),
            waker: self.waker.clone(),
            artifact,
            reading: Arc::clone(&reading),
        };
        Check { reading, task: tokio::spawn(errand.run()) }
    }
}

/// Why a file was not found to be what it should be.
struct Problem {
    fault: FileFault,
    why: String,
    all: String,
}

impl Problem {
    fn new(fault: FileFault, why: impl Into<String>) -> Self {
        let why = why.into();
        Self { fault, all: why.clone(), why }
    }
}

/// The reading of one file, until it is what it should be.
struct Errand {
    shared: Arc<Shared>,
    connection: Connection,
    waker: Waker,
    artifact: Artifact,
    reading: Arc<Mutex<FileReading>>,
}

impl Errand {
    async fn run(self) {
        let mut pause = FIRST_PAUSE;
        loop {
            let reading = tokio::time::timeout(MOST, self.check());
            let outcome = self.shared.limits.files.take(reading).await.unwrap_or_else(|_| {
                let hours = MOST.as_secs() / 3_600;
                Err(Problem::new(FileFault::Unavailable, format!("it took longer than {hours} h")))
            });
            let problem = match outcome {
                Ok(found) => return self.conclude(FileReading::Verified(found)),
                Err(problem) => problem,
            };
            let rest = match problem.fault {
                FileFault::Wrong => WRONG_PAUSE,
                FileFault::Unavailable | FileFault::Denied => pause,
            };
            let Problem { fault, why, all } = problem;
            tracing::warn!(object = %self.waker, file = self.artifact.name(), problem = all, "an upgrade file was refused");
            let now = self.shared.clock.now();
            let again_at = now.saturating_add(rest).unwrap_or(now);
            self.conclude(FileReading::Refused(FileRefusal { fault, why, all, again_at }));
            clock::sleep(self.shared.clock.poll_interval(rest)).await;
            pause = pause.saturating_mul(2).min(LAST_PAUSE);
        }
    }

    /// What was refused stays so until it is found to be right, or another fault is found.
    fn conclude(&self, reading: FileReading) {
        *self.reading.lock().unwrap_or_else(PoisonError::into_inner) = reading;
        self.waker.wake();
    }

    async fn check(&self) -> Result<FileFound, Problem> {
        let list = match &self.artifact.checksums {
            Some(Checksums::Url(url)) => Some(self.permitted(url).await.map_err(|problem| {
                Problem::new(problem.fault, format!("the list of checksums: {}", problem.why))
            })?),
            // Its sums stand in the place of it.
            Some(Checksums::ConfigMap { .. }) | None => None,
        };
        let (mut mirrors, mut denied) = (Vec::new(), Vec::new());
        for url in &self.artifact.urls {
            match self.permitted(url).await {
                Ok(mirror) => mirrors.push(mirror),
                Err(problem) => denied.push(problem),
            }
        }
        let client = self.client(list.iter().chain(&mirrors)).await?;
        let expected = self.expected(&client, list.as_ref()).await?;
        let caller = Caller {
            progress: &|_, _| {},
            pause: &|length| Box::pin(clock::sleep(length)),
            note: &|refused| {
                tracing::info!(object = %self.waker, %refused, "a mirror did not give an upgrade file");
            },
        };
        match download::check(&client, &mirrors, &expected, &caller).await {
            Ok(fetched) => self.found(&fetched),
            Err(error) => Err(told(&error, denied)),
        }
    }

    fn found(&self, fetched: &Fetched) -> Result<FileFound, Problem> {
        let Fetched { found, from, resumed_at: _ } = fetched;
        let nothing = || Problem::new(FileFault::Unavailable, "not every sum was worked out");
        let (mirror, sha256) = from.as_ref().zip(found.sha256).ok_or_else(nothing)?;
        let at = self.shared.clock.now();
        // As the spec has it: a url is compared with what somebody wrote.
        let written = self.artifact.urls.iter().find(|url| Url::parse(url).is_ok_and(|url| url == *mirror));
        let mirror = written.ok_or_else(nothing)?.clone();
        Ok(FileFound { mirror, size: found.size, md5: found.md5.to_string(), sha256: sha256.to_string(), at })
    }

    /// A url that may be talked to.
    async fn permitted(&self, url: &str) -> Result<Url, Problem> {
        let denied = |denial: &Denial| {
            let fault = match denial {
                Denial::Unresolved(_) => FileFault::Unavailable,
                Denial::NotAUrl
                | Denial::NotListed(_)
                | Denial::Loopback(_)
                | Denial::LinkLocal(_)
                | Denial::Metadata(_)
                | Denial::ApiServer(_) => FileFault::Denied,
            };
            Problem { fault, why: denial.to_string(), all: format!("{url}: {denial}") }
        };
        let place = Place::of(url).map_err(|denial| denied(&denial))?;
        self.shared.hosts.addresses(&place).await.map_err(|denial| denied(&denial))?;
        Url::parse(url).map_err(|_| denied(&Denial::NotAUrl))
    }

    /// A client that connects to these urls and nowhere else, and trusts whom the authority's is to trust, too.
    async fn client(&self, urls: impl Iterator<Item = &Url>) -> Result<reqwest::Client, Problem> {
        let urls: Vec<&Url> = urls.collect();
        let places = urls.iter().filter_map(|url| Place::of(url.as_str()).ok()).collect();
        let authorities = match &self.connection.ca {
            Some(_) if urls.iter().all(|url| url.scheme() == "http") => Vec::new(),
            Some(name) => session::certificates(&self.connection, &self.shared.accounts, name)
                .await
                .map_err(|failure| Problem::new(FileFault::Unavailable, failure.message))?,
            None => Vec::new(),
        };
        let ways = Ways {
            authorities,
            resolver: Some(Arc::new(PlacesResolver::new(self.shared.hosts.clone(), places))),
            is_plain: urls.iter().all(|url| url.scheme() == "http"),
        };
        download::client(ways).map_err(|error| Problem::new(FileFault::Unavailable, error.to_string()))
    }

    /// Everything that is known of the file, its list included.
    async fn expected(&self, client: &reqwest::Client, list: Option<&Url>) -> Result<Expected, Problem> {
        let given = given(&self.artifact);
        let Some(list) = list else { return Ok(given) };
        let unavailable =
            |why: String| Problem::new(FileFault::Unavailable, format!("the list of checksums: {why}"));
        let text = download::read_list(client, list).await.map_err(unavailable)?;
        let name = self.artifact.name();
        let listed = checksum_list::find(&text, name).map_err(|error| unavailable(error.to_string()))?;
        given
            .and(&listed)
            .map_err(|error| Problem::new(FileFault::Wrong, format!("the list of checksums: {error}")))
    }
}

/// What the spec says of a file.
pub fn given(artifact: &Artifact) -> Expected {
    let Artifact { os: _, urls: _, md5, sha256, size, checksums: _ } = artifact;
    Expected {
        md5: md5.as_ref().and_then(|text| text.parse::<Md5Sum>().ok()),
        sha256: sha256.as_ref().and_then(|text| text.parse::<Sha256Sum>().ok()),
        size: *size,
    }
}

/// What all mirrors said, and which of it tells most.
fn told(error: &download::Error, denied: Vec<Problem>) -> Problem {
    let refusals = match error {
        download::Error::NoMirror(refusals) => refusals.as_slice(),
        download::Error::NothingKnown
        | download::Error::Client(_)
        | download::Error::Refused(_)
        | download::Error::NoRoom { .. }
        | download::Error::File { .. } => {
            return Problem::new(FileFault::Unavailable, error.to_string());
        }
    };
    let problem = |refused: &Refused| {
        let fault = if refused.why.is_of_another_file() { FileFault::Wrong } else { FileFault::Unavailable };
        Problem { fault, why: refused.why.to_string(), all: refused.to_string() }
    };
    let problems: Vec<Problem> = refusals.iter().map(problem).chain(denied).collect();
    let all: Vec<&str> = problems.iter().map(|problem| problem.all.as_str()).collect();
    let all = all.join("; ");
    let wrong = problems.iter().find(|problem| problem.fault == FileFault::Wrong);
    match wrong.or(problems.first()) {
        Some(leading) => Problem { fault: leading.fault, why: leading.why.clone(), all },
        None => Problem::new(FileFault::Unavailable, "there is no url to read it from"),
    }
}
