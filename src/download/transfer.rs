//! One attempt at one mirror: ask for what is missing, receive it, hold the whole against what is known, and put it in its place.

use std::fs;

use reqwest::header::{ACCEPT_ENCODING, IF_RANGE, RANGE};
use reqwest::{Client, Response, Url};

use super::answer::{Given, begins_as_page, judge};
use super::checksums::{Expected, Hasher};
use super::error::{Error, Refused, Why};
use super::keep::Keep;
use super::part::Note;
use super::request::{Caller, Fetched};
use super::writer::{self, Writer};
use crate::connection;

/// Gets the file from one mirror, to where it is kept.
pub(super) async fn transfer(
    client: &Client,
    expected: &Expected,
    mirror: &Url,
    keep: &mut Keep<'_>,
    caller: &Caller<'_>,
) -> Result<Fetched, Error> {
    let refuse = |why| Error::Refused(Box::new(Refused { mirror: mirror.clone(), why }));
    let (hasher, resumed_at) = if mirror.scheme() == "file" {
        (copy(expected, mirror, keep).await?, 0)
    } else {
        let continued = keep.continued(mirror, expected);
        let response = ask(client, mirror, continued.as_ref()).await.map_err(refuse)?;
        let given = judge(mirror, response.status(), response.headers(), continued.as_ref(), expected);
        let given = given.map_err(|why| {
            // A mirror that cannot continue is asked for all of it the next time.
            keep.discard();
            refuse(why)
        })?;
        let writer = keep.begin(mirror, &given, expected)?;
        let most = given.length.or(expected.size);
        let received = receive(response, given.from, most, writer, caller).await?;
        match received.broken {
            None => {}
            Some(why @ (Why::Connection(_) | Why::CutOff { .. })) => {
                keep.leave(received.hasher, received.got);
                return Err(refuse(why));
            }
            Some(why) => {
                keep.discard();
                return Err(refuse(why));
            }
        }
        (received.hasher, given.from)
    };
    let found = hasher.finish();
    if let Err(mismatch) = expected.check(&found) {
        keep.discard();
        let why = if resumed_at > 0 { Why::Spoilt(mismatch) } else { Why::Mismatch(mismatch) };
        return Err(refuse(why));
    }
    keep.complete()?;
    Ok(Fetched { found, from: Some(mirror.clone()), resumed_at })
}

async fn ask(client: &Client, url: &Url, continued: Option<&(Note, u64)>) -> Result<Response, Why> {
    // A file that is packed on the way has other bytes and another length.
    let mut request = client.get(url.clone()).header(ACCEPT_ENCODING, "identity");
    if let Some((note, there)) = continued {
        request = request.header(RANGE, format!("bytes={there}-")).header(IF_RANGE, &note.etag);
    }
    request.send().await.map_err(|error| Why::Connection(connection::said(&error)))
}

/// What was received.
struct Received {
    hasher: Hasher,
    /// In bytes, those of earlier attempts among them.
    got: u64,
    /// Why that is not all.
    broken: Option<Why>,
}

/// Receives the body.
async fn receive(
    mut response: Response,
    from: u64,
    most: Option<u64>,
    writer: Writer,
    caller: &Caller<'_>,
) -> Result<Received, Error> {
    let mut got = from;
    (caller.progress)(got, most);
    let broken = loop {
        match response.chunk().await {
            Ok(Some(piece)) => {
                if got == 0 && begins_as_page(&piece) {
                    break Some(Why::Page);
                }
                let so_far = got + piece.len() as u64;
                if let Some(length) = most.filter(|length| so_far > *length) {
                    break Some(Why::TooLong { length });
                }
                got = so_far;
                (caller.progress)(got, most);
                if !writer.write(piece).await {
                    break None;
                }
            }
            Ok(None) => break most.filter(|length| got < *length).map(|length| Why::CutOff { got, length }),
            Err(error) => {
                let cut_off = most.filter(|length| got < *length).map(|length| Why::CutOff { got, length });
                break cut_off.or_else(|| Some(Why::Connection(connection::said(&error))));
            }
        }
    };
    Ok(Received { hasher: writer.finish().await?, got, broken })
}

/// A file of this machine, as if a mirror had sent it.
async fn copy(expected: &Expected, mirror: &Url, keep: &mut Keep<'_>) -> Result<Hasher, Error> {
    let refuse = |why| Error::Refused(Box::new(Refused { mirror: mirror.clone(), why }));
    let path = mirror
        .to_file_path()
        .map_err(|()| refuse(Why::Connection("it names no file of this machine".into())))?;
    let length = fs::metadata(&path).map_err(|error| refuse(Why::Connection(error.to_string())))?.len();
    if let Some(expected) = expected.size.filter(|size| *size != length) {
        return Err(refuse(Why::WrongLength { expected, length }));
    }
    let writer = keep.begin(mirror, &Given { from: 0, length: Some(length), etag: None }, expected)?;
    writer::copy(&path, &writer).await?;
    writer.finish().await
}
