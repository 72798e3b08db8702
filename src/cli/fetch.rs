//! `codeupgrade fetch`: one file from its mirrors, for init containers, jobs and people.
//!
//! Exit codes: 0 the file is there and is what it should be, 1 it is not, 2 the command line cannot be read.

mod progress;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use reqwest::{Client, Url};

use self::progress::Progress;
use super::output::{fail, print, tell};
use crate::download::checksums::{Expected, Md5Sum, Sha256Sum};
use crate::download::{self, Caller, Fetched, Wanted, Ways, checksum_list};
use crate::operator::clock;

/// Options of `fetch`.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Where it can be had, tried in this order: https, http or file.
    #[arg(required = true, value_parser = read_url)]
    urls: Vec<Url>,
    /// Where it is to be. Beside it are FILE.part and FILE.part.json until it is complete.
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    #[command(flatten)]
    known: Known,
    /// More certificate authorities to trust, in PEM. Proxies are those of the environment.
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
}

/// What is known of the file. A sum is asked for: a file of which nothing is known is of no use.
#[derive(Debug, Clone, clap::Args)]
#[group(required = true, multiple = true)]
pub(super) struct Known {
    /// Its MD5 sum.
    #[arg(long)]
    md5: Option<Md5Sum>,
    /// Its SHA-256 sum.
    #[arg(long)]
    sha256: Option<Sha256Sum>,
    /// Its size in bytes.
    #[arg(long)]
    size: Option<u64>,
    /// A list of checksums that names it, by file or url: the lines of md5sum, sha256sum or BSD's md5.
    #[arg(long, value_name = "FILE|URL")]
    checksums: Option<String>,
}

fn read_url(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| format!("it is no url: {error}"))?;
    if !matches!(url.scheme(), "http" | "https" | "file") {
        return Err(format!("{} is none of https, http and file", url.scheme()));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("leave user and password out: they would end up in logs".to_owned());
    }
    Ok(url)
}

pub(super) fn main(arguments: &Arguments) -> ExitCode {
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return fail(format!("no runtime could be started: {error}"), None),
    };
    match runtime.block_on(fetch(arguments)) {
        Ok(fetched) => {
            print(&sentence(&arguments.output, &fetched));
            ExitCode::SUCCESS
        }
        Err(error) => fail(error, None),
    }
}

async fn fetch(arguments: &Arguments) -> Result<Fetched, String> {
    let authorities = match &arguments.ca {
        Some(path) => {
            fs::read(path).map_err(|error| format!("{} cannot be read: {error}", path.display()))?
        }
        None => Vec::new(),
    };
    let client =
        download::client(Ways { authorities, ..Ways::default() }).map_err(|error| error.to_string())?;
    let name = arguments.urls.first().and_then(|url| url.path_segments()?.next_back()).unwrap_or_default();
    let expected = expected(&client, &arguments.known, name).await?;
    let progress = Progress::begin();
    let caller = Caller {
        progress: &|got, length| progress.show(got, length),
        pause: &|length| Box::pin(clock::sleep(length)),
        note: &|refused| progress.interrupt(&refused.to_string()),
    };
    let wanted = Wanted { mirrors: arguments.urls.clone(), expected, output: arguments.output.clone() };
    let outcome = download::fetch(&client, &wanted, &caller).await;
    progress.end();
    outcome.map_err(|error| error.to_string())
}

/// Everything that is known, the list of checksums included.
async fn expected(client: &Client, known: &Known, name: &str) -> Result<Expected, String> {
    let given = Expected { md5: known.md5, sha256: known.sha256, size: known.size };
    let Some(list) = &known.checksums else { return Ok(given) };
    let text = read_list(client, list).await?;
    let listed = checksum_list::find(&text, name).map_err(|error| format!("--checksums {list}: {error}"))?;
    given.and(&listed).map_err(|error| format!("--checksums {list}: {error}"))
}

/// A list from a url, a file, or the standard input for `-`.
pub(super) async fn read_list(client: &Client, list: &str) -> Result<String, String> {
    if list == "-" {
        return std::io::read_to_string(std::io::stdin())
            .map_err(|error| format!("the list cannot be read: {error}"));
    }
    if !list.contains("://") {
        return fs::read_to_string(list).map_err(|error| format!("{list} cannot be read: {error}"));
    }
    download::read_list(client, &read_url(list)?).await
}

fn sentence(output: &Path, fetched: &Fetched) -> String {
    let Fetched { found, from, resumed_at } = fetched;
    let whence = match (from, resumed_at) {
        (None, _) => "was there already".to_owned(),
        (Some(url), 0) => format!("from {url}"),
        (Some(url), at) => format!("from {url}, resumed at byte {at}"),
    };
    let sha256 = found.sha256.map_or_else(String::new, |sum| format!(", SHA-256 {sum}"));
    tell(&format!("{}: verified, {whence}", output.display()));
    format!("{}: {} bytes, MD5 {}{sha256}\n", output.display(), found.size, found.md5)
}
