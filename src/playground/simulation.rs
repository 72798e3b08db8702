//! A world that runs along with a clock: whoever looks at it finds it at the present.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;

use crate::simulator::world::World;

/// The time that the world is to follow. It may run faster than any clock on a wall.
pub type TimeSource = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// A shared world with its clock. Cheap to clone; clones share the world.
#[derive(Clone)]
pub struct Simulation {
    world: Arc<Mutex<World>>,
    time: TimeSource,
}

impl Simulation {
    /// Lets a world follow a clock.
    pub fn new(world: World, time: TimeSource) -> Self {
        Self { world: Arc::new(Mutex::new(world)), time }
    }

    /// Looks at the world, or changes it, at the present.
    pub fn at_present<T>(&self, look: impl FnOnce(&mut World) -> T) -> T {
        let mut world = self.world.lock().unwrap_or_else(PoisonError::into_inner);
        world.advance_to((self.time)());
        look(&mut world)
    }
}

impl fmt::Debug for Simulation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Simulation").finish_non_exhaustive()
    }
}
