//! Hashing and writing, on a thread of its own beside the one that receives.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::checksums::{Expected, Hasher};
use super::error::Error;

/// How much is read from a disk at once.
const PIECE: usize = 1 << 20;

/// Pieces that wait to be hashed and written: memory stays bounded however fast a mirror is.
const WAITING: usize = 64;

/// What is received goes here.
pub(super) struct Writer {
    pieces: mpsc::Sender<bytes::Bytes>,
    thread: JoinHandle<Result<Hasher, Error>>,
}

impl Writer {
    /// Begins a part anew, or goes on after its last byte, which is hashed again.
    pub(super) fn begin(part: PathBuf, from: u64, expected: &Expected) -> Self {
        let (pieces, mut received) = mpsc::channel::<bytes::Bytes>(WAITING);
        let mut hasher = Hasher::new(expected);
        let thread = tokio::task::spawn_blocking(move || {
            let failed = |verb| {
                let part = part.clone();
                move |source| Error::file(verb, &part, source)
            };
            let mut file = open(&part, from).map_err(failed("written"))?;
            if from > 0 {
                let there = File::open(&part).map_err(failed("read"))?;
                read_all(there, &mut hasher).map_err(failed("read"))?;
            }
            while let Some(piece) = received.blocking_recv() {
                hasher.update(&piece);
                file.write_all(&piece).map_err(failed("written"))?;
            }
            file.sync_all().map_err(failed("written"))?;
            Ok(hasher)
        });
        Self { pieces, thread }
    }

    /// Keeps nothing: what passes is hashed after what passed before.
    pub(super) fn hashing(mut hasher: Hasher) -> Self {
        let (pieces, mut received) = mpsc::channel::<bytes::Bytes>(WAITING);
        let thread = tokio::task::spawn_blocking(move || {
            while let Some(piece) = received.blocking_recv() {
                hasher.update(&piece);
            }
            Ok(hasher)
        });
        Self { pieces, thread }
    }

    /// Hands on a piece; says whether anybody takes it.
    pub(super) async fn write(&self, piece: bytes::Bytes) -> bool {
        self.pieces.send(piece).await.is_ok()
    }

    /// Everything is written and on the disk.
    pub(super) async fn finish(self) -> Result<Hasher, Error> {
        drop(self.pieces);
        self.thread.await.map_err(|error| Error::Client(error.to_string()))?
    }
}

fn open(part: &Path, from: u64) -> io::Result<File> {
    let mut options = OpenOptions::new();
    if from > 0 { options.append(true) } else { options.write(true).create(true).truncate(true) }.open(part)
}

/// Hashes a file from its first byte to its last.
pub(super) fn read_all(mut file: File, hasher: &mut Hasher) -> io::Result<()> {
    let mut piece = vec![0; PIECE];
    loop {
        match file.read(&mut piece)? {
            0 => return Ok(()),
            read => hasher.update(&piece[..read]),
        }
    }
}

/// Copies a file of this machine, as if a mirror had sent it.
pub(super) async fn copy(from: &Path, writer: &Writer) -> Result<(), Error> {
    let path = from.to_owned();
    let mut file = tokio::fs::File::open(&path).await.map_err(|source| Error::file("read", &path, source))?;
    loop {
        let mut piece = vec![0; PIECE];
        let read = tokio::io::AsyncReadExt::read(&mut file, &mut piece)
            .await
            .map_err(|source| Error::file("read", &path, source))?;
        if read == 0 {
            return Ok(());
        }
        piece.truncate(read);
        if !writer.write(piece.into()).await {
            return Ok(());
        }
    }
}
