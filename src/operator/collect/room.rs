//! Room for rows of devices in the whole operator, so that no environment exhausts it, nor all of them together.
//!
//! Every environment may hold some rows whatever the others do. What it has beyond comes out of a room that all share; a list
//! for which there is none is not read to its end, which its object tells.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Rows that an environment may hold whatever the others do: about a megabyte.
const OWN: usize = 20_000;

/// Rows beyond these that all environments may hold together unless a flag says otherwise, a list that is being read and the one
/// before it both counted. With them the operator stays within the memory that the chart gives it.
pub const SHARED: usize = 2_000_000;

/// Room is taken for so many rows at once.
const BLOCK: usize = 1_000;

/// The room that all environments share.
#[derive(Clone, Debug)]
pub struct Room {
    free: Arc<Semaphore>,
}

impl Room {
    /// Room for so many rows beyond what each may hold anyway.
    pub fn of(rows: usize) -> Self {
        Self { free: Arc::new(Semaphore::new(rows / BLOCK)) }
    }

    /// Room for a list of which nothing is known yet.
    pub fn begin(&self) -> Taken {
        Taken { free: Arc::clone(&self.free), rows: 0, room: OWN, beyond: None }
    }
}

/// What one list takes up, until it is dropped.
#[derive(Debug)]
pub struct Taken {
    free: Arc<Semaphore>,
    rows: usize,
    room: usize,
    beyond: Option<OwnedSemaphorePermit>,
}

/// There is no room for another row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

impl Taken {
    /// Takes room for one row more.
    ///
    /// # Errors
    /// There is none.
    pub fn add(&mut self) -> Result<(), Full> {
        if self.rows == self.room {
            let block = Arc::clone(&self.free).try_acquire_owned().map_err(|_| Full)?;
            match &mut self.beyond {
                Some(blocks) => blocks.merge(block),
                none => *none = Some(block),
            }
            self.room += BLOCK;
        }
        self.rows += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn add(taken: &mut Taken, rows: usize) -> Result<(), Full> {
        (0..rows).try_for_each(|_| taken.add())
    }

    #[test]
    fn what_one_holds_beyond_its_own_the_others_lack_until_it_goes() {
        let room = Room::of(3 * BLOCK);
        let (mut large, mut other) = (room.begin(), room.begin());
        assert_eq!(add(&mut large, OWN + 3 * BLOCK), Ok(()));
        assert_eq!(large.add(), Err(Full));
        assert_eq!(add(&mut other, OWN), Ok(()), "its own it has whatever others do");
        assert_eq!(other.add(), Err(Full));
        drop(large);
        assert_eq!(add(&mut other, 3 * BLOCK), Ok(()));
        assert_eq!(other.add(), Err(Full));
    }
}
