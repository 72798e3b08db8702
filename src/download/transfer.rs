//! One attempt at one mirror: ask for what is missing, receive it, hold the whole against what is known, and put it in its place.

use std::fs;
use std::path::Path;

use reqwest::header::{ACCEPT_ENCODING, IF_RANGE, RANGE};
use reqwest::{Client, Response, Url};

use super::answer::{Given, begins_as_page, judge};
use super::error::{Error, Refused, Why};
use super::part::{Names, Note};
use super::request::{Caller, Fetched, Wanted};
use super::sums::Hasher;
use super::writer::{self, Writer};

/// Fetches the file from one mirror.
pub(super) async fn transfer(
    client: &Client,
    wanted: &Wanted,
    mirror: &Url,
    caller: &Caller<'_>,
) -> Result<Fetched, Error> {
    let names = Names::of(&wanted.output);
    let refuse = |why| Error::Refused(Box::new(Refused { mirror: mirror.clone(), why }));
    let (hasher, resumed_at) = if mirror.scheme() == "file" {
        (copy(wanted, mirror, &names).await?, 0)
    } else {
        let continued = names.continued(mirror, &wanted.expected);
        let response = ask(client, mirror, continued.as_ref()).await.map_err(refuse)?;
        let given =
            judge(mirror, response.status(), response.headers(), continued.as_ref(), &wanted.expected);
        let given = given.map_err(|why| {
            // A mirror that cannot continue is asked for all of it the next time.
            names.remove();
            refuse(why)
        })?;
        make_room(&wanted.output, &given)?;
        begin(&names, mirror, &given, wanted)?;
        let hasher = receive(response, &given, &names, wanted, caller).await?.map_err(refuse)?;
        (hasher, given.from)
    };
    let found = hasher.finish();
    if let Err(mismatch) = wanted.expected.check(&found) {
        names.remove();
        let why = if resumed_at > 0 { Why::Spoilt(mismatch) } else { Why::Mismatch(mismatch) };
        return Err(refuse(why));
    }
    put_in_place(&names, &wanted.output)?;
    Ok(Fetched { found, from: Some(mirror.clone()), resumed_at })
}

async fn ask(client: &Client, url: &Url, continued: Option<&(Note, u64)>) -> Result<Response, Why> {
    // A file that is packed on the way has other bytes and another length.
    let mut request = client.get(url.clone()).header(ACCEPT_ENCODING, "identity");
    if let Some((note, there)) = continued {
        request = request.header(RANGE, format!("bytes={there}-")).header(IF_RANGE, &note.etag);
    }
    request.send().await.map_err(|error| Why::Connection(deepest(&error)))
}

/// The words of the error that caused the others.
fn deepest(error: &dyn std::error::Error) -> String {
    let mut deepest = error;
    while let Some(source) = deepest.source() {
        deepest = source;
    }
    deepest.to_string()
}

/// Refuses before the first byte what the disk has no room for.
fn make_room(output: &Path, given: &Given) -> Result<(), Error> {
    let Some(needed) = given.length.map(|length| length.saturating_sub(given.from)) else { return Ok(()) };
    let folder = output.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let disk = rustix::fs::statvfs(folder)
        .map_err(|error| Error::file("measured", folder, std::io::Error::from(error)))?;
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    if free < needed {
        return Err(Error::NoRoom { folder: folder.to_owned(), free, needed });
    }
    Ok(())
}

/// Notes of what the part will be a part, where it could be continued.
fn begin(names: &Names, mirror: &Url, given: &Given, wanted: &Wanted) -> Result<(), Error> {
    if given.from > 0 {
        return Ok(());
    }
    names.remove();
    let (Some(etag), Some(length)) = (given.etag.clone(), given.length) else { return Ok(()) };
    let expected = wanted.expected.clone();
    names.write(&Note { url: mirror.to_string(), etag, length, expected })
}

/// Receives the body. What arrived before a connection broke stays, to be continued.
async fn receive(
    mut response: Response,
    given: &Given,
    names: &Names,
    wanted: &Wanted,
    caller: &Caller<'_>,
) -> Result<Result<Hasher, Why>, Error> {
    let most = given.length.or(wanted.expected.size);
    let writer = Writer::begin(names.part.clone(), given.from, &wanted.expected);
    let mut got = given.from;
    (caller.progress)(got, most);
    let broken = loop {
        match response.chunk().await {
            Ok(Some(piece)) => {
                if got == 0 && begins_as_page(&piece) {
                    break Some(Why::Page);
                }
                got += piece.len() as u64;
                if let Some(length) = most.filter(|length| got > *length) {
                    break Some(Why::TooLong { length });
                }
                (caller.progress)(got, most);
                if !writer.write(piece).await {
                    break None;
                }
            }
            Ok(None) => break most.filter(|length| got < *length).map(|length| Why::CutOff { got, length }),
            Err(error) => {
                let cut_off = most.filter(|length| got < *length).map(|length| Why::CutOff { got, length });
                break cut_off.or_else(|| Some(Why::Connection(deepest(&error))));
            }
        }
    };
    let hasher = writer.finish().await?;
    match broken {
        None => Ok(Ok(hasher)),
        Some(why) => {
            if !matches!(why, Why::Connection(_) | Why::CutOff { .. }) {
                names.remove();
            }
            Ok(Err(why))
        }
    }
}

async fn copy(wanted: &Wanted, mirror: &Url, names: &Names) -> Result<Hasher, Error> {
    let refuse = |why| Error::Refused(Box::new(Refused { mirror: mirror.clone(), why }));
    let path = mirror
        .to_file_path()
        .map_err(|()| refuse(Why::Connection("it names no file of this machine".into())))?;
    let length = fs::metadata(&path).map_err(|error| refuse(Why::Connection(error.to_string())))?.len();
    if let Some(expected) = wanted.expected.size.filter(|size| *size != length) {
        return Err(refuse(Why::WrongLength { expected, length }));
    }
    make_room(&wanted.output, &Given { from: 0, length: Some(length), etag: None })?;
    names.remove();
    let writer = Writer::begin(names.part.clone(), 0, &wanted.expected);
    writer::copy(&path, &writer).await?;
    writer.finish().await
}

/// The part becomes the file: on the disk first, then under its name, then the name on the disk.
fn put_in_place(names: &Names, output: &Path) -> Result<(), Error> {
    fs::rename(&names.part, output).map_err(|source| Error::file("renamed", &names.part, source))?;
    let folder = output.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let synced = fs::File::open(folder).and_then(|folder| folder.sync_all());
    synced.map_err(|source| Error::file("written", folder, source))?;
    names.remove_note();
    Ok(())
}
