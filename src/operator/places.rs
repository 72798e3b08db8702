//! Places for work that goes on side by side, and the queue before them: first come, first served.
//!
//! A place is for work. Whoever waits for an answer that does not come (a webhook, an authority, a node that is gone) does none, so after
//! some time it leaves its place to the next and goes on without one. It is not cut off: what always takes so long would never come
//! to its end. So one that hangs holds up the others for that moment only.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};

use super::clock;

/// A place is kept for at most this long, in real time: far longer than what nothing hinders takes.
pub const KEPT_FOR: Duration = Duration::from_secs(2);

/// So many places.
#[derive(Debug)]
pub struct Places {
    /// A permit goes to whoever has waited longest.
    free: Semaphore,
    kept_for: Duration,
}

/// A place that is held.
pub(super) struct Place<'a> {
    _permit: Option<SemaphorePermit<'a>>,
    kept_for: Duration,
}

impl Places {
    /// So many places (at least one), each kept for at most so long.
    pub fn new(many: u16, kept_for: Duration) -> Self {
        Self { free: Semaphore::new(usize::from(many.max(1))), kept_for }
    }

    /// Waits for a place, then works in it.
    pub async fn take<T>(&self, work: impl Future<Output = T>) -> T {
        self.wait().await.work(work).await
    }

    /// Waits for a place.
    pub(super) async fn wait(&self) -> Place<'_> {
        // Nobody closes it, so that there is always a place to come.
        Place { _permit: self.free.acquire().await.ok(), kept_for: self.kept_for }
    }
}

impl Place<'_> {
    /// Works here, for as long as a place is kept, and then without it.
    pub(super) async fn work<T>(self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        tokio::select! {
            outcome = &mut work => return outcome,
            () = clock::sleep(self.kept_for) => drop(self),
        }
        work.await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use futures::future::{join_all, pending};

    use super::*;

    #[tokio::test]
    async fn who_came_first_is_first() {
        let places = Places::new(2, Duration::from_secs(3_600));
        let order: Arc<Mutex<Vec<usize>>> = Arc::default();
        let work = |number| {
            let order = Arc::clone(&order);
            places.take(async move {
                order.lock().unwrap().push(number);
                tokio::task::yield_now().await;
            })
        };
        join_all((0..100).map(work)).await;
        assert_eq!(*order.lock().unwrap(), (0..100).collect::<Vec<_>>());
    }

    #[tokio::test]
    async fn those_that_hang_leave_their_places() {
        let places = Places::new(2, Duration::from_millis(1));
        let mut hanging = pin!(join_all((0..20).map(|_| places.take(pending::<()>()))));
        let healthy = async {
            tokio::task::yield_now().await;
            join_all((0..20).map(|number| places.take(async move { number }))).await
        };
        let done = tokio::select! {
            _ = &mut hanging => Vec::new(),
            done = healthy => done,
        };
        assert_eq!(done, (0..20).collect::<Vec<_>>());
    }

    #[tokio::test]
    async fn work_without_its_place_comes_to_its_end() {
        let places = Places::new(1, Duration::ZERO);
        let slow = async {
            for _ in 0..100 {
                tokio::task::yield_now().await;
            }
            "done"
        };
        assert_eq!(places.take(slow).await, "done");
    }
}
