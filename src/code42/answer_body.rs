//! What becomes of the bytes of an answer: kept as they are, up to a limit, or read as they come.

/// What becomes of the bytes of a good answer.
pub(super) trait AnswerBody {
    /// Reads on; refuses what is too much.
    fn read(&mut self, piece: &[u8]) -> Result<(), Stopped>;

    /// What was kept.
    fn take(&mut self) -> Vec<u8>;
}

/// An answer that is kept as it is.
pub(super) struct Whole {
    bytes: Vec<u8>,
    limit: u64,
}

impl Whole {
    /// One of so many bytes at most.
    pub(super) fn of_at_most(limit: u64) -> Self {
        Self { bytes: Vec::new(), limit }
    }
}

impl AnswerBody for Whole {
    fn read(&mut self, piece: &[u8]) -> Result<(), Stopped> {
        if self.bytes.len() as u64 + piece.len() as u64 > self.limit {
            return Err(Stopped);
        }
        self.bytes.extend_from_slice(piece);
        Ok(())
    }

    fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.bytes)
    }
}

/// An answer is not read on: it is larger than any of its kind should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stopped;
